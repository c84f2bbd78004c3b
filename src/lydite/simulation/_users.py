"""The storefront's people, day by day: who is online, what they meet, whether they convert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.simulation import _market as market
from lydite.simulation._calendar import Calendar, second_of_day
from lydite.simulation._tables import DAY, is_returning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lydite.simulation._random import Bools, Floats, Ints, KeyedRandom

_WARM_UP_DAYS = (
    28  # lived before the first day and not recorded, so that the world starts in full swing
)
_SPELL_DAYS = 16.0  # people come around in spells, with weeks between them
_ONLINE = 0.4
_INTENT_ONSET = 1 / 45
_INTENT_FADE = 0.82
_INTENT_LEFT_BY_PURCHASE = 0.1
# Interest per chance to purchase that advertising adds: the persuaded search for the brand.
_HALO = 30.0
_SATURATION = 3.0
_BLOCK = 65_536  # users at a time: memory stays small, and results do not depend on it

_MARKET = market.Tables.of(market.CHANNELS)
_CHANNELS = len(market.CHANNELS)
_SIGNUP, _PURCHASE = (market.OUTCOMES.index(name) for name in ("signup", "purchase"))
_ALL_ON = -1


@dataclass(frozen=True)
class Day:
    """What was recorded on one day: touches and conversions as numbers."""

    touches: pl.DataFrame
    conversions: pl.DataFrame


@dataclass(frozen=True)
class _Visit:
    """Who is online on a day, and the moment at which each is ready to act."""

    day: int
    rows: Ints
    random: KeyedRandom
    moment: Floats  # second of the day


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
    in_time: Bools  # before the moment at which the user may act


class UserBatch:
    """Users and what goes on in them.

    Intent comes and goes by itself. Advertising leaves a stock that fades and adds to the chance
    to convert. Interest is both together: it drives branded search, direct visits and retargeting,
    which themselves leave (next to) nothing.

    Parameters
    ----------
    random : KeyedRandom
        Draws of these users.
    users : ndarray of int
        Their numbers.
    calendar : Calendar
        The days to live.
    off : ndarray of int
        For each user the channel that is switched off from the first recorded day; -1 for none.
    """

    def __init__(self, random: KeyedRandom, users: Ints, calendar: Calendar, off: Ints) -> None:
        self.random, self.users, self.calendar, self.off = random, users, calendar, off
        self.returning = is_returning(random)
        self.rhythm = 45.0 + 75.0 * random.uniform("rhythm")
        self.phase = random.uniform("phase") * self.rhythm
        self.spell = _SPELL_DAYS * np.where(self.returning, 1.3, 0.8) * random.exponential("spell")
        self.habit = _ONLINE * np.exp(0.5 * random.normal("habit") - 0.125)
        self.reached = [
            random.chance("reach", channel.reach, number)
            for number, channel in enumerate(market.CHANNELS)
        ]
        self.account = self.returning.copy()
        self.intent = np.zeros(len(users))
        self.stock = np.zeros((len(users), _CHANNELS))

    def live(self) -> Iterator[Day]:
        """Live through all days, one at a time."""
        for day in range(-_WARM_UP_DAYS, self.calendar.days):
            self._sleep(day)
            visit = self._go_online(day)
            touches = self._meet(visit)
            self._impress(touches, touches.in_time)
            conversions = self._convert(visit)
            self._impress(touches, ~touches.in_time)
            if day >= 0:
                yield Day(self._recorded(touches, day), conversions)

    def _sleep(self, day: int) -> None:
        """Let what was there fade overnight, and new intent arise."""
        self.stock *= _MARKET.fades
        self.intent *= _INTENT_FADE
        arises = self.random.chance("intent", _INTENT_ONSET * self.calendar.season(day), day)
        rows = np.flatnonzero(arises)
        self.intent[rows] += self.random.take(rows).exponential("intent level", day)

    def _go_online(self, day: int) -> _Visit:
        """Find who is around and online: by habit, by season, and more so with intent."""
        around = (day + self.phase) % self.rhythm < self.spell
        chance = self.habit * self.calendar.season(day) + 0.3 * np.minimum(self.intent, 1.0)
        rows = np.flatnonzero(around & self.random.chance("online", chance, day))
        random = self.random.take(rows)
        return _Visit(day, rows, random, second_of_day(random.uniform("moment", day)))

    def _persuasion(self, rows: Ints) -> Floats:
        """Chances that advertising adds now, shape (rows, outcomes); stocks saturate."""
        return np.asarray(np.minimum(self.stock[rows], _SATURATION) @ _MARKET.effects)

    def _meet(self, visit: _Visit) -> _Touches:
        """Meet channels, each at most once a day."""
        interest = self.intent[visit.rows] + _HALO * self._persuasion(visit.rows)[:, _PURCHASE]
        met = []
        for number, channel in enumerate(market.CHANNELS):
            chance = np.minimum(channel.base + channel.pull * interest, 0.8)
            chance *= self._can_meet(number, visit)
            key = visit.day * _CHANNELS + number
            met.append(np.flatnonzero(visit.random.chance("meet", chance, key)))
        channel_numbers = np.repeat(np.arange(_CHANNELS), [len(places) for places in met])
        return self._detail(visit, np.concatenate(met), channel_numbers)

    def _can_meet(self, channel: int, visit: _Visit) -> Bools:
        can = self.reached[channel][visit.rows]
        if channel == market.EMAIL:
            can &= self.account[visit.rows]
        if visit.day >= 0:
            can &= self.off[visit.rows] != channel
        return can

    def _detail(self, visit: _Visit, places: Ints, channel: Ints) -> _Touches:
        """Say when each touch was, in which campaign and way, at what cost."""
        random, key = visit.random.take(places), visit.day * _CHANNELS + channel
        campaign = random.choice("campaign", _MARKET.campaign_cumulative[channel], key)
        campaign += _MARKET.first_campaign[channel]
        way = random.choice("interaction", _MARKET.way_cumulative[channel], key)
        moment, draw = visit.moment[places], random.uniform("second", key)
        search = np.maximum(moment - 30 - 1800 * draw, 0.0)
        second = np.where(_MARKET.searched[channel], search, second_of_day(draw))
        return _Touches(
            row=visit.rows[places],
            second=second,
            channel=channel,
            campaign=campaign,
            interaction=_MARKET.way_code[channel, way],
            cost=_MARKET.way_cost[channel, way] * (0.7 + 0.6 * random.uniform("cost", key)),
            strength=_MARKET.campaign_strength[campaign] * _MARKET.way_strength[channel, way],
            in_time=second <= moment,
        )

    def _impress(self, touches: _Touches, which: Bools) -> None:
        """Add touches to the stock; only those before the moment can matter on the same day."""
        self.stock[touches.row[which], touches.channel[which]] += touches.strength[which]

    def _convert(self, visit: _Visit) -> pl.DataFrame:
        """Convert or not, shortly after the day's moment; new users sign up once."""
        rows = visit.rows
        chances = (
            self._persuasion(rows) + _MARKET.base_chance[self.returning[rows].astype(np.int64)]
        )
        chances += self.intent[rows, None] * _MARKET.chance_per_intent
        chances[self.account[rows], _SIGNUP] = 0.0
        made = []
        for outcome in range(len(market.OUTCOMES)):
            places = np.flatnonzero(
                visit.random.chance(market.OUTCOMES[outcome], chances[:, outcome], visit.day)
            )
            made.append(self._conversions(visit, places, outcome))
            if outcome == _SIGNUP:
                self.account[rows[places]] = True
            if outcome == _PURCHASE:
                self.intent[rows[places]] *= _INTENT_LEFT_BY_PURCHASE
        return pl.concat(made)

    def _conversions(self, visit: _Visit, places: Ints, outcome: int) -> pl.DataFrame:
        random, rows = visit.random.take(places), visit.rows[places]
        key = visit.day * len(market.OUTCOMES) + outcome
        delay = (outcome + random.uniform("delay", key)) * 600
        value = market.basket(random.normal("value", key), self.returning[rows])
        return pl.DataFrame(
            {
                "user": self.users[rows],
                "second": visit.day * DAY + (visit.moment[places] + delay).astype(np.int64) + 1,
                "outcome": np.full(len(rows), outcome, np.int8),
                "value": value if outcome == _PURCHASE else np.full(len(rows), np.nan),
            }
        )

    def _recorded(self, touches: _Touches, day: int) -> pl.DataFrame:
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


def record(random: KeyedRandom, users: Ints, calendar: Calendar, off: Ints | None = None) -> Day:
    """Let users live through the calendar, and return all their touches and conversions.

    Parameters
    ----------
    random : KeyedRandom
        Draws of all users.
    users : ndarray of int
        Their numbers.
    calendar : Calendar
        The days to live.
    off : ndarray of int, optional
        For each user the channel that is switched off from the first day; -1 for none.
    """
    off = np.full(len(users), _ALL_ON) if off is None else off
    days: list[Day] = []
    for begin in range(0, len(users), _BLOCK):
        block = np.arange(begin, min(begin + _BLOCK, len(users)))
        days += UserBatch(random.take(block), users[block], calendar, off[block]).live()
    ended = pl.col("second") < calendar.days * DAY
    return Day(
        pl.concat([day.touches for day in days]),
        pl.concat([day.conversions for day in days]).filter(ended),
    )
