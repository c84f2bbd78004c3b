"""Any scikit-learn classifier as a model of the set of channels on the path."""

from __future__ import annotations

import hashlib
import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Self

import numpy as np

from lydite.errors import InputError
from lydite.models.base import resampled_sums
from lydite.models.estimator import check_is_fitted
from lydite.models.mixture import base_rate
from lydite.models.sets import LEAST, MOST, SetModel, observed_sets
from lydite.models.tree_bootstrap import TreeReplicates, least_leaf_share
from lydite.paths.arrays import parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray
    from scipy import sparse
    from sklearn.base import BaseEstimator

    from lydite.models.base import FeatureCounts, Model
    from lydite.paths.landmarks import UniqueFeatures

#: The most rows for a classifier that takes no weights: it gets one for each landmark.
MAX_ROWS = 2_000_000

_CELLS_AT_ONCE = 20_000_000  # of the table in one call to the classifier: 160 MB
_TREES_AT_ONCE = 50  # of a bootstrap
_CLAIM = "which channels were met, as {} has it"  # part of the fingerprint


class Classifier(SetModel):
    """The set of channels on the path decides, as a scikit-learn classifier combines them.

    *Forecast.* The classifier's, from a dense table with a column of 0 and 1 for each channel. It
    is fitted on two rows for each distinct set, one that converts and one that does not, with the
    counts as `sample_weight`; in a pipeline every step that takes weights gets them. A classifier
    that takes no weights, or draws rows at random (``bootstrap=True``), gets a row for each
    landmark. Where all landmarks have the same outcome, the forecast is the base rate.

    *Credit.* In proportion to what the forecast loses without the channel.

    Parameters
    ----------
    estimator
        A classifier with `predict_proba`; it is cloned for each fit and stays as it is. Give it a
        `random_state` where it has one. A row with a weight stands for many landmarks: a minimum
        number of rows, such as `min_samples_leaf`, counts sets.
    claim
        The hypothesis; by default it names the model.
    name
        Name of the model; by default that of the estimator's class, in snake case.

    Attributes
    ----------
    base_rate_ : float
    estimator_ : fitted clone, None where all landmarks had the same outcome

    Examples
    --------
    >>> from sklearn.naive_bayes import BernoulliNB
    >>> Classifier(BernoulliNB()).name
    'bernoulli_nb'
    """

    def __init__(
        self, estimator: BaseEstimator, claim: str | None = None, name: str | None = None
    ) -> None:
        self.estimator = estimator
        self.name = snake_case(type(estimator).__name__) if name is None else name
        self.claim = _CLAIM.format(self.name) if claim is None else claim

    def fit_counts(
        self,
        features: UniqueFeatures,
        trials: NDArray[np.floating],
        conversions: NDArray[np.floating],
    ) -> Self:
        """Fit a clone of the estimator.

        Raises
        ------
        InputError
            When the estimator gives no probabilities, or needs a row for each of more than
            2,000,000 landmarks.
        """
        if not hasattr(self.estimator, "predict_proba"):
            raise InputError(
                f"the model {self.name!r} forecasts probabilities, and"
                f" {type(self.estimator).__name__} has no predict_proba. Wrap it in"
                " sklearn.calibration.CalibratedClassifierCV, or choose another."
            )
        sets, trials, conversions = observed_sets(features, trials, conversions)
        self.base_rate_ = base_rate(trials, conversions)
        counts = np.concatenate([conversions, np.maximum(trials - conversions, 0)])
        arguments = weight_arguments(self.estimator)
        repeats = self._whole(counts) if not arguments else (counts > 0).astype(np.intp)
        outcome = np.repeat(np.repeat([1, 0], len(trials)), repeats)
        self.estimator_ = None
        if outcome.any() and not outcome.all():
            table = sets.toarray()
            rows = np.repeat(np.concatenate([table, table]), repeats, axis=0)
            weights = dict.fromkeys(arguments, counts[counts > 0])
            from sklearn.base import clone  # noqa: PLC0415 - it takes a second

            with _without_checks():
                self.estimator_ = clone(self.estimator).fit(rows, outcome, **weights)
        return self

    def _whole(self, counts: NDArray[np.floating]) -> NDArray[np.intp]:
        """Return counts as numbers of rows."""
        rows = np.rint(counts)
        if rows.sum() > MAX_ROWS:
            raise InputError(
                f"the model {self.name!r} needs a row for each landmark, since"
                f" {type(self.estimator).__name__} takes no sample_weight or draws rows at random"
                f" (bootstrap=True), and there are {rows.sum():,.0f}, more than {MAX_ROWS:,}."
                " Choose a classifier that takes weights and draws no rows, or use fewer landmarks."
            )
        return np.asarray(rows, dtype=np.intp)

    def forecast_unique(self, features: UniqueFeatures) -> NDArray[np.float64]:
        """Return the classifier's probability for each set."""
        check_is_fitted(self, "base_rate_")
        sets: sparse.csr_array[np.float64] = features.rows
        forecast = np.full(sets.shape[0], self.base_rate_)
        if self.estimator_ is not None:
            step = max(1, _CELLS_AT_ONCE // sets.shape[1])
            for low in range(0, sets.shape[0], step):
                rows = slice(low, low + step)
                with _without_checks():
                    table = self.estimator_.predict_proba(sets[rows].toarray())
                forecast[rows] = table[:, 1]
        return np.asarray(np.clip(forecast, LEAST, MOST))

    def refits(self, statistics: FeatureCounts, weights: NDArray[np.floating]) -> Iterator[Model]:
        """Yield this model refitted with each row of weights; plain decision trees all at once."""
        least_share = least_leaf_share(self.estimator)
        if least_share is None:
            yield from super().refits(statistics, weights)
            return
        drawn = [
            resampled_sums(counts, weights)
            for counts in (statistics.trials, statistics.conversions)
        ]
        for some in parts(len(weights), _TREES_AT_ONCE):
            trials, conversions = (
                np.array(list(islice(counts, some.stop - some.start))) for counts in drawn
            )
            replicates = TreeReplicates(statistics.features.rows, trials, conversions, least_share)
            for replicates.number in range(len(trials)):
                yield replicates

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when any parameter of the estimator does."""
        text = json.dumps(self, sort_keys=True, default=_definition)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _without_checks() -> AbstractContextManager[object]:
    """Let scikit-learn look for no missing values: a table holds 0 and 1."""
    from sklearn import config_context  # noqa: PLC0415

    context: AbstractContextManager[object] = config_context(assume_finite=True)
    return context


def snake_case(name: str) -> str:
    """Return ``SomeName`` as ``some_name``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def weight_arguments(estimator: object) -> list[str]:
    """Return the arguments of `fit` that take row weights; none if a row must be one landmark."""
    from sklearn.pipeline import Pipeline  # noqa: PLC0415 - it takes a second
    from sklearn.utils.validation import has_fit_parameter  # noqa: PLC0415

    if not isinstance(estimator, Pipeline):
        takes_weights = has_fit_parameter(estimator, "sample_weight")
        return (
            ["sample_weight"]
            if takes_weights and not getattr(estimator, "bootstrap", False)
            else []
        )
    by_step = {name: weight_arguments(step) for name, step in estimator.steps}
    if not by_step[estimator.steps[-1][0]]:
        return []
    return [f"{name}__{argument}" for name, found in by_step.items() for argument in found]


def _definition(value: object) -> object:
    """Return a parameter in full for JSON; `repr` abbreviates, and shows addresses."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if hasattr(value, "__qualname__"):  # a class or a function
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "get_params"):
        return [_definition(type(value)), value.get_params(deep=False)]
    return re.sub(r" at 0x\w+", "", repr(value))
