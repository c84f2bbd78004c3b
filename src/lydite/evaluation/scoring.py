"""Scores models against the ledger: what has no scores yet, and what is known otherwise by now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from lydite.evaluation import ledger
from lydite.evaluation.ceiling import NAME as CEILING
from lydite.evaluation.ceiling import ceiling_scores, scored_by_ceiling
from lydite.evaluation.side_by_side import effort_of
from lydite.evaluation.walk_forward import walk_slices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from lydite.engine import DuckDBEngine
    from lydite.evaluation.calendar import Calendar
    from lydite.evaluation.scores import Scores
    from lydite.evaluation.split import Trial
    from lydite.models import Model


def score_models(
    engine: DuckDBEngine,
    outcome: str,
    models: Sequence[Model],
    calendar: Calendar,
    trial: Trial,
) -> None:
    """Walk models forward over one outcome, side by side, and write their scores to the ledger.

    Only periods that have no scores yet are forecast, and those of which other data is known by
    now: these are written beside the first scores, not in their place.
    """
    ledger.refuse_other_columns(engine)
    models = sorted(models, key=effort_of, reverse=True)
    due = [
        _Due.of(engine, outcome, model.name, model.fingerprint, calendar, trial) for model in models
    ]

    def walk(model: Model, own: _Due) -> dict[str, Scores]:
        return walk_slices(model, trial.only(own.wanted)) if own.wanted.any() else {}

    # The matrices are small: more threads of BLAS would wait for each other, not work.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(engine.threads) as pool:
        for own, scores in zip(due, pool.map(walk, models, due), strict=True):
            own.write(engine, calendar, scores)


def score_ceiling(
    engine: DuckDBEngine,
    outcome: str,
    rivals: Sequence[Model],
    calendar: Calendar,
    trial: Trial,
    seed: int,
) -> None:
    """Walk the ceiling forward over one outcome and write its scores to the ledger."""
    ledger.refuse_other_columns(engine)
    seen, trial = seen_by_ceiling(rivals, seed), scored_by_ceiling(trial)
    due = _Due.of(engine, outcome, CEILING, seen, calendar, trial)
    scores = {}
    if due.wanted.any():
        with threadpool_limits(1):  # trees of threads wait for each other on a busy machine
            scores = ceiling_scores(rivals, trial.only(due.wanted), seed, engine.threads)
    due.write(engine, calendar, scores)


def seen_by_ceiling(rivals: Sequence[Model], seed: int) -> str:
    """Return the fingerprint of the ceiling, which sees the forecasts of all rivals."""
    return " ".join([str(seed), *(model.fingerprint for model in rivals)])


@dataclass(frozen=True)
class _Due:
    """What of a model is to be scored now.

    Attributes
    ----------
    outcome, model, definition
        Whose scores they are in the ledger.
    missing, changed : (p,) bool
        The periods that have no scores yet, and those of which other data is known by now.
    """

    outcome: str
    model: str
    definition: str
    missing: NDArray[np.bool_]
    changed: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        engine: DuckDBEngine,
        outcome: str,
        model: str,
        fingerprint: str,
        calendar: Calendar,
        trial: Trial,
    ) -> _Due:
        """Look up in the ledger what there is."""
        own = (outcome, model, ledger.definition(fingerprint, calendar))
        missing = ledger.missing_periods(engine, *own, calendar)
        return cls(*own, missing, ledger.changed_periods(engine, *own, calendar, trial))

    @property
    def wanted(self) -> NDArray[np.bool_]:
        """The periods to forecast."""
        return self.missing | self.changed

    def write(self, engine: DuckDBEngine, calendar: Calendar, scores: Mapping[str, Scores]) -> None:
        """Append what was missing, and restate what has changed."""
        own = (engine, self.outcome, self.model, self.definition, calendar, scores)
        if self.missing.any():
            ledger.write_scores(*own, self.missing)
        ledger.restate_scores(*own, self.changed)
