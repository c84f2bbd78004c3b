"""Experiments with users of the storefront: who gets fewer or more touches of a channel, and when.

A holdout removes the touches of a channel in one arm. A better message brings more of them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from lydite.simulation._calendar import Calendar
    from lydite.simulation._market import Market
    from lydite.simulation._random import Floats, Ints, KeyedRandom


@dataclass(frozen=True)
class SimulatedExperiment:
    """An experiment with all users, who are assigned day by day at midnight.

    Attributes
    ----------
    name : str
        Name of the experiment.
    channel : str
        The channel that varies.
    factors : dict
        By arm, the factor on the probability of a touch: 0 holds the channel out. Arms are equally
        likely.
    first_day : int
        First day of assignment, counted from the first of the world.
    assignment_days : int
        Users are assigned on this many days.
    window_days : int
        Users stay in their arms for this many days from their assignment on.
    """

    name: str
    channel: str
    factors: Mapping[str, float] = field(default_factory=lambda: {"control": 0.0, "treated": 1.0})
    first_day: int = 70
    assignment_days: int = 14
    window_days: int = 91

    @property
    def last_day(self) -> int:
        """The day on which the last window is over."""
        return self.first_day + self.assignment_days - 1 + self.window_days

    def parameters(self) -> dict[str, Any]:
        """Return all parameters, for the truth file."""
        return asdict(self)


#: The experiments of `lydite.simulation.simulate`.
EXPERIMENTS = (
    SimulatedExperiment("brand_search_holdout", "paid_search_brand"),
    SimulatedExperiment("retargeting_holdout", "retargeting"),
    SimulatedExperiment(
        "email_subject", "email", {"plain": 1.0, "question": 1.3}, first_day=84, window_days=56
    ),
)


@dataclass(frozen=True)
class Assignment:
    """The users of one experiment.

    Attributes
    ----------
    channel : int
        Number of the channel that varies.
    arm : ndarray of int, shape (users,)
        Numbers of the arms.
    first_day : ndarray of int, shape (users,)
        The day of the assignment.
    factors : ndarray, shape (arms,)
        Factors on the probability of a touch.
    days : int
        Length of the window.
    """

    channel: int
    arm: Ints
    first_day: Ints
    factors: Floats
    days: int

    def take(self, rows: Ints) -> Assignment:
        """Return some of the users."""
        return Assignment(
            self.channel, self.arm[rows], self.first_day[rows], self.factors, self.days
        )

    def factor_on(self, day: int | Ints, rows: Ints) -> Floats:
        """Return the factors of some users on a day: 1 outside their windows."""
        since = day - self.first_day[rows]
        return np.where((since >= 0) & (since < self.days), self.factors[self.arm[rows]], 1.0)


def assign(
    experiment: SimulatedExperiment, market: Market, random: KeyedRandom, calendar: Calendar
) -> Assignment:
    """Draw arms and days of assignment; see `draw_arms`.

    Parameters
    ----------
    experiment : SimulatedExperiment
        The experiment.
    market : Market
        Has its channel.
    random : KeyedRandom
        Draws of all users.
    calendar : Calendar
        The days of the world.
    """
    return draw_arms(experiment, market.channel_names, random, calendar.days)


def draw_arms(
    experiment: SimulatedExperiment, channels: Sequence[str], random: KeyedRandom, days: int
) -> Assignment:
    """Draw arms and days of assignment.

    Parameters
    ----------
    experiment : SimulatedExperiment
        The experiment.
    channels
        Names of the channels of the world, in the order of their numbers.
    random : KeyedRandom
        Draws of all users.
    days : int
        The length of the world.

    Raises
    ------
    InputError
        When the channel is unknown, or the world ends before the last window.
    """
    if experiment.channel not in channels:
        raise InputError(f"no channel is called {experiment.channel!r}")
    if experiment.last_day > days:
        weeks = -(-experiment.last_day // 7)
        raise InputError(
            f"the experiment {experiment.name!r} takes until day {experiment.last_day}: simulate at"
            f" least {weeks} weeks, not {days // 7}"
        )
    arms = len(experiment.factors)
    day = random.uniform(f"day of {experiment.name}") * experiment.assignment_days
    return Assignment(
        list(channels).index(experiment.channel),
        random.choice(f"arm of {experiment.name}", np.arange(1, arms + 1) / arms),
        experiment.first_day + day.astype(np.int64),
        np.array(list(experiment.factors.values())),
        experiment.window_days,
    )


def experiments_table(
    experiments: Sequence[SimulatedExperiment],
    assignments: Sequence[Assignment],
    users: pl.Series,
    start: date,
) -> pl.DataFrame:
    """Return the input table: ``experiment, user_id, arm, assigned_at``, a row per user of each."""
    midnight = datetime.combine(start, time())
    return pl.concat(
        pl.DataFrame(
            {
                "experiment": pl.repeat(experiment.name, len(users), eager=True),
                "user_id": users,
                "arm": pl.Series(list(experiment.factors)).gather(assignment.arm),
                "assigned_at": pl.Series(assignment.first_day) * timedelta(days=1) + midnight,
            }
        ).with_columns(pl.col("assigned_at").cast(pl.Datetime("us")))
        for experiment, assignment in zip(experiments, assignments, strict=True)
    )
