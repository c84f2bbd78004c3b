"""Fixtures of the tests of input tables: an engine, a clock, and small valid sources."""

import datetime as dt

import pandas as pd
import pytest

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.inputs import LoadOptions, load, load_table

NOW = dt.datetime(2026, 7, 1, 12)


@pytest.fixture
def engine():
    with DuckDBEngine(threads=1) as engine:
        yield engine


@pytest.fixture
def conversions():
    return pd.DataFrame({"user_id": ["u1"], "converted_at": [dt.datetime(2026, 3, 2)]})


@pytest.fixture
def touchpoints():
    return pd.DataFrame(
        {"user_id": ["u1"], "touched_at": [dt.datetime(2026, 3, 1)], "channel": ["search"]}
    )


@pytest.fixture
def read(engine):
    """Load one table as of a fixed clock; return the report."""

    def read(table, source, **options):
        return load_table(engine, table, source, LoadOptions(now=NOW, **options))

    return read


@pytest.fixture
def read_all(engine):
    """Load all tables as of a fixed clock; return the quarantine."""

    def read_all(**sources):
        return load(engine, sources, LoadOptions(now=NOW))

    return read_all


@pytest.fixture
def touches(engine):
    """Return columns of ``inputs.touchpoints``, one tuple per row in the order of users."""

    def touches(columns="user_id, touched_at, channel"):
        return engine.rows(f"select {columns} from inputs.touchpoints order by user_id")

    return touches


@pytest.fixture
def write(tmp_path):
    """Write text or bytes to a file; return its path."""

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def refused(read):
    """Load touchpoints that are refused; check that the message has all the parts."""

    def refused(source, *parts, table="touchpoints"):
        with pytest.raises(InputError) as caught:
            read(table, source)
        message = str(caught.value)
        assert "\n" not in message
        for part in (table, *map(str, parts)):
            assert part in message, message

    return refused
