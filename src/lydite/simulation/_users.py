"""The storefront's users, simulated by day: who is online, their touches and their conversions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.simulation._calendar import Calendar, second_of_day
from lydite.simulation._market import OUTCOMES, STOREFRONT, Market, purchase_value
from lydite.simulation._tables import DAY, is_returning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lydite.simulation._experiments import Assignment
    from lydite.simulation._random import Bools, Floats, Ints, KeyedRandom

# Simulated before the first day and not recorded, so that the world starts in a steady state.
_WARM_UP_DAYS = 28
_ACTIVE_DAYS = 16.0  # users are active for some days, with weeks between them
_ONLINE = 0.4
_INTENT_ONSET = 1 / 45
_INTENT_DECAY = 0.82
_INTENT_AFTER_PURCHASE = 0.1
# Interest per purchase probability that advertising adds: persuaded users search for the brand.
_HALO = 30.0
_SATURATION = 3.0
_BLOCK = 65_536  # users simulated at a time: limits memory, and does not change results

_SIGNUP, _PURCHASE = (OUTCOMES.index(name) for name in ("signup", "purchase"))
_NONE_OFF = -1


@dataclass(frozen=True)
class Events:
    """Recorded touches and conversions, as numbers."""

    touches: pl.DataFrame
    conversions: pl.DataFrame


@dataclass(frozen=True)
class _Visits:
    """The users who are online on a day, and when each may convert."""

    day: int
    rows: Ints
    random: KeyedRandom
    ready_at: Floats  # second of the day


@dataclass(frozen=True)
class _Touches:
    """The touches of a day."""

    row: Ints
    second: Floats  # of the day
    channel: Ints
    campaign: Ints
    interaction: Ints
    cost: Floats
    strength: Floats
    is_before: Bools  # before the user may convert


class UserBatch:
    """Some users and their state from day to day.

    Intent arises and fades without advertising. Touches add to a stock of advertising that fades
    and raises the probability to convert. Interest, the sum of both, drives branded search, direct
    visits and retargeting, which add (almost) nothing to the stock.

    Parameters
    ----------
    random : KeyedRandom
        Draws of these users.
    users : ndarray of int
        Their numbers.
    calendar : Calendar
        The days to simulate.
    off : ndarray of int
        For each user the channel that is switched off from the first recorded day; -1 for none.
    market : Market
        The channels.
    assignments : sequence of Assignment
        Experiments with these users.
    """

    def __init__(
        self,
        random: KeyedRandom,
        users: Ints,
        calendar: Calendar,
        off: Ints,
        market: Market = STOREFRONT,
        assignments: Sequence[Assignment] = (),
    ) -> None:
        self.random, self.users, self.calendar, self.off = random, users, calendar, off
        self.market, self.assignments = market, assignments
        self.returning = is_returning(random)
        self.cycle_days = 45.0 + 75.0 * random.uniform("rhythm")
        self.phase = random.uniform("phase") * self.cycle_days
        mean_active = _ACTIVE_DAYS * np.where(self.returning, 1.3, 0.8)
        self.active_days = mean_active * random.exponential("spell")
        self.online_rate = _ONLINE * np.exp(0.5 * random.normal("habit") - 0.125)
        self.reached = [
            random.chance("reach", channel.reach, number)
            for number, channel in enumerate(market.channels)
        ]
        self.account = self.returning.copy()
        self.intent = np.zeros(len(users))
        self.stock = np.zeros((len(users), len(market.channels)))

    def simulate_days(self) -> Iterator[Events]:
        """Yield the events of every day."""
        for day in range(-_WARM_UP_DAYS, self.calendar.days):
            self._start_day(day)
            visits = self._draw_visits(day)
            touches = self._draw_touches(visits)
            self._add_to_stock(touches, touches.is_before)
            conversions = self._draw_conversions(visits)
            self._add_to_stock(touches, ~touches.is_before)
            if day >= 0:
                yield Events(self._touch_table(touches, day), conversions)

    def _start_day(self, day: int) -> None:
        """Let stocks and intent decay overnight, and draw new intent."""
        self.stock *= self.market.tables.daily_decay
        self.intent *= _INTENT_DECAY
        arises = self.random.chance("intent", _INTENT_ONSET * self.calendar.season(day), day)
        rows = np.flatnonzero(arises)
        self.intent[rows] += self.random.take(rows).exponential("intent level", day)

    def _draw_visits(self, day: int) -> _Visits:
        """Draw which active users are online: by habit, season and intent."""
        active = (day + self.phase) % self.cycle_days < self.active_days
        online = self.online_rate * self.calendar.season(day) + 0.3 * np.minimum(self.intent, 1.0)
        rows = np.flatnonzero(active & self.random.chance("online", online, day))
        random = self.random.take(rows)
        return _Visits(day, rows, random, second_of_day(random.uniform("moment", day)))

    def _persuasion(self, rows: Ints) -> Floats:
        """Return the probabilities that advertising adds, (rows, outcomes); stocks saturate."""
        return np.asarray(np.minimum(self.stock[rows], _SATURATION) @ self.market.tables.effects)

    def _draw_touches(self, visits: _Visits) -> _Touches:
        """Draw the touches of a day, at most one per channel and user."""
        interest = self.intent[visits.rows] + _HALO * self._persuasion(visits.rows)[:, _PURCHASE]
        channels = self.market.channels
        touched = []
        for number, channel in enumerate(channels):
            probability = np.minimum(channel.base + channel.pull * interest, 0.8)
            probability *= self._is_reachable(number, visits)
            for assignment in self.assignments:
                if assignment.channel == number:
                    probability *= assignment.factor_on(visits.day, visits.rows)
            key = visits.day * len(channels) + number
            touched.append(np.flatnonzero(visits.random.chance("meet", probability, key)))
        channel_numbers = np.repeat(np.arange(len(channels)), [len(places) for places in touched])
        return self._touch_details(visits, np.concatenate(touched), channel_numbers)

    def _is_reachable(self, channel: int, visits: _Visits) -> Bools:
        """Return whether a channel can reach each visitor."""
        reachable = self.reached[channel][visits.rows]
        if self.market.channels[channel].needs_account:
            reachable &= self.account[visits.rows]
        if visits.day >= 0:
            reachable &= self.off[visits.rows] != channel
        return reachable

    def _touch_details(self, visits: _Visits, places: Ints, channel: Ints) -> _Touches:
        """Draw time, campaign, interaction and cost of touches."""
        tables = self.market.tables
        random, key = visits.random.take(places), visits.day * len(self.market.channels) + channel
        campaign = random.choice("campaign", tables.campaign_cumulative[channel], key)
        campaign += tables.first_campaign[channel]
        kind = random.choice("interaction", tables.interaction_cumulative[channel], key)
        ready_at, draw = visits.ready_at[places], random.uniform("second", key)
        search = np.maximum(ready_at - 30 - 1800 * draw, 0.0)
        second = np.where(tables.searched[channel], search, second_of_day(draw))
        cost = tables.interaction_cost[channel, kind] * (0.7 + 0.6 * random.uniform("cost", key))
        return _Touches(
            row=visits.rows[places],
            second=second,
            channel=channel,
            campaign=campaign,
            interaction=tables.interaction_code[channel, kind],
            cost=cost,
            strength=tables.campaign_strength[campaign]
            * tables.interaction_strength[channel, kind],
            is_before=second <= ready_at,
        )

    def _add_to_stock(self, touches: _Touches, which: Bools) -> None:
        """Add some touches to the stock of their users."""
        self.stock[touches.row[which], touches.channel[which]] += touches.strength[which]

    def _draw_conversions(self, visits: _Visits) -> pl.DataFrame:
        """Draw the conversions of a day, shortly after users are ready; new users sign up once."""
        rows = visits.rows
        base = self.market.tables.base_probability[self.returning[rows].astype(np.int64)]
        probability = self._persuasion(rows) + base
        probability += self.intent[rows, None] * self.market.tables.probability_per_intent
        probability[self.account[rows], _SIGNUP] = 0.0
        tables = []
        for number, outcome in enumerate(OUTCOMES):
            converts = visits.random.chance(outcome, probability[:, number], visits.day)
            places = np.flatnonzero(converts)
            tables.append(self._conversion_table(visits, places, number))
            if number == _SIGNUP:
                self.account[rows[places]] = True
            if number == _PURCHASE:
                self.intent[rows[places]] *= _INTENT_AFTER_PURCHASE
        return pl.concat(tables)

    def _conversion_table(self, visits: _Visits, places: Ints, outcome: int) -> pl.DataFrame:
        random, rows = visits.random.take(places), visits.rows[places]
        key = visits.day * len(OUTCOMES) + outcome
        delay = (outcome + random.uniform("delay", key)) * 600
        value = purchase_value(random.normal("value", key), self.returning[rows])
        return pl.DataFrame(
            {
                "user": self.users[rows],
                "second": visits.day * DAY + (visits.ready_at[places] + delay).astype(np.int64) + 1,
                "outcome": np.full(len(rows), outcome, np.int8),
                "value": value if outcome == _PURCHASE else np.full(len(rows), np.nan),
            }
        )

    def _touch_table(self, touches: _Touches, day: int) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "user": self.users[touches.row],
                "second": day * DAY + touches.second.astype(np.int64),
                "channel": touches.channel.astype(np.int8),
                "campaign": touches.campaign.astype(np.int8),
                "interaction": touches.interaction.astype(np.int8),
                "cost": touches.cost,
            }
        )


def simulate_users(
    random: KeyedRandom,
    users: Ints,
    calendar: Calendar,
    off: Ints | None = None,
    market: Market = STOREFRONT,
    assignments: Sequence[Assignment] = (),
) -> Events:
    """Return all touches and conversions of users.

    Parameters
    ----------
    random : KeyedRandom
        Draws of all users.
    users : ndarray of int
        Their numbers.
    calendar : Calendar
        The days to simulate.
    off : ndarray of int, optional
        For each user the channel that is switched off from the first day; -1 for none.
    market : Market
        The channels.
    assignments : sequence of Assignment
        Experiments with these users.
    """
    off = np.full(len(users), _NONE_OFF) if off is None else off
    days: list[Events] = []
    for begin in range(0, len(users), _BLOCK):
        block = np.arange(begin, min(begin + _BLOCK, len(users)))
        of_block = [assignment.take(block) for assignment in assignments]
        batch = UserBatch(random.take(block), users[block], calendar, off[block], market, of_block)
        days += batch.simulate_days()
    in_history = pl.col("second") < calendar.days * DAY
    return Events(
        pl.concat([day.touches for day in days]),
        pl.concat([day.conversions for day in days]).filter(in_history),
    )
