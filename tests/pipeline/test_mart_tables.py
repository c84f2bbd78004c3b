"""The marts that analysts query, against pandas."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.helpers.shop import MODELS, START, journeys_of

#: The columns that no two rows of a mart or view share.
KEYS = {
    "schema_version": ["schema_version"],
    "touch_credit": ["outcome", "user_id", "conversion", "position", "model"],
    "runs": ["run_id"],
    "findings": ["kind", "table_name", "outcome", "text"],
    "models_left_out": ["model"],
    "lookback_comparison": ["outcome", "model", "lookback"],
    "lookback_credit": ["outcome", "model", "lookback", "channel"],
    "outcomes": ["outcome"],
    "channel_credit": ["outcome", "model", "channel"],
    "credit_daily": ["outcome", "model", "date", "channel", "campaign"],
    "credit_differences": ["outcome", "model", "reference", "channel"],
    "segment_credit": ["outcome", "segment", "model", "channel"],
    "channel_activity": ["date", "channel", "campaign"],
    "weekly_reach": ["week", "channel"],
    "spend_match": ["status", "channel", "campaign", "booked_as", "campaign_booked_as"],
    "paths": ["outcome", "path"],
    "top_paths": ["outcome", "rank"],
    "path_lengths": ["outcome", "path_length"],
    "time_lags": ["outcome", "days"],
    "channel_roles": ["outcome", "channel"],
    "channel_transitions": ["outcome", "from_channel", "to_channel"],
    "removal_effects": ["outcome", "model", "channel"],
    "data_quality": ["table_name", "reason"],
    "experiments": ["experiment", "outcome", "metric", "arm"],
    "experiment_checks": ["experiment", "check_name"],
    "experiment_agreement": ["experiment", "model"],
    "experiment_hypotheses": ["experiment", "model"],
    "registered_predictions": ["number"],
    "experiment_pairs": ["outcome", "ahead", "behind"],
    "experiment_verdicts": ["outcome", "model"],
    "model_comparison": ["outcome", "segment", "model"],
    "pairs": ["outcome", "segment", "ahead", "behind"],
    "evidence": ["outcome", "segment", "model", "period_start"],
    "calibration": ["outcome", "segment", "model", "bin"],
    "warnings": ["outcome", "segment", "kind", "model", "text"],
    "decisions": ["number"],
    "champions": ["outcome"],
    "hypotheses": ["outcome", "model", "definition"],
    "timeline": ["outcome", "number"],
    "model_to_use": ["outcome"],
    "champion_credit": ["outcome", "channel"],
    "next_experiments": ["outcome", "channel"],
    "calibrated_credit": ["outcome", "channel"],
    "experiment_predictions": ["experiment", "method", "model"],
    "experiment_prediction_summary": ["outcome", "method", "model", "channel"],
    "channel_performance": ["outcome", "model", "date", "channel", "campaign"],
    "channel_performance_weekly": ["outcome", "model", "week", "channel"],
    "channel_summary": ["outcome", "channel"],
}


#: Columns in the currency of the data that depend on the value of conversions.
WORTH = ("value", "value_low", "value_high", "roas", "roas_low", "roas_high")


def in_period(shop_tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the spend between the first and the last touch, with the names of the touches."""
    days = shop_tables["touchpoints"]["touched_at"].dt.date
    spend = shop_tables["spend"]
    spend = spend[(spend["date"] >= days.min()) & (spend["date"] <= days.max())]
    return spend.assign(
        channel=spend["channel"].str.strip().replace("search", "Search"),
        campaign=spend["campaign"].replace("brand", "Brand"),
    )


@pytest.mark.parametrize("name", sorted(KEYS))
def test_no_two_rows_have_the_same_key(mart, name):
    assert not mart(name).duplicated(KEYS[name]).any()


def test_every_table_has_a_key(mart):
    names = mart("information_schema.tables").query("table_schema == 'mart'")["table_name"]
    assert set(names) == set(KEYS)


