"""Comparisons: tables in the caller's frame type, plain data, and how they present themselves."""

import json

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import lydite
from lydite.errors import InputError
from lydite.reporting.narrative import verdict_in_words
from lydite.results import Comparison, Credit
from tests.helpers.made_comparisons import BEST, CONTENDERS, SEGMENTS, make_comparison
from tests.helpers.shop import MODELS, shop

TABLES = ("table", "segments", "pairs", "warnings", "credit", "evidence")


@pytest.fixture
def comparison() -> Comparison:
    return make_comparison(
        ("purchase", BEST), ("lead", CONTENDERS), segments=SEGMENTS,
        warnings=((None, "immature", "too recent"),), quarantined={"touchpoints": {"late": 3}},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "frame_type"),
    [("polars", pl.DataFrame), ("pandas", pd.DataFrame), ("pyarrow", pa.Table)],
)
def test_all_tables_have_the_frame_type_of_the_input(comparison, kind, frame_type):
    result = Comparison(comparison.marts, comparison.outcomes, {}, _kind=kind)
    for name in TABLES:
        assert isinstance(getattr(result, name), frame_type)
    credit = Credit(comparison.marts["channel_credit"], comparison.marts["pairs"], {}, _kind=kind)
    assert isinstance(credit.table, frame_type)
    assert isinstance(credit.transitions, frame_type)


def test_tables_are_about_all_users_and_segments_are_not(comparison):
    for name in ("table", "pairs", "evidence"):
        assert set(getattr(comparison, name)["segment"]) == {"all"}
    assert set(comparison.segments["segment"]) == set(SEGMENTS)


def test_plain_data_is_json_without_infinities(comparison):
    record = comparison.to_dict()
    json.dumps(record, allow_nan=False)
    assert list(record) == ["outcomes", "quarantined", "duplicates"]
    purchase = record["outcomes"]["purchase"]
    assert list(purchase) == [
        "lookback", "landmarks", "conversions", "attributed", "unattributed", "periods", "models",
        "segments", "warnings", "credit",
    ]  # fmt: skip
    same = {model["model"]: model["same_forecast_as"] for model in purchase["models"]}
    assert same["last_touch"] == ["markov_1"]
    assert same["linear"] == []
    assert list(purchase["segments"]) == list(SEGMENTS)
    assert purchase["warnings"] == [{"kind": "immature", "model": None, "text": "too recent"}]
    assert record["quarantined"] == {"touchpoints": {"late": 3}}


def test_a_note_and_models_that_were_left_out_are_in_the_plain_data():
    noted = make_comparison(("lead", ()), note="too short")
    result = Comparison(noted.marts, noted.outcomes, {}, {"shapley": "too many channels"})
    record = result.to_dict()
    assert record["outcomes"]["lead"]["note"] == "too short"
    assert record["left_out"] == {"shapley": "too many channels"}


def test_a_result_presents_itself(comparison, tmp_path):
    assert comparison.verdict() == verdict_in_words(comparison, "purchase")
    assert comparison.verdict("lead") == verdict_in_words(comparison, "lead")
    assert "linear" in comparison._repr_html_()
    comparison.to_html(tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size > 10_000


def test_an_unknown_outcome_is_named(comparison):
    with pytest.raises(lydite.InputError, match="signup"):
        comparison.verdict("signup")


def test_a_result_is_one_line(comparison):
    assert repr(comparison) == (
        "Comparison(purchase, 30d lookback: linear best of 8 models; lead, 30d lookback: 3 of 4"
        " models stand)"
    )
    paths = pl.DataFrame({"path": ["a > b", "b"], "conversions": [2, 1]})
    assert repr(lydite.credit(paths, models="linear", intervals=False)) == (
        "Credit(1 model, 2 channels)"
    )


@pytest.fixture(scope="module")
def shop_result():
    tables = shop()
    return lydite.compare(
        tables["touchpoints"], tables["conversions"], spend=tables["spend"], models=MODELS,
        lookback="7d",
    )  # fmt: skip


def test_credit_of_campaigns_is_that_of_their_days_with_their_spend(shop_result):
    found = shop_result.campaigns
    assert isinstance(found, pd.DataFrame)
    activity = shop_result.marts["channel_activity"].to_pandas()
    daily, activity, found = (
        frame.assign(campaign=frame["campaign"].fillna("none"))
        for frame in (shop_result.daily, activity, found)
    )
    keys = ["outcome", "model", "channel", "campaign"]
    sums = daily.groupby(keys)[["conversions", "value"]].sum()
    both = found.set_index(keys)
    assert not both.index.duplicated().any()
    assert both["conversions"].sum() == pytest.approx(sums["conversions"].sum())
    for index, row in both.iterrows():
        expected = sums.loc[index] if index in sums.index else (0, 0)
        assert (row["conversions"], row["value"]) == pytest.approx(tuple(expected))
    spend = activity.groupby(["channel", "campaign"])["spend"].sum(min_count=1)
    for (_, _, channel, campaign), row in both.iterrows():
        if channel != "(unattributed)":
            assert row["spend"] == pytest.approx(
                spend.loc[[(channel, campaign)]].iloc[0], nan_ok=True
            )
    search = both.loc[("conversion", "linear", "Search", "Brand")]
    assert search["cpa"] == pytest.approx(search["spend"] / search["conversions"])
    assert search["roas"] == pytest.approx(search["value"] / search["spend"])


def test_credit_of_touches_is_in_the_frame_type_of_the_input(shop_result):
    touches = shop_result.touch_credit
    assert isinstance(touches, pd.DataFrame)
    sums = touches.groupby(["model", "channel"])["weight"].sum()
    credit = shop_result.credit.set_index(["model", "channel"])["conversions"]
    for key, weight in sums.items():
        assert weight == pytest.approx(credit[key], abs=1e-6)


def test_tables_that_a_path_table_has_not_are_refused():
    paths = pl.DataFrame({"path": ["a > b", "b"], "conversions": [200, 100], "nulls": [500, 900]})
    result = lydite.compare(paths=paths, models=["linear", "last_touch"])
    for name in ("daily", "campaigns", "lookbacks", "touch_credit"):
        with pytest.raises(InputError, match="touchpoints and conversions"):
            getattr(result, name)
