"""Results: tables in the caller's frame type, and plain data."""

import json

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import lydite
from lydite.reporting.narrative import verdict_in_words
from lydite.results import Comparison, Credit
from tests.helpers.made_comparisons import BEST, CONTENDERS, SEGMENTS, make_comparison

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
