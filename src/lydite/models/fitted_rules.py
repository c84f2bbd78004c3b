"""Rules with one parameter that is fitted to training data instead of fixed by convention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from lydite.models.base import Model
from lydite.models.mixture import (
    ENOUGH_LANDMARKS,
    TOLERANCE,
    UnitCounts,
    base_rate,
    fit_rates,
    some_rows,
    stepped_likelihood,
)
from lydite.paths.columns import ExponentialDecay
from lydite.paths.landmarks import UniqueFeatures
from lydite.paths.shares import STEPS_BY_ORDER, STEPS_BY_TIME, mixed_rates, path_shares, share_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from lydite.models.base import FeatureCounts
    from lydite.paths.columns import WeightColumns
    from lydite.paths.landmarks import Landmarks, Paths

# Candidates are compared after the first Newton step that promises to gain less than this, in nats.
# The likelihood after it is off by a small part of that, far less than candidates usually differ.
_CHOICE_TOLERANCE = 0.01
#: Candidates of a half-life that is fitted.
HALF_LIVES_HOURS = (6, 24, 72, 168, 336)
_END_SHARES = (0.1, 0.2, 0.3, 0.4, 0.45, 0.5)


class FittedRule(Model):
    """A rule whose parameter is the candidate with the highest penalised likelihood.

    The rates of each candidate are fitted as those of `lydite.models.Rule`.

    Parameters
    ----------
    name, claim
        As of any model.
    candidates
        SQL expression of a touch's weight over `lydite.models.PATH_COLUMNS`, by label, in the
        order of the parameter.

    Attributes
    ----------
    chosen_ : int
        Index of the chosen candidate.
    rates_ : (n_channels,) array
        Rate of each channel under the chosen candidate.
    """

    weights_touches: ClassVar[bool] = True
    credit_kind: ClassVar[str] = "rule"
    enough_landmarks: ClassVar[int | None] = ENOUGH_LANDMARKS

    def __init__(self, name: str, claim: str, candidates: WeightColumns) -> None:
        self.name = name
        self.claim = claim
        self.candidates = candidates

    @property
    def columns(self) -> list[str]:
        """The names of the weight columns, one for each candidate."""
        return [f"{self.name} {label}" for label in self.candidates]

    @property
    def weight_columns(self) -> WeightColumns:
        """The weights of each candidate."""
        return dict(zip(self.columns, self.candidates.values(), strict=True))

    @property
    def label_(self) -> str:
        """The label of the chosen candidate."""
        return list(self.candidates)[self.chosen_]

    # --- forecast -------------------------------------------------------------------------------

    def encode(self, landmarks: Landmarks) -> UniqueFeatures:
        """Return the distinct rows of shares under all candidates."""
        steps = STEPS_BY_ORDER if self.uses_order_only else STEPS_BY_TIME
        index, shares = share_rows(landmarks, self.columns, steps)
        return UniqueFeatures(index, _Shares(shares))

    def fit_counts(
        self,
        features: UniqueFeatures,
        trials: NDArray[np.floating],
        conversions: NDArray[np.floating],
    ) -> Self:
        """Fit the rates of every candidate, and choose the most likely one."""
        seen = np.flatnonzero(trials > 0)
        trials, conversions = trials[seen], conversions[seen]
        self._rates: dict[int, NDArray[np.float64]] = dict(getattr(self, "_rates", {}))

        def likelihood(number: int, tolerance: float) -> float:
            shares = some_rows(features.rows.shares[number], seen)
            return self._fit_candidate(shares, number, trials, conversions, tolerance)

        numbers = range(len(features.rows.shares))
        self.chosen_ = max(numbers, key=lambda number: likelihood(number, _CHOICE_TOLERANCE))
        likelihood(self.chosen_, TOLERANCE)
        self.rates_ = self._rates[self.chosen_]
        return self

    def _fit_candidate(
        self,
        shares: NDArray[np.float64] | sparse.csr_array[np.float64],
        number: int,
        trials: NDArray[np.floating],
        conversions: NDArray[np.floating],
        tolerance: float = TOLERANCE,
    ) -> float:
        """Fit the rates of one candidate, and return its penalised log-likelihood.

        A fit starts at the rates of the fit before.
        """
        base, start = base_rate(trials, conversions), self._rates.get(number)
        if start is None or len(start) != shares.shape[1]:
            start = np.full(shares.shape[1], base)
        self._rates[number], likelihood = fit_rates(
            shares, trials, conversions, base, start, tolerance
        )
        return likelihood

    def forecast_unique(self, features: UniqueFeatures) -> NDArray[np.float64]:
        """Return ``X r`` for each feature row, under the chosen candidate."""
        return np.asarray(features.rows.shares[self.chosen_] @ self.rates_)

    def forecast(self, landmarks: Landmarks) -> NDArray[np.float64]:
        """Return ``X r`` for each landmark, with shares that are not rounded."""
        return mixed_rates(landmarks, self.columns[self.chosen_], self.rates_)

    # --- credit ---------------------------------------------------------------------------------

    def refits(self, statistics: FeatureCounts, weights: NDArray[np.floating]) -> Iterator[Self]:
        """Yield this model with the most likely candidate under each (units,) row of weights.

        Credit depends on the candidate alone, so the resamples need no rates, only the likelihood
        of each candidate. One Newton step from the rates of the fit approximates it, for all rows
        of weights at once (`stepped_likelihood`).
        """
        seen: _Shares = statistics.features.rows
        counts, weights = UnitCounts.of(statistics), np.asarray(weights, dtype=float)
        values = np.empty((len(seen.shares), len(weights)))
        for number, shares in enumerate(seen.shares):
            values[number] = stepped_likelihood(shares, counts, weights, self._rates[number])
        for chosen in values.argmax(axis=0).tolist():
            self.chosen_ = chosen
            self.rates_ = self._rates[chosen]
            yield self

    def encode_paths(self, paths: Paths) -> UniqueFeatures:
        """Return each path's shares by channel under every candidate."""
        index = np.arange(len(paths))
        return UniqueFeatures(
            index, _Shares([path_shares(paths, column) for column in self.columns])
        )

    def shares(self, features: UniqueFeatures) -> sparse.csr_array[np.float64]:
        """Return the shares under the chosen candidate."""
        shares: sparse.csr_array[np.float64] = features.rows.shares[self.chosen_]
        return shares

    @property
    def touch_weight(self) -> str:
        """The chosen candidate."""
        return str(list(self.candidates.values())[self.chosen_])


@dataclass(frozen=True)
class _Shares:
    """Feature rows: shares of paths under each candidate."""

    shares: Sequence[NDArray[np.float64] | sparse.csr_array[np.float64]]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.shares[0].shape


def time_decay_fitted() -> FittedRule:
    """Return time decay with the half-life that fits best."""
    return FittedRule(
        "time_decay_fitted",
        "recent touches more: a touch loses half its weight in the time that fits best",
        {f"{hours} h": ExponentialDecay(hours) for hours in HALF_LIVES_HOURS},
    )


def position_based_fitted() -> FittedRule:
    """Return the position-based rule with the share of the ends that fits best."""
    return FittedRule(
        "position_based_fitted",
        "the first and the last touch alike, those between by the share that fits best",
        {
            f"{end:.0%} each end": f"case when path_length <= 2 then 1.0"
            f" when position = 1 or position_from_end = 1 then {end}"
            f" else {1 - 2 * end:.2f} / (path_length - 2) end"
            for end in _END_SHARES
        },
    )
