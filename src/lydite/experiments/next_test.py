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
from typing import TYPE_CHECKING, Any, Literal

import polars as pl
from scipy.special import ndtr, ndtri

from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WEEKS_PER_MONTH = 52 / 12
#: The shares of users in the holdout that designs are chosen from.
SHARES = (0.05, 0.1, 0.2, 0.3, 0.5)
#: The fewest regions that an experiment can decide with.
MIN_REGIONS = 10
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
}


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

    @property
    def credited(self) -> float:
        """Conversions per month that the model of the budget credits."""
        return self.beliefs[self.model].credited

    @property
    def per_user(self) -> float:
        """Credited conversions per user."""
        return self.credited / (self.users * _WEEKS_PER_MONTH)

    @property
    def break_even(self) -> float:
        """The factor at which the channel pays for itself."""
        return self.spend / (self.margin * self.credited)

    @property
    def target(self) -> float:
        """The factor to find: the break-even, or the expected one where nothing is spent."""
        return self.break_even or max(mix_models(self.beliefs, self.model)[0], 0.0)


@dataclass(frozen=True)
class Design:
    """How a channel is tested.

    Attributes
    ----------
    unit
        What is assigned at random: users, or regions.
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
    """

    unit: Literal["user", "region"]
    holdout_share: float
    users: int
    weeks: int
    variance: float
    conversions_given_up: float
    is_feasible: bool


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
        The longest test that is possible. Where users would take longer, regions are proposed.
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
    """Return the test of users with the highest value, else that of regions, else the shortest."""
    mean, sd = mix_models(candidate.beliefs, candidate.model)
    designs = [design_for_users(candidate, share, max_weeks, z) for share in SHARES]
    regional = design_for_regions(candidate, max_weeks, z)
    tests = [
        _evaluate(candidate, design, mean, sd, horizon)
        for design in (*designs, *([regional] if regional else []))
        if design.is_feasible
    ]
    by_users = [test for test in tests if test.design.unit == "user"]
    if tests:
        return max(by_users or tests, key=lambda test: test.value)
    shortest = min((*designs, *([regional] if regional else [])), key=lambda own: own.weeks)
    return _evaluate(candidate, shortest, mean, sd, horizon)


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


# --- designs --------------------------------------------------------------------------------------


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
    noise = candidate.rate * (1 - candidate.rate) * (1 / share + 1 / (1 - share))
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
    )


def _whole_weeks(weeks: float, max_weeks: int) -> int:
    """Return whole weeks, from one to a thousand times the most that is possible."""
    return max(1, math.ceil(min(weeks, 1000.0 * max_weeks)))


def _given_up(candidate: Candidate, share: float, weeks: int) -> float:
    mean, _ = mix_models(candidate.beliefs, candidate.model)
    return share * weeks / _WEEKS_PER_MONTH * candidate.credited * max(mean, 0.0)


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
        }
        for rank, test in enumerate(tests, start=1)
    ]
    return pl.DataFrame(rows, schema=TABLE)