def test_value_and_return_are_null_where_an_outcome_has_no_value(tied):
    checked = set()
    with duckdb.connect(str(tied), read_only=True) as reader:
        for name in KEYS:
            frame = reader.sql(f"from mart.{name}").df()
            if "outcome" not in frame:
                continue
            for outcome, rows in frame.groupby("outcome"):
                for column in rows.columns.intersection(WORTH):
                    checked.add((name, column))
                    if outcome == "lead":
                        assert rows[column].isna().all(), f"{name}.{column}"
                    elif column in ("value", "roas"):
                        assert rows[column].notna().any(), f"{name}.{column}"
                if {"cpa", "conversions"} <= {*rows.columns}:
                    assert rows.loc[rows["conversions"] == 0, "cpa"].isna().all()
    assert len(checked) >= 12


@pytest.mark.parametrize("name", sorted(KEYS))
def test_ties_duplicate_no_row(tied, name):
    with duckdb.connect(str(tied), read_only=True) as reader:
        frame = reader.sql(f"from mart.{name}").df()
    assert not frame.duplicated(KEYS[name]).any()


def test_every_table_and_view_has_its_key(mart):
    names = set(mart("duckdb_tables()")["table_name"]) | set(
        mart("(select view_name from duckdb_views() where not internal)")["view_name"]
    )
    assert names == set(KEYS)


def test_every_column_has_a_comment(mart):
    columns = mart("(from duckdb_columns() where schema_name = 'mart')")
    without = columns[columns["comment"].isna()]
    assert without[["table_name", "column_name"]].to_numpy().tolist() == []


def test_activity_counts_touches_users_and_spend(mart, shop_tables):
    touches = shop_tables["touchpoints"].assign(
        date=shop_tables["touchpoints"]["touched_at"].dt.floor("D")
    )
    keys = ["date", "channel", "campaign"]
    counted = touches.groupby(keys, dropna=False)["user_id"].agg(["size", "nunique"])
    spent = in_period(shop_tables).assign(date=lambda rows: pd.to_datetime(rows["date"]))
    cost = spent.groupby(keys, dropna=False)["cost"].sum()
    expected = pd.concat([counted, cost], axis=1).reset_index()
    expected.loc[expected["channel"] != "Social", "cost"] = expected["cost"].fillna(0)
    expected = expected.fillna({"size": 0, "nunique": 0}).sort_values(keys).reset_index(drop=True)
    found = mart("channel_activity").sort_values(keys).reset_index(drop=True)
    assert found["touches"].tolist() == expected["size"].tolist()
    assert found["users"].tolist() == expected["nunique"].tolist()
    pd.testing.assert_series_equal(found["spend"], expected["cost"], check_names=False)
    assert set(found[found["channel"] == "Radio"]["touches"]) == {0}


def test_performance_adds_up_to_the_credit_of_the_channel(mart):
    by_day = mart("channel_performance").groupby(["outcome", "model", "channel"], as_index=False)
    sums = by_day.agg({"conversions": "sum", "value": "sum", "spend": lambda s: s.sum(min_count=1)})
    both = mart("channel_credit").merge(sums, on=["outcome", "model", "channel"], how="outer")
    for figure in ("conversions", "value"):
        # Where there are no conversions without a touch, no day has any.
        np.testing.assert_allclose(both[f"{figure}_x"], both[f"{figure}_y"].fillna(0), atol=1e-6)
    np.testing.assert_allclose(both["cost"], both["spend"])


def test_weights_of_touches_add_up_to_the_credit_of_channels(mart):
    touches = mart("touch_credit")
    sums = touches.groupby(["outcome", "user_id", "conversion", "model"])["weight"].sum()
    np.testing.assert_allclose(sums, 1, atol=1e-9)
    keys = ["outcome", "model", "channel"]
    credit = mart("channel_credit").set_index(keys)
    credit = credit[credit.index.get_level_values("channel") != "(unattributed)"]
    touches["weighted"] = touches["weight"] * touches["value"].fillna(0)
    found = touches.groupby(keys)[["weight", "weighted"]].sum().reindex(credit.index).fillna(0)
    np.testing.assert_allclose(found["weight"], credit["conversions"], atol=1e-6)
    np.testing.assert_allclose(found["weighted"], credit["value"], atol=1e-4)


