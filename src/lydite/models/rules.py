"""Rules: models that weigh the touches of a path by a fixed expression."""

from __future__ import annotations

import contextlib
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from lydite.engine.duckdb import quote_literal
from lydite.errors import InputError
from lydite.models.base import Model
from lydite.models.expression import check_expression, columns_of
from lydite.models.mixture import ENOUGH_LANDMARKS, base_rate, fit_rates, some_rows
from lydite.paths.landmarks import UniqueFeatures
from lydite.paths.shares import mixed_rates, path_shares, share_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray
    from scipy import sparse

    from lydite.engine import Engine
    from lydite.paths.landmarks import Landmarks, Paths


class Rule(Model):
    """One touch, drawn with the rule's weights, decides whether the customer converts.

    So a landmark converts with probability ``sum_c X_c r_c``, where ``X_c`` is the share of the
    rule's weight that falls on channel ``c``, and ``r_c`` the rate of that channel. The rates are
    fitted by maximum likelihood with a weak Beta prior at the base rate.

    Parameters
    ----------
    name
        Name of the model, and of the column of weights in `PathChannels.weights`.
    claim
        The hypothesis.
    expression
        SQL expression of a touch's weight over `lydite.models.PATH_COLUMNS`.

    Attributes
    ----------
    rates_ : (n_channels,) array
        Rate of each channel.
    """

    learns: ClassVar[bool] = False
    weights_touches: ClassVar[bool] = True
    enough_landmarks: ClassVar[int | None] = ENOUGH_LANDMARKS

    def __init__(self, name: str, claim: str, expression: str) -> None:
        self.name = name
        self.claim = claim
        self.expression = expression

    @property
    def weight_columns(self) -> Mapping[str, str]:
        """The rule itself; a negative or huge weight stops the statement."""
        return {self.name: guarded(self.name, self.expression)}

    @property
    def needs_clock(self) -> bool:
        """Whether the rule looks at times."""
        return any(name.startswith("hours_") for name in columns_of(self.expression))

    def encode(self, landmarks: Landmarks) -> UniqueFeatures:
        """Return the distinct divisions of a path over channels, as a (k, c) matrix."""
        index, [shares] = share_rows(landmarks, self)
        return UniqueFeatures(index, shares)

    def fit_counts(
        self,
        features: UniqueFeatures,
        trials: NDArray[np.floating],
        conversions: NDArray[np.floating],
    ) -> Self:
        """Fit the rates; a fit goes on from the rates of the fit before."""
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
        """Return ``X r`` for each landmark, with shares that are not kept in steps."""
        return mixed_rates(landmarks, self.name, self.rates_)

    def encode_paths(self, paths: Paths) -> UniqueFeatures:
        """Return each path's weights by channel, as a sparse (n, c) matrix of shares."""
        return UniqueFeatures(np.arange(len(paths)), path_shares(paths, self.name))

    def shares(self, features: UniqueFeatures) -> sparse.csr_array[np.float64]:
        """Return the weights themselves; nothing is learnt."""
        shares: sparse.csr_array[np.float64] = features.rows
        return shares

    @property
    def touch_weight(self) -> str:
        """The rule itself."""
        return guarded(self.name, self.expression)


class KnownRule(Rule):
    """A rule that comes with Lydite: its weights are never negative, and nobody watches them."""

    @property
    def weight_columns(self) -> Mapping[str, str]:
        """The rule itself."""
        return {self.name: self.expression}

    @property
    def touch_weight(self) -> str:
        """The rule itself."""
        return self.expression


@cache
def guarded(name: str, expression: str) -> str:
    """Return a checked expression that stops the statement at a negative or huge weight.

    Raises
    ------
    InputError
        When it is no expression over the columns of a path.
    """
    checked = check_expression(name, expression)
    weight = f"cast(({checked}) as double)"
    told = (
        f"concat({quote_literal(_BAD_WEIGHT.format(name))}, {weight}, ' to touch ', position,"
        " ' of ', path_length, ' on a path, of channel ', channel)"
    )
    return (
        f"case when not (coalesce({weight}, 0) between 0 and {_MOST_WEIGHT})"
        f" then cast(error({told}) as double) else {weight} end"
    )


_BAD_WEIGHT = "the rule {!r} gives the weight "
# Sums of weights are kept in single precision, which ends at 3e38.
_MOST_WEIGHT = "1e30"


@contextlib.contextmanager
def weights_explained(
    engine: Engine, models: Iterable[Model], touches: str, path: str
) -> Iterator[None]:
    """Turn what a rule's weight has stopped into an error that shows the path.

    Parameters
    ----------
    models
        The rules among them may be at fault.
    touches
        A relation with a row per touch, with the columns of a path.
    path
        The columns that tell paths apart, separated by commas.

    Raises
    ------
    InputError
        When a weight is negative or huge, or cannot be computed.
    """
    try:
        yield
    except engine.error as error:
        rules = [model for model in models if isinstance(model, Rule)]
        guilty = [rule for rule in rules if _BAD_WEIGHT.format(rule.name) in str(error)]
        if not guilty:
            _refuse_what_fails(engine, rules, touches)
            raise
        message = str(error).partition(_BAD_WEIGHT.format(guilty[0].name))
        shown = _example(engine, guilty[0], touches, path)
        raise InputError(
            f"{message[1]}{message[2].splitlines()[0]}: weights are numbers from 0 to"
            f" {_MOST_WEIGHT}. It happens on the path {shown}. Mend the expression, such as with"
            " greatest(0, ...)."
        ) from error


def _refuse_what_fails(engine: Engine, rules: Iterable[Rule], touches: str) -> None:
    """Raise an error that names the rule that cannot be computed on some touch, if one is."""
    for rule in rules:
        checked = check_expression(rule.name, rule.expression)
        try:
            engine.scalar(f"select sum(cast(({checked}) as double)) from {touches}")
        except engine.error as error:
            raise InputError(
                f"the rule {rule.name!r}, {rule.expression!r}, cannot be computed on some touch:"
                f" {str(error).splitlines()[0]}. Mend it, such as with try(...) or nullif(...)."
            ) from error


def _example(engine: Engine, rule: Rule, touches: str, path: str) -> str:
    """Return a path on which the rule has a weight that is none."""
    weight = f"cast(({check_expression(rule.name, rule.expression)}) as double)"
    text: str = engine.scalar(
        f"select string_agg(channel, ' > ' order by position) from {touches}"
        f" where ({path}) = (select ({path}) from {touches}"
        f" where not (coalesce({weight}, 0) between 0 and {_MOST_WEIGHT}) limit 1)"
    )
    return text
