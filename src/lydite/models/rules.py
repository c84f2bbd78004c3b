"""Rules: models with a fixed expression for the weight of a touch."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self, overload

import numpy as np

from lydite.errors import InputError
from lydite.models.base import Model
from lydite.models.mixture import ENOUGH_LANDMARKS, base_rate, fit_rates, some_rows
from lydite.paths.columns import UserWeight
from lydite.paths.landmarks import UniqueFeatures
from lydite.paths.shares import STEPS_BY_ORDER, STEPS_BY_TIME, mixed_rates, path_shares, share_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from lydite.paths.columns import ExponentialDecay, Weight, WeightColumns
    from lydite.paths.landmarks import Landmarks, Paths


def claim_of(expression: str | ExponentialDecay) -> str:
    """Return the claim of a rule that has none: what its expression says."""
    return f"what {str(expression)!r} weighs"


class Rule(Model):
    """One touch, drawn with the rule's weights, decides whether the user converts.

    So a landmark converts with probability ``sum_c X_c r_c``, where ``X_c`` is the share of the
    rule's weight that falls on channel ``c``, and ``r_c`` the rate of that channel. The rates are
    fitted by maximum likelihood with a weak Beta prior at the base rate.

    Parameters
    ----------
    name
        Name of the model, and of the column of weights in `PathChannels.weights`.
    claim
        The hypothesis, which completes "what decides is ..."; it may be left out.
    expression
        SQL expression of a touch's weight over `lydite.models.PATH_COLUMNS`, or an object whose
        text is one.

    Attributes
    ----------
    rates_ : (n_channels,) array
        Rate of each channel.

    Examples
    --------
    >>> from lydite.models import Rule
    >>> Rule("early", "1.0 / position").claim
    "what '1.0 / position' weighs"
    """

    learns: ClassVar[bool] = False
    credit_kind: ClassVar[str] = "rule"
    weights_touches: ClassVar[bool] = True
    enough_landmarks: ClassVar[int | None] = ENOUGH_LANDMARKS

    @overload
    def __init__(self, name: str, claim: str | ExponentialDecay, /) -> None: ...

    @overload
    def __init__(
        self, name: str, claim: str | None = ..., expression: str | ExponentialDecay = ...
    ) -> None: ...

    def __init__(
        self,
        name: str,
        claim: str | ExponentialDecay | None = None,
        expression: str | ExponentialDecay | None = None,
    ) -> None:
        if expression is None:  # the only text is the expression
            claim, expression = None, claim
        if expression is None:
            raise InputError(f"the rule {name!r} needs an expression, such as '1.0 / position'")
        self.name = name
        self.claim = claim_of(expression) if claim is None else str(claim)
        self.expression = expression

    @property
    def weight_columns(self) -> WeightColumns:
        """The rule's expression; a negative or huge weight is an error."""
        return {self.name: self._weight}

    @property
    def _weight(self) -> Weight:
        return UserWeight.checked(self.name, str(self.expression))

    def encode(self, landmarks: Landmarks) -> UniqueFeatures:
        """Return the distinct shares of channels on a path, as a (k, c) matrix."""
        steps = STEPS_BY_ORDER if self.uses_order_only else STEPS_BY_TIME
        index, [shares] = share_rows(landmarks, [self.name], steps)
        return UniqueFeatures(index, shares)

    def fit_counts(
        self,
        features: UniqueFeatures,
        trials: NDArray[np.floating],
        conversions: NDArray[np.floating],
    ) -> Self:
        """Fit the rates, starting at those of the previous fit."""
        seen = np.flatnonzero(trials > 0)
        shares = some_rows(features.rows, seen)
        trials, conversions = trials[seen], conversions[seen]
        base = base_rate(trials, conversions)
        start = getattr(self, "rates_", None)
        if start is None or len(start) != shares.shape[1]:
            start = np.full(shares.shape[1], base)
        self.rates_, _ = fit_rates(shares, trials, conversions, base, start)
        return self

    def forecast_unique(self, features: UniqueFeatures) -> NDArray[np.float64]:
        """Return ``X r`` for each feature row."""
        return np.asarray(features.rows @ self.rates_)

    def forecast(self, landmarks: Landmarks) -> NDArray[np.float64]:
        """Return ``X r`` for each landmark, with shares that are not rounded to steps."""
        return mixed_rates(landmarks, self.name, self.rates_)

    def encode_paths(self, paths: Paths) -> UniqueFeatures:
        """Return each path's weights by channel, as a sparse (n, c) matrix of shares."""
        return UniqueFeatures(np.arange(len(paths)), path_shares(paths, self.name))

    def shares(self, features: UniqueFeatures) -> sparse.csr_array[np.float64]:
        """Return the shares of the weights: a rule learns nothing."""
        shares: sparse.csr_array[np.float64] = features.rows
        return shares

    @property
    def touch_weight(self) -> str:
        """The rule's expression."""
        return str(self._weight)


class KnownRule(Rule):
    """A rule that is part of Lydite: its weights are never negative, so they are not checked."""

    @property
    def _weight(self) -> Weight:
        return self.expression
