"""Credit from path tables: published figures, closed forms, and invariances."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import lydite
from lydite.attribution import path_credit

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
TABLE = pl.DataFrame(
    {
        "path": ["a > b > c", "a", "b > b", "c > a", "b > c > a > a"],
        "conversions": [30, 5, 12, 3, 8],
        "value": [300.0, 5.0, 60.0, 3.0, 80.0],
        "nulls": [70, 200, 40, 90, 10],
    }
)
MODELS = ["first_touch", "linear", "markov_1", "markov_3", "shapley", "bagged_logistic"]

needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason=f"the reference data is not at {REFERENCE}"
)


def credited(result, figure="conversions"):
    return {(row["model"], row["channel"]): row[figure] for row in result.to_dict()["credit"]}


@needs_reference
def test_global_credit_equals_the_published_figures():
    result = lydite.credit(
        REFERENCE / "path_table.csv.gz", models=["markov_1", "first_touch"], normalise="global"
    )
    table = {
        row["channel"]: row for row in result.to_dict()["credit"] if row["model"] == "markov_1"
    }
    published = {
        "alpha": (0.5584, 5344.95), "iota": (0.4058, 3884.61), "eta": (0.3490, 3340.85),
        "beta": (0.2640, 2527.35), "theta": (0.2060, 1971.91), "lambda": (0.1340, 1282.85),
        "epsilon": (0.0626, 599.57), "zeta": (0.0398, 381.06), "kappa": (0.0287, 274.36),
        "gamma": (0.0179, 171.15),
    }  # fmt: skip
    for channel, (effect, conversions) in published.items():
        assert round(table[channel]["removal_effect"], 4) == effect
        assert round(table[channel]["conversions"], 2) == conversions


@needs_reference
def test_global_credit_of_a_sparse_table_equals_the_published_figures():
    result = lydite.credit(
        REFERENCE / "sparse_path_table.csv", models=["markov_1"], normalise="global"
    )
    found = {channel: round(x, 2) for (_, channel), x in credited(result).items()}
    published = {"A": 647.42, "B": 654.10, "C": 364.63, "D": 254.88, "E": 2.88, "F": 6.44,
                 "G": 17.13, "H": 27.50, "I": 8.01}  # fmt: skip
    assert {name: found[name] for name in published} == published


def test_credit_sums_to_conversions_and_value_and_lies_in_its_intervals():
    result = lydite.credit(TABLE, models=MODELS)
    for (_,), rows in result.table.group_by("model"):
        assert rows["conversions"].sum() == pytest.approx(58)
        assert rows["value"].sum() == pytest.approx(448)
        assert rows["share"].sum() == pytest.approx(1)
        assert (rows["conversions_low"] <= rows["conversions"] + 1e-9).all()
        assert (rows["conversions"] <= rows["conversions_high"] + 1e-9).all()


@pytest.mark.parametrize("normalise", ["path", "global"])
def test_without_intervals_the_credit_is_the_same_and_the_bounds_are_null(normalise):
    whole, points = (
        lydite.credit(TABLE, intervals=intervals, normalise=normalise)
        for intervals in (True, False)
    )
    bounds = [name for name in whole.table.columns if name.endswith(("_low", "_high"))]
    assert whole.table.schema == points.table.schema
    assert points.table.select(bounds).null_count().row(0) == (len(points.table),) * 6
    assert_frame_equal(whole.table.drop(bounds), points.table.drop(bounds), rel_tol=1e-9)
    assert_frame_equal(whole.transitions, points.transitions)


def test_without_intervals_there_is_no_bootstrap(monkeypatch):
    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr(path_credit, "draw_journeys", refuse)
    monkeypatch.setattr(path_credit, "credit_replicates", refuse)
    lydite.credit(TABLE, models=MODELS, intervals=False)


def test_rules_alone_need_no_landmarks(monkeypatch):
    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr(path_credit, "landmarks_of", refuse)
    monkeypatch.setattr(path_credit, "summed_landmarks", refuse)
    for intervals in (True, False):
        lydite.credit(TABLE, models=["linear", "first_touch"], intervals=intervals)


def test_a_conversion_goes_to_the_channels_of_its_own_path():
    paths = pl.DataFrame({"path": ["a > b", "c"], "conversions": [4, 6], "nulls": [9, 9]})
    for model in MODELS:
        assert credited(lydite.credit(paths, models=[model]))[model, "c"] == pytest.approx(6)


def test_both_normalisations_sum_to_the_conversions_and_differ():
    ways = [lydite.credit(TABLE, models=["markov_1"], normalise=way) for way in ("path", "global")]
    within, over_all = map(credited, ways)
    assert sum(within.values()) == pytest.approx(sum(over_all.values()))
    effects = credited(ways[1], "removal_effect")
    total = sum(effects.values())
    for place, effect in effects.items():
        assert over_all[place] == pytest.approx(58 * effect / total)
    assert within != pytest.approx(over_all)


def test_shuffled_split_and_renamed_rows_change_nothing():
    names = {"a": "zebra", "b": "ähre > no", "c": "1"}
    split = pl.concat(
        [TABLE.with_columns(pl.col("conversions", "nulls") // 2, pl.col("value") / 2)] * 2
        + [TABLE.with_columns(pl.col("conversions", "nulls") % 2, value=pl.lit(0.0))]
    ).sample(fraction=1, shuffle=True, seed=1)
    renamed = split.with_columns(
        path=pl.col("path").str.replace_all("a", "zebra").str.replace_all(r"\bb\b", "β>b")
    )
    before = credited(lydite.credit(TABLE, models=MODELS))
    same = credited(lydite.credit(split, models=MODELS))
    other = credited(lydite.credit(renamed, models=MODELS))
    names = {"a": "zebra", "b": "β>b", "c": "c"}
    for (model, channel), conversions in before.items():
        assert same[model, channel] == pytest.approx(conversions)
        assert other[model, names[channel]] == pytest.approx(conversions)


def test_intervals_have_the_width_of_poisson_counts():
    paths = pl.DataFrame({"path": ["a", "b"], "conversions": [400, 10_000]})
    rows = lydite.credit(paths, models=["linear"]).table
    for channel, n in (("a", 400), ("b", 10_000)):
        row = rows.row(by_predicate=pl.col("channel") == channel, named=True)
        width = row["conversions_high"] - row["conversions_low"]
        assert width == pytest.approx(2 * 1.96 * np.sqrt(n), rel=0.25)


@pytest.mark.parametrize(
    "paths",
    [
        {"path": ["a", "a > a"], "conversions": [1, 2]},  # one channel only
        {"path": ["a > b", "c"], "conversions": [3, 0], "nulls": [1, 5]},  # c never converts
        {"path": ["a > b"], "conversions": [0], "nulls": [7]},  # nothing converts
        {"path": ["a > b", "b"], "conversions": [3 * 2**31, 5], "nulls": [2**40, 2**33]},
        {"path": [" > ".join(["a", "b", "c"] * 3333 + ["a"])], "conversions": [1]},
    ],
    ids=["one", "never", "nothing", "large", "long"],
)
def test_unusual_tables_have_credit_too(paths):
    result = lydite.credit(pl.DataFrame(paths))
    for (_,), rows in result.table.group_by("model"):
        assert rows["conversions"].sum() == pytest.approx(sum(paths["conversions"]))
        assert rows["conversions"].is_finite().all()


def test_models_that_need_times_are_left_out_or_an_error():
    result = lydite.credit(TABLE)
    assert set(result.left_out) == {"time_decay", "time_decay_fitted", "additive_hazard"}
    with pytest.raises(lydite.InputError, match="'time_decay' needs to know when"):
        lydite.credit(TABLE, models=["time_decay"])


def test_results_have_the_frame_type_of_the_input():
    assert isinstance(lydite.credit(TABLE.to_pandas(), models=["linear"]).table, pd.DataFrame)
    assert "transitions" in lydite.credit(TABLE, models=["markov_1"]).to_dict()


def test_transition_matrices_sum_to_one():
    rows = lydite.credit(TABLE, models=["markov_1", "markov_2"]).transitions
    sums = rows.group_by("model", "from").agg(pl.col("probability").sum())
    np.testing.assert_allclose(sums["probability"], 1)
