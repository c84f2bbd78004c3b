"""The step that reads experiments."""

from __future__ import annotations

import pytest

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.settings import parse_settings
from tests.helpers.holdout import PLAN, simulate_holdout

pytest.importorskip("tea_tasting")


def settings_of(plans=None, **more):
    sources = {"touchpoints": "t.csv", "conversions": "c.csv"}
    plans = {"email": PLAN} if plans is None else plans
    return parse_settings({"sources": sources, "experiments": plans, **more}, "test")


def sources():
    names = ("touchpoints", "conversions", "experiments")
    return dict(zip(names, simulate_holdout(), strict=True))


def test_a_run_alone_writes_the_marts_with_comments_and_no_table_by_user():
    with DuckDBEngine() as engine:
        pipeline.load_and_read_experiments(engine, sources(), settings_of())
        assert engine.scalar("select count(*) from mart.experiments") == 4
        assert engine.scalar("select count(*) from mart.experiment_checks") == 12
        for mart in pipeline.READING_MARTS:
            assert list(engine.comments(f"mart.{mart}")) == list(engine.columns(f"mart.{mart}"))
        left = engine.rows(
            "select table_name from duckdb_tables() where schema_name = 'experiments'"
        )
        assert sorted(left) == [("checks",), ("readout",)]


def test_a_declared_end_of_the_data_counts():
    settings = settings_of(evaluation={"as_of": "2026-03-03"})
    with DuckDBEngine() as engine:
        pipeline.load_and_read_experiments(engine, sources(), settings)
        assert engine.rows("select distinct may_read, users from mart.experiments") == [("none", 0)]


def test_without_a_declaration_there_is_nothing_to_do():
    with DuckDBEngine() as engine, pytest.raises(InputError, match="no experiment is declared"):
        pipeline.load_and_read_experiments(engine, sources(), settings_of({}))


def test_a_channel_that_the_data_does_not_have_stops_the_run():
    settings = settings_of({"email": PLAN | {"channel": "radio"}})
    with DuckDBEngine() as engine, pytest.raises(InputError, match="there is no channel 'radio'"):
        pipeline.load_and_read_experiments(engine, sources(), settings)


def test_what_the_data_does_not_have_is_found_before_any_model_runs():
    settings = settings_of({"email": PLAN | {"outcome": "sale"}})
    with DuckDBEngine() as engine, pytest.raises(InputError, match="there is no outcome 'sale'"):
        pipeline.prepare(engine, sources(), settings)
