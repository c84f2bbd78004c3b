"""How many users an experiment needs, and which differences it can detect."""

from __future__ import annotations

import math

from lydite.experiments.two_samples import tea_tasting

#: The probability with which a true difference of the given size is found.
POWER = 0.8


def users_for_rate(
    rate: float,
    relative: float,
    *,
    alpha: float = 0.05,
    power: float = POWER,
    control_share: float = 0.5,
) -> int | None:
    """Return how many users, in both arms together, find a relative difference of a rate.

    Parameters
    ----------
    rate
        The share of the control arm that converts.
    relative, alpha, power, control_share
        As in `users_needed`.
    """
    treated = rate * (1 + relative)
    return users_needed(
        rate,
        rate * (1 - rate),
        relative,
        treated_variance=treated * (1 - treated),
        alpha=alpha,
        power=power,
        control_share=control_share,
    )


def users_needed(
    mean: float,
    variance: float,
    relative: float,
    *,
    treated_variance: float | None = None,
    alpha: float = 0.05,
    power: float = POWER,
    control_share: float = 0.5,
) -> int | None:
    """Return how many users, in both arms together, find a relative difference.

    Parameters
    ----------
    mean, variance
        Of the outcome of a user of the control arm; a rate ``p`` has the variance ``p (1 - p)``.
    relative
        The difference as a share of the mean, such as 0.05.
    treated_variance
        Of the outcome of a user of the treated arm, if it has that difference; by default that of
        the control arm.
    alpha, power
        Probability to find a difference where there is none, and where there is this one.
    control_share
        The share of the users in the control arm.

    Returns
    -------
    int or None
        None where the outcome does not vary, or its mean is 0.
    """
    if not mean or not relative or not variance > 0:
        return None
    if treated_variance is not None and treated_variance > 0:
        # The mean that has the same standard error: the variance of the small arm counts most.
        variance = (1 - control_share) * variance + control_share * treated_variance
    metric = tea_tasting().Mean(
        "outcome",
        alpha=alpha,
        power=power,
        ratio=(1 - control_share) / control_share,
        rel_effect_size=abs(relative),
        use_t=False,
    )
    found = metric.solve_power_from_aggregates(_sample(mean, variance), "n_obs")
    return math.ceil(float(found[0].n_obs))


def detectable(
    mean: float,
    variance: float,
    users: int,
    *,
    alpha: float = 0.05,
    power: float = POWER,
    control_share: float = 0.5,
) -> float | None:
    """Return the smallest relative difference that some users, in both arms together, find.

    The parameters are those of `users_needed`.
    """
    if not mean or not variance > 0 or users < 2:
        return None
    metric = tea_tasting().Mean(
        "outcome",
        alpha=alpha,
        power=power,
        ratio=(1 - control_share) / control_share,
        n_obs=users,
        use_t=False,
    )
    found = metric.solve_power_from_aggregates(_sample(mean, variance), "rel_effect_size")
    return float(found[0].rel_effect_size)


def _sample(mean: float, variance: float) -> object:
    return tea_tasting().aggr.Aggregates(
        count_=2, mean_={"outcome": mean}, var_={"outcome": variance}
    )
