"""A record of every run: when it was, and what its figures depend on."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

if TYPE_CHECKING:
    from lydite.engine import DuckDBEngine, Engine
    from lydite.settings import EvaluationSettings

TABLE = "evaluation.runs"
_SCHEMA: dict[str, Any] = {
    "run_id": pl.String,
    "finished_at": pl.Datetime("us"),
    "lydite_version": pl.String,
    "duckdb_version": pl.String,
    "alpha": pl.Float64,
    "primary_models": pl.String,
    "lookbacks": pl.String,
    "settings": pl.String,
    "touchpoints": pl.Int64,
    "conversions": pl.Int64,
    "users": pl.Int64,
    "first_touch": pl.Datetime("us"),
    "last_touch": pl.Datetime("us"),
}
_SIZES = """
select
    (select count(*) from journeys.touches) as touchpoints,
    (select count(*) from inputs.conversions) as conversions,
    (select count(*) from journeys.users) as users,
    (select min(touched_at) from journeys.touches) as first_touch,
    (select max(touched_at) from journeys.touches) as last_touch
"""


def record_run(engine: Engine, evaluation: EvaluationSettings, run_id: str | None = None) -> None:
    """Append a row to ``evaluation.runs``; a run that is recorded again replaces its row.

    Parameters
    ----------
    engine
        Holds the journeys.
    evaluation
        The settings that the verdicts depend on.
    run_id
        Id of the run; a new one when None.
    """
    [sizes] = engine.rows(_SIZES)
    local = engine.local
    lookbacks = dict(local.rows("select outcome, lookback from evaluation.outcomes order by 1"))
    row = (
        run_id or str(uuid.uuid4()),
        datetime.now(UTC).replace(tzinfo=None),
        lydite_version(),
        duckdb.__version__,
        evaluation.alpha,
        ", ".join(evaluation.primary),
        json.dumps(lookbacks, ensure_ascii=False),
        evaluation.model_dump_json(),
        *sizes,
    )
    if local.exists(TABLE):
        local.run(f"delete from {TABLE} where run_id = $run_id", {"run_id": row[0]})
    with local.registered(pl.DataFrame([row], schema=_SCHEMA, orient="row")) as frame:
        local.append(TABLE, f"from {frame}")


def add_missing_columns(engine: DuckDBEngine) -> None:
    """Add the columns that a table of an earlier version lacks; its rows have none in them."""
    if not engine.exists(TABLE):
        return
    with engine.registered(pl.DataFrame(schema=_SCHEMA)) as frame:
        for name, kind in engine.columns(frame).items():
            if name not in engine.columns(TABLE):
                engine.run(f"alter table {TABLE} add column {name} {kind}")


def lydite_version() -> str:
    """Return the version of the installed package."""
    try:
        return version("lydite")
    except PackageNotFoundError:  # sources that are not installed
        return "unknown"
