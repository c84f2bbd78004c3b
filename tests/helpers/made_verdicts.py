"""Verdicts on scores that were made by hand, with little to say about baselines and budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.evaluation.error_budget import ErrorBudget
from lydite.evaluation.segments import ALL
from lydite.evaluation.verdicts import (
    WORTHWHILE,
    ModelVerdict,
    SegmentScores,
    SegmentVerdicts,
    judge_segments,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lydite.evaluation.scores import Scores

    Models = Mapping[str, Scores]

ALPHA = 0.05


def judge_made_segments(
    segments: Mapping[str, tuple[Models, Scores]],
    alpha: float = ALPHA,
    worthwhile: float = WORTHWHILE,
) -> dict[str, SegmentVerdicts]:
    """Judge models against touch volume in several segments; the base rate forecasts the same."""
    scores = {name: SegmentScores(models, null, null) for name, (models, null) in segments.items()}
    return judge_segments(scores, ErrorBudget.flat(alpha), worthwhile)


def judge_made(
    models: Models, volume: Scores, alpha: float = ALPHA, worthwhile: float = WORTHWHILE
) -> SegmentVerdicts:
    """Judge models against touch volume on all users; the base rate forecasts the same."""
    return judge_made_segments({ALL: (models, volume)}, alpha, worthwhile)[ALL]


def verdicts_on(
    models: Models, volume: Scores, alpha: float = ALPHA, worthwhile: float = WORTHWHILE
) -> dict[str, ModelVerdict]:
    """Return the verdicts of `judge_made`."""
    return judge_made(models, volume, alpha, worthwhile).verdicts
