"""Tests of the step that loads the input tables."""

from __future__ import annotations

from datetime import timedelta

from lydite import pipeline
from lydite.engine import DuckDBEngine
from tests.helpers.journeys import few_journeys, in_form

LOOKBACKS = {"conversion": timedelta(days=7)}


def test_zones_of_earlier_loads_do_not_count():
    sources = few_journeys(10)
    with DuckDBEngine() as engine:
        for form in ("text", "text with Z", "epoch", "text"):
            given = {
                "touchpoints": in_form(sources["touchpoints"], "touched_at", form),
                "conversions": in_form(sources["conversions"], "converted_at", form),
            }
            pipeline.load_inputs(engine, given)
            pipeline.build_journeys(engine, LOOKBACKS, "week")
