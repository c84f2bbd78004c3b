"""Runs that are killed, starved or disturbed: the published file stays whole, the next run works.

Each fault has a line in docs/operations.md.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.errors import InputError, LyditeError, UnavailableError, explain_system_error
from lydite.publishing import open_published, publish
from tests.helpers.faulty_runs import (
    STEPS,
    Disturbance,
    Project,
    damage,
    explained,
    first_difference,
    make_read_only,
    small_disk,
)

if TYPE_CHECKING:
    from pathlib import Path

#: Opens the file at argv[1] for writing, changes it without a checkpoint, and is killed.
FOREIGN_WRITER = """
import os, signal, sys
import duckdb

writer = duckdb.connect(sys.argv[1], config={"checkpoint_threshold": "1GB"})
writer.execute("update mart.numbers set n = 0 - n")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Project:
    """Return a project that has run once."""
    project = Project.make(tmp_path_factory.mktemp("undisturbed"))
    done = project.run()
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith(STEPS)]
    assert project.leftovers() == []
    return project


@pytest.fixture
def project(undisturbed, tmp_path) -> Project:
    """Return a copy of the project that has run once."""
    shutil.copytree(undisturbed.folder, tmp_path / "project")
    return Project(tmp_path / "project")


# --- whole runs -----------------------------------------------------------------------------------


def test_killed_runs_leave_the_published_file_whole_and_the_next_run_equal(project, undisturbed):
    before = undisturbed.figures()
    for step, seconds in (("building", 0.1), ("writing", 0.5), ("publishing", 0.05)):
        project.kill_in(step, seconds)
        assert first_difference(project.figures(), before) == "", step
    done = project.run()
    assert done.returncode == 0, done.stderr
    assert first_difference(project.figures(), before) == ""
    assert project.leftovers() == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_a_run_on_new_data_that_is_killed_anywhere(project, undisturbed, changed, seed):
    chance = random.Random(seed)
    step, seconds = chance.choice(STEPS), chance.uniform(0, 0.4)
    shutil.copytree(changed.folder / "data", project.folder / "data", dirs_exist_ok=True)
    project.kill_in(step, seconds)
    whole = [undisturbed.figures(), changed.figures()]
    assert project.figures() in whole, step
    done = project.run()
    assert done.returncode == 0, done.stderr
    assert first_difference(project.figures(), changed.figures()) == "", (step, seconds)
    assert project.leftovers() == []


@pytest.fixture(scope="module")
def changed(undisturbed, tmp_path_factory) -> Project:
    """Return the project after an undisturbed second run, with a tenth more touches."""
    folder = tmp_path_factory.mktemp("changed") / "project"
    shutil.copytree(undisturbed.folder, folder)
    file = folder / "data" / "touchpoints.parquet"
    touches = pl.read_parquet(file)
    more = touches.sample(fraction=0.1, seed=1).with_columns(
        pl.col("touched_at") + pl.duration(minutes=37), pl.col("touchpoint_id") + "b"
    )
    pl.concat([touches, more]).write_parquet(file)
    project = Project(folder)
    done = project.run()
    assert done.returncode == 0, done.stderr
    assert first_difference(project.figures(), undisturbed.figures())
    return project


def test_of_two_runs_at_once_one_waits_or_says_that_the_other_runs(project):
    first = project.start()
    assert first.wait_for()
    second = project.run()
    assert explained(second, 3, "is being written by another process"), second.stderr
    first.process.kill()
    first.end()
    assert project.figures()


def test_a_damaged_warehouse_is_named_and_what_is_published_stays(project, undisturbed):
    damage(project.warehouse, 4_096)
    done = project.run()
    assert explained(done, 3, "restore it from a backup"), done.stderr
    assert first_difference(project.figures(), undisturbed.figures()) == ""


def test_a_source_that_is_taken_away_is_named(project, undisturbed):
    (project.folder / "data" / "conversions.parquet").unlink()
    done = project.run()
    assert explained(done, 2, "conversions.parquet"), done.stderr
    assert first_difference(project.figures(), undisturbed.figures()) == ""


def test_a_source_that_is_cut_off_while_it_is_read_is_named(project, undisturbed):
    file = project.folder / "data" / "touchpoints.parquet"
    file.write_bytes(file.read_bytes()[:20_000])
    done = project.run()
    assert explained(done, 2, "touchpoints"), done.stderr
    assert first_difference(project.figures(), undisturbed.figures()) == ""


