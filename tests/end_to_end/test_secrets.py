"""Passwords of sources are in no output, log, run storage, warehouse or published file."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING
from urllib.parse import quote

import duckdb
import pytest

import lydite
from lydite import environment
from lydite.doctor import examine

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

SETTINGS = """
models = ["last_touch", "linear"]
[sources]
conversions = "conversions.parquet"
[sources.touchpoints]
select = "touchpoints.sql"
database = "{database}"
watermark = "touched_at"
[evaluation]
lookback = "7d"
period = "month"
"""


@pytest.fixture
def run(tmp_path, postgres, monkeypatch, refresh):
    """Return a function that refreshes a project with touchpoints in PostgreSQL.

    The process knows no secret yet.
    """
    world = lydite.simulate("linear", users=300, seed=1, weeks=10)
    world.write(tmp_path)
    (tmp_path / "touchpoints.parquet").unlink()
    (tmp_path / "touchpoints.sql").write_text("select * from touches")
    postgres.store("touches", world.touchpoints)

    def run(database, password):
        (tmp_path / "lydite.toml").write_text(SETTINGS.format(database=database))
        monkeypatch.setenv("TEST_PASSWORD", password)
        (tmp_path / "secret").write_text(password)
        encoded = quote(password, safe="")
        monkeypatch.setenv("SHOP_URL", postgres.url.replace("${TEST_PASSWORD}", encoded))
        environment._read_secrets.clear()
        return refresh(tmp_path)

    return run


def places_of(password: str, folder: Path, process: subprocess.CompletedProcess[str]) -> list[str]:
    """Return where a password is found: in an output, a file, or a value of a database."""
    texts = (password, quote(password), quote(password, safe=""), json.dumps(password)[1:-1])
    forms = [form.encode() for form in texts]
    outputs = {"stdout": process.stdout.encode(), "stderr": process.stderr.encode()}
    secret = folder / "secret"  # the mounted file
    files = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found = [
        name
        for name, content in (outputs | files).items()
        if name != str(secret) and any(form in content for form in forms)
    ]
    for path in folder.rglob("*.db"):  # long values are divided into pages
        with contextlib.closing(sqlite3.connect(path)) as database:
            dump = "\n".join(database.iterdump()).encode()
            found += [f"rows of {path}"] * any(form in dump for form in forms)
    for path in folder.rglob("*.duckdb"):  # values may be compressed
        with duckdb.connect(str(path), read_only=True) as connection:
            names = connection.execute(
                "select format('{:s}.{:s}', schema_name, table_name), comment from duckdb_tables()"
            ).fetchall()
            for name, comment in names:
                rows = f"select count(*) from {name} as t where contains(t::varchar, $password)"
                [(count,)] = connection.execute(rows, {"password": password}).fetchall()
                found += [f"{path}: {name}"] * (count > 0 or password in (comment or ""))
    return found


@pytest.mark.parametrize("database", ["env:SHOP_URL", "the URL of the server"])
def test_a_failed_login_leaves_no_password(run, postgres, tmp_path, database):
    password = "never-to-be-seen/7@"
    process = run(database if database.startswith("env:") else postgres.url, password)
    assert process.returncode == 2, process.stderr
    assert "password authentication failed" in process.stderr
    assert "Correct the user or the password" in process.stderr
    assert "Nothing was published" in process.stderr
    assert any((tmp_path / "dagster").rglob("*.db"))  # the run storage, which was searched
    assert places_of(password, tmp_path, process) == []


def test_a_run_that_publishes_and_one_that_fails_leave_no_password(run, postgres, tmp_path):
    url = postgres.url.replace("${TEST_PASSWORD}", f"${{file:{tmp_path}/secret}}")
    for _ in range(2):  # the second run reads new rows only
        process = run(url, postgres.password)
        assert process.returncode == 0, process.stderr
        assert places_of(postgres.password, tmp_path, process) == []
    assert (tmp_path / "var" / "attribution.duckdb").exists()
    assert (tmp_path / "var" / "report.html").exists()
    process = run(url, "wrong-and-unseen/8@")
    assert process.returncode == 2, process.stderr
    assert "password authentication failed" in process.stderr
    for password in (postgres.password, "wrong-and-unseen/8@"):
        assert places_of(password, tmp_path, process) == []
    found = [f"{one.name}: {one.text} {one.fix}" for one in examine(tmp_path / "lydite.toml")]
    assert not any("unseen" in line for line in found)
