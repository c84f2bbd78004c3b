"""The walk forward: period by period, fit on what was known and forecast what came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lydite.evaluation.adjustment import Adjustment, log_odds
from lydite.evaluation.cross_fitting import Counts, CrossFitted
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.paths.landmarks import UniqueFeatures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lydite.evaluation.splits import EvaluationBatch, Split
    from lydite.models import Model


class _Refinement:
    """What all landmarks say of activity alone, less what a sample of them says.

    That is noise of the sample, and a rival that is fitted on the sample has nearly the same in its
    terms for activity, whatever it says of paths: they are refined by it [1]_. Without, a rival
    that knows nothing would lose to touch volume, which is fitted on all.

    References
    ----------
    .. [1] Chen & Chen (2000), "A unified approach to regression analysis under double-sampling
       designs", *Journal of the Royal Statistical Society B* 62(3).
    """

    def __init__(self, split: Split, sample: Split) -> None:
        self._counts = [Counts(own, _one_row(own)) for own in (split, sample)]
        self._adjustments = [Adjustment(split.activity.design()) for _ in self._counts]
        self._gone = 0

    def terms_before(self, period: int) -> NDArray[np.float64]:
        """Return what to add to the terms of an adjustment that is fitted on the sample.

        As of what was known before a period; periods only go on.
        """
        for adjustment, counts in zip(self._adjustments, self._counts, strict=True):
            counts.go_on(range(self._gone, period + 1))
            adjustment.fit(counts.cell, None, counts.trials, counts.conversions)
        self._gone = period + 1
        every, some = (adjustment.terms_ for adjustment in self._adjustments)
        return np.asarray(every - some)


def _one_row(split: Split) -> UniqueFeatures:
    return UniqueFeatures(np.zeros_like(split.activity.cell), np.zeros((1, 0)))


def forecasts(model: Model, split: Split) -> Iterator[tuple[range, NDArray[np.float64]]]:
    """Yield periods with the forecasts of their landmarks, fitted on what was known before them.

    The forecasts are log-odds, adjusted for activity. The adjustment is fitted on forecasts of one
    half of the buckets by a model of the other half: on its own training data, an overfitted rival
    looks better than it is.
    """
    # What sees the order alone learns from all landmarks as easily as from few. From few it would
    # learn a little less, and lose to a twin that learns from all.
    sample = split if model.uses_order_only else split.subsample_train(model.enough_landmarks)
    fitted = CrossFitted(model, sample)
    adjustment = Adjustment(split.activity.design())
    refinement = None if sample is split else _Refinement(split, sample)
    for span in split.refit_spans():
        fitted.fit_before(span.start)
        counts = fitted.counts
        # A baseline needs no cross-fitting.
        score = None if model.is_baseline else fitted.crossed().ravel()
        adjustment.fit(counts.cell, score, counts.trials, counts.conversions, counts.half_row)
        if refinement is not None:
            adjustment.terms_ = adjustment.terms_ + refinement.terms_before(span.start)
        yield span, _forecast(fitted, split.batch(span), adjustment)


def _forecast(
    fitted: CrossFitted, batch: EvaluationBatch, adjustment: Adjustment
) -> NDArray[np.float64]:
    """Return the log-odds of what is forecast, adjusted but for the base rate."""
    model, features = fitted.model, fitted.features
    if model.is_baseline and model.name != "base_rate":
        return adjustment.adjusted(batch.cell, None)
    if model.uses_order_only:  # its features are those of all landmarks
        score, feature_row = log_odds(model.forecast_unique(features)), features.inverse[batch.rows]
    else:
        score, feature_row = log_odds(model.forecast(batch.landmarks)), None
    if model.is_baseline:
        return score if feature_row is None else score[feature_row]
    return adjustment.adjusted(batch.cell, score, feature_row)


def backtest(model: Model, split: Split) -> Scores:
    """Score one model over all periods.

    Parameters
    ----------
    model
        It is fitted on what was mature before a period began, and again once that has grown.
    split
        Landmarks and calendar.

    Returns
    -------
    Scores
        Sums per period and bucket.
    """
    return backtest_segments(model, split)[ALL]


def backtest_segments(model: Model, split: Split) -> dict[str, Scores]:
    """Score one model over all periods, on all users and on each segment of them.

    The forecasts are those of one model, fitted on everybody.

    Returns
    -------
    Sums per period and bucket, by segment; those of all users first.
    """
    scores = {ALL: Scores.empty(len(split))}
    for span, forecast in forecasts(model, split):
        add_segment_scores(scores, split.batch(span), forecast)
    return scores


def add_segment_scores(
    scores: dict[str, Scores], batch: EvaluationBatch, forecast: NDArray[np.float64]
) -> None:
    """Add forecasts, as log-odds, to the scores of all users and of segments."""
    scores[ALL].add_outcomes(batch.outcomes, forecast)
    for label, own, outcomes in batch.segments:
        slot = scores.setdefault(label, Scores.like(scores[ALL]))
        slot.add_outcomes(outcomes, forecast[own])
