"""The base class of models: a claim, a forecast for landmarks, and credit for paths."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from scipy import sparse

from lydite.models.estimator import Estimator
from lydite.paths.arrays import divide_by_rows, group_sums, normalize_rows
from lydite.paths.columns import BEYOND_ORDER, columns_used

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from lydite.paths.columns import Weight, WeightColumns
    from lydite.paths.landmarks import Landmarks, Paths, UniqueFeatures


class Model(Estimator, ABC):
    """An attribution model as a hypothesis that can be wrong.

    A subclass returns the features of landmarks (`encode`), fits its forecast on counts
    (`fit_counts`, `forecast_unique`), returns the features of converted paths (`encode_paths`) and
    the shares of a conversion that the channels on the path get (`shares`). Parameters of the
    constructor are scikit-learn parameters; fitted attributes end in ``_``.

    Attributes
    ----------
    name : str
        The model's name in tables.
    claim : str
        The hypothesis, in one sentence that completes "what decides is ...".
    """

    name: str
    claim: str
    is_baseline: ClassVar[bool] = False
    #: Whether credit depends on fitted attributes. Those of rules do not.
    learns: ClassVar[bool] = True
    #: Whether touches get credit in proportion to `touch_weight`, as in rules. If not, credit
    #: depends on nothing but the set of channels, and the touches of a channel get equal parts.
    weights_touches: ClassVar[bool] = False

    # --- input ----------------------------------------------------------------------------------

    @property
    def weight_columns(self) -> WeightColumns:
        """Weights of touches by column name, for `encode` and `encode_paths`.

        A weight is a SQL expression over `PATH_COLUMNS` or an object whose text is one
        (`lydite.paths.columns`). `PathChannels.weights` holds their sums by path and channel.
        """
        return {}

    #: How the credit is computed: by a rule's weights (``rule``), by their posterior
    #: (``posterior``), or as the model defines it (``model``).
    credit_kind: ClassVar[str] = "model"

    #: A model with few parameters that depends on more than the order of channels is fitted on at
    #: most so many landmarks, as whole buckets; None if it needs all.
    enough_landmarks: ClassVar[int | None] = None

    @property
    def needs_clock(self) -> bool:
        """Whether the model depends on times, which path tables do not have."""
        return any(name.startswith("hours_") for name in self.columns_used)

    @property
    def uses_order_only(self) -> bool:
        """Whether the weights depend on nothing but the order of the channels on a path."""
        return not BEYOND_ORDER & self.columns_used

    @property
    def columns_used(self) -> frozenset[str]:
        """The columns of a path that the weights depend on."""
        return frozenset().union(*(columns_used(weight) for weight in self.weight_columns.values()))

    def refusal(self, channels: int) -> str | None:
        """Return why the model cannot run with so many channels, and what to do; else None."""
        del channels
        return None

    # --- forecast -------------------------------------------------------------------------------

    @abstractmethod
    def encode(self, landmarks: Landmarks) -> UniqueFeatures:
        """Return the distinct features of landmarks."""

    @abstractmethod
    def fit_counts(
        self,
        features: UniqueFeatures,
        trials: NDArray[np.floating],
        conversions: NDArray[np.floating],
    ) -> Self:
        """Fit the forecast on how often each feature row occurred and converted.

        Parameters
        ----------
        features
            k feature rows.
        trials, conversions : (k,) counts
            Landmarks with that feature row, and those of them that converted.
        """

    @abstractmethod
    def forecast_unique(self, features: UniqueFeatures) -> NDArray[np.float64]:
        """Return the (k,) probabilities that a landmark with each feature row converts."""

    def fit(self, landmarks: Landmarks, y: object = None) -> Self:
        """Fit the forecast on landmarks; `y` is ignored, landmarks carry their outcome."""
        del y
        features = self.encode(landmarks)
        size = len(features)
        self.channels_ = landmarks.channels
        return self.fit_counts(
            features,
            group_sums(features.inverse, landmarks.count, size),
            group_sums(features.inverse, landmarks.count * landmarks.converted, size),
        )

    def forecast(self, landmarks: Landmarks) -> NDArray[np.float64]:
        """Return the (n,) probabilities that each landmark's next event is a conversion."""
        features = self.encode(landmarks)
        forecast: NDArray[np.float64] = self.forecast_unique(features)[features.inverse]
        return forecast

    def predict_proba(self, landmarks: Landmarks) -> NDArray[np.float64]:
        """Return (n, 2) probabilities of no conversion and of conversion, as scikit-learn does."""
        probability = self.forecast(landmarks)
        return np.column_stack([1 - probability, probability])

    # --- credit ---------------------------------------------------------------------------------

    def sufficient_statistics(self, landmarks: Landmarks, units: int) -> Any:  # noqa: ANN401
        """Return the counts by unit that the credit is fitted on; `fit_credit` weights the units.

        Parameters
        ----------
        landmarks
            Their buckets are the units.
        units
            The number of units.
        """
        return FeatureCounts.of(self.encode(landmarks), landmarks, units)

    def fit_credit(self, statistics: Any, weights: NDArray[np.floating]) -> Self:  # noqa: ANN401
        """Fit what the credit needs, with a weight for each unit.

        Parameters
        ----------
        statistics
            As `sufficient_statistics` returns them.
        weights : (units,) array
            1 for each unit; a bootstrap draws others.
        """
        return self.fit_counts(
            statistics.features, statistics.trials @ weights, statistics.conversions @ weights
        )

    def refits(
        self,
        statistics: Any,  # noqa: ANN401
        weights: NDArray[np.floating],
    ) -> Iterator[Model]:
        """Yield this model refitted with each row of weights.

        It is the same object each time: use it before the next one.

        Parameters
        ----------
        statistics
            As `sufficient_statistics` returns them. The model has been fitted on them.
        weights : (replicates, units) array
        """
        if type(self).fit_credit is not Model.fit_credit:
            for row in weights:
                yield self.fit_credit(statistics, row)
            return
        drawn = (
            resampled_sums(counts, weights)
            for counts in (statistics.trials, statistics.conversions)
        )
        for trials, conversions in zip(*drawn, strict=True):
            yield self.fit_counts(statistics.features, trials, conversions)

    def without_draws(self) -> Self:
        """Return a model that learns the same without random draws; by default the model itself.

        Where a fit on slightly different data draws other numbers, the difference between the two
        fits is that between the draws, and not that between the data.
        """
        return self

    @abstractmethod
    def encode_paths(self, paths: Paths) -> UniqueFeatures:
        """Return the distinct features of converted paths that credit depends on."""

    @abstractmethod
    def shares(self, features: UniqueFeatures) -> sparse.csr_array[np.float64]:
        """Return the (k, channels) shares of a conversion for each feature row of paths.

        Rows sum to 1, and only channels of the path have a share.
        """

    def credit(
        self, features: UniqueFeatures, amounts: Sequence[NDArray[np.floating]]
    ) -> list[NDArray[np.float64]]:
        """Return the parts of amounts, such as conversions and value, that channels get.

        Parameters
        ----------
        features
            k feature rows.
        amounts : (k,) arrays
            The amount of each feature row.

        Returns
        -------
        A (channels,) array for each amount.
        """
        shares = self.shares(features)
        return [np.asarray(amount @ shares) for amount in amounts]

    @property
    def touch_weight(self) -> str:
        """The weight of a touch if `weights_touches`: a SQL expression.

        It may depend on `PATH_COLUMNS` and, once fitted, on ``channel_key``.
        """
        return "1.0"

    @property
    def touch_rate(self) -> str | None:
        """A factor of the weight if `weights_touches`, also where no touch has any weight.

        A SQL expression as `touch_weight`; None for 1.
        """
        return None

    # --- identity -------------------------------------------------------------------------------

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when the definition of the model does."""
        definition: dict[str, Any] = {
            "class": type(self).__name__,
            "parameters": self.get_params(deep=False),
            "weights": {name: str(weight) for name, weight in self.weight_columns.items()},
        }
        text = json.dumps(definition, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


class ProportionalModel(Model):
    """A model that divides a conversion over a set of channels in proportion to a value of each.

    A subclass has `encode`, `fit_counts`, `forecast_unique`, `encode_paths` and `entry_values`.
    """

    @abstractmethod
    def entry_values(
        self, features: UniqueFeatures
    ) -> tuple[sparse.csr_array[np.float64], NDArray[np.float64]]:
        """Return what the shares of channels are in proportion to.

        Returns
        -------
        sets : (k, channels) sparse matrix of ones
        values : (entries,) array
            At least 0, in the order of the stored entries of the sets.
        """

    def shares(self, features: UniqueFeatures) -> sparse.csr_array[np.float64]:
        """Return the values as shares of their sum; if no channel has any, shares are equal."""
        sets, values = self.entry_values(features)
        return normalize_rows(
            sparse.csr_array((values, sets.indices, sets.indptr), shape=sets.shape)
        )

    def credit(
        self, features: UniqueFeatures, amounts: Sequence[NDArray[np.floating]]
    ) -> list[NDArray[np.float64]]:
        """Return what each channel has of amounts, without the shares of single sets."""
        if type(self).shares is not ProportionalModel.shares:  # of a subclass
            return super().credit(features, amounts)
        return divide_by_rows(*self.entry_values(features), amounts)


_AT_ONCE = 20  # replicates


@dataclass(frozen=True)
class FeatureCounts:
    """How often each feature row occurred and converted, by unit.

    Attributes
    ----------
    features
        k feature rows.
    trials, conversions : (k, units) sparse matrices
    """

    features: UniqueFeatures
    trials: sparse.csr_array[np.float64]
    conversions: sparse.csr_array[np.float64]

    @classmethod
    def of(cls, features: UniqueFeatures, landmarks: Landmarks, units: int) -> FeatureCounts:
        """Count the feature rows of landmarks."""
        shape = (len(features), units)
        hit = landmarks.converted
        return cls(
            features,
            by_unit(features.inverse, landmarks.bucket, landmarks.count, shape),
            by_unit(features.inverse[hit], landmarks.bucket[hit], landmarks.count[hit], shape),
        )


def weight_columns(models: Iterable[Model]) -> dict[str, Weight]:
    """Return the weight columns of all models."""
    return {name: weight for model in models for name, weight in model.weight_columns.items()}


def use_direct(models: Iterable[Model]) -> bool:
    """Return whether the weights of any model depend on which channels are direct traffic."""
    return any("last_non_direct" in str(weight) for weight in weight_columns(models).values())


def resampled_sums(
    matrix: sparse.csr_array[np.float64], weights: NDArray[np.floating]
) -> Iterator[NDArray[np.float64]]:
    """Yield ``matrix @ row`` for each row of weights; several rows are multiplied at once.

    Parameters
    ----------
    matrix : (k, units) sparse matrix
    weights : (replicates, units) array
    """
    if (np.diff(matrix.indptr) == 1).all():  # each row has one unit: there is nothing to sum
        yield from (matrix.data * row[matrix.indices] for row in weights)
        return
    used = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]))
    if len(used) < matrix.shape[1]:
        matrix, weights = matrix[:, used], weights.T[used].T
    for low in range(0, len(weights), _AT_ONCE):
        some = np.ascontiguousarray(weights[low : low + _AT_ONCE].T, dtype=float)
        yield from np.ascontiguousarray((matrix @ some).T)


def weighted_sums(
    weights: NDArray[np.floating], by_unit: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ``weights @ by_unit``; weights are converted to double precision in parts.

    Parameters
    ----------
    weights : (replicates, units) array
    by_unit : (units, w) array
    """
    result = np.empty((len(weights), by_unit.shape[1]))
    for low in range(0, len(weights), _AT_ONCE):
        result[low : low + _AT_ONCE] = weights[low : low + _AT_ONCE].astype(float) @ by_unit
    return result


def by_unit(
    index: NDArray[np.integer],
    unit: NDArray[np.integer],
    values: NDArray[np.floating],
    shape: tuple[int, int],
) -> sparse.csr_array[np.float64]:
    """Return the sums of values by index and unit, as a sparse matrix."""
    return sparse.coo_array((np.asarray(values, dtype=float), (index, unit)), shape=shape).tocsr()
