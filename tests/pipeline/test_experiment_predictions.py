"""The marts that predict experiments from each other: what is read from the other marts."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lydite.engine import DuckDBEngine
from lydite.experiments.left_out import ALL_CHANNELS, SUMMARY
from lydite.pipeline.calibrated_credit import AGREEMENT
from lydite.pipeline.experiment_predictions import (
    SCHEMA,
    build_experiment_predictions,
    predict_experiments,
)
from tests.helpers.made_comparisons import CONTENDERS
from tests.helpers.made_decisions import compare_with_decisions
from tests.pipeline.test_calibrated_credit import agreement

EXPERIMENTS = pl.concat(
    agreement(
        (channel, "last_touch", measured, 25.0, 200.0), (channel, "linear", measured, 25.0, linear)
    ).with_columns(experiment=pl.lit(name))
    for name, channel, measured, linear in (
        ("a", "email", 20.0, 25.0), ("b", "email", 24.0, 25.0), ("c", "social", 60.0, 80.0),
    )
)  # fmt: skip


def marts(experiments=EXPERIMENTS):
    return {**compare_with_decisions(CONTENDERS).marts, AGREEMENT: experiments}


def test_every_experiment_is_predicted_by_each_model_and_by_calibrated_credit():
    table = predict_experiments(marts(), "purchase")
    assert table.schema == SCHEMA
    keys = table.select("experiment", "method", "model")
    assert set(keys.rows()) == {
        (name, method, model)
        for name in "abc"
        for method, model in (
            ("calibrated", "last_touch"), ("credit", "last_touch"), ("credit", "linear"),
        )
    }  # fmt: skip
    assert len(keys) == 9
    raw = table.filter(method="credit", model="linear", experiment="c").row(0, named=True)
    assert (raw["predicted"], raw["error"], raw["predicted_low"]) == (80, 20, None)
    assert raw["measured_error"] == 5
    email = table.filter(method="calibrated", experiment="a").row(0, named=True)
    assert email["predicted"] == pytest.approx(27, abs=4)  # the other test of e-mail says 24
    assert email["predicted_low"] < email["measured"] < email["predicted_high"]
    assert email["error"] == pytest.approx(email["predicted"] - 20)
    assert (email["others"], email["others_on_channel"]) == (2, 1)
    social = table.filter(method="calibrated", experiment="c").row(0, named=True)
    assert (social["others"], social["others_on_channel"]) == (2, 0)
    wide = social["predicted_high"] - social["predicted_low"]
    assert wide > 2 * (email["predicted_high"] - email["predicted_low"])


def test_the_order_of_the_rows_changes_nothing():
    first = predict_experiments(marts(), "purchase")
    second = predict_experiments(marts(EXPERIMENTS.reverse()), "purchase")
    assert_frame_equal(first, second)


def test_the_marts_are_empty_without_experiments_and_hold_both_methods_with_them():
    with DuckDBEngine() as engine:
        build_experiment_predictions(engine)
        assert engine.frame("from mart.experiment_predictions").schema == SCHEMA
        for name, table in marts().items():
            engine.store(f"mart.{name}", table)
        build_experiment_predictions(engine)
        found = engine.frame("from mart.experiment_predictions")
        assert len(found) == 9
        summary = engine.frame("from mart.experiment_prediction_summary")
        assert summary.columns == ["outcome", "method", "model", *SUMMARY]
        whole = summary.filter(channel=ALL_CHANNELS, method="credit", model="linear")
        row = whole.row(0, named=True)
        errors = [5.0, 1.0, 20.0]
        assert row["mean_absolute_error"] == pytest.approx(sum(errors) / 3)
        mean = (20 + 24 + 60) / 3
        total = sum((value - mean) ** 2 for value in (20, 24, 60))
        assert row["r_squared"] == pytest.approx(1 - sum(e**2 for e in errors) / total)
        assert row["r_squared_zero"] == pytest.approx(
            1 - sum(e**2 for e in errors) / (20**2 + 24**2 + 60**2)
        )
        engine.store(f"mart.{AGREEMENT}", EXPERIMENTS.clear())
        build_experiment_predictions(engine)
        assert engine.scalar("select count(*) from mart.experiment_prediction_summary") == 0


def test_a_model_in_use_that_was_not_compared_predicts_nothing():
    table = predict_experiments(marts(EXPERIMENTS.filter(model="linear")), "purchase")
    assert set(table["method"]) == {"credit"}


def test_exact_measurements_without_variance_are_left_out():
    none = EXPERIMENTS.with_columns(measured_variance=pl.lit(0.0))
    assert predict_experiments(marts(none), "purchase").is_empty()
