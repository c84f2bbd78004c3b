"""Backtest of one model: fit it before each period on earlier data, and score its forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lydite.evaluation.adjustment import MAX_LOG_ODDS, Adjustment, log_odds
from lydite.evaluation.cross_fitting import Counts, CrossFitted
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.models import BaseRate
from lydite.paths.landmarks import UniqueFeatures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lydite.evaluation.day_levels import Levels
    from lydite.evaluation.rival_forecasts import RivalForecasts
    from lydite.evaluation.splits import EvaluationBatch, Split
    from lydite.models import Model

BASE_RATE = BaseRate.name


class _SampleCorrection:
    """Difference in the activity terms between all landmarks and a subsample of them.

    A model fitted on a subsample is adjusted for activity on the same subsample, so its activity
    terms carry the noise of the draw. Touch volume is fitted on all landmarks, and a model without
    any information about paths would lose to it. The difference between the terms fitted on all
    landmarks and those fitted on the subsample removes most of this noise [1]_.

    References
    ----------
    .. [1] Chen & Chen (2000), "A unified approach to regression analysis under double-sampling
       designs", *Journal of the Royal Statistical Society B* 62(3).
    """

    def __init__(self, split: Split, sample: Split) -> None:
        self._counts = [Counts(own, _no_features(own)) for own in (split, sample)]
        self._adjustments = [Adjustment(split.activity.design()) for _ in self._counts]
        self._split, self._next_period = split, 0

    def terms_before(self, period: int) -> NDArray[np.float64]:
        """Return what to add to the terms of an adjustment that was fitted on the subsample.

        Uses the training data of a period. Periods must be asked for in ascending order.
        """
        for adjustment, counts in zip(self._adjustments, self._counts, strict=True):
            counts.add_periods(range(self._next_period, period + 1))
            _fit(adjustment, counts, None, period, self._split.levels(period))
        self._next_period = period + 1
        on_all, on_sample = (adjustment.terms_ for adjustment in self._adjustments)
        return np.asarray(on_all - on_sample)


def _no_features(split: Split) -> UniqueFeatures:
    """Return the same, empty features for every landmark."""
    return UniqueFeatures(np.zeros_like(split.activity.cell), np.zeros((1, 0)))


def forecasts(
    model: Model, split: Split, kept: RivalForecasts | None = None
) -> Iterator[tuple[range, NDArray[np.float64]]]:
    """Yield ranges of periods with the forecasts of their test rows, in log-odds.

    The model is fitted on the training data of the first period of each range. Its forecasts are
    adjusted for activity. The adjustment is fitted on cross-fitted forecasts: those of one half of
    the buckets by a model of the other half. On its own training data an overfitted model looks
    better than it is.

    Forecasts before this adjustment are added to `kept`.
    """
    # A model of channel order alone takes no longer to fit on all landmarks. A subsample would
    # make it lose to an equivalent model that is fitted on all.
    sample = split if model.uses_order_only else split.subsample_train(model.enough_landmarks)
    fitted = CrossFitted(model, sample)
    adjustment = Adjustment(split.activity.design())
    correction = None if sample is split else _SampleCorrection(split, sample)
    spans = {span.start: span for span in split.refit_spans()}
    for period in sorted({*spans, *(kept.wanted.train if kept else ())}):
        fitted.fit_before(period)
        # A baseline needs no cross-fitting.
        crossed = None if model.is_baseline else fitted.crossed()
        if kept and crossed is not None and period in kept.wanted.train:
            kept.add_train(period, fitted, crossed, split, sample)
        span = spans.get(period)
        if span is None:
            continue
        levels = split.levels(period)
        score = None if crossed is None else crossed.ravel()
        _fit(adjustment, fitted.counts, score, period, levels)
        if correction is not None:
            adjustment.terms_ = adjustment.terms_ + correction.terms_before(period)
        batch = split.batch(span)
        own, row = _unadjusted(fitted, batch)
        if kept and own is not None:
            kept.add_test(span, split, own if row is None else own[row])
        forecast = _adjusted(model, batch, adjustment, own, row)
        if levels is not None and batch.hour is not None and model.name != BASE_RATE:
            forecast += np.log(levels.hour)[batch.hour]
            np.clip(forecast, -MAX_LOG_ODDS, MAX_LOG_ODDS, out=forecast)
        yield span, forecast


def _fit(
    adjustment: Adjustment,
    counts: Counts,
    score: NDArray[np.float64] | None,
    period: int,
    levels: Levels | None,
) -> None:
    """Fit an adjustment on the training counts before a period, given the levels of days."""
    columns = counts.cell, score, counts.trials, counts.conversions, counts.half_row
    if levels is None:
        adjustment.fit(*columns)
    else:
        adjustment.fit(*columns, counts.exposure(period, levels), levels.precision)


def _unadjusted(
    fitted: CrossFitted, batch: EvaluationBatch
) -> tuple[NDArray[np.float64] | None, NDArray[np.integer] | None]:
    """Return log-odds, and the number of those of each landmark of a batch; None if one for each.

    Touch volume has none: its forecast is all adjustment.
    """
    model, features = fitted.model, fitted.features
    if model.is_baseline and model.name != BASE_RATE:
        return None, None
    if model.uses_order_only:  # the features of all landmarks are known already
        return log_odds(model.forecast_unique(features)), features.inverse[batch.rows]
    return log_odds(model.forecast(batch.landmarks)), None


def _adjusted(
    model: Model,
    batch: EvaluationBatch,
    adjustment: Adjustment,
    score: NDArray[np.float64] | None,
    row: NDArray[np.integer] | None,
) -> NDArray[np.float64]:
    """Return the log-odds of a batch; all but those of the base rate are adjusted for activity."""
    if model.is_baseline and score is not None:
        return score if row is None else score[row]
    return adjustment.adjusted(batch.cell, score, row)


def backtest(model: Model, split: Split) -> Scores:
    """Score one model over all periods.

    Parameters
    ----------
    model
        Refitted as its training data grows; earlier fits of it do not matter.
    split
        Train and test rows of every period.

    Returns
    -------
    Scores
        Sums per period and bucket.
    """
    return backtest_segments(model, split)[ALL]


def backtest_segments(
    model: Model, split: Split, kept: RivalForecasts | None = None
) -> dict[str, Scores]:
    """Score one model over all periods, on all users and on each segment.

    The model is fitted once, on all users.

    Parameters
    ----------
    model, split
        As for `backtest`.
    kept
        Forecasts before the adjustment are added to it.

    Returns
    -------
    dict
        Sums per period and bucket, by segment; all users come first.
    """
    scores = {ALL: Scores.empty(len(split))}
    for span, forecast in forecasts(model, split, kept):
        add_segment_scores(scores, split.batch(span), forecast)
    return scores


def add_segment_scores(
    scores: dict[str, Scores], batch: EvaluationBatch, forecast: NDArray[np.float64]
) -> None:
    """Add the forecasts of a batch, in log-odds, to the scores of all users and of segments."""
    scores[ALL].add_outcomes(batch.outcomes, forecast)
    for label, places, outcomes in batch.segments:
        of_segment = scores.setdefault(label, Scores.like(scores[ALL]))
        of_segment.add_outcomes(outcomes, forecast[places])
