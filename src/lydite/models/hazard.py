"""The additive hazard: every touch adds a chance to convert per hour, which fades."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from scipy import sparse

from lydite.models.base import Model
from lydite.models.candidates import most_likely, out_of_reach
from lydite.models.fitted_rules import HALF_LIVES_HOURS
from lydite.models.hazard_bootstrap import LikelihoodExpansion, gamma_prior
from lydite.models.mixture import ENOUGH_LANDMARKS, UnitCounts, fast_matrix, squares
from lydite.paths.columns import ExponentialDecay
from lydite.paths.compiled import compiled
from lydite.paths.grouping import counted
from lydite.paths.landmarks import UniqueFeatures, rows_to_one

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.models.base import FeatureCounts
    from lydite.paths.columns import WeightColumns
    from lydite.paths.landmarks import Landmarks, PathChannels, Paths

_LN2 = float(np.log(2))
_LEAST, _MOST = 1e-9, 1 - 1e-9  # no forecast is certain
_MAX_NEWTON_STEPS = 200
# Newton's method squares its error, so that fits from different starts agree to many digits.
_LAST_GAIN = 1e-12
_ROUNDING = 1e-13  # of a value, as a share of it


class AdditiveHazard(Model):
    """Every touch adds a hazard that fades; conversions come at the hazard's own time [1]_.

    At time t the hazard of converting, per hour, is ``mu + sum_i beta_c(i) 0.5 ** ((t - t_i)/h)``
    over the touches i of the path. Without any beta it is the null hypothesis.

    *Fit.* Each touch opens an interval that ends in the next event, touch or conversion, or after
    the lookback. The likelihood of what happened when is maximised, with a weak Gamma prior worth
    one conversion for each parameter; it is concave for a given half-life, and the half-life is
    the candidate with the highest likelihood.

    *Forecast.* The hazard right after the touch, integrated over the usual time to the next event.

    *Credit.* Each touch's share of the hazard at the conversion, the baseline's part left out.
    Since all touches fade at one pace, the time since the last touch cancels.

    Attributes
    ----------
    chosen_ : int
        Number of the half-life among `HALF_LIVES_HOURS`.
    baseline_ : float
        ``mu``, per hour.
    hazards_ : (n_channels,) array
        ``beta``, per hour right after a touch of each channel.
    half_life_ : float
        ``h``, in hours.
    usual_hours_, usual_fading_hours_ : float
        Mean length of an interval, and the hours at full strength that it amounts to.

    References
    ----------
    .. [1] Zhang, Wei & Ren (2014), "Multi-touch attribution in online advertising with survival
       theory", *IEEE International Conference on Data Mining*.
    """

    weights_touches: ClassVar[bool] = True
    enough_landmarks = ENOUGH_LANDMARKS
    name = "additive_hazard"
    claim = "each touch, by a chance per hour that it adds and that fades"

    @property
    def weight_columns(self) -> WeightColumns:
        """What is left of the touches' strength at the end of the path, for each half-life."""
        return {f"strength after {hours} h": ExponentialDecay(hours) for hours in HALF_LIVES_HOURS}

    @property
    def half_life_(self) -> float:
        """The half-life that was chosen, in hours."""
        return float(HALF_LIVES_HOURS[self.chosen_])

    # --- forecast -------------------------------------------------------------------------------

    def encode(self, landmarks: Landmarks) -> UniqueFeatures:
        """Return the strength of each channel at each landmark, and the time to the next event."""
        met, path, n = landmarks.path_channels(self.weight_columns)
        strengths = _strengths(met, self.weight_columns, n, len(landmarks.channels))
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
        """Fit the hazards for half-lives, and choose one; a fit goes on from the one before."""
        intervals: _Intervals = features.rows
        events = np.flatnonzero(conversions > 0)
        exposures, hits = intervals.exposures(trials), conversions[events]
        fits: dict[int, NDArray[np.float64]] = dict(getattr(self, "_fits", {}))

        def value(number: int, rival: float) -> float:
            added, last = _added(intervals, number, events), fits.get(number)
            fits[number], likelihood = _fit(added, hits, exposures[number], last, rival)
            return likelihood

        self.chosen_ = most_likely(len(HALF_LIVES_HOURS), getattr(self, "chosen_", 0), value)
        self._fits = fits
        self.baseline_, self.hazards_ = float(fits[self.chosen_][0]), fits[self.chosen_][1:]
        total = max(float(trials.sum()), 1e-300)
        self.usual_hours_ = float(trials @ intervals.hours) / total
        self.usual_fading_hours_ = float(trials @ intervals.fading_hours[self.chosen_]) / total
        return self

    def forecast_unique(self, features: UniqueFeatures) -> NDArray[np.float64]:
        """Return the chance of a conversion within the usual time to the next event."""
        return self._chances(np.asarray(features.rows.strengths[self.chosen_] @ self.hazards_))

    def _chances(self, hazard: NDArray[np.float64]) -> NDArray[np.float64]:
        expected = self.baseline_ * self.usual_hours_ + self.usual_fading_hours_ * hazard
        return np.asarray(np.clip(-np.expm1(-expected), _LEAST, _MOST))

    def forecast(self, landmarks: Landmarks) -> NDArray[np.float64]:
        """Return the chance at each landmark, by the strengths under the chosen half-life alone."""
        column = list(self.weight_columns)[self.chosen_]
        if landmarks.landmark_paths is None:
            return super().forecast(landmarks)
        _, hazard = landmarks.landmark_paths.sums(column, self.hazards_)
        return self._chances(hazard)

    # --- credit ---------------------------------------------------------------------------------

    def refits(self, statistics: FeatureCounts, weights: NDArray[np.floating]) -> Iterator[Self]:
        """Yield this model with half-life and hazards as under each row of weights.

        Each half-life is one Newton step away from its own fit, which tells how likely it is at its
        best; the one that is chosen takes further steps.
        """
        own: NDArray[np.float64] = np.asarray(weights, dtype=float)
        fits = _fits_to_the_end(statistics, self._fits)
        drawn = [fit.drawn(own) for fit in _neighbourhoods(statistics, fits)]
        chosen = np.argmax([draws.likelihood for draws in drawn], axis=0)
        theta = drawn[0].theta.copy()
        for number in np.unique(chosen):
            rows = np.flatnonzero(chosen == number)
            theta[rows] = drawn[number].arrived(rows)
        for number, row in zip(chosen.tolist(), theta, strict=True):
            self.chosen_, self.baseline_, self.hazards_ = number, float(row[0]), row[1:]
            yield self

    def encode_paths(self, paths: Paths) -> UniqueFeatures:
        """Return the strength of each channel at the end of each path."""
        strengths = _strengths(paths.path, self.weight_columns, len(paths), len(paths.channels))
        nothing = np.zeros(len(paths))
        return UniqueFeatures(np.arange(len(paths)), _Intervals(strengths, nothing))

    def shares(self, features: UniqueFeatures) -> sparse.csr_array[np.float64]:
        """Return each channel's share of the hazard that touches add."""
        met: sparse.csr_array[np.float64] = features.rows.strengths[self.chosen_]
        added = met.data * self.hazards_[met.indices]
        return rows_to_one(sparse.csr_array((added, met.indices, met.indptr), shape=met.shape))

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
    """From each of n touches to the next event.

    Attributes
    ----------
    strengths
        For each half-life a sparse (n, channels) matrix: what is left of the channel's touches.
    hours : (n,) array
        Length of the interval.
    fading_hours
        For each half-life an (n,) array: the hours at full strength that the fading ones of the
        interval amount to. Empty for paths.
    """

    strengths: Sequence[sparse.csr_array[np.float64]]
    hours: NDArray[np.floating]
    fading_hours: Sequence[NDArray[np.float64]] = ()

    @property
    def shape(self) -> tuple[int]:
        return (len(self.hours),)

    def exposures(self, trials: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the exposures of baseline and hazards for each half-life.

        Parameters
        ----------
        trials : (n,) array
            How often each interval is met.

        Returns
        -------
        (half-lives, 1 + channels) array
        """
        # The half-lives' matrices share one structure: all are summed up in one pass.
        first, strengths = self.strengths[0], tuple(own.data for own in self.strengths)
        exposures = np.zeros((len(strengths), 1 + first.shape[1]))
        exposures[:, 0] = trials @ self.hours
        fading = tuple(self.fading_hours)
        _expose(first.indptr, first.indices, strengths, fading, trials, exposures)
        return exposures


@compiled
def _expose(
    starts: NDArray[np.integer],
    channel: NDArray[np.integer],
    strengths: tuple[NDArray[np.float64], ...],
    fading_hours: tuple[NDArray[np.float64], ...],
    trials: NDArray[np.floating],
    exposures: NDArray[np.float64],
) -> None:
    """Add what channels are exposed to in intervals that are met, for each half-life."""
    hours = np.empty(len(strengths))
    for row in range(len(trials)):
        if trials[row] > 0:
            for number in range(len(hours)):
                hours[number] = trials[row] * fading_hours[number][row]
            for entry in range(starts[row], starts[row + 1]):
                own = channel[entry] + 1
                for number in range(len(hours)):
                    exposures[number, own] += strengths[number][entry] * hours[number]


def _strengths(
    path: PathChannels, columns: Iterable[str], paths: int, channels: int
) -> list[sparse.csr_array[np.float64]]:
    """Return columns of weights as sparse (paths, channels) matrices that share one structure."""
    starts = path.starts(paths).astype(np.int32)
    channel = path.channel.astype(np.int32)
    return [
        # In full precision: each product would widen them anew.
        sparse.csr_array(
            (path.weights[column].astype(np.float64), channel, starts), shape=(paths, channels)
        )
        for column in columns
    ]


def _fading_hours(hours: NDArray[np.floating], half_life: float) -> NDArray[np.float64]:
    """Return the integral of ``0.5 ** (t / half_life)`` over t from 0 to the hours."""
    rate = _LN2 / half_life
    return np.asarray(-np.expm1(-rate * hours.astype(float)) / rate)


def _fit(
    added: NDArray[np.float64] | sparse.csr_array[np.float64],
    conversions: NDArray[np.floating],
    exposure: NDArray[np.float64],
    last: NDArray[np.float64] | None = None,
    rival: float = -np.inf,
) -> tuple[NDArray[np.float64], float]:
    """Return baseline and hazards for one half-life, and the penalised log-likelihood.

    With ``E`` the exposure of each parameter theta and ``a`` what it adds to the hazard at a
    conversion, the log-likelihood is ``sum k log(a theta) - E theta``; the exposures are plain
    sums, so that only converting intervals are iterated over.

    A fit that cannot come up to the likelihood of a rival is not made to the end.
    """
    total = float(conversions.sum())
    prior = gamma_prior(exposure, total)
    starts = [(total / len(exposure) + 1) / (exposure + prior)]
    if last is not None and len(last) == len(exposure):
        starts.append(last)
    constant = float(np.log(prior).sum())
    theta, value = _maximise(added, conversions, exposure + prior, starts, rival - constant)
    return theta, value + constant


def _fits_to_the_end(
    statistics: FeatureCounts, fits: Mapping[int, NDArray[np.float64]]
) -> dict[int, NDArray[np.float64]]:
    """Return the fits of all half-lives, also of those that were out of reach of the best."""
    intervals: _Intervals = statistics.features.rows
    exposures = intervals.exposures(np.asarray(statistics.trials.sum(axis=1), dtype=float))
    conversions: NDArray[np.float64] = np.asarray(statistics.conversions.sum(axis=1))
    events = np.flatnonzero(conversions > 0)
    return {
        number: _fit(
            _added(intervals, number, events), conversions[events], exposures[number], own
        )[0]
        for number, own in fits.items()
    }


def _neighbourhoods(
    statistics: FeatureCounts, fits: Mapping[int, NDArray[np.float64]]
) -> Iterator[LikelihoodExpansion]:
    """Yield the fit of each half-life with what its likelihood is made of, by unit."""
    intervals: _Intervals = statistics.features.rows
    trials, hits = statistics.trials.tocoo(), statistics.conversions.tocoo()
    rows, units = hits.row.astype(np.intp), trials.shape[1]
    events = UnitCounts(np.arange(hits.nnz), hits.col, hits.data, hits.data, units)
    hours = counted(trials.col, trials.data * intervals.hours[trials.row], units)
    # The half-lives' matrices share one structure: only its entries' places are looked up, once.
    first = intervals.strengths[0]
    every = sparse.csr_array((np.arange(first.nnz), first.indices, first.indptr), first.shape)
    entry = every[trials.row]
    row = np.repeat(np.arange(entry.shape[0]), np.diff(entry.indptr))
    cell = trials.col.astype(np.intp)[row] * first.shape[1] + entry.indices
    for number, strength in enumerate(intervals.strengths):
        fading = trials.data * intervals.fading_hours[number][trials.row]
        faded = counted(cell, strength.data[entry.data] * fading[row], units * first.shape[1])
        yield LikelihoodExpansion(
            _added(intervals, number, rows),
            events,
            np.column_stack([hours, faded.reshape(units, -1)]),
            fits[number],
        )


def _added(
    intervals: _Intervals, number: int, events: NDArray[np.intp]
) -> NDArray[np.float64] | sparse.csr_array[np.float64]:
    """Return what each parameter adds to the hazard at the given conversions."""
    strength = intervals.strengths[number][events]
    fade = 0.5 ** (intervals.hours[events].astype(float) / HALF_LIVES_HOURS[number])
    left = strength.data * np.repeat(fade, np.diff(strength.indptr))
    touches = fast_matrix(
        sparse.csr_array((left, strength.indices, strength.indptr), shape=strength.shape)
    )
    baseline = np.ones((len(events), 1))
    if isinstance(touches, np.ndarray):
        return np.hstack([baseline, touches])
    return sparse.csr_array(sparse.hstack([sparse.csr_array(baseline), touches], format="csr"))


def _maximise(
    added: NDArray[np.float64] | sparse.csr_array[np.float64],
    events: NDArray[np.floating],
    exposure: NDArray[np.float64],
    starts: Sequence[NDArray[np.float64]],
    rival: float = -np.inf,
) -> tuple[NDArray[np.float64], float]:
    """Maximise ``sum k log(a x) - E x + sum log x`` over x > 0, and return x and the maximum.

    Strictly concave, and the logarithms keep the maximum inside, so that Newton's method with
    backtracking always arrives, from any start; it sets out from the highest that is given. It
    stops where the value of a rival is out of reach.
    """

    def value(x: NDArray[np.float64]) -> float:
        return float(events @ np.log(np.asarray(added @ x)) - exposure @ x + np.log(x).sum())

    best, x = max(((value(start), start) for start in starts), key=itemgetter(0))
    for _ in range(_MAX_NEWTON_STEPS):
        hazard = np.asarray(added @ x)
        # In units of x itself, whatever its own are, the equations are easy to solve.
        slope = x * (np.asarray(added.T @ (events / hazard)) - exposure) + 1
        curvature = np.outer(x, x) * squares(added, events / hazard**2)
        curvature[np.diag_indices_from(curvature)] += 1
        step = np.linalg.solve(curvature, slope)
        gain, part = float(slope @ step), 1.0
        if out_of_reach(best, gain, step, rival):
            return x * (1 + step), best + gain / 2
        # What is less than rounding of the value cannot be seen in it; the step is right even so.
        unseen = gain < max(_LAST_GAIN, _ROUNDING * abs(best))
        while True:
            trial = x * (1 + part * step)
            if trial.min() > 0:
                reached = value(trial)
                if unseen or reached >= best + 1e-4 * part * gain or part < 1e-8:
                    break
            part /= 2
        x, best = trial, reached
        if gain < _LAST_GAIN:
            break
    return x, best
