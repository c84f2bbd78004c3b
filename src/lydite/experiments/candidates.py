"""Channels that could be tested, with their cost, credit and users before the test."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lydite.experiments.clusters import Clusters

WEEKS_PER_MONTH = 52 / 12


@dataclass(frozen=True)
class Belief:
    """What one model and the experiments so far say about a channel.

    Attributes
    ----------
    credited
        Conversions per month that the model credits.
    mean, sd
        Mean and standard deviation of the factor of that credit.
    """

    credited: float
    mean: float = 0.5
    sd: float = 1.0


@dataclass(frozen=True)
class Candidate:
    """A channel that could be tested.

    Attributes
    ----------
    channel
        Name of the channel.
    spend
        Spend per month.
    margin
        What a conversion is worth, in the currency of the spend.
    beliefs
        Of each model that stands, by name.
    model
        The model that budgets follow; one of `beliefs`.
    users
        Users per week who could be assigned.
    rate
        Conversions per such user, between 0 and 1.
    regions
        The number of regions that could be assigned instead.
    regional_conversions
        Conversions per week of all users in all regions, also of those who do not meet the channel;
        those of `users` when None.
    regional_noise
        Standard deviation, over weeks, of the log ratio of the conversions of two matched regions.
        None for the least possible, that of Poisson counts.
    clusters
        The users who belong together, such as those of an account; None where none are known.
    """

    channel: str
    spend: float
    margin: float
    beliefs: Mapping[str, Belief]
    model: str
    users: float
    rate: float
    regions: int = 0
    regional_conversions: float | None = None
    regional_noise: float | None = None
    clusters: Clusters | None = None

    @property
    def credited(self) -> float:
        """Conversions per month that the model of the budget credits."""
        return self.beliefs[self.model].credited

    @property
    def per_user(self) -> float:
        """Credited conversions per user."""
        return self.credited / (self.users * WEEKS_PER_MONTH)

    @property
    def break_even(self) -> float:
        """The factor at which the channel pays for itself."""
        return self.spend / (self.margin * self.credited)

    @property
    def target(self) -> float:
        """The factor to find: the break-even, or the expected one where nothing is spent."""
        return self.break_even or max(mix_models(self.beliefs, self.model)[0], 0.0)


def mix_models(beliefs: Mapping[str, Belief], model: str) -> tuple[float, float]:
    """Return mean and standard deviation of the factor, over all models that stand.

    Each model predicts an increment, its factor times its credit. As a factor of the credit of one
    model, the predictions are mixed with equal weights: their spread adds to the variance of each.

    Parameters
    ----------
    beliefs
        By name of the model.
    model
        The model whose credit the factor refers to.
    """
    credited = beliefs[model].credited
    ratios = [belief.credited / credited for belief in beliefs.values()]
    n = len(ratios)
    pairs = list(zip(ratios, beliefs.values(), strict=True))
    mean = sum(ratio * belief.mean for ratio, belief in pairs) / n
    square = sum(ratio**2 * (belief.mean**2 + belief.sd**2) for ratio, belief in pairs) / n
    return mean, math.sqrt(max(square - mean**2, 0.0))
