"""Rows of PostgreSQL that are kept from run to run: the tables are those of a full read."""

import datetime as dt

import numpy as np
import pytest

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.inputs import DatabaseSource, LoadOptions, load_table
from tests.inputs.conftest import NOW

SELECT = """
select id as touchpoint_id, 'u' || id as user_id, at as touched_at, channel, changed
from touches
"""


@pytest.fixture
def engine(tmp_path):
    with DuckDBEngine(tmp_path / "warehouse.duckdb", threads=1) as engine:
        yield engine


@pytest.fixture
def add(postgres):
    """Create the table; return a function that inserts rows: (id, channel, changed)."""

    def create(kind="timestamptz"):
        postgres.run(
            f"create table touches (id int primary key, at timestamptz default '2026-01-01',"
            f" channel text, changed {kind})"
        )

        def add(*rows):
            for number, channel, changed in rows:
                value = "null" if changed is None else f"'{changed}'"
                postgres.run(
                    "insert into touches (id, channel, changed)"
                    f" values ({number}, '{channel}', {value}) on conflict (id) do update set"
                    " channel = excluded.channel, changed = excluded.changed"
                )

        return add

    return create


@pytest.fixture
def source(write, postgres):
    def source(select=SELECT, **options):
        path = str(write("touches.sql", select))
        options = {"watermark": "changed", "look_back": "1d"} | options
        return DatabaseSource(select=path, database=postgres.url, **options)

    return source


@pytest.fixture
def load(engine, touches):
    """Load the touchpoints; return their numbers and channels."""

    def load(source):
        load_table(engine, "touchpoints", source, LoadOptions(now=NOW))
        return {int(number): channel for number, channel in touches("touchpoint_id, channel")}

    return load


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date"])
def test_only_rows_since_the_last_ones_are_read(postgres, add, load, source, kind):
    insert = add(kind)
    insert((1, "a", "2026-03-01"), (2, "b", "2026-03-05"))
    assert load(source()) == {1: "a", 2: "b"}
    postgres.run("update touches set channel = 'unseen' where id = 1")  # its watermark stays
    insert((3, "c", "2026-03-06"), (4, "late", "2026-03-04"), (5, "too late", "2026-03-03"))
    assert load(source()) == {1: "a", 2: "b", 3: "c", 4: "late"}
    assert load(source(look_back="30d")) == {1: "unseen", 2: "b", 3: "c", 4: "late", 5: "too late"}


def test_a_row_that_changed_replaces_the_one_with_its_key(add, load, source):
    insert = add()
    insert((1, "a", "2026-03-01"), (2, "b", "2026-03-05"))
    assert load(source(key="touchpoint_id")) == {1: "a", 2: "b"}
    insert((1, "changed", "2026-03-06"))
    assert load(source(key="touchpoint_id")) == {1: "changed", 2: "b"}


def test_rows_that_were_deleted_since_the_look_back_vanish(postgres, add, load, source):
    insert = add()
    insert((1, "a", "2026-03-01"), (2, "b", "2026-03-05"))
    load(source())
    postgres.run("delete from touches where id = 2")
    assert load(source()) == {1: "a"}


def test_rows_without_a_watermark_are_always_read_again(add, load, source):
    insert = add()
    insert((1, "a", "2026-03-05"), (2, "b", None))
    assert load(source()) == {1: "a", 2: "b"}
    insert((2, "changed", None), (3, "c", None))
    assert load(source()) == {1: "a", 2: "changed", 3: "c"}


def test_a_watermark_in_the_future_hides_no_rows(add, load, source):
    insert = add()
    insert((1, "a", "2026-03-05"), (2, "planned", "2999-01-01"))
    load(source())
    insert((3, "c", "2026-03-06"))
    assert load(source()) == {1: "a", 2: "planned", 3: "c"}


def test_another_select_reads_everything(postgres, add, load, source):
    insert = add()
    insert((1, "a", "2026-03-01"), (2, "b", "2026-03-05"))
    load(source())
    postgres.run("update touches set channel = upper(channel)")
    assert load(source()) == {1: "a", 2: "B"}
    assert load(source(SELECT + "-- all")) == {1: "A", 2: "B"}


def test_a_column_that_changes_its_type_reads_everything(postgres, add, load, source):
    insert = add()
    insert((1, "a", "2026-03-01"), (2, "b", "2026-03-05"))
    load(source())
    postgres.run(
        "alter table touches alter changed type timestamp", "update touches set at = now()"
    )
    postgres.run("update touches set channel = upper(channel), at = '2026-01-01'")
    assert load(source()) == {1: "A", 2: "B"}


def test_after_an_error_the_rows_stay_and_the_next_run_reads_on(
    postgres, add, load, engine, source
):
    insert = add()
    insert((1, "a", "2026-03-01"), (2, "b", "2026-03-05"))
    load(source())
    postgres.run("alter table touches rename to moved")
    with pytest.raises(InputError, match='relation "touches" does not exist'):
        load(source())
    assert engine.scalar("select count(*) from landing.touchpoints") == 2
    postgres.run("alter table moved rename to touches")
    insert((3, "c", "2026-03-06"))
    assert load(source()) == {1: "a", 2: "b", 3: "c"}


def test_without_a_file_everything_is_read(add, source):
    insert = add()
    insert((1, "a", "2026-03-01"), (2, "b", "2026-03-05"))
    with DuckDBEngine() as engine:
        assert load_table(engine, "touchpoints", source(), LoadOptions(now=NOW)).rows == 2
        assert not engine.exists("landing.touchpoints")


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"watermark": "nope"}, ["no column 'nope', the watermark", "touchpoint_id, user_id"]),
        ({"key": "nope"}, ["no column 'nope', the key"]),
        ({"watermark": "channel"}, ["'channel' is string, not a time", "timestamptz"]),
    ],
)
def test_columns_that_cannot_be_used(add, refused, source, options, parts):
    add()((1, "a", "2026-03-01"))
    refused(source(**options), "touches.sql in postgresql://", *parts)


def test_the_kept_rows_hold_no_secret(postgres, add, load, source, engine):
    add()((1, "a", "2026-03-01"))
    load(source())
    comments = engine.rows("select comment from duckdb_tables() where comment is not null")
    assert postgres.password not in str(comments)


@pytest.mark.parametrize("seed", range(8))
def test_the_rows_are_those_of_a_full_read(postgres, add, load, source, seed):
    """Late rows within the look-back, updates and repeated runs, in any order."""
    random, insert = np.random.default_rng(seed), add()
    last = dt.datetime(2026, 3, 1)
    for _ in range(4):
        start = last - dt.timedelta(hours=24)
        for _ in range(random.integers(0, 4)):
            changed = start + dt.timedelta(hours=int(random.integers(0, 73)))
            last = max(last, changed)
            insert((random.integers(1, 6), random.choice(["a", "b", "c"]), changed))
        rows = dict(postgres.run("select id, channel from touches"))
        if rows:
            assert load(source(key="touchpoint_id")) == rows
