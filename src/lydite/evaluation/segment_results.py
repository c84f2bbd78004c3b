"""Scores and verdicts of one outcome, on all users and on every segment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lydite.evaluation import ceiling
from lydite.evaluation.error_budget import primary_among, split_alpha
from lydite.evaluation.pairs import NO_LOSS
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.evaluation.verdicts import (
    BASE_RATE,
    VOLUME,
    SegmentScores,
    SegmentVerdicts,
    judge_segments,
)
from lydite.models import BaseRate, TouchVolume

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import numpy as np
    from numpy.typing import NDArray

    from lydite.evaluation.calendar import Calendar
    from lydite.models import Model
    from lydite.settings import EvaluationSettings

    ScoresBySegment = Mapping[str, Mapping[str, Scores]]

#: There are no verdicts on a segment with fewer scored conversions.
MIN_SEGMENT_CONVERSIONS = 100
_MOST_NAMED = 5  # segments without verdicts that the warning names
#: Claims of the models that are no rivals.
REFERENCES = {
    BaseRate.name: BaseRate.claim,
    TouchVolume.name: TouchVolume.claim,
    ceiling.NAME: ceiling.CLAIM,
}


@dataclass(frozen=True)
class SegmentResult:
    """Scores and verdicts of one outcome, on all users or on a segment.

    Attributes
    ----------
    outcome, segment
        Names.
    claims
        By name of the model.
    scores
        By name: the rivals, then the references.
    judged
        The verdicts on the rivals.
    calendar
        The periods that were forecast; None for folds, which are not in time.
    primary
        Names of the primary models.
    """

    outcome: str
    segment: str
    claims: Mapping[str, str]
    scores: Mapping[str, Scores]
    judged: SegmentVerdicts
    calendar: Calendar | None
    primary: tuple[str, ...]

    @property
    def null(self) -> Scores:
        """Scores of the null hypothesis: the better baseline."""
        return self.scores[self.judged.null]

    def null_loss(self, cells: NDArray[np.bool_]) -> float:
        """Return the null hypothesis' mean loss over some periods and buckets.

        It is nan where there is nothing to explain: on every day all landmarks convert, or none.
        """
        loss = self.null.log_loss_over(cells)
        return loss if loss > NO_LOSS else float("nan")

    def gain(self, name: str, cells: NDArray[np.bool_]) -> float:
        """Return the null hypothesis' mean loss minus a model's, over some periods and buckets."""
        return self.null.log_loss_over(cells) - self.scores[name].log_loss_over(cells)

    def explained(self, name: str) -> float:
        """Return a model's gain as a share of the null's loss, over what the model scored."""
        cells = self.scores[name].cells
        return self.gain(name, cells) / self.null_loss(cells)

    def first_day(self, period: int | None) -> date | None:
        """Return the first day of a period."""
        if period is None or self.calendar is None:
            return None
        return self.calendar.first_day(period)


def judge_outcome(
    outcome: str,
    models: Sequence[Model],
    scores: ScoresBySegment,
    calendar: Calendar | None,
    evaluation: EvaluationSettings,
    outcomes: int,
) -> list[SegmentResult]:
    """Judge the rivals on all users, and on all segments as one family of tests."""
    names = [*(model.name for model in models), *REFERENCES]
    claims = {model.name: model.claim for model in models} | REFERENCES
    by_segment = {
        segment: {name: scores[name].get(segment) or Scores.like(null) for name in names}
        for segment, null in scores[VOLUME].items()
        # The ceiling forecasts a subsample, which may hold no landmark of a small segment.
        if all(segment in scores[name] for name in names if name != ceiling.NAME)
    }
    primary = primary_among(evaluation.primary, [model.name for model in models])
    families = [ALL], [segment for segment in by_segment if segment != ALL]
    budgets = split_alpha(evaluation.alpha, primary, outcomes, segments=bool(families[1]))
    judged: dict[str, SegmentVerdicts] = {}
    for family, budget in zip(families, budgets, strict=True):
        rivals = {
            segment: SegmentScores(
                {model.name: by_segment[segment][model.name] for model in models},
                by_segment[segment][VOLUME],
                by_segment[segment][BASE_RATE],
            )
            for segment in family
        }
        restarts = calendar is not None
        judged |= judge_segments(rivals, budget, evaluation.worthwhile, restarts=restarts)
    return [
        SegmentResult(outcome, segment, claims, by_segment[segment], verdicts, calendar, primary)
        for segment, verdicts in judged.items()
        if segment == ALL or not _is_small(scores[VOLUME][segment])
    ]


def _is_small(scores: Scores) -> bool:
    return bool(scores.conversions.sum() < MIN_SEGMENT_CONVERSIONS)


def small_segments(scores: Mapping[str, Scores]) -> list[tuple[str, str]]:
    """Return a warning about segments without verdicts, if there are any."""
    small = {
        segment: int(own.conversions.sum())
        for segment, own in scores.items()
        if segment != ALL and _is_small(own)
    }
    if not small:
        return []
    named = ", ".join(f"{segment} ({n})" for segment, n in list(small.items())[:_MOST_NAMED])
    more = f" and {len(small) - _MOST_NAMED} more" if len(small) > _MOST_NAMED else ""
    text = f"no verdicts on segments with fewer than {MIN_SEGMENT_CONVERSIONS} scored conversions"
    return [("small_segments", f"{text}: {named}{more}")]
