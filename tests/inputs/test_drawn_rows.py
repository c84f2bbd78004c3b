"""Any rows are accepted or set aside as the documentation says."""

import csv
import datetime as dt
import io
import math
import unicodedata
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.inputs import LoadOptions, load_table
from tests.helpers.examples import examples

NOW = dt.datetime(2026, 7, 1)
SPACES = [chr(i) for i in range(0x3001) if unicodedata.category(chr(i)).startswith("Z")]
BLANKS = "".join(SPACES) + "\t\n\r\v\f\ufeff"


def number(cell):
    """Return the number that a cell holds, None for none, 'invalid' for nonsense."""
    if isinstance(cell, str):
        try:
            return float(cell) if cell.strip(BLANKS) else None
        except ValueError:
            return "invalid"
    return cell


def time_of(cell):
    if isinstance(cell, str):
        try:
            return dt.datetime.fromisoformat(cell)
        except ValueError:
            return None
    return cell


def reason(user, time, channel, cost):
    """Judge a row in plain Python, straight from the documentation."""
    when, amount = time_of(time), number(cost)
    if user is None or not user.strip(BLANKS):
        return "missing_user_id"
    if when is None:
        return "invalid_touched_at"
    if when > NOW:
        return "future_touched_at"
    if channel is None or not channel.strip(BLANKS):
        return "missing_channel"
    if amount == "invalid":
        return "invalid_cost"
    if amount is not None and not math.isfinite(amount):
        return "not_finite_cost"
    return "negative_cost" if amount is not None and amount < 0 else None


def judge(value, channel_of_conversion="a"):
    """Judge a conversion: as a touchpoint, but below zero it is a refund without an order."""
    user, time, worth = value
    found = reason(user, time, channel_of_conversion, worth)
    found = "refund_without_order" if found == "negative_cost" else found
    return found and found.replace("touched", "converted").replace("cost", "value")


# Surrogates have no UTF-8; NUL and quotes belong to files of another kind than text.
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4)
users = st.sampled_from(["u", "v", "5", "", " ", "\u00a0"]) | words
text_times = st.sampled_from(
    [
        "2026-03-01T09:30:00",
        "2026-03-01 09:30:00.25",
        "2026-06-30",
        "2026-07-02",
        "2026-02-30",
        "no",
        "",
    ]
)
text_costs = st.sampled_from(["", " ", "0", "1.5", "-1", "nan", "inf", "-inf", "1e3", "1/5", "2 x"])
times = st.none() | st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2027, 1, 1))
costs = st.none() | st.floats()


def outcome(shared_engine, table, source):
    """Load a table; a table of bad rows only is refused, and then there is no report."""
    try:
        return load_table(shared_engine, table, source, LoadOptions(now=NOW))
    except InputError as error:
        assert "none of its" in str(error)
        return None


def assert_counted(report, rows, reasons):
    bad = Counter(found for found in reasons if found)
    if report is None:
        assert sum(bad.values()) == len(rows)
        return
    assert report.bad == bad
    assert report.rows + sum(report.bad.values()) + report.duplicates == len(rows)


@pytest.fixture(scope="module")
def shared_engine():
    with DuckDBEngine(threads=1) as engine:
        yield engine


@examples(60)
@given(st.lists(st.tuples(users, text_times, users, text_costs), min_size=1, max_size=12))
def test_touchpoints_of_csv(shared_engine, tmp_path_factory, rows):
    text = io.StringIO()
    csv.writer(text).writerows([("user_id", "touched_at", "channel", "cost"), *rows])
    path = tmp_path_factory.getbasetemp() / "property.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    report = outcome(shared_engine, "touchpoints", path)
    assert_counted(report, rows, [reason(*row) for row in rows])
    if report:
        kept = [row for row in rows if reason(*row) is None]
        assert shared_engine.rows(
            "select user_id, touched_at, channel, cost from inputs.touchpoints"
        ) == [
            (user, time_of(time), channel.strip(BLANKS), number(cost))
            for user, time, channel, cost in kept
        ]


@examples(60)
@given(st.lists(st.tuples(st.none() | users, times, st.none() | users, costs), min_size=1))
def test_touchpoints_of_arrow(shared_engine, rows):
    columns = [list(column) for column in zip(*rows, strict=True)]
    types = [pa.string(), pa.timestamp("us"), pa.string(), pa.float64()]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    table = pa.table(arrays, names=["user_id", "touched_at", "channel", "cost"])
    report = outcome(shared_engine, "touchpoints", table)
    assert_counted(report, rows, [reason(*row) for row in rows])
    if report:
        assert shared_engine.scalar("select count(*) from quarantine.touchpoints") == sum(
            report.bad.values()
        )


@examples(60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["u", "v", " ", None]),
            st.sampled_from([None, dt.datetime(2026, 3, 1), dt.datetime(2026, 8, 1)]),
            st.sampled_from([None, 1.0, 0.0, -1.0, math.nan, math.inf]),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_conversions(shared_engine, rows):
    columns = [list(column) for column in zip(*rows, strict=True)]
    types = [pa.string(), pa.timestamp("us"), pa.float64()]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    table = pa.table(arrays, names=["user_id", "converted_at", "value"])
    report = outcome(shared_engine, "conversions", table)
    reasons = [judge(row) for row in rows]
    assert_counted(report, rows, reasons)
    if report:
        good = {row for row, found in zip(rows, reasons, strict=True) if not found}
        assert report.rows == len(good)


@examples(60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["u", "v", "w", None]), st.sampled_from(["a", "b", None])),
        min_size=1,
        max_size=20,
    )
)
def test_users(shared_engine, rows):
    first = {}
    for user, segment in rows:
        first.setdefault(user, segment)
    columns = [pa.array(list(column), pa.string()) for column in zip(*rows, strict=True)]
    report = load_table(shared_engine, "users", pa.table(columns, names=["user_id", "segment"]))
    first.pop(None, None)
    assert dict(shared_engine.rows("select user_id, segment from inputs.users")) == first
    assert report.rows == len(first)
    assert report.bad.get("missing_user_id", 0) == sum(user is None for user, _ in rows)
    assert report.bad.get("duplicate_user_id", 0) == sum(
        user is not None and segment != first[user] for user, segment in rows
    )
    assert report.read == len(rows)
