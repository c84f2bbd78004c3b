"""Brings the ledger up to date: backtests models over the periods it lacks, and writes the scores.

`backtest` computes scores and knows no tables; `ledger` stores them and knows no models.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from lydite.evaluation import ledger
from lydite.evaluation.backtest import backtest_segments
from lydite.evaluation.ceiling import METHOD, ceiling_scores
from lydite.evaluation.ceiling import NAME as CEILING
from lydite.evaluation.parallel import estimated_effort
from lydite.evaluation.rival_forecasts import RivalForecasts, scored_by_ceiling
from lydite.journeys.clusters import resampling_unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.engine import DuckDBEngine
    from lydite.evaluation.calendar import Calendar
    from lydite.evaluation.splits import Split
    from lydite.models import Model


def score_models(
    engine: DuckDBEngine,
    outcome: str,
    models: Sequence[Model],
    calendar: Calendar,
    split: Split,
) -> dict[str, RivalForecasts]:
    """Backtest models on one outcome in parallel, and write their scores to the ledger.

    Only periods without scores are forecast, and periods whose data has changed since. The scores
    of changed periods are stored separately; the first scores stay.

    Returns
    -------
    The forecasts that `score_ceiling` needs, by model.
    """
    ledger.check_columns(engine)
    models = sorted(models, key=estimated_effort, reverse=True)
    cluster = resampling_unit(engine)
    fingerprints = {
        model.name: ledger.score_fingerprint(model.fingerprint, calendar, cluster)
        for model in models
    }
    entries = ledger.pending_entries(engine, outcome, fingerprints, calendar, split)

    yardstick, kept = scored_by_ceiling(split), dict[str, RivalForecasts]()

    def scored(model: Model, entry: ledger.Entry) -> ledger.Entry:
        if not entry.to_score.any():
            return entry
        pending = split.with_test_periods(entry.to_score)
        if not model.is_baseline:
            kept[model.name] = RivalForecasts.of(yardstick.with_test_periods(entry.to_score))
        return replace(entry, scores=backtest_segments(model, pending, kept.get(model.name)))

    finished: list[ledger.Entry] = []
    try:
        # The matrices are small: with more BLAS threads they would wait for each other.
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(engine.threads) as pool:
            finished.extend(pool.map(scored, models, entries))
    finally:  # Write once, after all backtests: a statement between them would block the threads.
        ledger.write(engine, calendar, finished)
    return kept


def score_ceiling(
    engine: DuckDBEngine,
    outcome: str,
    rivals: Sequence[Model],
    calendar: Calendar,
    split: Split,
    seed: int,
    kept: Mapping[str, RivalForecasts] | None = None,
) -> None:
    """Backtest the ceiling on one outcome, and write its scores to the ledger.

    `kept` are the forecasts of rivals that `score_models` has returned.
    """
    ledger.check_columns(engine)
    split = scored_by_ceiling(split)
    fingerprint = ledger.score_fingerprint(
        ceiling_fingerprint(rivals, seed), calendar, resampling_unit(engine)
    )
    [entry] = ledger.pending_entries(engine, outcome, {CEILING: fingerprint}, calendar, split)
    if entry.to_score.any():
        pending = split.with_test_periods(entry.to_score)
        scores = ceiling_scores(rivals, pending, seed, engine.threads, kept)
        entry = replace(entry, scores=scores)
    ledger.write(engine, calendar, [entry])


def ceiling_fingerprint(rivals: Sequence[Model], seed: int) -> str:
    """Return the fingerprint of the ceiling, which combines the forecasts of all rivals."""
    return " ".join([str(METHOD), str(seed), *(model.fingerprint for model in rivals)])
