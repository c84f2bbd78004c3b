r"""Which experiment is worth most: the expected value of what it would show.

A channel with spend :math:`s` and margin :math:`m` per conversion is kept if its incremental
conversions :math:`\iota K` pay for it, where :math:`K` is the credit and
:math:`\iota \sim N(\mu, \sigma^2)` the unknown incrementality factor. A test that measures
:math:`\iota` with variance :math:`v` moves its mean by
:math:`\sigma_r = \sigma^2 / \sqrt{\sigma^2 + v}`, and is worth, in the mean over its results,

.. math::

    z = |m K \mu - s| / (m K \sigma_r), \quad
    EVSI = m K \sigma_r (\phi(z) - z (1 - \Phi(z)))

(Raiffa & Schlaifer 1961). Against that stand the conversions that users lose who do not see the
channel during the test. Models that stand disagree on the credit: their spread is part of the prior
(`mix_models`).

References
----------
H. Raiffa and R. Schlaifer (1961), Applied statistical decision theory, Harvard University.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl
from scipy.special import ndtr, ndtri

from lydite.errors import InputError
from lydite.experiments.candidates import mix_models
from lydite.experiments.designs import (
    SHARES,
    design_for_clusters,
    design_for_regions,
    design_for_users,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.experiments.candidates import Candidate
    from lydite.experiments.designs import ClusterFigures, Design

TABLE: dict[str, Any] = {
    "channel": pl.String,
    "rank": pl.Int64,
    "value": pl.Float64,
    "value_per_month": pl.Float64,
    "conversions_given_up": pl.Float64,
    "expected_factor": pl.Float64,
    "factor_sd": pl.Float64,
    "break_even_factor": pl.Float64,
    "unit": pl.String,
    "holdout_share": pl.Float64,
    "users": pl.Int64,
    "weeks": pl.Int64,
    "is_feasible": pl.Boolean,
    "base_rate": pl.Float64,
    "smallest_effect": pl.Float64,
    "cluster_column": pl.String,
    "clusters": pl.Int64,
    "cluster_size": pl.Float64,
    "cluster_correlation": pl.Float64,
    "design_effect": pl.Float64,
    "weeks_by_user": pl.Int64,
    "clusters_needed": pl.Int64,
}


@dataclass(frozen=True)
class Consequence:
    """What one possible result would change.

    Attributes
    ----------
    result
        The measured factor.
    expected_factor
        The mean of the factor after it.
    keep
        Whether the channel is kept then.
    moved
        Spend per month that moves elsewhere, compared with the decision without a test.
    refuted
        Models whose credit the result contradicts.
    """

    result: float
    expected_factor: float
    keep: bool
    moved: float
    refuted: tuple[str, ...]


@dataclass(frozen=True)
class NextTest:
    """A test with its worth.

    Attributes
    ----------
    candidate, design
        What is tested, and how.
    mean, sd
        The prior of the factor, over all models that stand.
    value_per_month
        The expected value of the result, per month that it is used.
    value
        That over the horizon, less the margin of the conversions given up.
    consequences
        Of no effect, of the break-even, and of an effect as large as the credit.
    elsewhere
        The other channel with the highest expected return on spend, where the spend would go if
        this one is cut; None where no other channel is expected to pay for itself.
    """

    candidate: Candidate
    design: Design
    mean: float
    sd: float
    value_per_month: float
    value: float
    consequences: Sequence[Consequence] = field(default=())
    elsewhere: str | None = None

    @property
    def expected_return(self) -> float:
        """Expected margin per unit of spend, over all models that stand."""
        return self.mean / self.candidate.break_even if self.candidate.spend > 0 else math.inf

    def moved_to(self, consequence: Consequence) -> str | None:
        """Return the channel that gets the spend which a result moves; None where none moves."""
        if not consequence.moved:
            return None
        return self.candidate.channel if consequence.keep else self.elsewhere


def expected_value(
    margin: float, spend: float, credited: float, mean: float, sd: float, variance: float
) -> float:
    """Return the expected value of a test for keeping or cutting a channel (EVSI).

    Parameters
    ----------
    margin, spend, credited
        Per conversion, and per period.
    mean, sd
        Prior of the factor.
    variance
        Variance of the measured factor; 0 for a test that shows the truth, ``inf`` for none.

    Returns
    -------
    float
        In the currency of the spend, per period; never negative.

    Examples
    --------
    >>> round(expected_value(50, 4000, 100, mean=0.8, sd=0.3, variance=0.01), 1)
    567.7
    """
    moved = sd**2 / math.sqrt(sd**2 + variance) if sd > 0 else 0.0
    scale = margin * credited * moved
    if scale <= 0:
        return 0.0
    z = abs(margin * credited * mean - spend) / scale
    return float(max(scale * (math.exp(-z * z / 2) / math.sqrt(2 * math.pi) - z * ndtr(-z)), 0.0))


def rank_tests(
    candidates: Sequence[Candidate],
    *,
    horizon: float = 12.0,
    max_weeks: int = 12,
    alpha: float = 0.05,
    power: float = 0.8,
) -> list[NextTest]:
    """Return a test for every channel, the most valuable first.

    Channels without credit or margin are left out: no result would change what is spent on them.

    Parameters
    ----------
    candidates
        The channels.
    horizon
        Months for which the result is used.
    max_weeks
        The longest test that is possible. Where users, or clusters of users, would take longer,
        regions are proposed.
    alpha, power
        Probability to find an effect where there is none, and where there is the target.

    Raises
    ------
    InputError
        When a number of a candidate is out of range, or its model is not among the beliefs.
    """
    for candidate in candidates:
        _check(candidate)
    usable = [own for own in candidates if own.credited > 0 and own.margin > 0]
    found = [_best_test(own, horizon, max_weeks, _z_values(alpha, power)) for own in usable]
    ranked = sorted(found, key=lambda test: (-test.value, test.candidate.channel))
    return [replace(test, elsewhere=_best_other(test, ranked)) for test in ranked]


def _best_other(test: NextTest, tests: Sequence[NextTest]) -> str | None:
    """Return the channel with the highest expected return on its spend, among the others."""
    others = [
        own
        for own in tests
        if own is not test and own.candidate.spend > 0 and own.expected_return > 1
    ]
    best = max(others, key=lambda own: own.expected_return, default=None)
    return None if best is None else best.candidate.channel


def _z_values(alpha: float, power: float) -> float:
    return float(ndtri(1 - alpha / 2) + ndtri(power))


def _check(candidate: Candidate) -> None:
    name = candidate.channel
    if candidate.model not in candidate.beliefs:
        raise InputError(f"{name!r}: there is no credit by the model {candidate.model!r}")
    numbers: dict[str, float] = {
        "spend": candidate.spend, "margin": candidate.margin,
        **{f"credit by {model}": own.credited for model, own in candidate.beliefs.items()},
        **{f"sd by {model}": own.sd for model, own in candidate.beliefs.items()},
    }  # fmt: skip
    for what, number in numbers.items():
        if not math.isfinite(number) or number < 0:
            raise InputError(f"{name!r}: {what} is {number}; it must be a number of at least 0")
    if not candidate.users > 0 or not 0 < candidate.rate < 1:
        raise InputError(
            f"{name!r}: a test needs users, and a rate between 0 and 1; there are"
            f" {candidate.users} users per week with the rate {candidate.rate}"
        )


def _best_test(candidate: Candidate, horizon: float, max_weeks: int, z: float) -> NextTest:
    """Return the test of users with the highest value, else that of regions, else the shortest.

    Where users belong together, whole clusters are assigned in place of users.
    """
    mean, sd = mix_models(candidate.beliefs, candidate.model)
    by_cluster = [design_for_clusters(candidate, share, max_weeks, z) for share in SHARES]
    designs = [design for design in by_cluster if design is not None] or [
        design_for_users(candidate, share, max_weeks, z) for share in SHARES
    ]
    regional = design_for_regions(candidate, max_weeks, z)
    if regional is not None:
        designs.append(regional)
    tests = [
        _evaluate(candidate, design, mean, sd, horizon) for design in designs if design.is_feasible
    ]
    not_regional = [test for test in tests if test.design.unit != "region"]
    if tests:
        return max(not_regional or tests, key=lambda test: test.value)
    return _evaluate(candidate, min(designs, key=_length), mean, sd, horizon)


def _length(design: Design) -> tuple[int, float]:
    """Return how long a test takes and, for clusters, how many would be enough."""
    clusters = design.clusters
    needed = 0 if clusters is None else clusters.needed
    return design.weeks, math.inf if needed is None else needed


def _evaluate(
    candidate: Candidate, design: Design, mean: float, sd: float, horizon: float
) -> NextTest:
    each = expected_value(
        candidate.margin, candidate.spend, candidate.credited, mean, sd, design.variance
    )
    value = each * horizon - candidate.margin * design.conversions_given_up
    consequences = [
        consequence(candidate, design, mean, sd, result)
        for result in sorted({0.0, candidate.break_even, 1.0})
    ]
    return NextTest(candidate, design, mean, sd, each, value, consequences)


def consequence(
    candidate: Candidate, design: Design, mean: float, sd: float, result: float
) -> Consequence:
    """Return what a result would change: the expected factor, the budget, and which models fall.

    A model falls if the increment that it credits lies outside of the 95 % interval of the result.
    """
    weight = sd**2 / (sd**2 + design.variance) if sd > 0 else 0.0
    after = mean + weight * (result - mean)
    keep, kept = after >= candidate.break_even, mean >= candidate.break_even
    half = ndtri(0.975) * math.sqrt(design.variance)
    refuted = tuple(
        name
        for name, belief in candidate.beliefs.items()
        if abs(belief.credited / candidate.credited - result) > half
    )
    return Consequence(result, after, keep, candidate.spend if keep != kept else 0.0, refuted)


def to_table(tests: Sequence[NextTest]) -> pl.DataFrame:
    """Return the tests as a table with the columns `TABLE`, in their order."""
    rows = [
        {
            "channel": test.candidate.channel,
            "rank": rank,
            "value": test.value,
            "value_per_month": test.value_per_month,
            "conversions_given_up": test.design.conversions_given_up,
            "expected_factor": test.mean,
            "factor_sd": test.sd,
            "break_even_factor": test.candidate.break_even,
            "unit": test.design.unit,
            "holdout_share": test.design.holdout_share,
            "users": test.design.users,
            "weeks": test.design.weeks,
            "is_feasible": test.design.is_feasible,
            "base_rate": test.candidate.rate,
            "smallest_effect": test.design.smallest_effect,
            **_cluster_columns(test.design.clusters),
        }
        for rank, test in enumerate(tests, start=1)
    ]
    return pl.DataFrame(rows, schema=TABLE)


def _cluster_columns(clusters: ClusterFigures | None) -> dict[str, Any]:
    if clusters is None:
        return {}
    return {
        "cluster_column": clusters.column,
        "clusters": clusters.number,
        "cluster_size": clusters.size,
        "cluster_correlation": clusters.correlation,
        "design_effect": clusters.design_effect,
        "weeks_by_user": clusters.weeks_by_user,
        "clusters_needed": clusters.needed,
    }
