"""The ceiling: how much could be explained at all, by a learner that sees everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.special import logit
from sklearn.ensemble import HistGradientBoostingClassifier

from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.evaluation.walk_forward import add_slices
from lydite.models.landmarks import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lydite.evaluation.walk_forward import Trial
    from lydite.models import Landmarks, Model, Profiles

NAME = "ceiling"
CLAIM = "everything known at the touch, combined by gradient-boosted trees"
MAX_TRAINING_LANDMARKS = 100_000
# The trees are grown anew every few periods: their forecasts age slowly, and growing is dear.
_REFIT_EVERY = 4
_CLIP = 1e-6
# With fewer conversions, as a very small sample may have, there is nothing to grow trees on.
_MIN_OF_EACH = 20


def ceiling_scores(rivals: Sequence[Model], trial: Trial, seed: int = 0) -> dict[str, Scores]:
    """Score the ceiling over all periods, forward in time like any rival, by segment.

    Parameters
    ----------
    rivals
        Their forecasts are among what the trees see; for training landmarks, forecasts by a model
        of the other half of the buckets.
    trial
        Landmarks and calendar.
    seed
        Seeds the choice of training landmarks, where there are too many, and the trees.
    """
    landmarks = trial.landmarks
    scores = {ALL: Scores.empty(len(trial))}
    seen = _features(landmarks)
    profiles = [model.encode(landmarks) for model in rivals]
    is_known = np.zeros(len(landmarks), dtype=bool)
    folds = any(len(rows) for rows in trial.withdrawn)
    refit_every = 1 if folds else _REFIT_EVERY
    for period in range(len(trial)):
        is_known[trial.released[period]] = True
        is_known[trial.withdrawn[period]] = False
        end = min(period + refit_every, len(trial))
        if period % refit_every or not trial.wanted[period:end].any():
            continue
        known = np.flatnonzero(is_known)
        ahead = np.flatnonzero((trial.period >= period) & (trial.period < end))
        forecast = np.full(len(landmarks), np.nan)
        forecast[ahead] = _grow(rivals, profiles, landmarks, seen, known, ahead, seed)
        for own in range(period, end):
            if not trial.wanted[own]:
                continue
            rows = trial.tested(own)
            add_slices(scores, trial, own, rows, forecast[rows])
    return scores


def _grow(
    rivals: Sequence[Model],
    profiles: Sequence[Profiles],
    landmarks: Landmarks,
    seen: NDArray[np.float32],
    known: NDArray[np.intp],
    ahead: NDArray[np.intp],
    seed: int,
) -> NDArray[np.float64]:
    """Fit trees on what is known and return their forecasts of what lies ahead."""
    rng = np.random.default_rng(seed)
    chosen = known
    total = float(landmarks.count[known].sum())
    converted = float(landmarks.count[known] @ landmarks.converted[known])
    if not len(ahead) or min(converted, total - converted) < _MIN_OF_EACH:
        return np.full(len(ahead), (converted + 0.5) / (total + 1))
    if len(known) > MAX_TRAINING_LANDMARKS:
        chosen = np.sort(rng.choice(known, MAX_TRAINING_LANDMARKS, replace=False))
    crossed, final = [], []
    for model, own in zip(rivals, profiles, strict=True):
        in_training, beyond = _rival_scores(model, own, landmarks, known, chosen, ahead)
        crossed.append(in_training)
        final.append(beyond)
    trees = HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=200,
        max_leaf_nodes=12,
        min_samples_leaf=max(50, len(chosen) // 500),
        l2_regularization=20.0,
        max_features=0.5,
        early_stopping=True,
        validation_fraction=0.2,
        n_iter_no_change=10,
        random_state=seed,
    )
    trees.fit(
        np.column_stack([seen[chosen], *crossed]),
        landmarks.converted[chosen],
        # Weights make the trees slow: they are given only where rows stand for more than one.
        sample_weight=None if (landmarks.count == 1).all() else landmarks.count[chosen],
    )
    probability = trees.predict_proba(np.column_stack([seen[ahead], *final]))[:, 1]
    return np.asarray(np.clip(probability, _CLIP, 1 - _CLIP))


def _rival_scores(
    model: Model,
    profiles: Profiles,
    landmarks: Landmarks,
    known: NDArray[np.intp],
    chosen: NDArray[np.intp],
    ahead: NDArray[np.intp],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a rival's logits: cross-fitted for training landmarks, final for those ahead."""
    half = landmarks.bucket & 1
    size = len(profiles)

    def fit(rows: NDArray[np.intp]) -> NDArray[np.float32]:
        index = profiles.index[rows]
        trials = counted(index, landmarks.count[rows], size)
        conversions = counted(index, landmarks.count[rows] * landmarks.converted[rows], size)
        forecast = model.fit_counts(profiles, trials, conversions).forecast_profiles(profiles)
        return logit(np.clip(forecast, _CLIP, 1 - _CLIP)).astype(np.float32)

    crossed = np.empty(len(chosen), dtype=np.float32)
    for side in (0, 1):
        own = half[chosen] == side
        crossed[own] = fit(known[half[known] != side])[profiles.index[chosen[own]]]
    return crossed, fit(known)[profiles.index[ahead]]


def _features(landmarks: Landmarks) -> NDArray[np.float32]:
    """Return all that is known at each landmark: activity, calendar, order and mix of channels."""
    path = landmarks.path
    mix = sparse.csr_array(
        (path.touches.astype(np.float32), (path.row, path.channel)),
        shape=(len(landmarks), len(landmarks.channels)),
    ).toarray()
    hours = landmarks.happened_at.astype("datetime64[h]").astype(np.int64)
    features = np.column_stack(
        [
            landmarks.path_length,
            landmarks.hours_since_previous,
            landmarks.hours_since_first,
            hours % 24,
            hours // 24 % 7,
            landmarks.history[:, :3],
            mix,
        ]
    ).astype(np.float32)
    # Without a clock some of it is known of no landmark; trees cannot be grown on nothing.
    known: NDArray[np.float32] = features[:, ~np.isnan(features).all(axis=0)]
    return known
