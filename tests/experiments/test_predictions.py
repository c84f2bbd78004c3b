"""The register of predictions, and models compared by what they predicted."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from scipy import stats

from lydite.engine import DuckDBEngine
from lydite.experiments.hypothesis_check import Expected
from lydite.experiments.jackknife import Estimates
from lydite.experiments.predictions import (
    PREDICTIONS,
    compare_predictions,
    define,
    register,
    score,
)
from lydite.settings import parse_settings
from tests.helpers.holdout import PLAN

DEFINED = {("brand", "linear"): "first", ("brand", "last_touch"): "first"}
ROW = {
    "experiment": "brand", "model": "linear", "treated": 200, "measured": 30.0,
    "measured_variance": 16.0,
}  # fmt: skip


def plan_of(**changes):
    sources = {"touchpoints": "t.csv", "conversions": "c.csv"}
    settings = parse_settings(
        {"sources": sources, "experiments": {"brand": PLAN | changes}}, "test"
    )
    return settings.experiments["brand"]


def expectation(model, increment, *, treated=100, is_over=False):
    is_treated = np.arange(2 * treated) < treated
    holdout = SimpleNamespace(
        name="brand", plan=plan_of(), persons=pl.Series(range(2 * treated)), is_over=is_over,
        is_treated=is_treated,
    )  # fmt: skip
    estimates = Estimates(np.array([0.0, increment]), np.diag([1.0, 4.0]))
    return Expected(holdout, model, "other users", estimates)


@pytest.fixture
def engine():
    with DuckDBEngine() as opened:
        yield opened


def test_the_last_prediction_before_the_reading_is_scored(engine):
    for increment, is_over in ((5, False), (12, False), (99, True)):
        register(engine, [expectation("linear", increment, is_over=is_over)], DEFINED)
    [found] = score(engine, [ROW], DEFINED)
    assert found["registered"] == pytest.approx(12 / 100 * 200)
    assert found["registered_variance"] == pytest.approx(4 / 100**2 * 200**2)
    expected = stats.norm.logpdf(30, 24, math.sqrt(16 + 16))
    assert found["log_score"] == pytest.approx(expected)
    assert found["registered_at"] is not None


def test_a_prediction_that_is_first_made_after_the_reading_does_not_count(engine):
    register(engine, [expectation("linear", 30, is_over=True)], DEFINED)
    [found] = score(engine, [ROW], DEFINED)
    assert (found["registered_at"], found["registered"], found["log_score"]) == (None, None, None)


def test_nothing_is_added_after_the_reading(engine):
    for is_over in (False, True, True, False):
        register(engine, [expectation("linear", 7, is_over=is_over)], DEFINED)
    assert engine.rows(f"select number, is_over from {PREDICTIONS} order by number") == [
        (1, False), (2, True),
    ]  # fmt: skip


def test_a_prediction_of_another_definition_does_not_count(engine):
    register(engine, [expectation("linear", 7)], DEFINED)
    [found] = score(engine, [ROW], {("brand", "linear"): "second"})
    assert found["log_score"] is None


def test_a_definition_changes_with_the_plan_the_model_and_the_paths():
    base = define(plan_of(), "model", "30d")
    others = [
        define(plan_of(window="9d"), "model", "30d"),
        define(plan_of(), "another", "30d"),
        define(plan_of(), "model", "7d"),
    ]
    assert base == define(plan_of(smallest_effect=0.3), "model", "30d")
    assert len({base, *others}) == 4


def scored(**scores):
    rows = [
        ("purchase", name, model, value)
        for model, values in scores.items()
        for name, value in values.items()
    ]
    return pl.DataFrame(rows, ["outcome", "experiment", "model", "log_score"], orient="row")


def test_the_model_ahead_is_sure_at_the_likelihood_ratio_of_its_part_of_alpha():
    rows = scored(
        good={"a": -1.0, "b": -1.0}, bad={"a": -4.0, "b": -2.2}, ugly={"a": -1.5, "b": -1.5}
    )
    found = compare_predictions(rows, 0.05).rows(named=True)
    assert [(row["ahead"], row["behind"]) for row in found] == [
        ("good", "bad"), ("ugly", "bad"), ("good", "ugly"),
    ]  # fmt: skip
    assert found[0]["needed"] == pytest.approx(math.log(3 / 0.05))
    assert found[0]["log_ratio"] == pytest.approx(4.2)
    assert [row["is_sure"] for row in found] == [True, False, False]


def test_only_experiments_that_both_predicted_count():
    rows = scored(one={"a": -1.0, "b": -9.0}, other={"a": -2.0})
    [found] = compare_predictions(rows, 0.05).rows(named=True)
    assert (found["ahead"], found["experiments"], found["log_ratio"]) == ("one", 1, 1.0)


def test_without_predictions_there_are_no_pairs():
    rows = scored(one={"a": None}).with_columns(pl.col("log_score").cast(pl.Float64))
    assert compare_predictions(rows, 0.05).is_empty()


def test_a_true_model_is_called_worse_no_more_often_than_alpha(rng):
    wrong, runs = 0, 2_000
    for _ in range(runs):
        total = 0.0
        for _ in range(3):
            measured = rng.normal(20, 5)
            total += stats.norm.logpdf(measured, 26, 5) - stats.norm.logpdf(measured, 20, 5)
        wrong += total >= math.log(1 / 0.05)
    assert wrong / runs <= 0.05
