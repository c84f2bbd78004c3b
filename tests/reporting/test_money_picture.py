"""The chart of spend against credit as one picture."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from lydite.reporting.money_picture import money_picture, money_png
from lydite.settings import ReportSettings
from tests.helpers.made_comparisons import (
    BEST,
    CONTENDERS,
    make_comparison,
    make_empty,
    make_path_comparison,
)


def texts(chart) -> list[str]:
    rows = [row for rows in chart.to_dict()["datasets"].values() for row in rows]
    return [row[name] for row in rows for name in ("channel", "kind", "text") if name in row]


def test_the_picture_is_a_png():
    assert money_png(make_comparison(("purchase", CONTENDERS)), "purchase")[:4] == b"\x89PNG"


def test_the_range_is_drawn_where_several_models_stand():
    several = texts(money_picture(make_comparison(("purchase", CONTENDERS)), "purchase"))
    assert "range over all 3 models still standing" in several
    assert "share of credit, Linear" in several
    one = texts(money_picture(make_comparison(("purchase", BEST)), "purchase"))
    assert not any("still standing" in text for text in one)


def test_names_and_currency_are_those_of_the_settings():
    settings = ReportSettings(currency="€", channel_names={"email": "Newsletter"})
    made = replace(make_comparison(("purchase", CONTENDERS)), report_settings=settings)
    found = texts(money_picture(made, "purchase"))
    assert {"Newsletter", "spend (€)"} <= set(found)
    assert "Email" not in found


def test_of_many_channels_the_largest_are_drawn():
    channels = tuple(f"channel_{n}" for n in range(40))
    chart = money_picture(make_comparison(("purchase", CONTENDERS), channels=channels), "purchase")
    assert "the 10 largest of 40 channels" in chart.to_dict()["title"]["subtitle"]


@pytest.mark.parametrize("outcome", ["conversion", "purchase"])
def test_without_spend_or_value_there_are_fewer_columns(outcome):
    made = make_path_comparison()
    if outcome == "purchase":
        full = make_comparison(("purchase", CONTENDERS))
        no_value = full.marts["channel_credit"].with_columns(value=pl.lit(None, dtype=pl.Float64))
        made = replace(full, marts={**full.marts, "channel_credit": no_value})
    found = texts(money_picture(made, outcome))
    assert "return" not in found
    assert ("each" in found) == (outcome == "purchase")
    assert money_png(made, outcome)


def test_without_credit_there_is_no_picture():
    assert money_png(make_empty(), "purchase") is None
