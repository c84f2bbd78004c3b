"""The figures at the top, against sums of the tables."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from lydite.reporting.tiles import tiles
from lydite.results import Comparison
from tests.helpers.made_comparisons import CONTENDERS, make_comparison, make_path_comparison

LAST = date(2025, 7, 5)  # the day before the last row


def with_days(days: int, per_day: list[float], spend: list[float]) -> Comparison:
    """Return a comparison with conversions and spend of the last days; lists are by four weeks."""
    full = make_comparison(("purchase", CONTENDERS))
    dates = [LAST - timedelta(days=day) for day in range(days)]
    block = [min(day // 28, len(per_day) - 1) for day in range(days)]
    credit = pl.DataFrame(
        {
            "date": dates, "outcome": "purchase", "model": "linear", "channel": "ads",
            "campaign": None, "conversions": [per_day[n] for n in block],
            "value": [10 * per_day[n] for n in block],
        },
        schema_overrides={"campaign": pl.String},
    )  # fmt: skip
    activity = pl.DataFrame({"date": dates, "spend": [spend[n] for n in block]})
    marts = {**full.marts, "credit_daily": credit, "channel_activity": activity}
    record = {**full.outcomes[0], "as_of": datetime(2025, 7, 6, 23, tzinfo=UTC)}
    return Comparison(marts, [record], {})


def test_totals_are_those_of_the_credit_table():
    comparison = make_comparison(("purchase", CONTENDERS))
    found = {tile.label: tile.value for tile in tiles(comparison, "purchase", "linear")}
    own = comparison.marts["channel_credit"].filter(pl.col("model") == "linear")
    assert found == {
        "Purchases": "2,311",
        "Value": f"{own['value'].sum():,.0f}",
        "Ad spend": f"{own['cost'].sum():,.0f}",
        "Value per 1 spent": f"{own['value'].sum() / own['cost'].sum():.1f}",
    }


def test_changes_are_those_of_four_weeks():
    found = tiles(with_days(100, [11, 10, 99], [30, 20, 99]), "purchase", "linear")
    changes = {tile.label: tile.change for tile in found}
    assert changes == {
        "Purchases": "+10%", "Value": "+10%", "Ad spend": "+50%", "Value per 1 spent": "−1.3",
    }  # fmt: skip


@pytest.mark.parametrize("days", [1, 28, 55])
def test_too_few_days_have_no_change(days):
    assert {t.change for t in tiles(with_days(days, [1, 2], [1, 1]), "purchase", "linear")} == {""}
    assert tiles(with_days(56, [1, 2], [1, 1]), "purchase", "linear")[0].change == "−50%"


def test_what_is_not_known_is_left_out():
    found = [tile.label for tile in tiles(make_path_comparison(), "conversion", "linear")]
    assert found == ["Conversions"]
    assert [tile.label for tile in tiles(make_comparison(), "purchase", None)] == ["Purchases"]
