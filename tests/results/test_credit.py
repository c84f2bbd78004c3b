"""Credit without verdicts."""

import polars as pl
import pytest

import lydite
from tests.helpers.shop import shop

TABLES = ("table", "segments", "pairs", "warnings", "credit", "evidence")


def test_credit_of_touches_without_verdicts():
    tables = shop()
    result = lydite.credit(
        touchpoints=pl.from_pandas(tables["touchpoints"]),
        conversions=tables["conversions"],
        models=["linear"],
        lookback="7d",
        intervals=False,
    )
    touches = result.touch_credit
    assert isinstance(touches, pl.DataFrame)
    conversions = touches.select("user_id", "conversion").n_unique()
    assert touches["weight"].sum() == pytest.approx(conversions)
