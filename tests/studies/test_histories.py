"""Simulated histories of the study of verdicts."""

from __future__ import annotations

import pytest

from studies.histories import BEFORE, HISTORIES, simulate_history


@pytest.mark.parametrize("variant", list(HISTORIES))
def test_histories_are_complete_and_differ_by_seed(variant):
    world = BEFORE if variant == "drift" else "null"
    one, two = (simulate_history(variant, world, 200, seed) for seed in (1, 2))
    for tables in (one, two):
        touchpoints, conversions = tables["touchpoints"], tables["conversions"]
        assert touchpoints["user_id"].null_count() == conversions["user_id"].null_count() == 0
        assert set(conversions["user_id"]) <= set(touchpoints["user_id"])
    assert not set(one["touchpoints"]["user_id"]) & set(two["touchpoints"]["user_id"])


def test_users_are_an_input_where_a_variant_needs_them():
    assert "users" not in simulate_history("plain", "null", 20, 1)
    accounts = [simulate_history("accounts", "null", 20, seed)["users"] for seed in (1, 2)]
    assert accounts[0].columns == ["user_id", "account_id"]
    assert not set(accounts[0]["account_id"]) & set(accounts[1]["account_id"])
    assert simulate_history("countries", "null", 20, 1)["users"].columns == ["user_id", "country"]