@pytest.mark.parametrize("keep", [0, 20_000])
@pytest.mark.parametrize("name", ["touchpoints", "conversions"])
def test_a_source_that_is_lost_in_the_middle_of_a_run_is_named(project, undisturbed, name, keep):
    """Its file was there when the run began, and is removed or cut off before it is read."""
    file = project.folder / "data" / f"{name}.parquet"
    keep = min(keep, file.stat().st_size // 2)
    done = project.run(Disturbance(table=f"inputs.{name}", source=file, keep=keep))
    assert explained(done, 2, f"{name}.parquet"), done.stderr
    assert first_difference(project.figures(), undisturbed.figures()) == ""


def test_a_source_that_is_lost_after_it_was_read_does_not_matter(project, undisturbed):
    file = project.folder / "data" / "touchpoints.parquet"
    done = project.run(Disturbance(table="journeys.path_events", source=file))
    assert done.returncode == 0, done.stderr
    assert not file.exists()
    assert first_difference(project.figures(), undisturbed.figures()) == ""


def test_a_file_that_may_not_grow_is_explained(tmp_path):
    project = Project.make(tmp_path / "project")
    done = project.run(Disturbance(largest_file=1_000_000))
    assert explained(done, 3, "ulimit -f"), done.stderr
    assert not project.published.exists()


def test_a_full_disk_is_explained(tmp_path):
    project = Project.make(tmp_path / "project")
    with small_disk(project.folder / "var", "1500k"):
        done = project.run()
        assert explained(done, 3, "the disk is full"), done.stderr
        assert not project.published.exists()


@pytest.mark.slow
def test_a_full_disk_is_explained_by_the_job(tmp_path):
    project = Project.make(tmp_path / "project")
    with small_disk(project.folder / "var", "1500k"):
        done = project.refresh()
        assert explained(done, 3, "the disk is full"), done.stderr
        assert done.stderr.endswith("Nothing was published.\n")
        assert not project.published.exists()


@pytest.mark.slow
def test_a_disk_that_is_read_only_is_explained_by_the_job(project, undisturbed):
    files = project.folder / "files"
    shutil.move(project.folder / "var", files)
    with small_disk(project.folder / "var", "100m"):
        shutil.copytree(files, project.folder / "var", dirs_exist_ok=True)
        make_read_only(project.folder / "var")
        done = project.refresh()
        assert explained(done, 3, "make it writable"), done.stderr
        assert first_difference(project.figures(), undisturbed.figures()) == ""


@pytest.mark.slow
def test_a_job_that_was_killed_is_run_again(project, undisturbed):
    file = project.folder / "data" / "touchpoints.parquet"
    pl.read_parquet(file).reverse().write_parquet(file)
    killed = subprocess.run([sys.executable, "-c", _KILLED_JOB], cwd=project.folder, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert first_difference(project.figures(), undisturbed.figures()) == ""
    done = project.refresh()
    assert done.returncode == 0, done.stderr
    assert first_difference(project.figures(), undisturbed.figures()) == ""
    assert project.leftovers() == []


_KILLED_JOB = """
import os, signal
from pathlib import Path
from lydite import publishing

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

publishing._check = kill
os.environ["LYDITE_CONFIG"] = str(Path("lydite.toml").resolve())
os.environ["DAGSTER_HOME"] = str(Path("dagster").resolve())
from pipelines import refresh
refresh.main([])
"""


# --- publication alone ----------------------------------------------------------------------------


@pytest.fixture
def engine():
    with DuckDBEngine(threads=1) as engine:
        engine.create("mart.numbers", "select range as n, random() as x from range(20000)")
        engine.create("mart.schema_version", _VERSION)
        yield engine


_VERSION = "select 1 as schema_version, '0' as lydite_version"


def total(path: Path) -> tuple[int, int]:
    with duckdb.connect(str(path), read_only=True) as reader:
        row = reader.sql("select count(*), sum(n) from mart.numbers").fetchone()
        assert row is not None
        return row


def reason(error: BaseException) -> str:
    """Return what a command says about an error."""
    known = error if isinstance(error, LyditeError) else explain_system_error(f"{error}")
    assert known is not None, error
    return str(known)


def test_fifty_publications_under_open_readers(engine, tmp_path):
    """Every reader finds one of the published files, whole; those that are open stay readable."""
    path = tmp_path / "out.duckdb"
    publish(engine, path)
    command = [sys.executable, "-c", _READER, str(path)]
    reader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with path.open("rb") as open_file:
        size = path.stat().st_size
        for number in range(1, 51):
            rows = f"select range + {number} as n, random() as x from range(20000)"
            engine.create("mart.numbers", rows)
            publish(engine, path)
        assert len(open_file.read()) == size
    output, _ = reader.communicate("stop\n")
    assert reader.returncode == 0
    base = sum(range(20_000))
    assert total(path) == (20_000, base + 50 * 20_000)
    for line in output.splitlines():
        rows, found = map(int, line.split())
        assert rows == 20_000
        assert (found - base) % 20_000 == 0
    assert [file.name for file in tmp_path.iterdir()] == ["out.duckdb"]


#: Opens the file again and again until a line comes in.
_READER = """
import select, sys
import duckdb

while not select.select([sys.stdin], [], [], 0.05)[0]:
    with duckdb.connect(sys.argv[1], read_only=True) as reader:
        print(*reader.sql("select count(*), sum(n) from mart.numbers").fetchone())
"""


def test_a_disk_that_fills_up_leaves_the_file_before_it(engine, tmp_path):
    with small_disk(tmp_path / "disk", "2m") as disk:
        path = disk / "out.duckdb"
        publish(engine, path)
        before = total(path)
        engine.create("mart.more", "select range as n, random() as x from range(200000)")
        with pytest.raises(UnavailableError, match="the disk is full: free some space"):
            publish(engine, path)
        assert total(path) == before
        assert [file.name for file in disk.iterdir()] == ["out.duckdb"]


def test_a_target_that_is_read_only_keeps_its_file(engine, tmp_path):
    with small_disk(tmp_path / "disk", "20m") as disk:
        path = disk / "out.duckdb"
        publish(engine, path)
        before = total(path)
        make_read_only(disk)
        with pytest.raises(UnavailableError, match="make it writable"):
            publish(engine, path)
        assert total(path) == before


def test_what_a_killed_writer_left_is_refused_and_then_removed(engine, tmp_path):
    """Its changes are in a write-ahead log, which every reader of the file would apply."""
    path = tmp_path / "out.duckdb"
    publish(engine, path)
    before = total(path)
    done = subprocess.run([sys.executable, "-c", FOREIGN_WRITER, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "out.duckdb.wal").exists()
    with pytest.raises(InputError, match=r"out\.duckdb\.wal holds changes"), open_published(path):
        pass
    publish(engine, path)
    assert total(path) == before
    assert [file.name for file in tmp_path.iterdir()] == ["out.duckdb"]
