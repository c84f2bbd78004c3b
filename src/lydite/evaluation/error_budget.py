"""Error budget: how the chance of any wrong statement in a report is spent on its comparisons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

#: The share of alpha for the primary models, over all users and outcomes.
PRIMARY_SHARE = 0.6
#: The share for segments; the rest is for comparisons with other models.
SEGMENT_SHARE = 0.2
#: The share for lookbacks other than the main one, if there are any; the rest is divided as above.
LOOKBACK_SHARE = 0.2


@dataclass(frozen=True)
class ErrorBudget:
    """The chance of a wrong statement in one family of comparisons.

    Attributes
    ----------
    primary
        Names of the primary models.
    of_primary
        The chance of any wrong statement on the primary models, among themselves and against the
        null hypothesis.
    of_others
        The chance of any wrong statement that involves another model.
    """

    primary: frozenset[str]
    of_primary: float
    of_others: float

    @classmethod
    def flat(cls, alpha: float) -> ErrorBudget:
        """Return a budget that treats all models alike."""
        return cls(frozenset(), 0.0, alpha)

    def of_pairs(
        self, pairs: Sequence[tuple[str, str]], null: Collection[str]
    ) -> NDArray[np.float64]:
        """Return the chance of a wrong statement on each pair; each family is split equally.

        Parameters
        ----------
        pairs
        null
            Names that stand for the null hypothesis.
        """
        counted = self.primary.union(null)
        primary = np.array([counted.issuperset(pair) for pair in pairs], dtype=bool)
        if primary.all():  # no other comparison needs a share
            return np.full(len(pairs), (self.of_primary + self.of_others) / max(len(pairs), 1))
        of_primary = self.of_primary / max(primary.sum(), 1)
        return np.asarray(np.where(primary, of_primary, self.of_others / (~primary).sum()))


def split_alpha(
    alpha: float, primary: Collection[str], outcomes: int, *, segments: bool
) -> tuple[ErrorBudget, ErrorBudget]:
    """Return the budgets of one outcome: of all users, and of all its segments together.

    Parameters
    ----------
    alpha
        The chance of any wrong statement in the report.
    primary
        Names of the primary models.
    outcomes
        The number of outcomes of the report, which share alpha equally.
    segments
        Whether there are any segments.
    """
    own = alpha / outcomes
    of_segments = own * SEGMENT_SHARE if segments else 0.0
    of_primary = own * PRIMARY_SHARE
    all_users = ErrorBudget(frozenset(primary), of_primary, own - of_primary - of_segments)
    return all_users, ErrorBudget.flat(of_segments)


def split_by_lookback(alpha: float, others: int) -> tuple[float, float]:
    """Return the parts of alpha of the main lookback, and of each of the others.

    Examples
    --------
    >>> split_by_lookback(0.05, 0)
    (0.05, 0.0)
    >>> main, each = split_by_lookback(0.05, 2)
    >>> round(main, 6), round(each, 6)
    (0.04, 0.005)
    """
    if not others:
        return alpha, 0.0
    return alpha * (1 - LOOKBACK_SHARE), alpha * LOOKBACK_SHARE / others


def primary_among(primary: Collection[str], compared: Sequence[str]) -> tuple[str, ...]:
    """Return the primary models that are compared; all models if fewer than two of them are."""
    kept = tuple(name for name in compared if name in primary)
    return kept if len(kept) > 1 else tuple(compared)
