"""Users of the storefront: switching a channel off removes its effects and nothing else."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from lydite.simulation import _market as market
from lydite.simulation import _users
from lydite.simulation._calendar import Calendar
from lydite.simulation._random import KeyedRandom

CALENDAR = Calendar(date(2025, 1, 6), 70)
USERS = np.arange(3_000)
TOUCH = ["second", "user", "channel", "campaign", "interaction", "cost"]
CONVERSION = ["second", "user", "outcome", "value"]
NO_EFFECT = ("paid_search_brand", "organic_search", "direct")
EFFECT = ("paid_search_generic", "paid_social", "email", "video")


def simulated(channel: str | None = None) -> _users.Events:
    off = None if channel is None else np.full(len(USERS), market.CHANNEL_NAMES.index(channel))
    events = _users.simulate_users(KeyedRandom(77, USERS), USERS, CALENDAR, off)
    return _users.Events(
        events.touches.fill_nan(None).select(TOUCH).sort(TOUCH),
        events.conversions.fill_nan(None).select(CONVERSION).sort(CONVERSION),
    )


@pytest.fixture(scope="module")
def all_on() -> _users.Events:
    return simulated()


@pytest.mark.parametrize("channel", NO_EFFECT)
def test_switching_off_a_channel_without_effect_removes_only_its_touches(all_on, channel):
    without = simulated(channel)
    others = pl.col("channel") != market.CHANNEL_NAMES.index(channel)
    assert without.touches.equals(all_on.touches.filter(others))
    assert without.touches.height < all_on.touches.height
    assert without.conversions.equals(all_on.conversions)


@pytest.mark.parametrize("channel", EFFECT)
def test_switching_off_a_channel_with_effect_removes_conversions(all_on, channel):
    without = simulated(channel)
    assert (without.touches["channel"] != market.CHANNEL_NAMES.index(channel)).all()
    assert without.conversions.height < all_on.conversions.height


def test_results_do_not_depend_on_the_block_size(all_on, monkeypatch):
    monkeypatch.setattr(_users, "_BLOCK", 700)
    blocks = simulated()
    assert blocks.touches.equals(all_on.touches)
    assert blocks.conversions.equals(all_on.conversions)


def test_touches_only_affect_later_conversions():
    """Touches after a user may convert must not raise that day's probability to convert."""
    users_batch = _users.UserBatch(KeyedRandom(78, USERS), USERS, CALENDAR, np.full(len(USERS), -1))
    visits = users_batch._draw_visits(0)
    touches = users_batch._draw_touches(visits)
    ready_at = np.full(len(USERS), np.nan)
    ready_at[visits.rows] = visits.ready_at
    np.testing.assert_array_equal(touches.is_before, touches.second <= ready_at[touches.row])
    assert 0.2 < (~touches.is_before).mean() < 0.8
    searched = np.array([channel.searched for channel in market.CHANNELS])[touches.channel]
    assert (touches.is_before | ~searched | (touches.second == 0)).all()


def test_new_users_sign_up_once_and_only_accounts_get_email():
    users_batch = _users.UserBatch(KeyedRandom(79, USERS), USERS, CALENDAR, np.full(len(USERS), -1))
    returning = set(USERS[users_batch.returning].tolist())
    days = list(users_batch.simulate_days())
    signups = pl.concat([day.conversions for day in days]).filter(pl.col("outcome") == 0)
    assert signups["user"].is_unique().all()
    assert not returning & set(signups["user"])
    email = pl.concat([day.touches for day in days]).filter(
        pl.col("channel") == market.CHANNEL_NAMES.index("email")
    )
    fresh = email.filter(~pl.col("user").is_in(list(returning)))
    after = fresh.join(signups, on="user", suffix="_signup")
    assert (after["second"] > after["second_signup"] - 86_400).all()
    assert fresh.height > 100
