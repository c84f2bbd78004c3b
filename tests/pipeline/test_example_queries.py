"""The example queries of analysts, against the same answers by pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd
import pytest

from lydite.engine import load_sql, sql_directory
from lydite.engine.sql_files import read_comments
from tests.helpers.shop import journeys_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES = sorted(file.stem for file in (sql_directory() / "examples").glob("*.sql"))

Read = "Callable[[str], pd.DataFrame]"


@pytest.fixture(scope="module")
def ask(published) -> Iterator[Callable[[str], pd.DataFrame]]:
    """Return a function that runs an example query."""
    with duckdb.connect(str(published), read_only=True) as reader:
        yield lambda name: reader.sql(load_sql(f"examples/{name}")).df()


@pytest.fixture(scope="module")
def model(mart) -> str:
    """Return the model to use: by rank among those that stand, primary ones first."""
    rows = mart("model_comparison")
    rows = rows[(rows["segment"] == "all") & rows["stands"].eq(True)]
    return rows.sort_values(["primary", "rank"], ascending=[False, True])["model"].iloc[0]


@pytest.fixture(scope="module")
def daily(mart, model) -> pd.DataFrame:
    """Return the credit by day of the model to use."""
    rows = mart("credit_daily")
    return rows[rows["model"] == model]


def equal(found: pd.DataFrame, expected: pd.DataFrame, keys: list[str], **options: float) -> None:
    pd.testing.assert_frame_equal(
        found.set_index(keys).sort_index(),
        expected.set_index(keys).sort_index()[[c for c in found.columns if c not in keys]],
        check_dtype=False,
        check_index_type=False,
        **options,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_query_has_rows_with_the_documented_columns(ask, name):
    found = ask(name)
    assert list(found.columns) == list(read_comments(f"examples/{name}")[1])
    if name not in ("new_against_returning", "ruled_out", "too_much_credit_by_last_touch"):
        assert len(found)
    assert not found.duplicated().any()


#: The columns that no two rows of an answer share.
KEYS = {
    "assists": ["outcome", "channel"],
    "best_model": ["outcome"],
    "conversions_without_a_touch": ["outcome", "week"],
    "cost_per_conversion_range": ["outcome", "channel"],
    "credit_by_lookback": ["outcome", "channel", "lookback"],
    "credit_by_region": ["outcome", "segment", "channel"],
    "credit_of_best_model": ["outcome", "channel"],
    "days_to_convert": ["outcome", "days"],
    "disagreement": ["outcome", "channel"],
    "lookbacks_compared": ["outcome", "model", "lookback"],
    "new_against_returning": ["outcome", "channel"],
    "next_channel": ["outcome", "from_channel"],
    "path_length_shares": ["outcome", "path_length"],
    "paths_that_convert": ["outcome", "path"],
    "reach_by_week": ["channel", "week"],
    "return_by_campaign": ["outcome", "channel", "campaign"],
    "return_by_channel_and_week": ["outcome", "channel", "week"],
    "ruled_out": ["outcome", "model"],
    "spend_against_credit": ["outcome", "channel"],
    "spend_without_touches": ["status", "channel", "campaign"],
    "too_much_credit_by_last_touch": ["outcome", "channel"],
    "trend_of_channels": ["outcome", "channel", "month"],
    "weekdays": ["outcome", "channel", "weekday"],
    "what_changed": ["outcome", "channel"],
}


@pytest.mark.parametrize("name", NAMES)
def test_ties_duplicate_no_row(tied, name):
    with duckdb.connect(str(tied), read_only=True) as reader:
        found = reader.sql(load_sql(f"examples/{name}")).df()
        again = reader.sql(load_sql(f"examples/{name}")).df()
    assert not found.duplicated(KEYS[name]).any()
    pd.testing.assert_frame_equal(found, again)
    if "outcome" in found and "roas" in found:
        assert found.loc[found["outcome"] == "lead", "roas"].isna().all()


def test_there_are_twenty_questions():
    assert len(NAMES) >= 20


def test_best_model(ask, model):
    assert ask("best_model")["model"].tolist() == [model]


def test_credit_of_the_best_model(ask, mart, model):
    credit = mart("channel_credit")
    credit = credit[credit["model"] == model]
    found = ask("credit_of_best_model")
    assert found["conversions"].tolist() == sorted(found["conversions"], reverse=True)
    for column in ("conversions", "cost", "cpa", "roas"):
        both = found.merge(credit, on=["outcome", "channel"], suffixes=("", "_table"))
        np.testing.assert_allclose(both[column], both[f"{column}_table"], atol=0.06)


def test_disagreement(ask, mart):
    compared = mart("model_comparison")
    stands = compared[(compared["segment"] == "all") & compared["stands"].eq(True)]
    credit = mart("channel_credit")
    credit = credit[credit["model"].isin(stands["model"])].groupby("channel")["conversions"]
    apart = (credit.max() - credit.min()).round(6)
    found = ask("disagreement").set_index("channel")
    assert set(found.index) == set(apart[apart > 0].index)
    np.testing.assert_allclose(found["most"] - found["least"], apart[found.index], atol=0.11)


def by_week(rows: pd.DataFrame, column: str = "date") -> pd.Series:
    return rows[column].dt.to_period("W-SUN").dt.start_time


def test_return_by_channel_and_week(ask, mart, daily):
    activity = mart("channel_activity")
    spend = activity.assign(week=by_week(activity)).groupby(["week", "channel"])["spend"].sum()
    spend = spend[spend > 0]
    value = daily.assign(week=by_week(daily)).groupby(["week", "channel"])["value"].sum()
    expected = pd.DataFrame({"spend": spend, "value": value.reindex(spend.index).fillna(0)})
    expected["roas"] = (expected["value"] / expected["spend"]).round(2)
    found = ask("return_by_channel_and_week").drop(columns="outcome")
    equal(found, expected.reset_index(), ["week", "channel"], atol=0.011)


def test_return_by_campaign(ask, mart, daily):
    keys = ["channel", "campaign"]
    spend = mart("channel_activity").groupby(keys)["spend"].sum(min_count=1)
    credit = daily.groupby(keys)[["conversions", "value"]].sum()
    both = pd.concat([spend, credit], axis=1)
    both["cpa"], both["roas"] = both["spend"] / both["conversions"], both["value"] / both["spend"]
    found = ask("return_by_campaign").set_index(keys)
    assert set(found.index) == set(both.index)
    for column in ("spend", "conversions", "cpa", "roas"):
        expected = both.loc[found.index, column].replace(np.inf, np.nan)
        np.testing.assert_allclose(found[column], expected, atol=0.06)


def test_credit_by_region(ask, mart, model):
    rows = mart("segment_credit")
    rows = rows[(rows["model"] == model) & rows["segment"].str.startswith("region = ")]
    total = rows.groupby("segment")["conversions"].transform("sum")
    expected = rows.assign(
        share_percent=(100 * rows["conversions"] / total).round(1),
        conversions=rows["conversions"].round(1),
    )
    equal(ask("credit_by_region"), expected, ["outcome", "segment", "channel"], atol=0.11)


def test_new_and_returning_customers_need_their_column(ask):
    assert ask("new_against_returning").empty  # the shop's users have a region only


def test_too_much_credit_by_last_touch(ask, mart, model):
    rows = mart("credit_differences")
    rows = rows[(rows["model"] == model) & (rows["conversions_high"] < 0)]
    found = ask("too_much_credit_by_last_touch").set_index("channel")
    assert set(found.index) == set(rows["channel"])
    for row in rows.itertuples():
        assert found.loc[row.channel, "too_many"] == pytest.approx(-row.conversions, abs=0.06)


def test_paths_that_convert(ask, mart, shop_tables):
    journeys = journeys_of(shop_tables, mart("outcomes")["as_of"].item()).groupby("path")
    expected = journeys["converted"].agg(journeys="size", conversions="sum").reset_index()
    expected = expected[expected["journeys"] >= 30]
    rate = 100 * expected["conversions"] / expected["journeys"]
    expected = expected.assign(rate_percent=rate.round(2), outcome="conversion")
    found = ask("paths_that_convert")
    assert found["rate_percent"].is_monotonic_decreasing
    equal(found, expected, ["outcome", "path"], atol=0.011)


def test_days_to_convert(ask, shop_tables, mart):
    journeys = journeys_of(shop_tables, mart("outcomes")["as_of"].item())
    journeys = journeys[journeys["converted"] == 1]
    found = ask("days_to_convert").set_index("days")
    for column, days in (
        ("since_first_percent", "since_first"),
        ("since_last_percent", "since_last"),
    ):
        whole = journeys[days].dt.days
        expected = [round(100 * (whole <= day).mean(), 1) for day in found.index]
        np.testing.assert_allclose(found[column], expected, atol=0.11)


def test_trend_of_channels(ask, daily):
    month = daily["date"].dt.to_period("M").dt.start_time
    sums = daily.assign(month=month).groupby(["channel", "month"])["conversions"].sum()
    change = 100 * sums.groupby("channel").pct_change()
    expected = pd.DataFrame({"conversions": sums, "change_percent": change}).reset_index()
    equal(
        ask("trend_of_channels").drop(columns="outcome"), expected, ["channel", "month"], atol=0.06
    )


def test_conversions_without_a_touch(ask, daily):
    rows = daily.assign(week=by_week(daily))
    total = rows.groupby("week")["conversions"].sum()
    without = rows[rows["channel"] == "(unattributed)"].groupby("week")["conversions"].sum()
    found = ask("conversions_without_a_touch").set_index("week")
    np.testing.assert_allclose(found["conversions"], total[found.index].round())
    expected = 100 * without.reindex(found.index).fillna(0) / total[found.index]
    np.testing.assert_allclose(found["without_touch_percent"], expected, atol=0.06)


def test_what_changed(ask, daily):
    age = (daily["date"].max() - daily["date"]).dt.days
    now, before = (
        daily[(age >= low) & (age < low + 28)].groupby("channel")["conversions"].sum()
        for low in (0, 28)
    )
    expected = pd.DataFrame({"conversions": now, "before": before}).fillna(0)
    expected["change"] = expected["conversions"] - expected["before"]
    equal(
        ask("what_changed").drop(columns="outcome"),
        expected.rename_axis("channel").reset_index(),
        ["channel"],
        atol=0.06,
    )


def test_spend_against_credit(ask, mart, model):
    credit = mart("channel_credit").set_index(["model", "channel"])
    own = credit.loc[model].drop("(unattributed)")
    last = credit.loc["last_touch"]["conversions"]
    expected = pd.DataFrame(
        {
            "spend_percent": 100 * own["cost"] / own["cost"].sum(),
            "credit_percent": 100 * own["conversions"] / own["conversions"].sum(),
            "moved": own["conversions"] - last[own.index],
        }
    ).reset_index()
    found = ask("spend_against_credit").drop(columns="outcome")
    equal(found, expected, ["channel"], atol=0.06)


def test_cost_per_conversion_over_the_models_that_stand(ask, mart, model):
    compared = mart("model_comparison")
    stands = compared[(compared["segment"] == "all") & compared["stands"].eq(True)]["model"]
    credit = mart("channel_credit")
    credit = credit[credit["cost"] > 0]
    each = credit.assign(cpa=credit["cost"] / credit["conversions"].replace(0, np.nan))
    standing = each[each["model"].isin(stands)].groupby("channel")["cpa"]
    found = ask("cost_per_conversion_range").set_index("channel")
    own = each[each["model"] == model].set_index("channel")["cpa"]
    for column, expected in (
        ("cpa", own), ("cpa_least", standing.min()), ("cpa_most", standing.max()),
    ):  # fmt: skip
        np.testing.assert_allclose(found[column], expected[found.index], atol=0.006)


def test_assists(ask, mart, shop_tables):
    journeys = journeys_of(shop_tables, mart("outcomes")["as_of"].item())
    paths = journeys[journeys["converted"] == 1]["path"].str.split(" > ")
    found = ask("assists").set_index("channel")
    for channel, row in found.iterrows():
        assert row["last"] == sum(path[-1] == channel for path in paths)
        assert row["assisted"] == sum(channel in path and path[-1] != channel for path in paths)
    roles = mart("channel_roles").set_index("channel")
    for channel, row in roles.iterrows():
        assert row["first"] == sum(path[0] == channel for path in paths)
        assert row["alone"] == sum(set(path) == {channel} for path in paths)
        assert row["on_path"] == row["last"] + row["assisted"]


def test_path_lengths(ask, mart, shop_tables):
    journeys = journeys_of(shop_tables, mart("outcomes")["as_of"].item())
    lengths = journeys[journeys["converted"] == 1]["path"].str.count(" > ") + 1
    found = ask("path_length_shares").set_index("path_length")
    assert found["conversions"].to_dict() == lengths.value_counts().to_dict()
    assert found["so_far_percent"].iloc[-1] == pytest.approx(100)


def test_next_channel(ask, mart):
    rows = mart("channel_transitions")
    best = rows.groupby("from_channel")["probability"].max()
    found = ask("next_channel").set_index("from_channel")["probability_percent"]
    np.testing.assert_allclose(found, 100 * best[found.index], atol=0.06)


def test_models_that_are_ruled_out(ask, mart):
    rows = mart("model_comparison")
    rows = rows[(rows["segment"] == "all") & (rows["verdict"] == "refuted")]
    assert sorted(ask("ruled_out")["model"]) == sorted(rows["model"])


def test_spend_without_touches(ask, mart):
    rows = mart("spend_match")
    rows = rows[rows["status"] != "matched"]
    found = ask("spend_without_touches")
    assert len(found) == len(rows)
    assert found["spend"].sum() == pytest.approx(rows["spend"].sum())


def test_reach_by_week(ask, mart, shop_tables):
    touches = shop_tables["touchpoints"]
    week = by_week(touches, "touched_at")
    users = touches.groupby(["channel", week])["user_id"].agg(["nunique", "size"])
    activity = mart("channel_activity")
    spend = activity.assign(week=by_week(activity)).groupby(["channel", "week"])["spend"]
    spend = spend.sum(min_count=1)
    found = ask("reach_by_week").set_index(["channel", "week"])
    expected = users.loc[found.index]
    assert found["users"].tolist() == expected["nunique"].tolist()
    per_user = expected["size"] / expected["nunique"]
    np.testing.assert_allclose(found["touches_per_user"], per_user, atol=0.006)
    each = spend.loc[found.index] / expected["nunique"]
    np.testing.assert_allclose(found["spend_per_user"], each, atol=1e-4)


def test_weekdays(ask, daily):
    day = daily["date"].dt.day_of_week + 1
    sums = daily.assign(weekday=day).groupby(["channel", "weekday"])["conversions"].sum()
    percent = 100 * sums / sums.groupby("channel").transform("sum")
    expected = percent.rename("percent").reset_index()
    equal(ask("weekdays").drop(columns="outcome"), expected, ["channel", "weekday"], atol=0.06)


def rule_credit(journeys: pd.DataFrame, model: str) -> pd.Series:
    """Return the conversions that a rule credits to each channel, by a loop over paths."""
    credit: dict[str, float] = {}
    for path in journeys[journeys["converted"] == 1]["path"].str.split(" > "):
        chosen = {"first_touch": path[:1], "last_touch": path[-1:], "linear": path}[model]
        for channel in chosen:
            credit[channel] = credit.get(channel, 0) + 1 / len(chosen)
    return pd.Series(credit)


def test_credit_by_lookback(ask, model, shop_tables):
    credit = {
        f"{days}d": rule_credit(
            journeys_of(shop_tables, pd.Timestamp.max, pd.Timedelta(days=days)), model
        )
        for days in (7, 3)
    }
    found = ask("credit_by_lookback").set_index(["lookback", "channel"])
    orders = len(shop_tables["conversions"])
    for lookback, own in credit.items():
        rows = found.loc[lookback]
        assert rows.loc["(unattributed)", "conversions"] == pytest.approx(orders - own.sum())
        rows = rows.drop("(unattributed)")
        here, main = (one.reindex(rows.index, fill_value=0) for one in (own, credit["7d"]))
        np.testing.assert_allclose(rows["conversions"], here, atol=0.051)
        np.testing.assert_allclose(rows["share_percent"], 100 * here / here.sum(), atol=0.051)
        np.testing.assert_allclose(rows["change"], here - main, atol=0.051)


def test_lookbacks_compared(ask, mart, shop_tables):
    found = ask("lookbacks_compared").set_index(["lookback", "model"])
    orders = len(shop_tables["conversions"])
    for days in (7, 3):
        journeys = journeys_of(shop_tables, pd.Timestamp.max, pd.Timedelta(days=days))
        percent = 100 * journeys["converted"].sum() / orders
        assert found.loc[f"{days}d", "attributed_percent"].tolist() == pytest.approx(
            [percent] * 3, abs=0.051
        )
    main = mart("model_comparison").query("segment == 'all'").set_index("model")
    rows = found.loc["7d"]
    assert rows["verdict"].to_dict() == main.loc[rows.index, "verdict"].to_dict()
    for column in ("explained", "explained_low", "explained_high"):
        shown = rows[f"{column.removeprefix('explained_') if '_' in column else column}_percent"]
        np.testing.assert_allclose(shown, 100 * main.loc[rows.index, column], atol=0.0051)
