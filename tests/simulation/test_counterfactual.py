"""True effects equal the difference to a simulation with the channel switched off."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from lydite.simulation import _counterfactual
from lydite.simulation import _market as market
from lydite.simulation._calendar import Calendar
from lydite.simulation._random import KeyedRandom
from lydite.simulation._users import simulate_users

CALENDAR = Calendar(date(2025, 1, 6), 56)
USERS = np.arange(1_500)
RANDOM = KeyedRandom(21, USERS)


@pytest.fixture(scope="module")
def conversions() -> pl.DataFrame:
    return simulate_users(RANDOM, USERS, CALENDAR).conversions


def sums(conversions: pl.DataFrame, outcome: str) -> tuple[int, float]:
    found = conversions.filter(pl.col("outcome") == market.OUTCOMES.index(outcome))
    return found.height, found["value"].fill_nan(0).round(2).sum()


def test_effects_are_differences_between_two_simulations(conversions):
    effects = _counterfactual.true_effects(RANDOM, len(USERS), CALENDAR, conversions)
    assert effects["counterfactual_users"] == len(USERS)
    for channel in ("video", "retargeting", "direct"):
        off = np.full(len(USERS), market.CHANNEL_NAMES.index(channel))
        without = simulate_users(RANDOM, USERS, CALENDAR, off).conversions
        for outcome in market.OUTCOMES:
            count, value = sums(conversions, outcome)
            count_off, value_off = sums(without, outcome)
            assert effects["outcomes"][outcome]["conversions"] == count
            effect = effects["outcomes"][outcome]["channels"][channel]
            assert effect["conversions_on"] == count
            assert effect["conversions_off"] == count_off
            assert effect["incremental_conversions"] == count - count_off
            assert effect["incremental_value"] == pytest.approx(value - value_off)


def test_effects_of_a_large_world_are_scaled_up_from_a_sample(conversions, monkeypatch):
    monkeypatch.setattr(_counterfactual, "MAX_USERS", 500)
    effects = _counterfactual.true_effects(RANDOM, len(USERS), CALENDAR, conversions)
    few = conversions.filter(pl.col("user") < 500)
    of_few = _counterfactual.true_effects(RANDOM.take(np.arange(500)), 500, CALENDAR, few)
    assert effects["counterfactual_users"] == 500
    for outcome in market.OUTCOMES:
        assert effects["outcomes"][outcome]["conversions"] == sums(conversions, outcome)[0]
        for channel in market.CHANNEL_NAMES:
            scaled, small = (
                found["outcomes"][outcome]["channels"][channel]["incremental_conversions"]
                for found in (effects, of_few)
            )
            assert scaled == 3 * small
