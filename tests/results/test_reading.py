"""Results are the same from the tables of a run and from the published file."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.models import make_models
from lydite.publishing import publish
from lydite.results import read_comparison, read_credit, read_published
from lydite.settings import make_settings
from lydite.simulation import simulate


@pytest.fixture(scope="module")
def engine():
    world = simulate("linear", users=2_000, seed=3)
    sources = {"touchpoints": world.touchpoints, "conversions": world.conversions}
    with DuckDBEngine() as engine:
        settings = make_settings(lookback="7d")
        pipeline.run(engine, sources, settings, rivals=make_models(["linear", "last_touch"]))
        yield engine


def test_a_published_file_holds_the_comparison_of_the_run(engine, tmp_path):
    publish(engine, tmp_path / "out.duckdb")
    ours, theirs = read_comparison(engine), read_published(tmp_path / "out.duckdb")
    assert ours.marts.keys() == theirs.marts.keys()
    for name, mart in ours.marts.items():
        assert_frame_equal(mart, theirs.marts[name], check_row_order=False)
    assert ours.to_dict() == theirs.to_dict()
    assert ours.verdict() == theirs.verdict()


def test_credit_is_read_with_the_warnings_of_its_run(engine):
    credit = read_credit(engine, [("kind", "a text")], "polars")
    assert isinstance(credit.table, pl.DataFrame)
    assert credit.warnings["text"].to_list() == ["a text"]
    assert_frame_equal(
        credit.table.select("channel", "conversions"),
        read_comparison(engine).credit.select("channel", "conversions"),
        check_row_order=False,
    )


def test_a_file_without_a_comparison_is_refused(tmp_path):
    with DuckDBEngine() as other:
        version = f"select {pipeline.SCHEMA_VERSION} as schema_version, '9' as lydite_version"
        other.create("mart.schema_version", version)
        publish(other, tmp_path / "out.duckdb")
    with pytest.raises(InputError, match=r"lacks the table mart\.outcomes"):
        read_published(tmp_path / "out.duckdb")