def test_touches_with_credit_are_those_of_the_input(mart, shop_tables):
    touches = mart("touch_credit")
    assert set(touches["model"]) == set(MODELS)
    own = touches[touches["model"] == "last_touch"]
    source = shop_tables["touchpoints"].set_index(["user_id", "touched_at"])[
        ["channel", "campaign"]
    ]
    both = own.join(source.add_suffix("_source"), on=["user_id", "touched_at"])
    assert both["channel"].equals(both["channel_source"])
    assert both["campaign"].fillna("").equals(both["campaign_source"].fillna(""))
    orders = shop_tables["conversions"].set_index(["user_id", "converted_at"])["value"]
    first = own[own["position"] == 1].join(orders.rename("ordered"), on=["user_id", "converted_at"])
    assert (first["value"] == first["ordered"]).all()
    last = own.groupby(["user_id", "conversion"])["position"].transform("max")
    assert (own["weight"] == (own["position"] == last)).all()
    assert (own["touched_at"] <= own["converted_at"]).all()


def test_rows_of_touch_credit_are_in_the_order_of_week_and_key(mart):
    rows = mart("touch_credit")
    day = rows["converted_at"].dt.normalize()
    rows["week"] = day - pd.to_timedelta(day.dt.day_of_week, unit="D")
    keys = ["outcome", "week", "user_id", "conversion", "position"]
    assert rows[keys].equals(rows[keys].sort_values(keys, kind="stable"))


def test_performance_by_week_is_that_of_its_days(mart, shop_tables):
    days, weeks = mart("channel_performance"), mart("channel_performance_weekly")
    days["week"] = days["date"] - pd.to_timedelta(days["date"].dt.day_of_week, unit="D")
    keys = ["outcome", "model", "week", "channel"]
    expected = days.groupby(keys)[["conversions", "value", "touches"]].sum().sort_index()
    found = weeks.set_index(keys)[["conversions", "value", "touches"]].sort_index()
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    touches = shop_tables["touchpoints"]
    week = touches["touched_at"].dt.to_period("W-SUN").dt.start_time
    users = touches.groupby([week, "channel"])["user_id"].nunique()
    reach = weeks[(weeks["model"] == "linear") & (weeks["users"] > 0)]
    assert dict(zip(zip(reach["week"], reach["channel"], strict=True), reach["users"], strict=True)
                ) == users.to_dict()  # fmt: skip
    with_spend = weeks[(weeks["conversions"] > 0) & weeks["spend"].notna()]
    np.testing.assert_allclose(with_spend["cpa"], with_spend["spend"] / with_spend["conversions"])


def test_spend_that_does_not_match_is_listed(mart, shop_tables):
    found = mart("spend_match")
    status = found.set_index(["channel", "campaign", "status"])["spend"]
    days = len({*in_period(shop_tables)["date"]})
    assert status["Search", "Brand", "matched_by_spelling"] == 10 * days
    assert status["Search", "Generic", "matched"] == 5 * days
    without_campaign = found[found["campaign"].isna()].set_index(["channel", "status"])
    assert without_campaign.loc[("Radio", "spend_without_touches"), "spend"] == 2 * days
    assert without_campaign.loc[("Mail", "matched"), "spend"] == days
    assert ("Social", "touches_without_spend") in without_campaign.index
    assert ("Search", "touches_without_spend") in without_campaign.index  # touches of no campaign
    outside = found[found["status"] == "outside_period"]
    assert outside["spend"].sum() == pytest.approx(18 * (143 - days))
    assert set(outside["last_day"].dt.date) <= {START.date() - timedelta(days=1), date(2026, 5, 24)}
    assert found["spend"].sum() == pytest.approx(shop_tables["spend"]["cost"].sum())


def test_paths_have_the_journeys_without_a_conversion_too(mart, shop_tables):
    journeys = journeys_of(shop_tables, mart("outcomes")["as_of"].item()).groupby("path")
    expected = journeys.agg(
        journeys=("converted", "size"), conversions=("converted", "sum"), value=("value", "sum")
    )
    found = mart("paths").set_index("path")
    pd.testing.assert_frame_equal(
        found[["journeys", "conversions", "value"]].sort_index(),
        expected.sort_index(),
        check_dtype=False,
    )
    np.testing.assert_allclose(found["conversion_rate"], found["conversions"] / found["journeys"])
    assert found["rank"].tolist() == list(range(1, len(found) + 1))
    assert found["journeys"].is_monotonic_decreasing


