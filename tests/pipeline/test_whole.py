"""Tests of all steps in order."""

from __future__ import annotations

import polars as pl
import pytest

from lydite import compare, credit, pipeline
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.models import make_models
from lydite.settings import make_settings
from tests.helpers.journeys import few_journeys, in_form

MODELS = ("first_touch", "last_touch")


def test_run_takes_all_steps_in_order(sources):
    steps = []
    with DuckDBEngine(threads=1) as engine:
        settings = make_settings(lookback="7d")
        pipeline.run(engine, sources, settings, steps.append, make_models(MODELS))
        assert all(engine.exists(f"mart.{name}") for name in pipeline.MARTS)
        models = engine.rows("select distinct model from ledger.scores order by model")
    # Backtest and attribution of an outcome follow each other: they share its sample.
    assert [step.rpartition(": ")[2].split()[0] for step in steps] == [
        "reading", "building", "drawing", "backtesting", "attributing", "comparing", "writing",
    ]  # fmt: skip
    assert [name for (name,) in models] == [
        "base_rate", "ceiling", "first_touch", "last_touch", "touch_volume",
    ]  # fmt: skip


@pytest.mark.parametrize("intervals", [True, False])
def test_credit_where_no_conversion_has_a_touch(intervals):
    sources = few_journeys(20)
    sources["conversions"] = sources["conversions"].with_columns(
        pl.col("converted_at") - pl.duration(days=1)
    )
    found = credit(**sources, intervals=intervals)
    assert found.table["model"].n_unique() == 17
    for model in found.table["model"].unique():
        rows = found.table.filter(pl.col("model") == model)
        conversions = dict(rows.select("channel", "conversions").rows())
        assert conversions == {"ad": 0, "mail": 0, "(unattributed)": 20}
    compared = compare(**sources, models=["linear"])
    assert compared.credit["conversions"].sum() == 20
    assert compared.marts["credit_daily"]["conversions"].sum() == 20
    assert compared.table["verdict"].to_list() == ["too_early"]


WITHOUT_ZONE = ("text", "timestamp")


WITH_ZONE = ("text with Z", "text with an offset", "timestamp with zone")


NEITHER = ("day", "date", "epoch", "epoch as text")


@pytest.mark.parametrize("one", WITHOUT_ZONE)
@pytest.mark.parametrize("other", WITH_ZONE)
@pytest.mark.parametrize("swapped", [False, True])
def test_times_with_and_without_a_zone_are_refused_together(one, other, swapped):
    sources = few_journeys(10)
    forms = (other, one) if swapped else (one, other)
    given = [
        in_form(sources["touchpoints"], "touched_at", forms[0]),
        in_form(sources["conversions"], "converted_at", forms[1]),
    ]
    names = r"touchpoints.touched_at \(.*conversions.converted_at \("
    with pytest.raises(InputError, match=names) as refused:
        compare(*given, models=["linear"])
    assert "(with a zone)" in str(refused.value)
    assert "(without a zone, read as UTC)" in str(refused.value)
    assert ".sql source" in str(refused.value)
    sources = {"touchpoints": given[0], "conversions": given[1]}
    with pytest.raises(InputError, match=names):
        credit(**sources, models=["linear"])
    found = credit(**sources, models=["linear"], accept=["mixed_zones"])
    assert found.table["conversions"].sum() == pytest.approx(10)
    assert "mixed_zones" in set(found.warnings["kind"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *[(one, one) for one in (*WITHOUT_ZONE, *WITH_ZONE)],
        ("text", "timestamp"),
        ("text with Z", "timestamp with zone"),
        *[(zoned, neither) for zoned in ("text", "text with Z") for neither in NEITHER],
    ],
)
def test_other_times_are_read_together(one, other):
    sources = few_journeys(10)
    found = credit(
        touchpoints=in_form(sources["touchpoints"], "touched_at", one),
        conversions=in_form(sources["conversions"], "converted_at", other),
        models=["linear"],
        intervals=False,
    )
    assert found.table["conversions"].sum() == pytest.approx(10)
