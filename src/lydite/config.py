"""Settings: `lydite.toml` read into types; every mistake names its place and the mend."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from lydite.errors import InputError
from lydite.journeys import parse_lookback

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta


def _readable_lookback(text: str) -> str:
    try:
        parse_lookback(text)
    except InputError as error:
        raise ValueError(str(error)) from error
    return text


def _known_model(name: str) -> str:
    from lydite.models import make_model  # noqa: PLC0415  (imports scikit-learn: only when asked)

    try:
        make_model(name)
    except InputError as error:
        raise ValueError(str(error)) from error
    return name


Lookback = Annotated[str, AfterValidator(_readable_lookback)]
ModelName = Annotated[str, AfterValidator(_known_model)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sources(_Section):
    """Where the input tables come from: a .sql file, or Parquet, CSV or JSON files."""

    touchpoints: str
    conversions: str
    spend: str | None = None
    users: str | None = None

    def present(self) -> dict[str, str]:
        """Return the sources that are given, by table."""
        return {name: source for name, source in self if source is not None}


class Storage(_Section):
    """Where results go; paths are relative to the settings file."""

    warehouse: Path = Path("var/warehouse.duckdb")
    published: Path = Path("var/attribution.duckdb")
    report: Path = Path("var/report.html")


class Engine(_Section):
    """What DuckDB may use; its own choice where nothing is said."""

    threads: Annotated[int, Field(ge=1)] | None = None
    memory_limit: str | None = None


class Quality(_Section):
    """How much bad input is tolerated."""

    max_quarantined_share: Annotated[float, Field(ge=0, le=1)] = 0.01


class Evaluation(_Section):
    """How rivals are judged; declared before the data is seen."""

    lookback: Lookback = "30d"
    period: Literal["day", "week", "month"] = "week"
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    worthwhile: Annotated[float, Field(gt=0, lt=1)] = 0.005
    max_landmarks: Annotated[int, Field(ge=1000)] = 5_000_000
    seed: Annotated[int, Field(ge=0)] = 0


class Outcome(_Section):
    """One outcome, where it needs a lookback of its own."""

    lookback: Lookback


def _as_model(entry: object) -> object:
    return {"name": entry} if isinstance(entry, str) else entry


class ModelEntry(_Section):
    """One rival."""

    name: ModelName


class Settings(_Section):
    """All settings of a project.

    Attributes
    ----------
    outcomes
        The outcomes to judge, by name; all that the data holds where none is named.
    models
        The rivals to compare; all where none is named.
    """

    sources: Sources
    storage: Storage = Storage()
    engine: Engine = Engine()
    quality: Quality = Quality()
    evaluation: Evaluation = Evaluation()
    outcomes: dict[str, Outcome] = {}
    models: tuple[Annotated[ModelEntry, BeforeValidator(_as_model)], ...] = ()

    @model_validator(mode="after")
    def _no_model_twice(self) -> Self:
        names = [model.name for model in self.models]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"model {twice[0]!r} is named twice; remove one")
        return self

    def model_names(self) -> list[str]:
        """Return the names of the rivals to compare."""
        from lydite.models import DEFAULT_MODELS  # noqa: PLC0415

        return [model.name for model in self.models] or list(DEFAULT_MODELS)

    def lookbacks(self, found: Iterable[str]) -> dict[str, timedelta]:
        """Return the lookback of every outcome to judge.

        Parameters
        ----------
        found
            The outcomes that the data holds.

        Raises
        ------
        InputError
            When an outcome is named that the data does not hold.
        """
        available = list(found)
        for name in self.outcomes:
            if name not in available:
                raise InputError(
                    f"there is no outcome {name!r} in the conversions;"
                    f" they hold: {', '.join(available)}"
                )
        default = self.evaluation.lookback
        return {
            name: parse_lookback(self.outcomes[name].lookback if name in self.outcomes else default)
            for name in self.outcomes or available
        }


def load_settings(path: str | Path = "lydite.toml") -> Settings:
    """Read a settings file.

    Raises
    ------
    InputError
        When there is no such file, it is no TOML, or a setting is wrong; the message names the
        line.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"there is no settings file {path}") from error
    try:
        return Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is no TOML: {error}") from error
    except ValidationError as error:
        raise InputError(_explain(path, text, error)) from error


def _explain(path: Path, text: str, error: ValidationError) -> str:
    """Say of every mistake where it is and what is wrong."""
    problems = []
    for mistake in error.errors():
        place = [str(part) for part in mistake["loc"]]
        line = _line_of(text, place)
        where = f"{path}, line {line}" if line else str(path)
        what = mistake["msg"].removeprefix("Value error, ")
        if mistake["type"] == "extra_forbidden":
            what = "there is no such setting; remove it or mend its name"
        elif mistake["type"] == "missing":
            what = "this setting is required; add it"
        given = _given(mistake["input"])
        problems.append(f"{where}: {'.'.join(place)}{given}: {what}")
    return "\n".join(problems)


def _given(value: Any) -> str:  # noqa: ANN401
    return f" = {value!r}" if isinstance(value, str | int | float | bool) else ""


def _line_of(text: str, place: list[str]) -> int | None:
    """Return the line on which a setting stands: its own, else that of its table."""
    keys = [part for part in place if not part.isdigit()]
    nth = next((int(part) for part in place if part.isdigit()), 0)
    table, best, seen = "", None, -1
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
        if header:
            table = header[1].replace('"', "")
            seen += table == keys[0]
            if table in (keys[0], ".".join(keys[:2])) and seen in (-1, nth):
                best = best or number
        name = re.match(r"\s*\"?([\w-]+)\"?\s*=", line)
        if name and keys and name[1] == keys[-1]:
            inside = table == ".".join(keys[:-1]) or (table == keys[0] and seen == nth)
            if inside:
                return number
    return best
