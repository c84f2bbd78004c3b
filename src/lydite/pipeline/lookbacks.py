"""The comparison with other lookbacks than the main one, in a separate database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from lydite.durations import format_duration
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.evaluation.error_budget import split_by_lookback
from lydite.pipeline.evaluate import evaluate_models
from lydite.pipeline.marts import LOOKBACK_MARTS, other_rows
from lydite.pipeline.outcomes import build_journeys_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lydite.engine import Engine
    from lydite.models import Model
    from lydite.settings import Settings

NOT_ON_SPARK = "other_lookbacks need DuckDB: run each lookback alone on Spark"
#: Tables that the steps write to are copied; of the others, views are enough.
_COPIED = ("inputs.report", "ledger.%", "quality.timezone", "quality.zones")
_READ = ("inputs.%", "quarantine.%")
_TABLES = """
select schema_name || '.' || table_name
from duckdb_tables()
where database_name = current_database() and schema_name || '.' || table_name like $pattern
order by 1
"""


def refuse_other_lookbacks(engine: Engine, settings: Settings) -> None:
    """Refuse several lookbacks on another engine than DuckDB.

    Raises
    ------
    InputError
        When there are `other_lookbacks`, and the engine is not DuckDB.
    """
    if settings.evaluation.other_lookbacks and not isinstance(engine, DuckDBEngine):
        raise InputError(NOT_ON_SPARK)


def compare_lookbacks(
    engine: Engine,
    models: Sequence[Model],
    settings: Settings,
    progress: Callable[[str], None] | None = None,
) -> None:
    """Compare the models with the `other_lookbacks` of the settings too.

    The journeys, samples and credit of another lookback are built in a database that is deleted
    afterwards. Its scores join the ledger. The tables ``evaluation.other_...`` keep the rows of
    the marts `LOOKBACK_MARTS`.

    Parameters
    ----------
    engine
        Holds the input tables.
    models
        The models to compare.
    settings
        The settings of the project.
    progress
        Called with a description of each step before it starts.

    Raises
    ------
    InputError
        When there are other lookbacks, and the engine is not DuckDB.
    """
    for name in LOOKBACK_MARTS:
        engine.local.drop(other_rows(name))
    others = settings.evaluation.other_lookbacks
    if not others:
        return
    refuse_other_lookbacks(engine, settings)
    local = engine.local  # the engine itself
    found: dict[str, list[pl.DataFrame]] = {name: [] for name in LOOKBACK_MARTS}
    for lookback in others:
        shown = format_duration(lookback)
        own = settings.with_lookback(lookback)
        _, alpha = split_by_lookback(settings.evaluation.alpha, len(others))
        judged = own.evaluation.model_copy(update={"alpha": alpha})

        def say(step: str, shown: str = shown) -> None:
            if progress is not None:
                progress(f"lookback {shown}: {step}")

        with local.scratch_database() as scratch:
            _copy_tables(local, scratch)
            with local.use_database(scratch):
                say("building journeys")
                build_journeys_of(local, own)
                evaluate_models(local, models, judged, say, intervals=False)
                for name in LOOKBACK_MARTS:
                    found[name].append(local.frame(f"evaluation/{name}"))
            _keep_scores(local, scratch)
    for name, frames in found.items():
        local.store(other_rows(name), pl.concat(frames))


def _copy_tables(engine: DuckDBEngine, scratch: str) -> None:
    """Make the tables that the steps read available in `scratch`."""
    copied = [t for pattern in _COPIED for (t,) in engine.rows(_TABLES, {"pattern": pattern})]
    read = [t for pattern in _READ for (t,) in engine.rows(_TABLES, {"pattern": pattern})]
    with engine.use_database(scratch) as main:
        for table in copied:
            engine.create(table, f"from {main}.{table}")
        for table in read:
            if table not in copied:
                engine.create_view(table, f"from {main}.{table}")


def _keep_scores(engine: DuckDBEngine, scratch: str) -> None:
    """Replace the ledger by that of `scratch`, which has all its rows and new ones."""
    with engine.use_database(scratch):
        now = [table for (table,) in engine.rows(_TABLES, {"pattern": "ledger.%"})]
    with engine.transaction():
        for table in now:
            engine.create(table, f"from {scratch}.{table}")
