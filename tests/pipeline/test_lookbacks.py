"""Lookbacks compared: each as in a run alone, with a part of alpha; the main one holds all else."""

from __future__ import annotations

from datetime import timedelta

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lydite import compare, pipeline, simulate
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.evaluation.error_budget import split_by_lookback
from lydite.models import make_models
from lydite.pipeline.whole import prepare
from lydite.settings import make_settings

NAMES = ["last_touch", "linear", "markov_1"]
FIGURES = ["model", "verdict", "explained", "explained_low", "explained_high", "landmarks"]


@pytest.fixture(scope="module")
def tables():
    world = simulate("last_touch", users=2500, seed=1, weeks=14)
    return world.touchpoints, world.conversions


@pytest.fixture(scope="module")
def both(tables):
    return compare(*tables, models=NAMES, lookback=["14d", "5d"])


def of_lookback(result, lookback):
    return result.lookbacks.filter(pl.col("lookback") == lookback).select(FIGURES)


@pytest.mark.parametrize("lookback", ["14d", "5d"])
def test_each_lookback_is_as_in_a_run_alone_with_its_part_of_alpha(tables, both, lookback):
    main, other = split_by_lookback(0.05, 1)
    alpha = main if lookback == "14d" else other
    alone = compare(*tables, models=NAMES, lookback=lookback, alpha=alpha)
    assert_frame_equal(of_lookback(both, lookback), of_lookback(alone, lookback))
    credit = both.lookback_credit.filter(pl.col("lookback") == lookback)
    columns = ["outcome", "model", "channel", "conversions", "value", "share"]
    assert_frame_equal(credit.select(columns), alone.credit.select(columns), check_row_order=False)
    if lookback == "14d":
        assert_frame_equal(both.table, alone.table)
        assert_frame_equal(both.credit, alone.credit)


def test_the_main_lookback_is_marked_and_the_report_is_about_it(both):
    rows = both.lookbacks
    assert dict(rows.select("lookback", "is_main").unique().rows()) == {"14d": True, "5d": False}
    assert len(rows) == 2 * len(NAMES)
    assert [counts["lookback"] for counts in both.outcomes] == ["14d"]
    [record] = both.to_dict()["outcomes"].values()
    assert [row["model"] for row in record["lookbacks"]] == rows["model"].to_list()
    landmarks = dict(rows.select("lookback", "landmarks").unique().rows())
    assert landmarks["14d"] < landmarks["5d"]  # of the last days only those of 5d are mature


def test_scores_of_all_lookbacks_are_kept_and_reused(tables, tmp_path):
    warehouse = tmp_path / "warehouse.duckdb"
    sources = dict(zip(("touchpoints", "conversions"), tables, strict=True))
    settings = make_settings(lookback=["14d", "5d"])
    models = make_models(["last_touch", "linear"])

    def run() -> tuple[pl.DataFrame, pl.DataFrame]:
        with DuckDBEngine(warehouse, threads=1) as engine:
            pipeline.run(engine, sources, settings, rivals=models)
            return engine.frame("from mart.lookback_comparison"), engine.frame(
                "from ledger.scores order by all"
            )

    first, scores = run()
    assert scores["fingerprint"].n_unique() == 2 * (len(models) + 3)
    again, unchanged = run()
    assert again.equals(first)
    assert unchanged.equals(scores)
    assert [entry.name for entry in tmp_path.iterdir()] == [warehouse.name]


def test_an_outcome_with_that_lookback_already_has_one_row(tables):
    sources = dict(zip(("touchpoints", "conversions"), tables, strict=True))
    settings = make_settings(lookback=["14d", "5d"], outcomes=["conversion"])
    own = settings.of("conversion").model_copy(update={"lookback": timedelta(days=5)})
    settings = settings.model_copy(update={"outcomes": {"conversion": own}})
    with DuckDBEngine(threads=1) as engine:
        pipeline.run(engine, sources, settings, rivals=make_models(["last_touch", "linear"]))
        rows = engine.frame("from mart.lookback_comparison")
        assert rows["lookback"].to_list() == ["5d", "5d"]
        assert rows["is_main"].all()


def test_another_engine_is_refused(tables):
    settings = make_settings(lookback=["14d", "5d"])

    class Elsewhere:
        def __init__(self, local: DuckDBEngine) -> None:
            self.local = local

    with DuckDBEngine(threads=1) as engine, pytest.raises(InputError, match="need DuckDB"):
        pipeline.compare_lookbacks(Elsewhere(engine), make_models(["linear"]), settings)
    with DuckDBEngine(threads=1) as engine, pytest.raises(InputError, match="need DuckDB"):
        pipeline.run(Elsewhere(engine), {}, settings)  # before anything is read


def test_a_failure_leaves_no_file(tables, tmp_path, monkeypatch):
    sources = dict(zip(("touchpoints", "conversions"), tables, strict=True))
    settings = make_settings(lookback=["14d", "5d"])
    monkeypatch.setattr("lydite.pipeline.lookbacks.evaluate_models", _fails)
    with DuckDBEngine(tmp_path / "warehouse.duckdb", threads=1) as engine:
        prepare(engine, sources, settings)
        with pytest.raises(duckdb.Error):
            pipeline.compare_lookbacks(engine, make_models(["linear"]), settings)
        assert engine.is_persistent
        assert engine.exists("journeys.touches")
    assert [entry.name for entry in tmp_path.iterdir()] == ["warehouse.duckdb"]


def _fails(*_: object, **__: object) -> None:
    raise duckdb.Error("full")
