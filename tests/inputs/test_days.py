"""Days of input tables: rows of some local days are replaced, all others stay."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.inputs import TABLES, LoadOptions, load_table
from lydite.inputs.days import rows_by_day
from lydite.settings import RuleSettings
from tests.helpers.examples import examples

NOW = datetime(2026, 6, 1)
START = datetime(2026, 3, 1)
DAYS = [START.date() + timedelta(days=n) for n in range(4)]
#: Times before, within and after the days, near their borders, and one that cannot be read.
TIMES = [
    *(START + timedelta(days=n, hours=hours) for n in range(-1, 5) for hours in (0, 11, 23.9)),
    "soon",
]
#: With rules that look at other rows, and without.
OPTIONS = {
    "touchpoints": [{}, {"rules": {"near_duplicates": RuleSettings(severity="set_aside")}}],
    "conversions": [{}, {"first_only": {"lead"}}],
    "spend": [{}],
    "identities": [{}],
    "experiments": [{}],
}
COLUMNS = {
    "user_id": ["a", "b", None],
    "channel": ["email", "search"],
    "outcome": ["lead", "purchase"],
    "value": [10.0, 20.0, -5.0, None],
    "conversion_id": ["1", "2", None],
    "cost": [1.0, 2.0, -1.0],
    "anonymous_id": ["x", "y", "a"],
    "experiment": ["subject"],
    "arm": ["one", "two"],
}


def text(value: object) -> str | None:
    return None if value is None else str(value)


@st.composite
def rows_of(draw, name: str):
    """Return a source of an input table as text, with few values, so that many rows are equal."""
    table = TABLES[name]
    columns = {
        column.name: st.sampled_from(TIMES if column is table.time else COLUMNS[column.name])
        for column in table.columns
        if column is table.time or column.name in COLUMNS
    }
    rows = draw(st.lists(st.fixed_dictionaries(columns), max_size=12))
    usable = {key: COLUMNS.get(key, [START])[0] for key in columns}  # a table needs a usable row
    texts = [{key: text(value) for key, value in row.items()} for row in [usable, *rows]]
    return pl.DataFrame(texts, schema=dict.fromkeys(columns, pl.String))


def contents(engine: DuckDBEngine, name: str, days=None, timezone: str = "UTC"):
    """Return the rows of a table and of its quarantine, those of some days or of all."""
    time = TABLES[name].time.name
    in_days = "true"
    if days is not None:
        local = f"timezone('{timezone}', timezone('UTC', cast({{}} as timestamp)))"
        in_days = f"coalesce(cast({local} as date) between '{days[0]}' and '{days[1]}', false)"
    found = []
    for schema, value in (("inputs", time), ("quarantine", f"try_cast({time} as timestamp)")):
        condition = in_days.format(value)
        sql = f"from {schema}.{name} select * where {condition}"
        other = f"from {schema}.{name} select * where not {condition}"
        found.append([sorted(map(repr, engine.rows(text))) for text in (sql, other)])
    return found


@pytest.mark.parametrize(
    ("name", "options"), [(name, given) for name, all_ in OPTIONS.items() for given in all_]
)
@examples(12, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_the_days_are_those_of_a_whole_load_and_the_others_stay(name, options, data):
    before, after = (data.draw(rows_of(name)) for _ in range(2))
    first, last = sorted(data.draw(st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS))))
    with DuckDBEngine() as engine, DuckDBEngine() as whole:
        load_table(engine, name, before, LoadOptions(now=NOW, **options))
        [inside, outside] = zip(*contents(engine, name, (first, last)), strict=True)
        expected = load_table(whole, name, after, LoadOptions(now=NOW, **options))
        del inside
        for _ in range(2):  # twice is once
            report = load_table(
                engine, name, after, LoadOptions(now=NOW, **options), days=(first, last)
            )
            [found, others] = zip(*contents(engine, name, (first, last)), strict=True)
            assert others == outside
            assert found == next(zip(*contents(whole, name, (first, last)), strict=True))
            assert report.rows == engine.scalar(f"select count(*) from inputs.{name}")
            assert report.duplicates >= 0
            assert report.refunds >= 0
        # All days one after the other, and what has no day, are a whole load.
        for day in {*rows_by_day(engine, name), *rows_by_day(whole, name), *days_of(before, after)}:
            report = load_table(
                engine, name, after, LoadOptions(now=NOW, **options), days=(day, day)
            )
        for schema in ("inputs", "quarantine"):
            has_day = f"try_cast({TABLES[name].time.name} as timestamp) is not null"
            sql = f"from {schema}.{name} where {has_day}"
            assert sorted(map(repr, engine.rows(sql))) == sorted(map(repr, whole.rows(sql)))
        assert (report.refunds, report.duplicates) == (expected.refunds, expected.duplicates)
        assert rows_by_day(engine, name) == rows_by_day(whole, name)


def days_of(*sources: pl.DataFrame) -> set[date]:
    """Return the days of the times of sources."""
    days = set()
    for source in sources:
        [time] = [name for name in source.columns if name in {
            "touched_at", "converted_at", "date", "seen_at", "assigned_at"}]  # fmt: skip
        days |= set(source[time].str.to_datetime(strict=False).drop_nulls().dt.date())
    return days


def touches(*times: str) -> pl.DataFrame:
    return pl.DataFrame({"user_id": "a", "touched_at": list(times), "channel": "email"})


def test_days_are_those_of_the_time_zone():
    with DuckDBEngine() as engine:
        late, early = "2026-03-01T22:30Z", "2026-03-01T23:30Z"  # in Berlin, the second is tomorrow
        options = {"now": NOW, "timezone": "Europe/Berlin"}
        load_table(engine, "touchpoints", touches(late, early), LoadOptions(**options))
        assert rows_by_day(engine, "touchpoints") == {date(2026, 3, 1): 1, date(2026, 3, 2): 1}
        day = (date(2026, 3, 2), date(2026, 3, 2))
        load_table(
            engine, "touchpoints", touches("2026-05-01T00:00Z"), LoadOptions(**options), days=day
        )
        [(left,)] = engine.rows("select touched_at from inputs.touchpoints")
        assert left == datetime(2026, 3, 1, 22, 30)


def test_a_day_may_become_empty_and_the_first_load_may_be_of_a_day():
    with DuckDBEngine() as engine:
        day = (date(2026, 3, 1), date(2026, 3, 1))
        source = touches("2026-03-01T10:00Z", "2026-03-02T10:00Z")
        assert load_table(engine, "touchpoints", source, LoadOptions(now=NOW), days=day).rows == 1
        gone = touches("2026-03-02T10:00Z")
        assert load_table(engine, "touchpoints", gone, LoadOptions(now=NOW), days=day).rows == 0


@pytest.mark.parametrize(
    ("name", "message"), [("users", "have no time"), ("spend", "Load the whole table once")]
)
def test_what_has_no_days_is_refused(name, message):
    with DuckDBEngine() as engine:
        engine.create("inputs.spend", "select 1 as a")
        with pytest.raises(InputError, match=message):
            load_table(engine, name, None, days=(DAYS[0], DAYS[0]))


def test_changed_columns_are_refused_and_nothing_changes():
    with DuckDBEngine() as engine:
        load_table(engine, "touchpoints", touches("2026-03-01T10:00Z"), LoadOptions(now=NOW))
        other = touches("2026-03-01T12:00Z").with_columns(cost=1.0)
        with pytest.raises(InputError, match="columns have changed"):
            load_table(engine, "touchpoints", other, LoadOptions(now=NOW), days=(DAYS[0], DAYS[0]))
        assert engine.rows("select hour(touched_at) from inputs.touchpoints") == [(10,)]


def test_days_of_a_table_that_was_loaded_by_file(tmp_path):
    path, day = tmp_path / "touches.parquet", (date(2026, 3, 1), date(2026, 3, 1))
    touches("2026-03-01T10:00Z", "2026-03-02T10:00Z").write_parquet(path)
    with DuckDBEngine(tmp_path / "warehouse.duckdb") as engine:
        load_table(engine, "touchpoints", path, LoadOptions(now=NOW))
        touches("2026-03-01T11:00Z", "2026-03-02T11:00Z").write_parquet(path)
        load_table(engine, "touchpoints", path, LoadOptions(now=NOW), days=day)
        hours = "select hour(touched_at) from inputs.touchpoints order by touched_at"
        assert engine.rows(hours) == [(11,), (10,)]
        assert load_table(engine, "touchpoints", path, LoadOptions(now=NOW)).rows == 2
        assert engine.rows(hours) == [(11,), (11,)]
        more = touches("2026-03-02T12:00Z")
        more.write_parquet(tmp_path / "more.parquet")
        load_table(engine, "touchpoints", tmp_path / "*.parquet", LoadOptions(now=NOW))
        assert rows_by_day(engine, "touchpoints") == {date(2026, 3, 1): 1, date(2026, 3, 2): 2}
