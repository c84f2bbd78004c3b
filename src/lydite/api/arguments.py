"""Arguments that several functions have: input tables, and the engine that reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from lydite.engine import SparkEngine, open_temporary_engine
from lydite.errors import InputError
from lydite.settings import EngineSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pyspark.sql

    from lydite.engine import Engine
    from lydite.inputs import Source
    from lydite.models import Model

    #: Sources that are no frames of this process: their results are pandas frames.
    Outside: TypeAlias = str | Path | pyspark.sql.DataFrame
    Models: TypeAlias = str | Model | Sequence[str | Model] | None


def given_sources(**sources: Source | None) -> dict[str, Source]:
    """Return the sources that are given, by table."""
    return {name: source for name, source in sources.items() if source is not None}


def refuse_with_paths(sources: Mapping[str, Source], cluster: str | None, unit: str | None) -> None:
    """Refuse arguments that a path table cannot be combined with.

    Raises
    ------
    InputError
        When other sources are given, or something about users.
    """
    if sources:
        raise InputError(
            f"paths and {next(iter(sources))} cannot be combined: leave one of them out"
        )
    if cluster is not None:
        raise InputError("cluster is for users: leave it out")
    if unit not in {None, "user"}:
        raise InputError("unit is for users: leave it out")


def refuse_several_lookbacks(lookback: object, why: str) -> None:
    """Refuse a list of lookbacks where one is expected.

    Raises
    ------
    InputError
        When there are several; the message ends with `why`.
    """
    if lookback is not None and not isinstance(lookback, str) and len(list(lookback)) > 1:  # type: ignore[call-overload]
        raise InputError(f"only lydite.compare takes several lookbacks: {why}")


def open_engine(sources: Mapping[str, Source]) -> AbstractContextManager[Engine]:
    """Return the engine for the sources: the session of the touchpoints if they are in Spark."""
    session = getattr(sources["touchpoints"], "sparkSession", None)
    if session is not None:
        return SparkEngine(session)
    return open_temporary_engine(EngineSettings(), sources.values())
