"""The ceiling: how much could be explained at all, by learners that see everything."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logit
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.evaluation.split import Refit
from lydite.evaluation.walk_forward import add_slices
from lydite.models.landmarks import counted, parts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lydite.evaluation.split import Ahead, Trial
    from lydite.models import Landmarks, Model, Profiles

    #: Forecasts what lies ahead, as log-odds.
    _Forecaster = Callable[[Ahead], NDArray[np.float64]]

NAME = "ceiling"
CLAIM = "everything known at the touch, combined by gradient-boosted trees and a regression"
MAX_TRAINING_LANDMARKS = 100_000
#: The ceiling is a yardstick, not a rival: so many landmarks of a period tell how high it is.
MAX_SCORED_LANDMARKS = 20_000
# Trees are grown anew less often than models are fitted: their forecasts age slowly, and growing is
# dear.
_REGROW = Refit(few=0.5, many=1.0, many_from=MAX_TRAINING_LANDMARKS)
_CLIP = 1e-6
_MOST_CERTAIN = float(logit(1 - _CLIP))
_AT_ONCE = 4096  # landmarks
# With fewer conversions, as a very small sample may have, there is nothing to grow trees on.
_MIN_OF_EACH = 20


def ceiling_scores(
    rivals: Sequence[Model], trial: Trial, seed: int = 0, threads: int = 1
) -> dict[str, Scores]:
    """Score the ceiling over all periods, forward in time like any rival, by segment.

    Its forecast is the mean logit of two learners: gradient-boosted trees on all that is known, and
    a logistic regression on activity and on the rivals' forecasts (a stack [1]_). From few
    conversions the trees alone learn less than the best rival knows.

    Parameters
    ----------
    rivals
        Their forecasts are among what the trees see; for training landmarks, forecasts by a model
        of the other half of the buckets.
    trial
        Landmarks and calendar; `scored_by_ceiling` leaves fewer to forecast.
    seed
        Seeds the trees.
    threads
        How many trees are grown at once.

    References
    ----------
    .. [1] Wolpert (1992), "Stacked generalization", *Neural Networks* 5(2).
    """
    sample = trial.sample(MAX_TRAINING_LANDMARKS)
    seen = _Seen(rivals, sample, [model.encode(sample.landmarks) for model in rivals])
    spans = trial.spans(_REGROW)

    def forecasts(span: range) -> NDArray[np.float64]:
        # A limit of OpenMP's holds for the thread that sets it, so each sets its own.
        with threadpool_limits(1, user_api="openmp"):
            return _grow(seen, _known(sample, span.start), seed)(trial.ahead(span))

    scores = {ALL: Scores.empty(len(trial))}
    with ThreadPoolExecutor(threads) as pool:
        for span, forecast in zip(spans, pool.map(forecasts, spans), strict=True):
            add_slices(scores, trial.ahead(span), forecast)
    return scores


def scored_by_ceiling(trial: Trial) -> Trial:
    """Return the trial with at most `MAX_SCORED_LANDMARKS` to forecast in each period."""
    return trial.testing(MAX_SCORED_LANDMARKS)


def _known(sample: Trial, period: int) -> NDArray[np.intp]:
    """Return the landmarks of a sample that may train before a period."""
    known = np.zeros(len(sample.landmarks), dtype=bool)
    for turn in range(period + 1):
        known[sample.released[turn]] = True
        known[sample.withdrawn[turn]] = False
    return np.flatnonzero(known)


@dataclass(frozen=True)
class _Seen:
    """The rivals, the landmarks that train, and what each rival sees of them."""

    rivals: Sequence[Model]
    sample: Trial
    profiles: Sequence[Profiles]


def _grow(seen: _Seen, known: NDArray[np.intp], seed: int) -> _Forecaster:
    """Fit both learners on what is known and return their forecaster of what lies ahead."""
    landmarks, rivals = seen.sample.landmarks, [clone(model) for model in seen.rivals]
    total = float(landmarks.count[known].sum())
    converted = float(landmarks.count[known] @ landmarks.converted[known])
    if min(converted, total - converted) < _MIN_OF_EACH:
        constant = (converted + 0.5) / (total + 1)
        return lambda ahead: np.full(len(ahead.cell), logit(constant))
    crossed = [
        _cross_fitted(model, profiles, landmarks, known)
        for model, profiles in zip(rivals, seen.profiles, strict=True)
    ]
    # Weights make the trees slow: they are given only where rows stand for more than one.
    weight = None if (landmarks.count == 1).all() else landmarks.count[known]
    outcome, place = landmarks.converted[known], _places(landmarks, known)
    features, activity = (
        _features(landmarks.take(known).with_paths_met(), place),
        seen.sample.activity,
    )
    # Without a clock some of it is known of no landmark; trees cannot be grown on nothing.
    usable = ~np.isnan(features).all(axis=0)
    trees = _trees(len(known), seed)
    trees.fit(np.column_stack([features[:, usable], *crossed]), outcome, sample_weight=weight)
    terms = activity.design()
    stack = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, solver="newton-cholesky"))
    stack.fit(
        np.column_stack([terms[activity.cell[known]], *crossed]),
        outcome,
        logisticregression__sample_weight=weight,
    )

    def forecast(ahead: Ahead) -> NDArray[np.float64]:
        landmarks = ahead.landmarks.with_paths_met()
        own = [_logit(model.forecast(landmarks)) for model in rivals]
        table = np.column_stack([_features(landmarks, place)[:, usable], *own])
        # Every tree looks at every row of a part, which had better stay in the cache.
        some = parts(len(table), _AT_ONCE)
        grown = np.concatenate([trees.decision_function(table[part]) for part in some])
        stacked = stack.decision_function(np.column_stack([terms[ahead.cell], *own]))
        return np.asarray(np.clip((grown + stacked) / 2, -_MOST_CERTAIN, _MOST_CERTAIN))

    return forecast


def _trees(known: int, seed: int) -> HistGradientBoostingClassifier:
    """Return the trees to grow on so many landmarks."""
    return HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=200,
        max_leaf_nodes=12,
        min_samples_leaf=max(50, known // 500),
        l2_regularization=20.0,
        max_features=0.5,
        early_stopping=True,
        validation_fraction=0.2,
        n_iter_no_change=10,
        random_state=seed,
    )


def _cross_fitted(
    model: Model,
    profiles: Profiles,
    landmarks: Landmarks,
    known: NDArray[np.intp],
) -> NDArray[np.float32]:
    """Return a rival's logits for what is known, fitted on the other half of the buckets.

    In the end the rival is fitted on all that is known.
    """
    half = landmarks.bucket[known] & 1
    size = len(profiles)

    def fit(rows: NDArray[np.intp]) -> NDArray[np.float32]:
        index = profiles.index[rows]
        trials = counted(index, landmarks.count[rows], size)
        conversions = counted(index, landmarks.count[rows] * landmarks.converted[rows], size)
        return _logit(model.fit_counts(profiles, trials, conversions).forecast_profiles(profiles))

    crossed = np.empty(len(known), dtype=np.float32)
    for side in (0, 1):
        own = half == side
        crossed[own] = fit(known[~own])[profiles.index[known[own]]]
    fit(known)
    return crossed


def _logit(forecast: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(logit(np.clip(forecast, _CLIP, 1 - _CLIP)), dtype=np.float32)


def _places(landmarks: Landmarks, known: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the place of each channel by how often it is known to be met; -1 for no channel.

    Trees draw columns by place, and the numbers of channels may change as data comes in.
    """
    channel, count = landmarks.history[known, 0], landmarks.count[known]
    size = len(landmarks.channels)
    met = counted(channel, count, size)
    hits = counted(channel, count * landmarks.converted[known], size)
    place = np.empty(size + 1, dtype=np.intp)
    place[np.lexsort((hits, met))] = np.arange(size)
    place[-1] = -1
    return place


def _features(landmarks: Landmarks, place: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return all that is known at each landmark: activity, calendar, order and mix of channels."""
    met, paths = landmarks.paths.met, len(landmarks.paths)
    mix = np.zeros((paths, len(landmarks.channels)), dtype=np.float32)
    mix[met.row, place[met.channel]] = met.touches
    hours = landmarks.happened_at.astype("datetime64[h]").astype(np.int64)
    return np.column_stack(
        [
            landmarks.path_length,
            landmarks.hours_since_previous,
            landmarks.hours_since_first,
            hours % 24,
            hours // 24 % 7,
            place[landmarks.history[:, :3]],
            mix[landmarks.path],
        ]
    ).astype(np.float32)
