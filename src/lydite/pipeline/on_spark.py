"""What DuckDB alone has: on Spark it is refused before anything is read, with one message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.errors import InputError
from lydite.journeys import erasure
from lydite.pipeline import lookbacks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from lydite.settings import Settings


def refuse_on_spark(settings: Settings, tables: Collection[str] = ()) -> None:
    """Raise an error if a run on Spark would need what DuckDB alone has.

    Parameters
    ----------
    settings
        The settings of the project.
    tables
        Names of the input tables that are given, in addition to those of the settings.

    Raises
    ------
    InputError
        The message has a line for each setting and table: what to do on Spark.
    """
    found = list(_needs_duckdb(settings, {*tables, *settings.sources.present()}))
    if found:
        raise InputError("\n".join(found))


def _needs_duckdb(settings: Settings, tables: Collection[str]) -> Iterator[str]:
    if settings.evaluation.other_lookbacks:
        yield lookbacks.NOT_ON_SPARK
    if "erasures" in tables:
        yield erasure.NOT_ON_SPARK
