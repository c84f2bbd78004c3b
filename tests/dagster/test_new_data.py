"""What the sensor of new data looks at, and when it runs the job."""

from __future__ import annotations

import os

import dagster as dg
import pytest

from lydite.dagster.new_data import advance, local_files, state_of
from lydite.project import Project
from lydite.settings import Settings

SELECT = "select * from read_csv('data/*.csv') join 'more.parquet' using (user_id) where a = 'b.c'"


@pytest.fixture
def project(tmp_path):
    """Return a project with a select and a pattern."""
    (tmp_path / "touches.sql").write_text(SELECT)
    (tmp_path / "data").mkdir()
    for name in ("data/a.csv", "data/b.csv", "more.parquet", "conversions.parquet", "other.txt"):
        (tmp_path / name).write_text("x")
    sources = {
        "touchpoints": "touches.sql",
        "conversions": "conv*.parquet",
        "spend": "s3://bucket/spend.parquet",
        "users": {"select": "touches.sql", "database": "shop.duckdb"},
    }
    return Project(Settings.model_validate({"sources": sources}), tmp_path)


def test_files_of_patterns_and_of_selects_are_found(project):
    names = [str(file.relative_to(project.folder)) for file in local_files(project)]
    assert names == [
        "conversions.parquet", "data/a.csv", "data/b.csv", "more.parquet", "touches.sql",
    ]  # fmt: skip


def ticks(states: str) -> str:
    """Return the states that are run, one tick after the other; a dot for none."""
    cursor, found = None, ""
    for state in states:
        cursor, runs = advance(cursor, state)
        found += state if runs else "."
    return found


def test_a_state_is_run_once_and_only_when_it_rests():
    assert ticks("aaaa") == ".a.."
    assert ticks("abcdd") == "....d"  # a file that grows
    assert ticks("aabbaa") == ".a.b.a"
    assert ticks("aaba") == ".a.."  # a file that came and went


def test_a_file_that_grows_and_an_asset_that_is_made_change_the_state(project):
    @dg.asset(key=["shop", "events"])
    def events() -> None: ...

    files = local_files(project)
    with dg.DagsterInstance.ephemeral() as instance:
        first = state_of(instance, files, [events.key])
        assert state_of(instance, files, [events.key]) == first
        files[0].write_text("xx")
        second = state_of(instance, files, [events.key])
        os.utime(files[0], ns=(0, 0))
        third = state_of(instance, files, [events.key])
        dg.materialize([events], instance=instance)
        fourth = state_of(instance, files, [events.key])
    assert len({first, second, third, fourth}) == 4
