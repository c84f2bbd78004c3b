"""Tests of the SQL files: their comments describe the result and its columns."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from lydite.engine import DuckDBEngine, load_sql, sql_directory
from lydite.engine.sql_files import read_comments
from lydite.journeys import build_path_events_and_conversions, build_touches
from lydite.journeys.direct import sql_parameters
from lydite.settings import InteractionLookbacks, PathOptions
from tests.helpers.input_tables import make_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = sorted(sql_directory().rglob("*.sql"))
NOON = datetime(2026, 1, 1, 12)
PARAMETERS = {
    "outcome": "purchase",
    "lookback_us": 86_400_000_000,
    "mature_until": NOON,
    "keep_duplicates": False,
    "restarts": False,
    "first_only": False,
    "milestone": "lead",
    "reporting": "",
    "from_at": NOON,
    "until_at": NOON,
    **sql_parameters(),
}


def name_of(file: Path) -> str:
    return file.relative_to(sql_directory()).with_suffix("").as_posix()


@pytest.fixture(scope="module")
def built() -> Iterator[DuckDBEngine]:
    """Yield an engine that holds the journeys of one user."""
    with DuckDBEngine() as engine:
        make_inputs(engine, [("ann", NOON, "tv")], [("ann", NOON, "purchase")])
        build_touches(engine)
        lookback = timedelta(days=1)
        by_interaction = InteractionLookbacks(lookback, {"impression": lookback})
        options = {"purchase": PathOptions(by_interaction=by_interaction)}
        build_path_events_and_conversions(engine, {"purchase": lookback}, options)
        engine.create("journeys.class_ranges", "journeys/class_ranges", PARAMETERS)
        yield engine


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_file_starts_with_a_sentence_on_its_purpose(file):
    first = load_sql(name_of(file)).splitlines()[0]
    assert first.startswith("-- ")
    assert first[3].isupper() or first[3].isdigit()
    assert first.endswith(".")


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_columns_are_documented_once(file):
    lines = load_sql(name_of(file)).splitlines()
    documented = [line.split()[1] for line in lines if line.startswith("-- @")]
    assert len(documented) == len(set(documented))


@pytest.mark.parametrize(
    "file",
    [file for file in FILES if file.parent.name in ("journeys", "incremental")],
    ids=name_of,
)
def test_all_columns_are_documented(built, file):
    made = built.frame(name_of(file), PARAMETERS).columns
    _, documented = read_comments(name_of(file))
    assert made == list(documented)
