"""Voids: scores from wrong data are set aside, kept, and replaced by the next run."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import polars.testing
import pytest

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.evaluation import voids
from lydite.evaluation.comparison import TABLES
from lydite.models import make_models
from lydite.pipeline import evaluate, whole
from lydite.settings import make_settings
from lydite.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Iterator

WEEKS, START = 16, datetime(2025, 1, 6)
KEYS = ["segment", "model", "period_start", "bucket"]
SETTINGS = make_settings(lookback="7d", accept=["sudden_drop"])
MADE = simulate("linear", users=2500, seed=5, weeks=WEEKS)
RIGHT = {"touchpoints": MADE.touchpoints, "conversions": MADE.conversions}
# Three weeks without most conversions, which were accepted and scored.
FIRST, LAST = date(2025, 3, 10), date(2025, 3, 24)
_LOST = pl.col("converted_at").is_between(datetime(2025, 3, 12), datetime(2025, 4, 2)) & (
    pl.col("conversion_id").hash() % 4 > 0
)
WRONG = {**RIGHT, "conversions": MADE.conversions.filter(~_LOST)}


@pytest.fixture(autouse=True, scope="module")
def no_credit() -> Iterator[None]:
    """Skip the steps after the verdicts: they neither read the ledger nor write to it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "attribute_outcome", lambda *_: None)
        patch.setattr(whole, "build_marts", lambda *_, **__: None)
        yield


def look(engine: DuckDBEngine, data: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Run the pipeline, and return the tables of the comparison."""
    pipeline.run(engine, data, SETTINGS, rivals=make_models(["linear", "last_touch"]))
    return {name: engine.frame(f"from mart.{name}") for name in TABLES}


def current(engine: DuckDBEngine, table: str = "ledger.scores") -> pl.DataFrame:
    """Return the scores that count, without their generation."""
    rows = engine.frame(f"select * exclude (generation) from {voids.current(engine, table)}")
    return rows.sort(KEYS)


def void(engine: DuckDBEngine, first: date = FIRST, last: date = LAST) -> list[date]:
    return voids.void(engine, "conversion", first, last, reason="CRM export", by="ann")


@pytest.fixture
def wrong() -> Iterator[DuckDBEngine]:
    """Yield an engine whose ledger has scores from wrong data."""
    with DuckDBEngine() as engine:
        look(engine, WRONG)
        yield engine


@pytest.fixture(scope="module")
def cold() -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Return the result of one run on the right data, and its ledger."""
    with DuckDBEngine() as engine:
        return look(engine, RIGHT), current(engine)


def same(one: pl.DataFrame, two: pl.DataFrame) -> None:
    pl.testing.assert_frame_equal(one, two, rel_tol=1e-9, abs_tol=1e-9)


def test_voiding_and_scoring_again_is_a_cold_run(wrong, cold):
    """All scores from the first wrong week on depend on it: they train on its data."""
    first_scores = wrong.frame("from ledger.scores")
    days = void(wrong, date(2025, 3, 3), date(2026, 1, 1))
    found = look(wrong, RIGHT)
    tables, ledger = cold
    same(current(wrong), ledger)
    [text] = found["warnings"].filter(kind="voided")["text"]
    assert text == (
        f"the scores of {len(days)} periods that start from {days[0]} to {days[-1]} were set"
        f" aside on {datetime.now(UTC).date()} by ann (CRM export); they are scored again"
    )
    for name in ("model_comparison", "pairs", "evidence"):
        same(found[name], tables[name])
    # Nothing was deleted.
    kept = wrong.frame("from ledger.scores").join(
        first_scores, on=first_scores.columns, how="semi", nulls_equal=True
    )
    assert kept.height == first_scores.height


def test_without_a_void_the_first_scores_stay(wrong, cold):
    before = current(wrong)
    look(wrong, RIGHT)
    same(current(wrong), before)
    with pytest.raises(AssertionError):
        same(before, cold[1])


def test_voided_periods_do_not_count_until_they_are_scored_again(wrong):
    before = current(wrong)
    look(wrong, RIGHT)
    assert not current(wrong, "ledger.restated_scores").is_empty()
    days = void(wrong)
    assert days == [FIRST, FIRST + timedelta(7), LAST]
    starts = pl.Series(days).cast(pl.Datetime("us")).implode()
    same(current(wrong), before.filter(~pl.col("period_start").is_in(starts)))
    late = current(wrong, "ledger.restated_scores")
    assert set(late["period_start"].dt.date()).isdisjoint(days)
    look(wrong, RIGHT)
    assert set(current(wrong)["period_start"]) == set(before["period_start"])


def test_a_period_can_be_voided_twice(wrong):
    with pytest.raises(InputError, match="no scored period of 'conversion' starts from 2030-01-01"):
        void(wrong, date(2030, 1, 1), date(2030, 2, 1))
    void(wrong, FIRST, FIRST)
    with pytest.raises(InputError, match="voided already; the others start from"):
        void(wrong, FIRST, FIRST)
    look(wrong, WRONG)
    void(wrong, FIRST, FIRST)
    look(wrong, RIGHT)
    rows = voids.list_periods(wrong, "conversion").filter(first_day=FIRST)
    assert rows["status"].to_list() == ["voided", "voided", "scored"]
    assert rows["reason"].to_list() == ["CRM export", "CRM export", None]
    assert rows["conversions"][0] == rows["conversions"][1] < rows["conversions"][2]
    assert rows["models"].to_list() == [5, 5, 5]


def test_voids_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError, match="'lead' has been scored; the ledger has: conversion"):
        voids.void(wrong, "lead", FIRST, LAST, reason="x", by="ann")
    with pytest.raises(InputError, match="give a reason"):
        voids.void(wrong, "conversion", FIRST, LAST, reason=" ", by="ann")
    with DuckDBEngine() as engine, pytest.raises(InputError, match="no period has been scored yet"):
        voids.list_periods(engine)


def test_a_ledger_without_generations_is_upgraded(wrong):
    before = current(wrong)
    for table in ("scores", "forecasts"):
        wrong.run(f"alter table ledger.{table} drop column generation")
    look(wrong, WRONG)
    same(current(wrong), before)
    void(wrong)
    look(wrong, WRONG)
    same(current(wrong), before)
