"""Baselines: the null hypotheses, which do not depend on channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from lydite.models.base import Model
from lydite.models.mixture import base_rate
from lydite.paths.arrays import normalize_rows
from lydite.paths.landmarks import UniqueFeatures

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from lydite.paths.landmarks import Landmarks, Paths


class _Constant(Model):
    """A model that does not depend on the path: one feature row, one rate."""

    is_baseline: ClassVar[bool] = True
    learns: ClassVar[bool] = False

    def encode(self, landmarks: Landmarks) -> UniqueFeatures:
        """Return one feature row for all landmarks."""
        return UniqueFeatures(np.zeros(len(landmarks), dtype=np.intp), np.zeros((1, 0)))

    def fit_counts(
        self,
        features: UniqueFeatures,
        trials: NDArray[np.floating],
        conversions: NDArray[np.floating],
    ) -> Self:
        """Fit the one rate."""
        del features
        self.rate_ = base_rate(trials, conversions)
        return self

    def forecast_unique(self, features: UniqueFeatures) -> NDArray[np.float64]:
        """Return the one rate."""
        return np.full(len(features), self.rate_)

    def encode_paths(self, paths: Paths) -> UniqueFeatures:
        """Return the channels on each path; tables do not show the credit of baselines."""
        ones = np.ones(len(paths.path.channel))
        matrix = paths.path.matrix(ones, len(paths), len(paths.channels))
        return UniqueFeatures(np.arange(len(paths)), matrix)

    def shares(self, features: UniqueFeatures) -> sparse.csr_array[np.float64]:
        """Return equal shares of the channels on each path."""
        return normalize_rows(features.rows)


class BaseRate(_Constant):
    """Every landmark converts at the same rate."""

    name = "base_rate"
    claim = "nothing that is known: every touch is the same chance"


class TouchVolume(_Constant):
    """Only activity counts: how many touches, and when; the null hypothesis of every rival."""

    name = "touch_volume"
    claim = "how active the customer is, whatever the channels"
