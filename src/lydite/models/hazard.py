"""The additive hazard: every touch adds to the rate of conversion, and its effect fades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from scipy import sparse

from lydite.models.base import Model
from lydite.models.fitted_rules import HALF_LIVES_HOURS
from lydite.models.hazard_bootstrap import POSITIVE, LikelihoodExpansion, gamma_prior
from lydite.models.mixture import ENOUGH_LANDMARKS, UnitCounts, fast_matrix
from lydite.models.optimize import maximize, weighted_gram
from lydite.paths.arrays import group_sums, normalize_rows
from lydite.paths.columns import ExponentialDecay
from lydite.paths.landmarks import UniqueFeatures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.models.base import FeatureCounts
    from lydite.models.optimize import Matrix
    from lydite.paths.columns import WeightColumns
    from lydite.paths.landmarks import Landmarks, PathChannels, Paths

_LN2 = float(np.log(2))
_LEAST, _MOST = 1e-9, 1 - 1e-9  # no forecast is certain
# In nats, small enough that fits from different starts agree to many digits.
_TOLERANCE = 1e-12
# Half-lives are compared after the first Newton step that promises to gain less than this, in nats.
# The likelihood after it is off by a small part of that, far less than half-lives usually differ.
_CHOICE_TOLERANCE = 0.01


class AdditiveHazard(Model):
    """Every touch adds a hazard that decays exponentially; a baseline hazard is constant [1]_.

    At time t the hazard of converting, per hour, is ``mu + sum_i beta_c(i) 0.5 ** ((t - t_i)/h)``
    over the touches i of the path. Without any beta it is the null hypothesis.

    *Fit.* Each touch opens an interval that ends with the next event, touch or conversion, or after
    the lookback. The likelihood of the times of conversions is maximised, with a weak Gamma prior
    on each parameter, worth one conversion. It is concave for a given half-life; the half-life is
    the one of `HALF_LIVES_HOURS` with the highest likelihood.

    *Forecast.* The hazard right after the touch, integrated over the usual time to the next event.

    *Credit.* Each touch's share of the hazard at the conversion, without the baseline. Since all
    touches decay with one half-life, the time since the last touch cancels.

    Attributes
    ----------
    chosen_ : int
        Index of the half-life in `HALF_LIVES_HOURS`.
    baseline_ : float
        ``mu``, per hour.
    hazards_ : (n_channels,) array
        ``beta``, per hour right after a touch of each channel.
    half_life_ : float
        ``h``, in hours.
    usual_hours_, usual_fading_hours_ : float
        Mean length of an interval, and of the integral of ``0.5 ** (t/h)`` over it.

    References
    ----------
    .. [1] Zhang, Wei & Ren (2014), "Multi-touch attribution in online advertising with survival
       theory", *IEEE International Conference on Data Mining*.
    """

    weights_touches: ClassVar[bool] = True
    enough_landmarks = ENOUGH_LANDMARKS
    name = "additive_hazard"
    claim = "each touch, by an effect that fades over time"

    @property
    def weight_columns(self) -> WeightColumns:
        """The touches' remaining strength at the end of the path, for each half-life."""
        return {f"strength after {hours} h": ExponentialDecay(hours) for hours in HALF_LIVES_HOURS}

    @property
    def half_life_(self) -> float:
        """The chosen half-life, in hours."""
        return float(HALF_LIVES_HOURS[self.chosen_])

    # --- forecast -------------------------------------------------------------------------------

    def encode(self, landmarks: Landmarks) -> UniqueFeatures:
        """Return the strength of each channel at each landmark, and the time to the next event."""
        on_path, path, n = landmarks.path_channels(self.weight_columns)
        strengths = _strengths(on_path, self.weight_columns, n, len(landmarks.channels))
        if landmarks.landmark_paths is None:  # landmarks may share a path
            strengths = [own[path] for own in strengths]
        hours = landmarks.hours_to_next
        fading = [_fading_hours(hours, half_life) for half_life in HALF_LIVES_HOURS]
        return UniqueFeatures(np.arange(len(landmarks)), _Intervals(strengths, hours, fading))

    def fit_counts(
        self,
        features: UniqueFeatures,
        trials: NDArray[np.floating],
        conversions: NDArray[np.floating],
    ) -> Self:
        """Fit baseline and hazards for every half-life, and choose the most likely one.

        A fit starts at the result of the fit before.
        """
        exposures = self._add_exposures(features.rows, trials)
        starts = getattr(self, "_fits", {})
        fits = _HalfLifeFits(features.rows, trials, conversions, starts, exposures)
        numbers = range(len(HALF_LIVES_HOURS))
        self.chosen_ = max(numbers, key=lambda number: fits.fit(number, _CHOICE_TOLERANCE))
        fits.fit(self.chosen_, _TOLERANCE)
        self._fits = fits.theta
        self.baseline_, self.hazards_ = _split(self._fits[self.chosen_])
        total = max(float(trials.sum()), 1e-300)
        intervals: _Intervals = features.rows
        self.usual_hours_ = float(trials @ intervals.hours) / total
        self.usual_fading_hours_ = float(trials @ intervals.fading_hours[self.chosen_]) / total
        return self

    def _add_exposures(
        self, intervals: _Intervals, trials: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return the exposures; where trials were only added since the last fit, add theirs."""
        last: _Exposed | None = getattr(self, "_exposed", None)
        if (
            last is not None
            and last.intervals is intervals
            and ((added := trials - last.trials) >= 0).all()
        ):
            exposures = last.exposures + intervals.exposures(added)
        else:
            exposures = intervals.exposures(trials)
        self._exposed = _Exposed(intervals, trials, exposures)
        return exposures

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the exposures when the model is stored: they are as large as the data."""
        return {name: value for name, value in vars(self).items() if name != "_exposed"}

    def forecast_unique(self, features: UniqueFeatures) -> NDArray[np.float64]:
        """Return the probability of a conversion within the usual time to the next event."""
        return self._probabilities(
            np.asarray(features.rows.strengths[self.chosen_] @ self.hazards_)
        )

    def _probabilities(self, hazard: NDArray[np.float64]) -> NDArray[np.float64]:
        expected = self.baseline_ * self.usual_hours_ + self.usual_fading_hours_ * hazard
        return np.asarray(np.clip(-np.expm1(-expected), _LEAST, _MOST))

    def forecast(self, landmarks: Landmarks) -> NDArray[np.float64]:
        """Return the (n,) probabilities, by the strengths under the chosen half-life alone."""
        column = list(self.weight_columns)[self.chosen_]
        if landmarks.landmark_paths is None:
            return super().forecast(landmarks)
        _, hazard = landmarks.landmark_paths.sums(column, self.hazards_)
        return self._probabilities(hazard)

    # --- credit ---------------------------------------------------------------------------------

    def refits(self, statistics: FeatureCounts, weights: NDArray[np.floating]) -> Iterator[Self]:
        """Yield this model refitted to each (units,) row of weights; use it before the next one.

        One Newton step from the fit of each half-life approximates how likely that half-life is
        under each row. Only the most likely one is then fitted by further steps.
        """
        fits = _HalfLifeFits(
            statistics.features.rows,
            np.asarray(statistics.trials.sum(axis=1), dtype=float),
            np.asarray(statistics.conversions.sum(axis=1)),
            self._fits,
        )
        for number in fits.theta:
            fits.fit(number, _TOLERANCE)
        drawn = np.asarray(weights, dtype=float)
        resamples = [own.resampled(drawn) for own in _expansions(statistics, fits.theta)]
        chosen = np.argmax([own.likelihood for own in resamples], axis=0)
        theta = np.empty_like(resamples[0].theta)
        for number in np.unique(chosen):
            rows = np.flatnonzero(chosen == number)
            theta[rows] = resamples[number].fitted(rows)
        for number, row in zip(chosen.tolist(), theta, strict=True):
            self.chosen_ = number
            self.baseline_, self.hazards_ = _split(row)
            yield self

    def encode_paths(self, paths: Paths) -> UniqueFeatures:
        """Return the strength of each channel at the end of each path."""
        strengths = _strengths(paths.path, self.weight_columns, len(paths), len(paths.channels))
        nothing = np.zeros(len(paths))
        return UniqueFeatures(np.arange(len(paths)), _Intervals(strengths, nothing))

    def shares(self, features: UniqueFeatures) -> sparse.csr_array[np.float64]:
        """Return each channel's share of the hazard that touches add."""
        strength: sparse.csr_array[np.float64] = features.rows.strengths[self.chosen_]
        added = strength.data * self.hazards_[strength.indices]
        hazard = sparse.csr_array((added, strength.indices, strength.indptr), shape=strength.shape)
        return normalize_rows(hazard)

    def credit(
        self, features: UniqueFeatures, amounts: Sequence[NDArray[np.floating]]
    ) -> list[NDArray[np.float64]]:
        """Return what each channel has of amounts, without the shares of single paths."""
        strength: sparse.csr_array[np.float64] = features.rows.strengths[self.chosen_]
        hazard = np.asarray(strength @ self.hazards_)
        if (hazard <= 0).any():
            return super().credit(features, amounts)
        return [np.asarray(self.hazards_ * (strength.T @ (own / hazard))) for own in amounts]

    @property
    def touch_weight(self) -> str:
        """What is left of the hazard that the touch has added."""
        hazards = " ".join(f"when {key} then {beta:.16e}" for key, beta in enumerate(self.hazards_))
        return f"(case channel_key {hazards} end) * {ExponentialDecay(self.half_life_)}"


@dataclass(frozen=True)
class _Intervals:
    """The intervals from each of n touches to the next event.

    Attributes
    ----------
    strengths
        For each half-life a sparse (n, channels) matrix: the remaining strength of the channel's
        touches at the start of the interval.
    hours : (n,) array
        Length of the interval.
    fading_hours
        For each half-life an (n,) array: the integral of ``0.5 ** (t/h)`` over the interval. Empty
        for paths.
    """

    strengths: Sequence[sparse.csr_array[np.float64]]
    hours: NDArray[np.floating]
    fading_hours: Sequence[NDArray[np.float64]] = ()

    @property
    def shape(self) -> tuple[int]:
        return (len(self.hours),)

    def exposures(self, trials: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the exposure of baseline and channels for each half-life.

        A parameter's exposure is the derivative of the expected number of conversions by it.

        Parameters
        ----------
        trials : (n,) array
            How often each interval was observed.

        Returns
        -------
        (half-lives, 1 + channels) array
        """
        baseline, used = trials @ self.hours, np.flatnonzero(trials)
        low, high = (used[0], used[-1] + 1) if len(used) else (0, 0)
        some, channels = slice(low, high), self.strengths[0].shape[1]
        starts = self.strengths[0].indptr[low : high + 1]
        entries = slice(starts[0], starts[-1])
        shape = (high - low, channels)
        return np.array(
            [
                [
                    baseline,
                    *sparse.csr_array(
                        (strengths.data[entries], strengths.indices[entries], starts - starts[0]),
                        shape=shape,
                    ).T
                    @ (trials[some] * fading[some]),
                ]
                for strengths, fading in zip(self.strengths, self.fading_hours, strict=True)
            ]
        )


@dataclass(frozen=True)
class _Exposed:
    """The exposures of a fit: those of the next one on the same intervals are sums with them."""

    intervals: _Intervals
    trials: NDArray[np.floating]
    exposures: NDArray[np.float64]

    def __deepcopy__(self, memo: object) -> _Exposed:
        """Return the same object: nothing changes it, and intervals are large."""
        return self


def _strengths(
    path: PathChannels, columns: Iterable[str], paths: int, channels: int
) -> list[sparse.csr_array[np.float64]]:
    """Return columns of weights as sparse (paths, channels) matrices that share one structure."""
    starts = path.starts(paths).astype(np.int32)
    channel = path.channel.astype(np.int32)
    return [
        # In double precision, since every product would convert them again.
        sparse.csr_array(
            (path.weights[column].astype(np.float64), channel, starts), shape=(paths, channels)
        )
        for column in columns
    ]


def _fading_hours(hours: NDArray[np.floating], half_life: float) -> NDArray[np.float64]:
    """Return the integral of ``0.5 ** (t / half_life)`` over t from 0 to the hours."""
    rate = _LN2 / half_life
    return np.asarray(-np.expm1(-rate * hours.astype(float)) / rate)


def _split(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return baseline and hazards."""
    return float(theta[0]), theta[1:]


class _HalfLifeFits:
    """Fits of every half-life to the same intervals.

    Parameters
    ----------
    intervals
    trials, conversions : (n,) counts
    starts
        Baseline and hazards to start at, by the index of the half-life.
    exposures : (half-lives, 1 + channels) array
        As `_Intervals.exposures` returns them; computed where None.

    Attributes
    ----------
    theta : dict of (1 + channels,) arrays
        The latest baseline and hazards, by the index of the half-life.
    """

    def __init__(
        self,
        intervals: _Intervals,
        trials: NDArray[np.floating],
        conversions: NDArray[np.floating],
        starts: Mapping[int, NDArray[np.float64]],
        exposures: NDArray[np.float64] | None = None,
    ) -> None:
        events = np.flatnonzero(conversions > 0)
        self._conversions = conversions[events]
        self._exposures = intervals.exposures(trials) if exposures is None else exposures
        self._added = [_added(intervals, number, events) for number in range(len(self._exposures))]
        self.theta = dict(starts)

    def fit(self, number: int, tolerance: float) -> float:
        """Fit one half-life, starting at its latest fit; return the penalised log-likelihood."""
        self.theta[number], likelihood = _fit(
            self._added[number],
            self._conversions,
            self._exposures[number],
            self.theta.get(number),
            tolerance,
        )
        return likelihood


def _fit(
    added: Matrix,
    conversions: NDArray[np.floating],
    exposure: NDArray[np.float64],
    start: NDArray[np.float64] | None = None,
    tolerance: float = _TOLERANCE,
) -> tuple[NDArray[np.float64], float]:
    """Return baseline and hazards for one half-life, and the penalised log-likelihood.

    Maximises ``sum k log(a theta) - (E + q) theta + sum log theta + sum log q`` with the rates
    ``q`` of `gamma_prior`. Exposures are plain sums, so only intervals that end in a conversion
    are iterated over. The sum is strictly concave, and the prior keeps every theta above 0.

    Parameters
    ----------
    added : (e, p) matrix
        ``a``, what each parameter adds to the hazard at a conversion.
    conversions : (e,) array
        ``k``.
    exposure : (p,) array
        ``E``.
    start : (p,) array
        A guess; one of another length is ignored.
    tolerance
        Of `lydite.models.optimize.maximize`, in nats.
    """
    total = float(conversions.sum())
    prior = gamma_prior(exposure, total)
    rate = exposure + prior
    if start is None or len(start) != len(rate):
        start = (total / len(rate) + 1) / rate

    def value(theta: NDArray[np.float64]) -> float:
        hazard = np.asarray(added @ theta)
        return float(conversions @ np.log(hazard) - rate @ theta + np.log(theta).sum())

    def derivatives(
        theta: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        hazard = np.asarray(added @ theta)
        gradient = np.asarray(added.T @ (conversions / hazard)) - rate + 1 / theta
        information = weighted_gram(added, conversions / hazard**2)
        information[np.diag_indices_from(information)] += 1 / theta**2
        return gradient, information

    best = maximize(value, derivatives, start, bounds=POSITIVE, tolerance=tolerance)
    return best.x, float(best.value) + float(np.log(prior).sum())


def _expansions(
    statistics: FeatureCounts, fits: Mapping[int, NDArray[np.float64]]
) -> Iterator[LikelihoodExpansion]:
    """Yield the likelihood of each half-life by unit, around its fit."""
    intervals: _Intervals = statistics.features.rows
    trials, hits = statistics.trials.tocoo(), statistics.conversions.tocoo()
    rows, units = hits.row.astype(np.intp), trials.shape[1]
    events = UnitCounts(np.arange(hits.nnz), hits.col, hits.data, hits.data, units)
    hours = group_sums(trials.col, trials.data * intervals.hours[trials.row], units)
    # The half-lives' matrices share one structure, so the places of its entries are found once.
    first = intervals.strengths[0]
    places = sparse.csr_array((np.arange(first.nnz), first.indices, first.indptr), first.shape)
    entry = places[trials.row]
    row = np.repeat(np.arange(entry.shape[0]), np.diff(entry.indptr))
    cell = trials.col.astype(np.intp)[row] * first.shape[1] + entry.indices
    for number, strength in enumerate(intervals.strengths):
        fading = trials.data * intervals.fading_hours[number][trials.row]
        exposure = group_sums(cell, strength.data[entry.data] * fading[row], units * first.shape[1])
        yield LikelihoodExpansion(
            _added(intervals, number, rows),
            events,
            np.column_stack([hours, exposure.reshape(units, -1)]),
            fits[number],
        )


def _added(intervals: _Intervals, number: int, events: NDArray[np.intp]) -> Matrix:
    """Return the (e, 1 + channels) matrix of what a unit of each parameter adds to the hazard.

    Parameters
    ----------
    intervals
    number
        Index of the half-life.
    events : (e,) integers
        Intervals that end in a conversion; the hazard is that at the end.
    """
    strength = intervals.strengths[number][events]
    decayed = 0.5 ** (intervals.hours[events].astype(float) / HALF_LIVES_HOURS[number])
    left = strength.data * np.repeat(decayed, np.diff(strength.indptr))
    touches = fast_matrix(
        sparse.csr_array((left, strength.indices, strength.indptr), shape=strength.shape)
    )
    baseline = np.ones((len(events), 1))
    if isinstance(touches, np.ndarray):
        return np.hstack([baseline, touches])
    return sparse.csr_array(sparse.hstack([sparse.csr_array(baseline), touches], format="csr"))
