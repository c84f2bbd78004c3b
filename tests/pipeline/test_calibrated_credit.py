"""The mart of calibrated credit: what is read from the marts of experiments."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.experiments.calibrated_credit import BASELINE
from lydite.pipeline.calibrated_credit import (
    AGREEMENT,
    SCHEMA,
    build_calibrated_credit,
    calibrate_outcome,
    past_tests,
)
from lydite.pipeline.next_experiments import find_candidates
from tests.helpers.made_comparisons import CONTENDERS
from tests.helpers.made_decisions import compare_with_decisions
from tests.pipeline.test_next_experiments import marts_of

CHANNELS = ["email", "social"]
READ_ON = date(2025, 4, 6)  # three months before the end of the data


def agreement(*rows):
    """Return the mart of experiments: channel, model, measured, variance, credited."""
    columns = ["channel", "model", "measured", "measured_variance", "credited"]
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(
        outcome=pl.lit("purchase"),
        experiment=pl.lit("holdout"),
        read_on=READ_ON,
        credited_variance=pl.lit(16.0),
        covariance=pl.lit(18.0),
    )


EXPERIMENTS = agreement(
    ("email", "last_touch", 20.0, 25.0, 200.0),
    ("social", "last_touch", 5.0, 25.0, 0.0),
    ("gone", "last_touch", 5.0, 25.0, 10.0),
    ("email", "linear", 20.0, 25.0, 40.0),
)


def test_experiments_are_those_of_the_model_on_channels_that_it_credits():
    marts = {**compare_with_decisions(CONTENDERS).marts, AGREEMENT: EXPERIMENTS}
    [test] = past_tests(marts, "purchase", "last_touch", CHANNELS)
    assert (test.channel, test.measured, test.credited) == ("email", 20, 200)
    assert test.months == pytest.approx(3, abs=0.02)
    assert past_tests(marts, "purchase", "markov_1", CHANNELS) == []
    assert past_tests(compare_with_decisions().marts, "purchase", "linear", CHANNELS) == []


def test_credit_of_the_model_in_use_is_calibrated_with_what_is_left():
    marts = {**compare_with_decisions(CONTENDERS).marts, AGREEMENT: EXPERIMENTS}
    table = calibrate_outcome(marts, "purchase", "last_touch")
    assert table.schema == SCHEMA
    email = table.filter(channel="email").row(0, named=True)
    assert email["incrementality"] == pytest.approx(0.1, abs=0.06)
    assert email["experiments"] == 1
    assert email["conversions"] == pytest.approx(email["credited"] * email["incrementality"])
    assert table["conversions"].sum() == pytest.approx(2_311)
    assert table["channel"][-1] == BASELINE
    assert "(unattributed)" not in table["channel"]


def test_without_experiments_nothing_is_calibrated():
    with DuckDBEngine() as engine:
        build_calibrated_credit(engine)
        assert engine.frame("from mart.calibrated_credit").schema == SCHEMA
        marts = {**compare_with_decisions(CONTENDERS).marts, AGREEMENT: EXPERIMENTS}
        for name in ("outcomes", "champions", "channel_credit"):
            engine.store(f"mart.{name}", marts[name])
        build_calibrated_credit(engine)
        assert engine.scalar("select count(*) from mart.calibrated_credit") == 0
        engine.store(f"mart.{AGREEMENT}", EXPERIMENTS)
        build_calibrated_credit(engine)
        assert set(engine.frame("from mart.calibrated_credit")["model"]) == {"last_touch"}


def test_the_next_experiment_knows_those_before():
    marts = marts_of(CONTENDERS)
    before, after = (
        {own.channel: own for own in find_candidates(tables, "purchase")}
        for tables in (marts, {**marts, AGREEMENT: EXPERIMENTS})
    )
    assert before["email"].beliefs["last_touch"].sd > 1
    assert after["email"].beliefs["last_touch"].sd < 0.2
    assert after["email"].beliefs["linear"].mean == pytest.approx(0.5, abs=0.1)
    assert after["social"].beliefs["last_touch"].sd < before["social"].beliefs["last_touch"].sd
