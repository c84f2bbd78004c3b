"""The ledger: scores of every model, period and bucket, as tables that later steps add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.evaluation.scores import N_GRID, Scores
from lydite.models.landmarks import N_BUCKETS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.engine import DuckDBEngine
    from lydite.evaluation.calendar import Calendar

_SUMS = ("landmarks", "conversions", "log_loss", "brier")
_GRID = ("grid_landmarks", "grid_conversions", "grid_forecast")


def write_scores(
    engine: DuckDBEngine,
    outcome: str,
    model: str,
    fingerprint: str,
    calendar: Calendar,
    scores: Scores,
) -> None:
    """Write the scores of one model, in place of what it had for this outcome before.

    ``ledger.scores`` has a row per period and bucket, ``ledger.forecasts`` a row per period and
    bin of the forecast.
    """
    head = {"outcome": outcome, "model": model, "fingerprint": fingerprint}
    _replace(engine, "ledger.scores", head, _long(scores, _SUMS, "bucket", calendar))
    _replace(engine, "ledger.forecasts", head, _long(scores, _GRID, "bin", calendar))


def _long(scores: Scores, columns: tuple[str, ...], key: str, calendar: Calendar) -> pl.DataFrame:
    first: NDArray[np.float64] = getattr(scores, columns[0])
    period, place = np.nonzero(first)
    return pl.DataFrame(
        {
            "period_start": calendar.starts[period],
            key: place.astype(np.int16),
            **{name: getattr(scores, name)[period, place] for name in columns},
        }
    )


def _replace(engine: DuckDBEngine, table: str, head: dict[str, str], rows: pl.DataFrame) -> None:
    if engine.exists(table):
        engine.run(
            f"delete from {table} where outcome = $outcome and model = $model",
            head,
        )
    rows = rows.select(*(pl.lit(value).alias(name) for name, value in head.items()), pl.all())
    with engine.registered(rows) as frame:
        engine.append(table, f"from {frame}")


def read_scores(engine: DuckDBEngine, outcome: str, calendar: Calendar) -> dict[str, Scores]:
    """Return the scores of all models of one outcome, by name."""
    periods = len(calendar)
    sums = _wide(engine, "ledger.scores", outcome, calendar, "bucket", _SUMS, N_BUCKETS)
    grid = _wide(engine, "ledger.forecasts", outcome, calendar, "bin", _GRID, N_GRID)
    empty = {name: np.zeros((periods, N_GRID)) for name in _GRID}
    return {model: Scores(**columns, **grid.get(model, empty)) for model, columns in sums.items()}


def _wide(
    engine: DuckDBEngine,
    table: str,
    outcome: str,
    calendar: Calendar,
    key: str,
    columns: tuple[str, ...],
    width: int,
) -> dict[str, dict[str, NDArray[np.float64]]]:
    rows = engine.frame(
        f"select * from {table} where outcome = $outcome",
        {"outcome": outcome},
    )
    result = {}
    known = rows["period_start"].is_in(pl.Series(calendar.starts).implode())
    rows = rows.filter(known)
    for (model,), part in rows.partition_by("model", as_dict=True, maintain_order=True).items():
        starts = part["period_start"].to_numpy().astype("datetime64[us]")
        period = np.searchsorted(calendar.starts, starts)
        place = part[key].to_numpy()
        wide = {name: np.zeros((len(calendar), width)) for name in columns}
        for name in columns:
            wide[name][period, place] = part[name].to_numpy()
        result[str(model)] = wide
    return result
