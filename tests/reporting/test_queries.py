"""Queries on a comparison."""

from dataclasses import replace
from datetime import date

import duckdb
import polars as pl
import pytest

from lydite.engine import load_sql
from lydite.errors import InputError
from lydite.reporting import queries
from lydite.reporting.display_names import model_word
from lydite.reporting.narrative import verdict_in_words
from lydite.results import Comparison
from lydite.settings import ReportSettings
from tests.helpers.made_comparisons import (
    BEST,
    CONTENDERS,
    EVERY_KIND,
    MANY,
    NO_BETTER,
    SEGMENTS,
    TOO_EARLY,
    make_comparison,
    make_empty,
    make_path_comparison,
)


def test_rivals_come_by_rank_and_references_separately():
    comparison = make_comparison()
    assert [r["model"] for r in queries.rivals_of(comparison, "purchase")] == [b[0] for b in BEST]
    references = [r["model"] for r in queries.references_of(comparison, "purchase")]
    assert references == ["base_rate", "touch_volume", "ceiling"]


def test_a_small_chart_shows_the_models_of_the_headline_else_the_first():
    shown = {
        kind: queries.main_models(make_comparison(("purchase", rivals)), "purchase", 5)
        for kind, rivals in EVERY_KIND.items()
    }
    assert shown == {
        "best": ["linear"],
        "best_of_primary": ["linear"],
        "contenders": ["linear", "last_touch"],
        "too_early": ["linear", "first_touch"],
        "no_better": ["linear", "first_touch"],
        "all_refuted": ["linear", "first_touch"],
    }
    assert queries.main_models(make_comparison(("purchase", NO_BETTER)), "purchase", 1) == [
        "linear"
    ]


def _example(comparison, name):
    """Return the rows of an example query on the tables of a comparison."""
    with duckdb.connect() as connection:
        connection.execute("create schema mart")
        for mart in ("model_comparison", "channel_credit"):
            connection.register("frame", comparison.marts[mart])
            connection.execute(f"create table mart.{mart} as from frame")
        connection.execute(f"create view mart.model_to_use as {load_sql('views/model_to_use')}")
        return connection.execute(load_sql(f"examples/{name}")).pl().to_dicts()


_TIES = (
    ("a_rule", "contender", 0.03, None, "last_touch, markov_1"),
    ("last_touch", "contender", 0.03, None, "a_rule, markov_1"),
    ("markov_1", "contender", 0.03, None, "a_rule, last_touch"),
    ("linear", "contender", 0.02, None, ""),
    ("shapley", "too_early", 0.01, None, ""),
)


@pytest.mark.parametrize("rivals", [*EVERY_KIND.values(), MANY, _TIES])
def test_headline_example_queries_and_json_name_the_same_models_in_the_same_order(rivals):
    made = make_comparison(("purchase", rivals), ("lead", BEST), segments=SEGMENTS)
    tied = pl.when(pl.col("explained") == 0.03).then(1).otherwise("rank").alias("rank")
    frame = made.marts["model_comparison"].with_columns(tied)
    comparison = Comparison({**made.marts, "model_comparison": frame}, made.outcomes, {})
    standing = [row[0] for row in rivals if row[1] != "refuted"]
    to_use = [row for row in _example(comparison, "best_model") if row["outcome"] == "purchase"]
    credited = _example(comparison, "credit_of_best_model")
    assert len(to_use) == bool(standing)
    named = queries.main_models(comparison, "purchase", 99)
    for row in to_use:
        also = row["also_stand"].split(", ") if row["also_stand"] else []
        assert sorted([row["model"], *also]) == sorted(standing)
        assert also == [name for name in standing if name != row["model"]]
        assert row["model"] == named[0]
        assert {line["model"] for line in credited if line["outcome"] == "purchase"} == {named[0]}
    said = verdict_in_words(comparison, "purchase")
    assert all(model_word(name).lower() in said.lower() for name in standing)
    records = comparison.to_dict()["outcomes"]["purchase"]["models"]
    assert [model["model"] for model in records if model["stands"]] == standing
    assert all(model["stands"] == (model["verdict"] != "refuted") for model in records[:-3])


def test_the_null_hypothesis_is_the_baseline_that_improvements_are_relative_to():
    comparison = make_comparison()
    assert queries.null_model(comparison, "purchase") == "touch_volume"
    swapped = pl.col("model").replace({"base_rate": "touch_volume", "touch_volume": "base_rate"})
    frame = comparison.marts["model_comparison"].with_columns(model=swapped)
    other = Comparison({"model_comparison": frame}, comparison.outcomes, {})
    assert queries.null_model(other, "purchase") == "base_rate"
    assert queries.null_model(make_empty(), "purchase") == "touch_volume"


def test_counts_of_the_verdict_are_those_that_were_scored():
    assert queries.scored_counts(make_comparison(), "purchase") == (30_000, 1_200)
    assert queries.scored_counts(make_empty(), "purchase") is None


def test_unattributed_conversions_come_last():
    credit = queries.credit_of(make_comparison(), "purchase", "linear")
    assert credit[-1]["channel"] == queries.UNATTRIBUTED
    sizes = [row["conversions"] for row in credit[:-1]]
    assert sizes == sorted(sizes, reverse=True)


def test_credit_has_its_bounds_none_where_the_table_has_none():
    full = make_comparison()
    first = queries.credit_of(full, "purchase", "linear")[0]
    assert first["conversions_low"] < first["conversions"] < first["conversions_high"]
    bare = full.marts["channel_credit"].select(pl.exclude("^.*_(low|high)$"))
    old = Comparison({"channel_credit": bare}, full.outcomes, {})
    first = queries.credit_of(old, "purchase", "linear")[0]
    assert first["cpa_low"] is first["roas_high"] is None


