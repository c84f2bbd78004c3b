"""The storefront's people: a channel off takes away what that channel did, and nothing else."""

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


def live(channel: str | None = None) -> _users.Day:
    off = None if channel is None else np.full(len(USERS), market.CHANNEL_NAMES.index(channel))
    day = _users.record(KeyedRandom(77, USERS), USERS, CALENDAR, off)
    return _users.Day(
        day.touches.fill_nan(None).select(TOUCH).sort(TOUCH),
        day.conversions.fill_nan(None).select(CONVERSION).sort(CONVERSION),
    )


@pytest.fixture(scope="module")
def everything() -> _users.Day:
    return live()


@pytest.mark.parametrize("channel", NO_EFFECT)
def test_without_a_channel_that_does_nothing_all_else_is_the_same(everything, channel):
    without = live(channel)
    others = pl.col("channel") != market.CHANNEL_NAMES.index(channel)
    assert without.touches.equals(everything.touches.filter(others))
    assert without.touches.height < everything.touches.height
    assert without.conversions.equals(everything.conversions)


@pytest.mark.parametrize("channel", EFFECT)
def test_without_a_channel_that_works_there_are_fewer_conversions(everything, channel):
    without = live(channel)
    assert (without.touches["channel"] != market.CHANNEL_NAMES.index(channel)).all()
    assert without.conversions.height < everything.conversions.height


def test_users_are_the_same_whatever_the_block(everything, monkeypatch):
    monkeypatch.setattr(_users, "_BLOCK", 700)
    blocks = live()
    assert blocks.touches.equals(everything.touches)
    assert blocks.conversions.equals(everything.conversions)


def test_an_effect_comes_after_its_touch():
    """Touches after the moment of the day must not lift that day's chance to convert."""
    users_batch = _users.UserBatch(KeyedRandom(78, USERS), USERS, CALENDAR, np.full(len(USERS), -1))
    visit = users_batch._go_online(0)
    touches = users_batch._meet(visit)
    moment = np.full(len(USERS), np.nan)
    moment[visit.rows] = visit.moment
    np.testing.assert_array_equal(touches.in_time, touches.second <= moment[touches.row])
    assert 0.2 < (~touches.in_time).mean() < 0.8
    searched = np.array([channel.searched for channel in market.CHANNELS])[touches.channel]
    assert (touches.in_time | ~searched | (touches.second == 0)).all()


def test_new_users_sign_up_once_and_only_accounts_get_email():
    users_batch = _users.UserBatch(KeyedRandom(79, USERS), USERS, CALENDAR, np.full(len(USERS), -1))
    returning = set(USERS[users_batch.returning].tolist())
    days = list(users_batch.live())
    signups = pl.concat([day.conversions for day in days]).filter(pl.col("outcome") == 0)
    assert signups["user"].is_unique().all()
    assert not returning & set(signups["user"])
    email = pl.concat([day.touches for day in days]).filter(pl.col("channel") == market.EMAIL)
    fresh = email.filter(~pl.col("user").is_in(list(returning)))
    after = fresh.join(signups, on="user", suffix="_signup")
    assert (after["second"] > after["second_signup"] - 86_400).all()
    assert fresh.height > 100
