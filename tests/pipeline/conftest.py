"""An engine with journeys and samples."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lydite import pipeline, simulate
from lydite.engine import DuckDBEngine

LOOKBACKS = {"conversion": timedelta(days=7)}


@pytest.fixture(scope="module")
def sources():
    world = simulate("last_touch", users=1500, seed=1, weeks=10)
    return {"touchpoints": world.touchpoints, "conversions": world.conversions}


@pytest.fixture
def engine(sources):
    """Yield an engine with journeys and samples."""
    with DuckDBEngine(threads=1) as engine:
        pipeline.load_inputs(engine, sources)
        pipeline.build_journeys(engine, LOOKBACKS, "week")
        pipeline.build_samples(engine, 100_000)
        yield engine
