"""What models expect of a channel, fitted without the users that they are used for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lydite.experiments.counterfactual import expected_increments
from lydite.experiments.jackknife import N_GROUPS, group_of
from lydite.models.base import FeatureCounts, Model
from lydite.models.estimator import clone
from lydite.paths.arrays import group_sums
from lydite.paths.landmarks import N_BUCKETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lydite.experiments.training import Training
    from lydite.experiments.window_paths import WindowPaths
    from lydite.models import Landmarks, UniqueFeatures


@dataclass(frozen=True)
class Units:
    """The users of one experiment whose windows are compared.

    Attributes
    ----------
    bucket : (users,) integers, 0..255
    is_treated : (users,) bool
    paths : WindowPaths
        Their landmarks.
    """

    bucket: NDArray[np.integer]
    is_treated: NDArray[np.bool_]
    paths: WindowPaths


@dataclass(frozen=True)
class Expectation:
    """What one model expects in one experiment.

    Attributes
    ----------
    by_user : (users,) array
        The conversions of each user that the channel is expected to cause.
    shift : (32, 2) array
        How much their sum changes, in the control arm and the treated arm, if the model is fitted
        without each group of buckets.
    """

    by_user: NDArray[np.float64]
    shift: NDArray[np.float64]


def expect(
    model: Model, sample: Landmarks, training: Training, experiments: Sequence[Units]
) -> list[Expectation]:
    """Return what a model expects in experiments with the same training data.

    Parameters
    ----------
    model
        A copy of it is fitted.
    sample
        The mature landmarks of the outcome.
    training
        What to fit on.
    experiments
        The experiments.
    """
    model = clone(model).without_draws()
    rows = _enough(model, np.flatnonzero(training.rows))
    train = sample.take(rows)
    counts = FeatureCounts.of(model.encode(train), train, N_BUCKETS)
    used = [_Used.of(model, units) for units in experiments]
    found = [Expectation(np.zeros(len(u.bucket)), np.zeros((N_GROUPS, 2))) for u in experiments]
    groups = group_of(np.arange(N_BUCKETS))
    for buckets, for_buckets in training.parts:
        weights = buckets.astype(float)
        parts = [own.increments(_fitted(model, counts, weights), for_buckets) for own in used]
        for expectation, (by_user, _) in zip(found, parts, strict=True):
            expectation.by_user[:] += by_user
        for group in range(N_GROUPS):
            kept = np.where(groups == group, 0.0, weights)
            _fitted(model, counts, kept)
            for own, expectation, (_, slopes) in zip(used, found, parts, strict=True):
                expectation.shift[group] += own.change(model, slopes)
    return found


def _fitted(model: Model, counts: FeatureCounts, weights: NDArray[np.float64]) -> Model:
    """Fit the forecast, also of models whose credit is fitted in another way."""
    return Model.fit_credit(model, counts, weights)


def _enough(model: Model, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return some of the landmarks where there are more than the fit needs, evenly over time."""
    enough = model.enough_landmarks or len(rows)
    return rows[:: max(1, -(-len(rows) // enough))]


@dataclass(frozen=True)
class _Slopes:
    """The derivative of the sum of the increments of each arm by the forecast of each feature row.

    Attributes
    ----------
    with_channel, without_channel : (2, k) arrays
    base
        The forecasts at which they hold.
    """

    with_channel: NDArray[np.float64]
    without_channel: NDArray[np.float64]
    base: tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class _Used:
    """The landmarks of one experiment as features of a model."""

    units: Units
    features: UniqueFeatures
    features_without: UniqueFeatures

    @classmethod
    def of(cls, model: Model, units: Units) -> _Used:
        paths = units.paths
        return cls(units, model.encode(paths.with_channel), model.encode(paths.without_channel))

    def increments(
        self, model: Model, for_buckets: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], _Slopes]:
        """Return the increments of users in some buckets, 0 for others, and their slopes."""
        landmarks = self.units.paths.landmarks
        base = self._forecasts(model)
        stays = np.flatnonzero(~landmarks.is_removed)
        without = np.zeros(len(landmarks))
        without[stays] = base[1][self.features_without.inverse]
        found = expected_increments(
            landmarks, base[0][self.features.inverse], without, len(self.units.bucket)
        )
        counts = for_buckets[self.units.bucket]
        is_used = counts[landmarks.user]
        arm = self.units.is_treated[landmarks.user].astype(np.intp)

        def by_row(
            features: UniqueFeatures, rows: NDArray[np.intp], slope: NDArray[np.float64]
        ) -> NDArray[np.float64]:
            size = len(features)
            key = arm[rows] * size + features.inverse
            return group_sums(key, (slope * is_used)[rows], 2 * size).reshape(2, size)

        every = np.arange(len(landmarks))
        slopes = _Slopes(
            by_row(self.features, every, found.slope),
            by_row(self.features_without, stays, found.slope_without),
            base,
        )
        return np.where(counts, found.by_user, 0.0), slopes

    def change(self, model: Model, slopes: _Slopes) -> NDArray[np.float64]:
        """Return how much the sums of both arms change with another fit, to the first order."""
        now = self._forecasts(model)
        return np.asarray(
            slopes.with_channel @ (now[0] - slopes.base[0])
            + slopes.without_channel @ (now[1] - slopes.base[1])
        )

    def _forecasts(self, model: Model) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the forecasts of the feature rows, without a query for none."""
        return tuple(  # type: ignore[return-value]
            model.forecast_unique(features) if len(features) else np.zeros(0)
            for features in (self.features, self.features_without)
        )
