"""Settings: `lydite.toml` read into types; every mistake names its place and the mend."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from lydite.durations import parse_duration
from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def _parse_lookback(value: object) -> timedelta:
    if not isinstance(value, str | timedelta):
        raise ValueError('write it in quotes, with a unit: "12h", "30d" or "4w"')  # noqa: TRY004
    try:
        return parse_duration(value)
    except InputError as error:
        raise ValueError(str(error)) from error


Lookback = Annotated[timedelta, BeforeValidator(_parse_lookback)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceSettings(_Section):
    """Where the input tables come from: a .sql file, or Parquet, CSV or JSON files."""

    touchpoints: str
    conversions: str
    spend: str | None = None
    users: str | None = None

    def present(self) -> dict[str, str]:
        """Return the sources that are given, by table."""
        return {name: source for name, source in self if source is not None}


class StorageSettings(_Section):
    """Where results go; paths are relative to the settings file."""

    warehouse: Path = Path("var/warehouse.duckdb")
    published: Path = Path("var/attribution.duckdb")
    report: Path = Path("var/report.html")


class EngineSettings(_Section):
    """Where the rows are worked on, and what that may use; its own choice where nothing is said.

    Attributes
    ----------
    name
        ``"spark"`` where the rows are too many for one machine.
    threads, memory_limit
        Of DuckDB, which holds the sample, the scores and the marts in either case.
    spark
        Settings of the Spark session, such as ``"spark.master"``.
    """

    name: Literal["duckdb", "spark"] = "duckdb"
    threads: Annotated[int, Field(ge=1)] | None = None
    memory_limit: str | None = None
    spark: dict[str, str] = {}


class QualitySettings(_Section):
    """How much bad input is tolerated."""

    max_quarantined_share: Annotated[float, Field(ge=0, le=1)] = 0.01


class EvaluationSettings(_Section):
    """How rivals are judged; declared before the data is seen."""

    lookback: Lookback = timedelta(days=30)
    period: Literal["day", "week", "month"] = "week"
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    worthwhile: Annotated[float, Field(gt=0, lt=1)] = 0.005
    max_landmarks: Annotated[int, Field(ge=1000)] = 5_000_000
    seed: Annotated[int, Field(ge=0)] = 0


class OutcomeSettings(_Section):
    """One outcome, where it needs a lookback of its own."""

    lookback: Lookback


def _as_model(entry: object) -> object:
    return {"name": entry} if isinstance(entry, str) else entry


class ModelSettings(_Section):
    """One rival: a model by its name, or a rule of one's own.

    Attributes
    ----------
    name
        Name of a model, or a new one for the rule.
    rule
        SQL expression of a touch's weight over `lydite.models.PATH_COLUMNS`.
    claim
        The rule's hypothesis, which completes "what decides is ...".
    """

    name: str
    rule: str | None = None
    claim: str | None = None


def _no_model_twice(models: tuple[ModelSettings, ...]) -> tuple[ModelSettings, ...]:
    names = [model.name for model in models]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise PydanticCustomError(
                "twice", "model '{name}' is named twice; remove one", {"name": name, "place": i}
            )
    return models


class Settings(_Section):
    """All settings of a project.

    Attributes
    ----------
    outcomes
        The outcomes to judge, by name; all that the data holds where none is named.
    models
        The rivals to compare. Where none but rules of one's own are named, they join all others.
    """

    sources: SourceSettings
    storage: StorageSettings = StorageSettings()
    engine: EngineSettings = EngineSettings()
    quality: QualitySettings = QualitySettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    outcomes: dict[str, OutcomeSettings] = {}
    models: Annotated[
        tuple[Annotated[ModelSettings, BeforeValidator(_as_model)], ...],
        AfterValidator(_no_model_twice),
    ] = ()

    @property
    def chooses_models(self) -> bool:
        """Whether the rivals were chosen by name; all run where they were not."""
        return any(entry.rule is None for entry in self.models)

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
            name: self.outcomes[name].lookback if name in self.outcomes else default
            for name in self.outcomes or available
        }


_TWO_LISTS = (
    '. Name the models either in `models = [...]`, where a rule is {name = "...", rule = "..."},'
    " or in [[models]] tables, not in both"
)


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
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: save it as UTF-8 ({error})") from error
    except OSError as error:
        raise InputError(f"the settings file {path} cannot be read: {error}") from error
    try:
        return Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        hint = (
            _TWO_LISTS
            if "[[models]]" in text and re.search(r"^models\s*=", text, re.MULTILINE)
            else ""
        )
        raise InputError(f"{path} is no TOML: {error}{hint}") from error
    except ValidationError as error:
        raise InputError(_explain(path, text, error)) from error


def make_settings(
    lookback: str,
    period: str,
    outcomes: Sequence[str] | None,
    alpha: float,
    seed: int,
) -> Settings:
    """Return settings for one trial without a settings file.

    Raises
    ------
    InputError
        When one of them is out of range.
    """
    try:
        evaluation = EvaluationSettings.model_validate(
            {"lookback": lookback, "period": period, "alpha": alpha, "seed": seed}
        )
        return Settings(
            sources=SourceSettings(touchpoints="", conversions=""),
            evaluation=evaluation,
            outcomes=dict.fromkeys(outcomes or (), OutcomeSettings(lookback=evaluation.lookback)),
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = str(first["loc"][-1]) if first["loc"] else "settings"
        what = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{place}: {what} (given: {first['input']!r})") from error


def _explain(path: Path, text: str, error: ValidationError) -> str:
    """Say of every mistake where it is and what is wrong."""
    problems = []
    for mistake in error.errors():
        place = [str(part) for part in mistake["loc"]]
        given, what = mistake["input"], mistake["msg"].removeprefix("Value error, ")
        match mistake["type"]:
            case "extra_forbidden":
                what = "there is no such setting; remove it or mend its name"
            case "missing":
                what = "this setting is required; add it"
            case "twice":
                given = mistake["ctx"]["name"]
                place.append(str(mistake["ctx"]["place"]))
        line = _line_of(text, place, given)
        where = f"{path}, line {line}" if line else str(path)
        problems.append(f"{where}: {_setting(place)}{_given(given)}: {what}")
    return "\n".join(problems)


def _setting(place: list[str]) -> str:
    """Name a setting; places in a list count from 1."""
    parts = [f"{int(part) + 1}" if part.isdigit() else part for part in place]
    return ".".join(parts)


def _given(value: Any) -> str:  # noqa: ANN401
    return f" = {value!r}" if isinstance(value, str | int | float | bool) else ""


_TABLE = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]")
_SETTING = re.compile(r"\s*([\w\-.\"']+)\s*=")


def _line_of(text: str, place: list[str], given: object) -> int | None:
    """Return the line of a setting, else that of the table or list in which it stands or lacks."""
    lines = _places(text)
    known = next((n for n in range(len(place), 0, -1) if tuple(place[:n]) in lines), None)
    if known is None:
        return None
    number = lines[tuple(place[:known])]
    if known == len(place) or not isinstance(given, str):
        return number
    # An entry of a list that goes over several lines: the last of equal ones, which is the one
    # too many where there are two.
    end = min((n for n in lines.values() if n > number), default=len(text.splitlines()) + 1)
    entries = enumerate(text.splitlines()[number - 1 : end - 1], start=number)
    quoted = (f'"{given}"', f"'{given}'")
    found = [n for n, line in entries if any(q in line.partition("#")[0] for q in quoted)]
    return found[-1] if found else number


def _places(text: str) -> dict[tuple[str, ...], int]:
    """Return the line of every table and setting, by its place in the settings."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    repeated: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _TABLE.match(line):
            table = _parts(header[2])
            if header[1] == "[[":
                nth = repeated[table] = repeated.get(table, -1) + 1
                lines.setdefault(table, number)
                table = (*table, str(nth))
            lines[table] = number
        elif setting := _SETTING.match(line):
            lines[(*table, *_parts(setting[1]))] = number
    return lines


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in name.split("."))
