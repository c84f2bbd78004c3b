"""Scores models against the ledger: what has no scores yet, and what is known otherwise by now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from lydite.evaluation import ledger
from lydite.evaluation.backtest import backtest_segments
from lydite.evaluation.ceiling import METHOD, ceiling_scores, scored_by_ceiling
from lydite.evaluation.ceiling import NAME as CEILING
from lydite.evaluation.parallel import estimated_effort

if TYPE_CHECKING:
    from collections.abc import Sequence

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
) -> None:
    """Walk models forward over one outcome, side by side, and write their scores to the ledger.

    Only periods that have no scores yet are forecast, and those of which other data is known by
    now: these are written beside the first scores, not in their place.
    """
    ledger.check_columns(engine)
    models = sorted(models, key=estimated_effort, reverse=True)
    definitions = {
        model.name: ledger.score_fingerprint(model.fingerprint, calendar) for model in models
    }
    due = ledger.pending_entries(engine, outcome, definitions, calendar, split)

    def walk(model: Model, own: ledger.Entry) -> ledger.Entry:
        wanted = own.to_score.any()
        return (
            replace(own, scores=backtest_segments(model, split.with_test_periods(own.to_score)))
            if wanted
            else own
        )

    scored: list[ledger.Entry] = []
    try:
        # The matrices are small: more threads of BLAS would wait for each other, not work.
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(engine.threads) as pool:
            scored.extend(pool.map(walk, models, due))
    finally:  # at once: a statement between the walks waits for them, and they for it
        ledger.write(engine, calendar, scored)


def score_ceiling(
    engine: DuckDBEngine,
    outcome: str,
    rivals: Sequence[Model],
    calendar: Calendar,
    split: Split,
    seed: int,
) -> None:
    """Walk the ceiling forward over one outcome and write its scores to the ledger."""
    ledger.check_columns(engine)
    seen, split = ceiling_fingerprint(rivals, seed), scored_by_ceiling(split)
    own = {CEILING: ledger.score_fingerprint(seen, calendar)}
    [due] = ledger.pending_entries(engine, outcome, own, calendar, split)
    if due.to_score.any():
        with threadpool_limits(1):  # trees of threads wait for each other on a busy machine
            scores = ceiling_scores(
                rivals, split.with_test_periods(due.to_score), seed, engine.threads
            )
        due = replace(due, scores=scores)
    ledger.write(engine, calendar, [due])


def ceiling_fingerprint(rivals: Sequence[Model], seed: int) -> str:
    """Return the fingerprint of the ceiling, which sees the forecasts of all rivals."""
    return " ".join([str(METHOD), str(seed), *(model.fingerprint for model in rivals)])
