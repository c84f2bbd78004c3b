"""Credit and spend of campaigns, where spend, touches or values are missing."""

from __future__ import annotations

from datetime import date

import polars as pl

from lydite.pipeline.campaigns import campaign_table

DAY = date(2026, 1, 1)
DAILY = pl.DataFrame(
    [
        (DAY, "order", "linear", "Search", "Brand", 2.0, 30.0),
        (DAY, "order", "linear", "Search", None, 1.0, 10.0),
        (DAY, "order", "linear", "(unattributed)", None, 4.0, 5.0),
        (DAY, "lead", "linear", "Search", "Brand", 8.0, None),
    ],
    schema=["date", "outcome", "model", "channel", "campaign", "conversions", "value"],
    orient="row",
)
ACTIVITY = pl.DataFrame(
    [
        (DAY, "Search", "Brand", 12.0),
        (DAY, "Search", None, None),
        (DAY, "Radio", None, 5.0),
    ],
    schema=["date", "channel", "campaign", "spend"],
    orient="row",
)
OUTCOMES = pl.DataFrame({"outcome": ["order", "lead"], "cost_share": [0.5, None]})


def test_spend_is_charged_and_unknown_figures_are_null():
    found = campaign_table(DAILY, ACTIVITY, OUTCOMES)
    rows = {tuple(row[:4]): row[4:] for row in found.rows()}
    assert rows == {
        ("order", "linear", "(unattributed)", None): (None, 4.0, 5.0, None, None),
        ("order", "linear", "Search", "Brand"): (6.0, 2.0, 30.0, 3.0, 5.0),
        ("order", "linear", "Search", None): (None, 1.0, 10.0, None, None),
        ("order", "linear", "Radio", None): (2.5, 0.0, 0.0, None, 0.0),
        ("lead", "linear", "Search", "Brand"): (None, 8.0, None, None, None),
        ("lead", "linear", "Search", None): (None, 0.0, None, None, None),
        ("lead", "linear", "Radio", None): (None, 0.0, None, None, None),
    }
    assert found["outcome"].to_list() == ["lead"] * 3 + ["order"] * 4