def test_only_a_path_table_has_no_lookback():
    assert queries.is_path_table(make_path_comparison().outcomes[0])
    assert not queries.is_path_table(make_comparison().outcomes[0])


def test_models_that_were_left_out_have_a_reason():
    full = make_comparison()
    comparison = Comparison(full.marts, full.outcomes, {}, {"shapley": "31 channels are too many"})
    found = queries.warnings_of(comparison, "purchase")
    assert found == ["Shapley value was left out: 31 channels are too many"]
    assert queries.warnings_of(full, "purchase") == []


def test_empty_and_missing_tables_give_empty_results():
    for comparison in (make_empty(), Comparison({}, make_empty().outcomes, {})):
        assert queries.rivals_of(comparison, "purchase") == []
        assert queries.conversion_dates(comparison) is None
        assert queries.credit_of(comparison, "purchase", "linear") == []


def test_dates_of_the_conversions():
    first, last = queries.conversion_dates(make_comparison())
    assert first == date(2025, 1, 6) < last


def test_a_sample_and_the_warnings_of_the_tables_come_once():
    comparison = make_comparison(
        warnings=(
            (None, "short_history", "only 7 weeks could be forecast"),
            ("linear", "model", "its forecasts are badly calibrated"),
            ("linear", "drift", "a lead turned"),
            (None, "volume", "activity alone is as good as any model"),
        )
    )
    frame = comparison.marts["model_comparison"]
    with_warning = frame.with_columns(warning=pl.lit("its forecasts are badly calibrated"))
    comparison = Comparison(
        {**comparison.marts, "model_comparison": with_warning}, comparison.outcomes, {}
    )
    comparison.outcomes[0]["sampled_landmarks"] = 10_000
    *found, sample = queries.warnings_of(comparison, "purchase")
    # The verdict in words contains the warnings about a changed lead and about activity alone.
    assert found == [
        "only 7 weeks could be forecast",
        "Linear: its forecasts are badly calibrated",
    ]
    assert "10,000 of 48,210" in sample


def test_warnings_have_names_for_readers():
    made = make_comparison(
        warnings=(
            (None, "restated", "the verdict on markov_2, my_markov_2 would change"),
            (None, "bots", "14% of these on 'paid_search', and on 'unknown_one'"),
            (None, "overlap", "purchase: 12 conversions follow another"),
            (None, "spend_renamed", "channels were matched: 'E_mail' as 'email'"),
        )
    )
    names = ReportSettings(channel_names={"paid_search": "Google Ads"})
    assert queries.warnings_of(replace(made, report_settings=names), "purchase") == [
        "the verdict on 2-step Markov chain, my_markov_2 would change",
        "14% of these on Google Ads, and on 'unknown_one'",
        "12 conversions follow another",
        "channels were matched: 'E_mail' as 'email'",
    ]


def test_no_warnings_of_other_outcomes_or_missing_tables():
    comparison = make_comparison(
        ("purchase", BEST), ("lead", TOO_EARLY), warnings=((None, "immature", "too recent"),)
    )
    lead = comparison.marts["warnings"].filter(pl.col("outcome") == "lead")
    for warnings in ({"warnings": lead}, {}):
        other = Comparison(warnings, comparison.outcomes, {})
        assert queries.warnings_of(other, "purchase") == []


def test_segments_in_the_order_of_the_table_and_their_rivals():
    comparison = make_comparison(("purchase", BEST), segments=SEGMENTS)
    assert queries.segments_of(comparison, "purchase") == list(SEGMENTS)
    assert len(queries.rivals_of(comparison, "purchase")) == len(BEST)
    west = queries.rivals_of(comparison, "purchase", "region = west")
    assert [row["model"] for row in west] == ["time_decay", "linear"]
    frame = comparison.marts["model_comparison"]
    for marts in ({}, {"model_comparison": frame.drop("segment")}):
        assert queries.segments_of(Comparison(marts, [], {}), "purchase") == []


def test_a_missing_column_reads_as_none():
    comparison = make_comparison()
    assert queries.rows_of(comparison, "pairs", "purchase")[0]["no such column"] is None


def test_quarantined_rows_come_by_table_largest_number_first():
    comparison = make_comparison(quarantined={"touchpoints": {"a": 1, "b": 7, "none": 0}})
    assert queries.quarantined_rows(comparison) == [
        ("touchpoints", "b", 7),
        ("touchpoints", "a", 1),
    ]


def test_outcomes_with_value_come_first_then_the_frequent_ones():
    full = make_comparison(("lead", BEST), ("purchase", CONTENDERS), ("signup", BEST))
    credit = full.marts["channel_credit"].with_columns(
        value=pl.when(pl.col("outcome") == "purchase").then(pl.col("value"))
    )
    records = [
        {**row, "conversions": n}
        for row, n in zip(full.outcomes, [10, 5, 20], strict=True)
    ]  # fmt: skip
    comparison = Comparison({**full.marts, "channel_credit": credit}, records, {})
    assert queries.main_first(comparison) == ["purchase", "signup", "lead"]


def test_the_main_outcome_of_the_settings_comes_first():
    full = make_comparison(("lead", BEST), ("purchase", CONTENDERS))
    chosen = replace(full, report_settings=ReportSettings(main_outcome="purchase"))
    assert queries.main_first(chosen) == ["purchase", "lead"]
    with pytest.raises(InputError, match="no outcome 'order' in this comparison; it has: 'lead'"):
        queries.main_first(replace(full, report_settings=ReportSettings(main_outcome="order")))
