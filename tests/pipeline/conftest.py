"""An engine with journeys and samples, and the published file of a shop."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import pytest

from lydite import pipeline, simulate
from lydite.engine import DuckDBEngine
from lydite.models import make_models
from lydite.publishing import publish
from lydite.settings import make_settings
from tests.helpers.shop import MODELS, shop

if TYPE_CHECKING:
    from pathlib import Path

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


@pytest.fixture(scope="session")
def shop_tables() -> dict[str, pd.DataFrame]:
    return shop()


@pytest.fixture(scope="session")
def published(shop_tables, tmp_path_factory) -> Path:
    """Return the published file of the shop."""
    path = tmp_path_factory.mktemp("published") / "shop.duckdb"
    with DuckDBEngine() as engine:
        settings = make_settings(lookback=["7d", "3d"])
        pipeline.run(engine, shop_tables, settings, rivals=make_models(MODELS))
        publish(engine, path)
    return path


@pytest.fixture(scope="session")
def tied(shop_tables, tmp_path_factory) -> Path:
    """Return the published file of a shop in which all models agree.

    Every user has one touch, so that all credit is equal. Orders have a value and leads have none.
    """
    touches = shop_tables["touchpoints"].drop_duplicates("user_id")
    lead = touches.sample(300, random_state=3)[["user_id", "touched_at"]]
    order = touches.sample(200, random_state=4)[["user_id", "touched_at"]]
    hour = pd.Timedelta(hours=1)
    conversions = pd.concat(
        [
            lead.assign(outcome="lead", value=None, converted_at=lead["touched_at"] + hour),
            order.assign(outcome="order", value=5.0, converted_at=order["touched_at"] + hour),
        ]
    ).drop(columns="touched_at")
    tables = {**shop_tables, "touchpoints": touches, "conversions": conversions}
    path = tmp_path_factory.mktemp("published") / "tied.duckdb"
    with DuckDBEngine() as engine:
        settings = make_settings(lookback=["7d", "3d"])
        pipeline.run(engine, tables, settings, rivals=make_models(MODELS))
        publish(engine, path)
    return path


@pytest.fixture(scope="session")
def mart(published):
    """Return a function that reads a table or view of the published file."""
    with duckdb.connect(str(published), read_only=True) as reader:
        yield lambda name: reader.sql(f"from {name}").df()
