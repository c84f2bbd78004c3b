"""How a channel is tested: by users, by clusters of users, or by regions."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lydite.experiments.candidates import WEEKS_PER_MONTH, mix_models

if TYPE_CHECKING:
    from lydite.experiments.candidates import Candidate

#: The shares of users in the holdout that designs are chosen from.
SHARES = (0.05, 0.1, 0.2, 0.3, 0.5)
#: The fewest regions that an experiment can decide with.
MIN_REGIONS = 10
#: The fewest clusters in an arm: with fewer, the normal quantiles of the sizes are too small.
MIN_CLUSTERS = 10
#: Longer tests, in the longest that is possible, count as endless.
_MOST_TIMES = 1000


@dataclass(frozen=True)
class ClusterFigures:
    """What a test of whole clusters needs.

    Attributes
    ----------
    column
        The column of `users` whose values are the clusters.
    number
        Clusters in both arms.
    size
        The mean number of different users of a cluster.
    correlation, design_effect
        Of two users of one cluster, and how many times the users of a test by user it takes; of the
        longest test that is possible, where no length is enough.
    weeks_by_user
        How long a test by user with the same holdout would take.
    needed
        Clusters that would be enough in the longest test that is possible; None where there is
        nothing to find.
    """

    column: str
    number: int
    size: float
    correlation: float
    design_effect: float
    weeks_by_user: int
    needed: int | None


@dataclass(frozen=True)
class Design:
    """How a channel is tested.

    Attributes
    ----------
    unit
        What is assigned at random: users, whole clusters of users, or regions.
    holdout_share
        The share of the units without the channel.
    users
        Users in both arms; for regions those who live there.
    weeks
        How long users are assigned.
    variance
        Variance of the measured factor.
    conversions_given_up
        Expected conversions lost in the holdout.
    is_feasible
        Whether it takes no longer than allowed.
    smallest_effect
        The effect to find, as a share of the conversions of the units.
    clusters
        What a test of clusters needs; None for other units.
    """

    unit: Literal["user", "cluster", "region"]
    holdout_share: float
    users: int
    weeks: int
    variance: float
    conversions_given_up: float
    is_feasible: bool
    smallest_effect: float
    clusters: ClusterFigures | None = None


def design_for_users(candidate: Candidate, share: float, max_weeks: int, z: float) -> Design:
    """Return the test that holds out a share of the users.

    Two arms of a rate ``p`` find the difference ``d`` with
    ``z^2 p (1 - p) (1 / share + 1 / (1 - share)) / d^2`` users.

    Parameters
    ----------
    share
        The share of the users in the holdout.
    max_weeks
        The longest test that is possible.
    z
        The sum of the normal quantiles of the level and of the power.
    """
    noise = _noise(candidate, share)
    effect = candidate.target * candidate.per_user
    needed = z**2 * noise / effect**2 if effect > 0 else math.inf
    weeks = _whole_weeks(needed / candidate.users, max_weeks)
    users = candidate.users * weeks
    return Design(
        unit="user",
        holdout_share=share,
        users=round(users),
        weeks=weeks,
        variance=noise / users / candidate.per_user**2,
        conversions_given_up=_given_up(candidate, share, weeks),
        is_feasible=weeks <= max_weeks,
        smallest_effect=effect / candidate.rate,
    )


def _noise(candidate: Candidate, share: float) -> float:
    """Return the variance of the difference of the rates of two arms, times their users."""
    return candidate.rate * (1 - candidate.rate) * (1 / share + 1 / (1 - share))


def design_for_clusters(
    candidate: Candidate, share: float, max_weeks: int, z: float
) -> Design | None:
    """Return the test that holds out a share of the clusters; None with too few in an arm.

    It needs as many users as a test by user, times the design effect (`Clusters`), and one more
    cluster in each arm, as the variance is estimated from the clusters (Donner & Klar 2000). A
    longer test makes the clusters larger, and adds none: where they are too few, no length is
    enough.

    Parameters
    ----------
    share, max_weeks, z
        As in `design_for_users`.
    """
    clusters, smaller = candidate.clusters, min(share, 1 - share)
    if clusters is None or clusters.number * smaller < MIN_CLUSTERS:
        return None
    noise, effect = _noise(candidate, share), candidate.target * candidate.per_user

    def needed(weeks: int) -> float:
        if effect <= 0:
            return math.inf
        users = z**2 * noise * clusters.design_effect(weeks) / effect**2
        return users / (clusters.size_per_week * weeks) + 1 / smaller

    def is_enough(weeks: int) -> bool:
        return needed(weeks) <= clusters.number

    endless = _MOST_TIMES * max_weeks
    weeks = 1 + bisect_left(range(1, endless), True, key=is_enough)
    users, most = candidate.users * weeks, needed(max_weeks)
    return Design(
        unit="cluster",
        holdout_share=share,
        users=round(users),
        weeks=weeks,
        variance=noise * clusters.design_effect(weeks) / users / candidate.per_user**2,
        conversions_given_up=_given_up(candidate, share, weeks),
        is_feasible=weeks <= max_weeks,
        smallest_effect=effect / candidate.rate,
        clusters=ClusterFigures(
            column=clusters.column,
            number=clusters.number,
            size=clusters.people / clusters.number,
            correlation=clusters.correlation,
            design_effect=clusters.design_effect(weeks if weeks < endless else max_weeks),
            weeks_by_user=design_for_users(candidate, share, max_weeks, z).weeks,
            needed=math.ceil(most) if math.isfinite(most) else None,
        ),
    )


def design_for_regions(candidate: Candidate, max_weeks: int, z: float) -> Design | None:
    """Return the test that holds out half of the regions, in matched pairs; None with too few.

    The weekly log ratios of the pairs are compared with as many weeks before the test: over ``n``
    pairs and ``w`` weeks, the difference has the variance ``2 noise^2 / (n w)``.

    Parameters
    ----------
    max_weeks, z
        As in `design_for_users`.
    """
    pairs = candidate.regions // 2
    if candidate.regions < MIN_REGIONS:
        return None
    conversions = candidate.regional_conversions or candidate.rate * candidate.users
    noise = candidate.regional_noise or math.sqrt(2 * candidate.regions / conversions)
    # The factor 1 changes the conversions of a region by this share.
    relative = candidate.per_user * candidate.users / conversions
    effect = candidate.target * relative
    needed = 2 * (z * noise / effect) ** 2 / pairs if effect > 0 else math.inf
    weeks = _whole_weeks(needed, max_weeks)
    return Design(
        unit="region",
        holdout_share=0.5,
        users=round(candidate.users * weeks),
        weeks=weeks,
        variance=2 * noise**2 / (pairs * weeks) / relative**2,
        conversions_given_up=_given_up(candidate, 0.5, weeks),
        is_feasible=weeks <= max_weeks,
        smallest_effect=effect,
    )


def _whole_weeks(weeks: float, max_weeks: int) -> int:
    """Return whole weeks, from one to a thousand times the most that is possible."""
    return max(1, math.ceil(min(weeks, float(_MOST_TIMES * max_weeks))))


def _given_up(candidate: Candidate, share: float, weeks: int) -> float:
    mean, _ = mix_models(candidate.beliefs, candidate.model)
    return share * weeks / WEEKS_PER_MONTH * candidate.credited * max(mean, 0.0)