def test_credit_of_segments_adds_up_to_that_of_all_users(mart):
    segments = mart("segment_credit")
    assert set(segments["segment"]) == {"region = north", "region = south", "region = (unknown)"}
    keys = ["outcome", "model", "channel"]
    sums = segments.groupby(keys)[["conversions", "value"]].sum()
    whole = mart("channel_credit").set_index(keys)[["conversions", "value"]]
    np.testing.assert_allclose(sums, whole.loc[sums.index], atol=1e-6)
    shares = segments.groupby(["outcome", "segment", "model"])["share"].sum()
    np.testing.assert_allclose(shares, 1)


def test_credit_of_a_segment_is_that_of_its_users_alone(mart, shop_tables):
    """Last touch needs no fit: the segment's credit is the last channel of its conversions."""
    north = {user for user, region in shop_tables["users"].to_numpy() if region == "north"}
    own = {
        name: rows[rows["user_id"].isin(north)]
        for name, rows in shop_tables.items() if name in ("touchpoints", "conversions")
    }  # fmt: skip
    journeys = journeys_of(own, pd.Timestamp.max)
    last = journeys[journeys["converted"] == 1]["path"].str.split(" > ").str[-1].value_counts()
    found = mart("segment_credit")
    found = found[(found["segment"] == "region = north") & (found["model"] == "last_touch")]
    found = found[found["conversions"] > 0].set_index("channel")["conversions"]
    assert found.to_dict() == last.to_dict()


def test_differences_are_those_of_the_credit_and_inside_their_intervals(mart):
    found = mart("credit_differences")
    assert set(found["model"]) == {"first_touch", "linear"}
    credit = mart("channel_credit").set_index(["model", "channel"])
    for row in found.itertuples():
        own, reference = credit.loc[row.model, row.channel], credit.loc["last_touch", row.channel]
        for figure in ("conversions", "value", "share"):
            difference = getattr(row, figure)
            assert difference == pytest.approx(own[figure] - reference[figure], abs=1e-6)
            assert getattr(row, f"{figure}_low") <= difference <= getattr(row, f"{figure}_high")
            # Both are refitted on the same draws: the interval is narrower than that of their sum.
            width = getattr(row, f"{figure}_high") - getattr(row, f"{figure}_low")
            widths = [one[f"{figure}_high"] - one[f"{figure}_low"] for one in (own, reference)]
            assert width <= sum(widths) + 1e-9


def test_one_row_per_channel_for_a_dashboard(mart):
    summary = mart("channel_summary")
    [model] = mart("model_to_use")["model"]
    credit = mart("channel_credit").set_index(["model", "channel"])
    assert set(summary["model"]) == {model}
    for row in summary.itertuples():
        assert row.conversions == credit.loc[model, row.channel]["conversions"]
        last = credit.loc["last_touch", row.channel]["conversions"]
        assert row.moved == pytest.approx(row.conversions - last)
    assert summary["spend_share"].sum() == pytest.approx(1)


def test_credit_of_the_champion_is_marked_and_shown_with_that_of_the_challenger(mart):
    [champion] = mart("champions").to_dict("records")
    assert (champion["model"], champion["status"]) == (
        "last_touch", "in use until somebody decides"
    )  # fmt: skip
    credit, own = mart("channel_credit"), mart("champion_credit")
    assert set(credit[credit["is_champion"]]["model"]) == {"last_touch"}
    by_channel = credit[credit["model"] == "last_touch"].set_index("channel")
    assert own.set_index("channel")["conversions"].to_dict() == by_channel["conversions"].to_dict()
    if champion["challenger"] is not None:
        other = credit[credit["model"] == champion["challenger"]].set_index("channel")
        found = own.set_index("channel")["challenger_conversions"]
        assert found.to_dict() == other["conversions"].to_dict()


def test_the_timeline_starts_with_the_hypotheses(mart):
    timeline = mart("timeline").sort_values("number")
    first = timeline[timeline["event"] == "hypothesis"]
    assert set(first["model"]) == set(mart("hypotheses")["model"])
    assert first["text"].notna().all()
    assert timeline["day"].is_monotonic_increasing


def test_hypotheses_are_the_rivals_with_their_verdicts(mart):
    found, compared = mart("hypotheses"), mart("model_comparison")
    rivals = compared[(compared["segment"] == "all") & compared["verdict"].notna()]
    assert sorted(found["model"]) == sorted(rivals["model"])
    assert (found["first_period"] < found["last_period"]).all()
    assert found["verdict"].tolist() == rivals.set_index("model").loc[found["model"]][
        "verdict"].tolist()  # fmt: skip
