"""The published file is read by other tools while a run publishes it again and again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import polars as pl
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Holds the warehouse open for writing, and publishes until it is told to stop.
PUBLISHER = """
import sys
from pathlib import Path
from lydite.engine import DuckDBEngine
from lydite.publishing import publish

folder = Path(sys.argv[1])
with DuckDBEngine(folder / "warehouse.duckdb", threads=1) as engine:
    number = 0
    while not (folder / "stop").exists():
        number += 1
        for name in ("first", "second"):
            engine.create(f"mart.{name}", f"select {number} as run, n from range(20000) t(n)")
        publish(engine, folder / "shop.duckdb")
"""
#: One row: two tables of one run, with all their rows.
QUERY = (
    "select count(*) as n, min(f.run) as run, bool_and(f.run = s.run) as same"
    " from first f join mart.second s using (n)"
)
TIMES = 5


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a file that another process publishes all the time."""
    folder = tmp_path_factory.mktemp("shop")
    publisher = subprocess.Popen([sys.executable, "-c", PUBLISHER, str(folder)])
    path, end = folder / "shop.duckdb", time.monotonic() + 60
    while not path.exists() and time.monotonic() < end and publisher.poll() is None:
        time.sleep(0.05)
    yield path
    assert publisher.poll() is None, "the publisher has failed"
    (folder / "stop").touch()
    assert publisher.wait(60) == 0


def check(read: Callable[[], tuple[int, int, bool]]) -> None:
    """Assert that each reading is of one complete run, until a later run has been read."""
    runs: list[int] = []
    end = time.monotonic() + 60
    while len(runs) < TIMES or (runs[-1] == runs[0] and time.monotonic() < end):
        n, run, same = read()
        assert (n, bool(same)) == (20_000, True)
        runs.append(run)
        time.sleep(0.1)
    assert runs == sorted(runs)
    assert runs[-1] > runs[0]


def command_line() -> str | None:
    """Return the program `duckdb` of this environment, or else of the system."""
    folders = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return shutil.which("duckdb", path=folders)


def test_the_duckdb_command_line(published: Path) -> None:
    tool = command_line()
    if tool is None:
        pytest.skip("the program duckdb is not installed: pip install duckdb-cli")
    reads_with(tool, "-readonly", "-csv", "-noheader", published=published)


def test_duckdb_in_another_process(published: Path) -> None:
    script = (
        "import duckdb, sys\n"
        "with duckdb.connect(sys.argv[1], read_only=True) as reader:\n"
        "    print(*reader.sql(sys.argv[2]).fetchone(), sep=',')\n"
    )
    reads_with(sys.executable, "-c", script, published=published)


def reads_with(*command: str, published: Path) -> None:
    """Assert that a command, which gets the file and a query, reads one run each time."""

    def read() -> tuple[int, int, bool]:
        done = subprocess.run(
            [*command, published, QUERY], check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        n, run, same = done.stdout.strip().split(",")
        return int(n), int(run), same.lower() == "true"

    check(read)


def test_polars(published: Path) -> None:
    def read() -> tuple[int, int, bool]:
        with duckdb.connect(str(published), read_only=True) as reader:
            return pl.read_database(QUERY, reader).row(0)  # type: ignore[return-value]

    check(read)


def test_pandas_through_sqlalchemy(published: Path) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    pytest.importorskip("duckdb_engine")

    def read() -> tuple[int, int, bool]:
        engine = sqlalchemy.create_engine(
            f"duckdb:///{published}",
            connect_args={"read_only": True},
            poolclass=sqlalchemy.pool.NullPool,  # closes the file, so that the next one is read
        )
        row = pd.read_sql(sqlalchemy.text(QUERY), engine).iloc[0]
        return row["n"], row["run"], row["same"]

    check(read)


def test_sqlalchemy_lists_tables_of_the_schema(published: Path) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    pytest.importorskip("duckdb_engine")
    engine = sqlalchemy.create_engine(f"duckdb:///{published}", connect_args={"read_only": True})
    with engine.connect() as connection:
        [row] = connection.execute(sqlalchemy.text(QUERY)).all()
        assert row[0] == 20_000
        names = sqlalchemy.text(
            "select table_name from information_schema.tables where table_schema = 'mart'"
        )
        assert set(connection.execute(names).scalars()) == {"first", "second"}
    engine.dispose()


def test_a_reader_keeps_the_run_that_it_has_open(published: Path) -> None:
    with duckdb.connect(str(published), read_only=True) as reader:
        before = reader.sql(QUERY).fetchall()
        time.sleep(0.5)
        assert reader.sql(QUERY).fetchall() == before
