"""What DuckDB alone has: on Spark it is refused before anything is read, with one message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.errors import InputError
from lydite.journeys import erasure, interactions
from lydite.pipeline import lookbacks
from lydite.timezones import UTC

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
    if settings.timezone not in {None, UTC}:
        yield (
            f"timezone = {settings.timezone!r} needs the engine duckdb: with Spark, days are of"
            " UTC, and times without a zone are UTC. Leave it out, and convert the times in the"
            " source"
        )
    if _has_interactions(settings):
        yield interactions.NOT_ON_SPARK
    if settings.evaluation.other_lookbacks:
        yield lookbacks.NOT_ON_SPARK
    if "erasures" in tables:
        yield erasure.NOT_ON_SPARK
    for name in ("mapping", "exclude_referrals"):
        if getattr(settings.channels, name):
            yield (
                f"channels.{name} needs the engine duckdb: name the channels before, in a column"
                " `channel` of the tables that Spark reads"
            )


def _has_interactions(settings: Settings) -> bool:
    """Return whether any path depends on kinds of contacts, or leaves channels out."""
    of_all = settings.evaluation
    return bool(of_all.lookback_by_interaction or of_all.click_priority) or any(
        own.lookback_by_interaction
        or own.click_priority
        or own.exclude_channels
        or own.merge_channels
        for own in settings.outcomes.values()
    )
