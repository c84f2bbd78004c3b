"""Input tables from numbered events: order, names, identifiers and times."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from lydite.simulation._random import KeyedRandom
from lydite.simulation._tables import (
    REGIONS,
    RETURNING_SHARE,
    Names,
    conversions_table,
    identifiers,
    is_returning,
    spend_table,
    touchpoints_table,
    users_table,
)

START = date(2025, 1, 6)
NAMES = Names(("ads", "mail"), ("ads_a", "mail_a"), ("click", "open"), ("lead", "purchase"))
USERS = identifiers("u", 3)


def test_touchpoints_are_sorted_by_time_and_named():
    events = pl.DataFrame(
        {
            "user": [2, 0, 1],
            "second": [90, 60, 60],
            "channel": [0, 1, 1],
            "campaign": [0, 1, 1],
            "interaction": [0, 1, 0],
            "cost": [0.123456, np.nan, 1.0],
        }
    )
    table = touchpoints_table(events, NAMES, USERS, START)
    assert table["user_id"].to_list() == ["u00000001", "u00000002", "u00000003"]
    assert table["touched_at"].to_list() == [
        datetime(2025, 1, 6, 0, 1), datetime(2025, 1, 6, 0, 1), datetime(2025, 1, 6, 0, 1, 30)
    ]  # fmt: skip
    assert table["channel"].to_list() == ["mail", "mail", "ads"]
    assert table["campaign"].to_list() == ["mail_a", "mail_a", "ads_a"]
    assert table["interaction"].to_list() == ["open", "click", "click"]
    assert table["cost"].to_list() == [None, 1.0, 0.1235]
    assert table["touchpoint_id"].to_list() == ["t00000001", "t00000002", "t00000003"]


def test_conversions_without_a_value_have_null():
    events = pl.DataFrame(
        {"user": [1, 1], "second": [86_400, 10], "outcome": [1, 0], "value": [9.999, np.nan]}
    )
    table = conversions_table(events, NAMES, USERS, START)
    assert table["outcome"].to_list() == ["lead", "purchase"]
    assert table["value"].to_list() == [None, 10.0]
    assert table["converted_at"].to_list() == [datetime(2025, 1, 6, 0, 0, 10), datetime(2025, 1, 7)]


def test_spend_is_sorted_and_rounded_to_cents():
    rows = [(date(2025, 1, 7), "tv", "a", 1.005), (START, "tv", "b", 2.0), (START, "ads", "c", 3.0)]
    table = spend_table(rows)
    assert table.rows() == [
        (START, "ads", "c", 3.0), (START, "tv", "b", 2.0), (date(2025, 1, 7), "tv", "a", 1.0)
    ]  # fmt: skip


def test_users_have_a_customer_type_and_a_region():
    random = KeyedRandom(3, np.arange(5_000))
    table = users_table(random, 5_000)
    returning = table["customer_type"] == "returning"
    assert returning.to_list() == is_returning(random).tolist()
    assert returning.mean() == pytest.approx(RETURNING_SHARE, abs=0.03)
    assert set(table["region"]) == set(REGIONS)


def test_identifiers_sort_like_their_numbers():
    found = identifiers("u", 12)
    assert found.is_sorted()
    assert found[-1] == "u00000012"
