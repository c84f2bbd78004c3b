"""Arguments that several functions have."""

from __future__ import annotations

import polars as pl
import pytest

import lydite
from lydite.api.arguments import given_sources, open_engine
from lydite.engine import DuckDBEngine
from lydite.errors import InputError

PATHS = pl.DataFrame({"path": ["a > b", "b"], "conversions": [2, 1], "nulls": [5, 9]})


def test_tables_that_are_not_given_are_left_out() -> None:
    frame = pl.DataFrame()
    assert given_sources(touchpoints=frame, spend=None) == {"touchpoints": frame}


def test_frames_of_this_process_are_read_by_duckdb() -> None:
    with open_engine({"touchpoints": pl.DataFrame()}) as engine:
        assert isinstance(engine, DuckDBEngine)


@pytest.mark.parametrize("function", [lydite.compare, lydite.credit])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"spend": "s.csv"}, "paths and spend cannot be combined"),
        ({"cluster": "account_id"}, "cluster is for users"),
        ({"unit": "account"}, "unit is for users"),
    ],
)
def test_a_path_table_has_no_users(function, arguments, message) -> None:
    with pytest.raises(InputError, match=message):
        function(paths=PATHS, **arguments)


@pytest.mark.parametrize("function", [lydite.credit, lydite.check])
def test_only_compare_takes_several_lookbacks(function) -> None:
    tables = {"touchpoints": pl.DataFrame(), "conversions": pl.DataFrame()}
    with pytest.raises(InputError, match=r"only lydite.compare takes several lookbacks"):
        function(**tables, lookback=["7d", "30d"])
    with pytest.raises(InputError, match="a path table has no times"):
        lydite.compare(paths=PATHS, lookback=["7d", "30d"])
