"""Rows are cast, checked, counted and stored; a failed load changes nothing."""

import csv
import datetime as dt
import io
import math
import unicodedata
from collections import Counter

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.inputs import load, load_table
from lydite.settings import DeclaredEnds

TIME = dt.datetime(2026, 3, 1, 9, 30)
LATER = dt.datetime(2026, 7, 2)


def row(**cells):
    return {"user_id": "u1", "touched_at": TIME, "channel": "search", "cost": 0.5} | cells


def bought(**cells):
    return {"user_id": "u1", "converted_at": TIME, "value": 9.0} | cells


def booked(**cells):
    return {"date": TIME.date(), "channel": "search", "cost": 9.0} | cells


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"user_id": None}, "missing_user_id"),
        ({"user_id": ""}, "missing_user_id"),
        ({"user_id": " \t\u00a0"}, "missing_user_id"),
        ({"touched_at": None}, "invalid_touched_at"),
        ({"touched_at": LATER}, "future_touched_at"),
        ({"channel": None}, "missing_channel"),
        ({"channel": " \t"}, "missing_channel"),
        ({"cost": -0.01}, "negative_cost"),
        ({"cost": math.nan}, "not_finite_cost"),
        ({"cost": math.inf}, "not_finite_cost"),
        ({"cost": -math.inf}, "not_finite_cost"),
        # One reason per row: the first that applies.
        ({"user_id": None, "touched_at": None, "channel": None}, "missing_user_id"),
        ({"touched_at": LATER, "channel": None, "cost": -1.0}, "future_touched_at"),
    ],
)
def test_bad_touchpoint(engine, read, cells, reason):
    report = read("touchpoints", pl.DataFrame([row(), row(**cells)], infer_schema_length=None))
    assert (report.rows, report.bad, report.duplicates) == (1, {reason: 1}, 0)
    assert engine.rows("select reason from quarantine.touchpoints") == [(reason,)]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"touched_at": "yesterday"}, "invalid_touched_at"),
        ({"touched_at": ""}, "invalid_touched_at"),
        ({"touched_at": "2026-02-30"}, "invalid_touched_at"),
        ({"touched_at": "01/02/2026"}, "invalid_touched_at"),
        ({"touched_at": "infinity"}, "invalid_touched_at"),
        ({"touched_at": "-infinity"}, "invalid_touched_at"),
        ({"touched_at": "2026-07-01T12:00:01"}, "future_touched_at"),
        ({"cost": "about 1.50"}, "invalid_cost"),
        ({"cost": "nan"}, "not_finite_cost"),
        ({"cost": "-inf"}, "not_finite_cost"),
        ({"cost": "-1"}, "negative_cost"),
    ],
)
def test_bad_touchpoint_in_text(read, cells, reason):
    good = row(touched_at="2026-03-01T09:30:00", cost="1.5")
    report = read("touchpoints", pl.DataFrame([good, good | cells]))
    assert (report.rows, report.bad) == (1, {reason: 1})


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"user_id": " "}, "missing_user_id"),
        ({"converted_at": None}, "invalid_converted_at"),
        ({"converted_at": LATER}, "future_converted_at"),
        ({"value": math.nan}, "not_finite_value"),
        ({"value": -math.inf}, "not_finite_value"),
    ],
)
def test_bad_conversion(read, cells, reason):
    report = read("conversions", pl.DataFrame([bought(), bought(**cells)]))
    assert (report.rows, report.bad) == (1, {reason: 1})


def test_bad_value_in_text(read):
    report = read("conversions", pl.DataFrame([bought(value="7"), bought(value="seven")]))
    assert report.bad == {"invalid_value": 1}


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"date": None}, "invalid_date"),
        ({"date": LATER.date()}, "future_date"),
        ({"channel": ""}, "missing_channel"),
        ({"cost": None}, "missing_cost"),
        ({"cost": math.nan}, "not_finite_cost"),
        ({"cost": -1.0}, "negative_cost"),
    ],
)
def test_bad_spend(read, cells, reason):
    report = read("spend", pl.DataFrame([booked(), booked(**cells)]))
    assert (report.rows, report.bad) == (1, {reason: 1})


def test_bad_spend_in_text(read):
    rows = [booked(cost="1", date="2026-03-01"), booked(cost="one", date="2026-03-01")]
    rows.append(booked(cost="1", date="1 March"))
    assert read("spend", pl.DataFrame(rows)).bad == {"invalid_cost": 1, "invalid_date": 1}


def test_spend_of_today_counts(read):
    assert read("spend", pl.DataFrame([booked(date=dt.date(2026, 7, 1))])).rows == 1


def test_unknown_values_are_accepted_and_refunds_without_an_id_set_aside(engine, read):
    report = read("conversions", pl.DataFrame([bought(value=-9.0), bought(value=None)]))
    assert (report.rows, report.bad) == (1, {"refund_without_order": 1})
    assert report.bad_share == 0
    assert engine.rows("select value from inputs.conversions order by value") == [(None,)]


def test_outcome_has_a_default(engine, read):
    frame = pl.DataFrame([bought(outcome=name) for name in ("lead", None, " ", " lead  ")])
    read("conversions", frame.with_columns(conversion_id=pl.Series(["a", "b", "c", "d"])))
    assert engine.rows("select outcome from inputs.conversions order by conversion_id") == [
        ("lead",),
        ("conversion",),
        ("conversion",),
        ("lead",),
    ]


def test_equal_conversions_count_once(engine, read):
    one = bought(conversion_id="c1")
    report = read("conversions", pl.DataFrame([one, one, bought(conversion_id="c2"), one]))
    assert (report.rows, report.duplicates, report.bad, report.read) == (2, 2, {}, 4)


def test_equal_rows_of_spend_are_both_kept(read):
    assert read("spend", pl.DataFrame([booked(), booked()])).rows == 2


def test_equal_touchpoints_are_both_kept(read):
    assert read("touchpoints", pl.DataFrame([row(), row()])).rows == 2


def test_equal_bad_conversions_are_all_counted(read):
    bad = bought(user_id=None)
    report = read("conversions", pl.DataFrame([bought(), bad, bad]))
    assert (report.bad, report.duplicates) == ({"missing_user_id": 2}, 0)


def test_the_first_of_contradicting_rows_of_a_user_is_kept(engine, read):
    frame = pl.DataFrame(
        {"user_id": [1, 2, 1, 1, None, 2], "region": ["n", "s", "n", "e", "w", None]},
    )
    report = read("users", frame)
    assert (report.rows, report.duplicates) == (2, 1)
    assert report.bad == {"duplicate_user_id": 2, "missing_user_id": 1}
    assert engine.rows("from inputs.users order by user_id") == [("1", "n"), ("2", "s")]


def test_segments_are_text_and_keep_their_names(engine, read):
    frame = pd.DataFrame(
        {"USER_ID": ["a"], "Customer Type": [" new "], "age": [41], "reason": [""]}
    )
    read("users", frame)
    assert engine.rows("describe inputs.users")[1][:2] == ("Customer Type", "VARCHAR")
    assert engine.rows("from inputs.users") == [("a", "new", "41", None)]


def test_users_without_segments(engine, read):
    assert read("users", pd.DataFrame({"user_id": ["a", "a", "b"]})).duplicates == 1
    assert engine.rows("from inputs.users order by all") == [("a",), ("b",)]


def test_labels_are_trimmed_and_user_ids_kept(read, touches):
    odd = row(user_id=" u ", channel="\t e mail\u00a0", campaign=" ", touchpoint_id=" t ")
    read("touchpoints", pl.DataFrame([odd]))
    assert touches("user_id, channel, campaign, touchpoint_id") == [(" u ", "e mail", None, " t ")]


@pytest.mark.parametrize(
    "channel", ["Été", "搜索", "🚀 launch", "o'brien", 'say "hi"', "a > b", "$now"]
)
def test_unusual_channel_names_are_accepted(read, touches, channel):
    read("touchpoints", pl.DataFrame([row(channel=channel)]))
    assert touches("channel") == [(channel,)]


def test_the_quarantine_has_the_unchanged_row(engine, read):
    frame = pl.DataFrame(
        {
            "note": ["x", "y"],
            "User_ID": [5, 6],
            "touched_at": ["2026-03-01", " then "],
            "CHANNEL": ["a", " b "],
            "reason": ["theirs", "too"],
        }
    )
    read("touchpoints", frame)
    result = engine.frame("from quarantine.touchpoints")
    assert result.columns == ["note", "User_ID", "touched_at", "CHANNEL", "source_reason", "reason"]
    assert result.rows() == [("y", 6, " then ", " b ", "too", "invalid_touched_at")]


def test_a_quarantine_can_be_loaded_again(engine, read, touches):
    read("touchpoints", pl.DataFrame([row(), row(user_id=None)]))
    first = engine.frame("from quarantine.touchpoints")
    read("touchpoints", pl.concat([first, pl.DataFrame([row()])], how="diagonal"))
    again = engine.frame("from quarantine.touchpoints").with_columns(user_id=pl.lit("fixed"))
    assert read("touchpoints", again).rows == 1


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"anonymous_id": None}, "missing_anonymous_id"),
        ({"user_id": " "}, "missing_user_id"),
        ({"anonymous_id": "u1"}, "same_id"),
        ({"seen_at": None}, "invalid_seen_at"),
        ({"seen_at": LATER}, "future_seen_at"),
    ],
)
def test_bad_identity(engine, read, cells, reason):
    good = {"anonymous_id": "a1", "user_id": "u1", "seen_at": TIME}
    rows = pl.DataFrame([good, good, good | cells], infer_schema_length=None)
    report = read("identities", rows)
    assert (report.rows, report.bad, report.duplicates) == (1, {reason: 1}, 1)
    assert engine.rows("select reason from quarantine.identities") == [(reason,)]


def test_identities_need_a_user(read):
    with pytest.raises(InputError, match="lacks the required column 'user_id'"):
        read("identities", pl.DataFrame({"anonymous_id": ["a"], "seen_at": [TIME]}))


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"experiment": " "}, "missing_experiment"),
        ({"user_id": None}, "missing_user_id"),
        ({"arm": ""}, "missing_arm"),
        ({"assigned_at": None}, "invalid_assigned_at"),
        ({"assigned_at": LATER}, "future_assigned_at"),
    ],
)
def test_bad_assignment(engine, read, cells, reason):
    good = {"experiment": "test", "user_id": "u1", "arm": "control", "assigned_at": TIME}
    rows = pl.DataFrame([good, good, good | cells], infer_schema_length=None)
    report = read("experiments", rows)
    assert (report.rows, report.bad, report.duplicates) == (1, {reason: 1}, 1)
    assert engine.rows("select reason from quarantine.experiments") == [(reason,)]


def test_of_erasures_only_digests_are_stored(engine, read):
    report = read("erasures", pl.DataFrame({"user_id": ["u1", "u1", None]}))
    assert (report.rows, report.bad, report.duplicates) == (1, {"missing_user_id": 1}, 1)
    assert engine.rows("from inputs.erasures") == engine.rows("select md5('u1')")


def test_reasons_are_sorted_by_frequency(read):
    frame = pl.DataFrame([row(), row(user_id=None), *[row(channel="")] * 2])
    report = read("touchpoints", frame)
    assert list(report.bad.items()) == [("missing_channel", 2), ("missing_user_id", 1)]
    assert report.bad_share == 0.75


def test_tables_without_a_source_are_empty(engine, read_all, touchpoints, conversions):
    quarantine = read_all(touchpoints=touchpoints, conversions=conversions, spend=None)
    assert {name: report.rows for name, report in quarantine.tables.items()} == {
        "touchpoints": 1,
        "conversions": 1,
        "spend": 0,
        "users": 0,
        "identities": 0,
        "erasures": 0,
        "experiments": 0,
    }
    assert quarantine.counts == {}
    assert quarantine.tables["users"].bad_share == 0
    assert engine.scalar("select count(*) from inputs.spend") == 0


def test_a_missing_source_empties_its_table(engine, read_all, touchpoints, conversions):
    sources = {"touchpoints": touchpoints, "conversions": conversions}
    read_all(**sources, spend=pl.DataFrame([booked()]))
    read_all(**sources)
    assert engine.scalar("select count(*) from inputs.spend") == 0


def test_optional_tables_may_have_no_rows(read, write):
    assert read("spend", write("spend.csv", "date,channel,cost\n")).rows == 0
    assert read("users", write("users.json", "[]")).rows == 0
    assert read("users", pd.DataFrame()).rows == 0


def test_counts_name_only_tables_with_bad_rows(read_all, conversions):
    frame = pl.DataFrame([row(), row(channel=None)])
    quarantine = read_all(touchpoints=frame, conversions=conversions)
    assert quarantine.counts == {"touchpoints": {"missing_channel": 1}}


def test_now_is_the_current_time_in_utc_by_default(engine):
    recent = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=5)
    soon = recent + dt.timedelta(minutes=10)
    frame = pl.DataFrame([row(touched_at=recent), row(touched_at=soon)])
    assert load_table(engine, "touchpoints", frame).bad == {"future_touched_at": 1}


def test_now_with_a_zone_is_converted(engine):
    now = dt.datetime(2026, 3, 1, 10, 30, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    late = TIME + dt.timedelta(seconds=1)
    frame = pl.DataFrame([row(touched_at=TIME), row(touched_at=late)])
    assert load_table(engine, "touchpoints", frame, now=now).bad == {"future_touched_at": 1}


def test_raw_is_kept_on_request_only(engine, read):
    frame = pl.DataFrame([row(), row(user_id=None)])
    for keep_raw in (True, False, True):
        read("touchpoints", frame, keep_raw=keep_raw)
        assert engine.exists("raw.touchpoints") == keep_raw
    assert engine.scalar("select count(*) from raw.touchpoints") == 2


@pytest.mark.parametrize("path", [":memory:", "warehouse.duckdb"])
def test_an_error_leaves_the_tables_unchanged(tmp_path, touchpoints, conversions, path):
    with DuckDBEngine(path if path == ":memory:" else tmp_path / path) as engine:
        sources = {"touchpoints": touchpoints, "conversions": conversions}
        load(engine, sources | {"spend": pl.DataFrame([booked()])})
        before = _everything(engine)
        more = pd.concat([touchpoints, touchpoints, touchpoints.assign(user_id=None)])
        bad = pa.table({"user_id": pa.nulls(2, pa.string()), "converted_at": [TIME, TIME]})
        with pytest.raises(InputError, match="none of its 2 rows can be used"):
            load(engine, {"touchpoints": more, "conversions": bad})
        with pytest.raises(InputError, match="none of its 2 rows can be used"):
            load_table(engine, "conversions", bad)
        with pytest.raises(InputError, match="no such file"):
            load(engine, {"touchpoints": more, "conversions": "none.csv"})
        assert _everything(engine) == before
        load(engine, sources)  # the engine is as good as before


def _everything(engine):
    names = engine.rows(
        "select table_schema || '.' || table_name from information_schema.tables order by 1"
    )
    return {name: engine.rows(f"from {name}") for (name,) in names}


def test_no_temporary_table_stays(engine, read, write):
    read("touchpoints", write("t.csv", "user_id,touched_at,channel\n1,2026-01-01,a\n"))
    read("touchpoints", pl.DataFrame([row()]))
    names = engine.rows("select table_schema, table_name from information_schema.tables order by 2")
    assert names == [
        ("quality", "days"), ("inputs", "touchpoints"), ("quarantine", "touchpoints"),
    ]  # fmt: skip


# --- errors about whole sources -------------------------------------------------------------------

HEADER = "user_id,touched_at,channel\n"


def test_no_source(read_all, touchpoints):
    with pytest.raises(InputError, match="conversions: no source is given. Give a file"):
        read_all(touchpoints=touchpoints)


def test_unknown_table(engine, touchpoints):
    with pytest.raises(InputError, match="no input table 'touches'.*Did you mean 'touchpoints'"):
        load(engine, {"touches": touchpoints})


def test_an_object_that_is_not_a_source(refused):
    refused([1, 2], "cannot read a list", "Give a path, or a pandas")


@pytest.mark.parametrize(
    ("name", "content"), [("t.csv", HEADER), ("t.csv", ""), ("t.json", "[]"), ("t.jsonl", "")]
)
def test_empty_file(refused, write, name, content):
    path = write(name, content)
    refused(path, path, "is empty", "no rows", "Check the export")


@pytest.mark.parametrize("frame", [pd.DataFrame(), pl.DataFrame({"user_id": []}), pa.table({})])
def test_empty_frame(refused, frame):
    refused(frame, "DataFrame" if not isinstance(frame, pa.Table) else "pyarrow Table", "is empty")


def test_no_row_can_be_used(refused, write):
    path = write("t.csv", HEADER + "u1,01/02/2026,a\nu1,soon,a\n,2026-03-01,a\n")
    refused(
        path,
        path,
        "none of its 3 rows can be used: 2 invalid_touched_at, 1 missing_user_id",
        "such as touched_at = '01/02/2026'",
        "write it as ISO-8601",
    )


def test_no_row_can_be_used_and_there_is_no_example(refused):
    frame = pl.DataFrame({"user_id": ["u"], "touched_at": [TIME], "channel": [None]})
    refused(frame, "1 missing_channel. What to do: channel is null or blank; fill it")


# --- any rows -------------------------------------------------------------------------------------

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
        return load_table(shared_engine, table, source, now=NOW)
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


@settings(max_examples=60, deadline=None)
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


@settings(max_examples=60, deadline=None)
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


@settings(max_examples=60, deadline=None)
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


@settings(max_examples=60, deadline=None)
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


# --- ids that occur more than once ----------------------------------------------------------------


def orders(*rows):
    """Return conversions from user, hour, value and id."""
    return pl.DataFrame(
        [
            {"user_id": user, "converted_at": TIME + dt.timedelta(hours=hour), "value": value,
             "conversion_id": key}
            for user, hour, value, key in rows
        ],
        schema={
            "user_id": pl.String,
            "converted_at": pl.Datetime,
            "value": pl.Float64,
            "conversion_id": pl.String,
        },
    )  # fmt: skip


def kept(engine):
    """Return hour, value and id of the conversions that count."""
    rows = engine.rows(
        "select converted_at, value, conversion_id from inputs.conversions order by all"
    )
    return [((at - TIME) / dt.timedelta(hours=1), value, key) for at, value, key in rows]


NO_ORDER = ["refund_without_order"]


@pytest.mark.parametrize(
    ("rows", "expected", "bad", "refunds"),
    [
        # A page that was loaded again.
        ([("a", 0, 9, "x"), ("a", 1, 9, "x")], [(0, 9, "x")], 1, 0),
        ([("a", 5, 7, "x"), ("a", 1, 9, "x"), ("a", 3, 9, "x")], [(1, 9, "x")], 2, 0),
        # Refunds: all of it, parts of it, before the order in the file, more than the order.
        ([("a", 0, 100, "x"), ("a", 2, -100, "x")], [(0, 0, "x")], 0, 1),
        ([("a", 0, 100, "x"), ("a", 2, -30, "x"), ("a", 3, -20, "x")], [(0, 50, "x")], 0, 2),
        ([("a", 2, -30, "x"), ("a", 0, 100, "x")], [(0, 70, "x")], 0, 1),
        ([("a", 0, -30, "x"), ("a", 2, 100, "x")], [(2, 70, "x")], 0, 1),
        ([("a", 0, 100, "x"), ("a", 1, 100, "x"), ("a", 2, -100, "x")], [(0, 0, "x")], 1, 1),
        ([("a", 0, 100, "x"), ("a", 2, -130, "x")], [(0, -30, "x")], 0, 1),
        # The value of the order is unknown, or the order is not in the data.
        ([("a", 0, None, "x"), ("a", 2, -30, "x")], [(0, None, "x")], 0, 1),
        (
            [("a", 0, 9, "y"), ("a", 0, -30, "x"), ("a", 2, -20, "x")],
            [(0, 9, "y")],
            NO_ORDER * 2,
            0,
        ),
        ([("a", 0, 9, "y"), ("a", 0, -30, "x")], [(0, 9, "y")], NO_ORDER, 0),
        ([("a", 0, 9, "y"), ("a", 0, -30, None)], [(0, 9, "y")], NO_ORDER, 0),
        # Refunds that another user or no one of several users with the id has ordered.
        ([("a", 0, 100, "x"), ("shop", 2, -30, "x")], [(0, 70, "x")], 0, 1),
        ([("a", 0, 100, "x"), ("shop", 2, -30, "x"), ("a", 3, -20, "x")], [(0, 50, "x")], 0, 2),
        (
            [("a", 0, 100, "x"), ("b", 1, 90, "x"), ("shop", 2, -30, "x")],
            [(0, 100, "x"), (1, 90, "x")],
            NO_ORDER,
            0,
        ),
        ([("a", 0, 100, "x"), ("b", 1, 90, "x"), ("b", 2, -30, "x")],
         [(0, 100, "x"), (1, 60, "x")], 0, 1),
        # Other users, other ids and no ids are other conversions.
        (
            [("a", 0, 9, "x"), ("b", 1, 9, "x"), ("a", 2, 9, "y"), ("a", 3, 9, None),
             ("a", 4, 9, "")],
            [(0, 9, "x"), (1, 9, "x"), (2, 9, "y"), (3, 9, None), (4, 9, None)],
            0,
            0,
        ),
    ],
)  # fmt: skip
def test_one_id_is_one_conversion(engine, read, rows, expected, bad, refunds):
    report = read("conversions", orders(*rows))
    assert kept(engine) == expected
    reasons = Counter(bad if isinstance(bad, list) else ["repeated_id"] * bad)
    assert report.bad == reasons
    assert (report.rows, report.refunds, report.duplicates) == (len(expected), refunds, 0)
    assert report.read == len(rows)
    assert engine.scalar("select count(*) from quarantine.conversions") == reasons.total()


@pytest.mark.parametrize(
    ("rows", "expected", "bad", "refunds"),
    [
        # A refund next to the value of its order, in either sign, and more than the order.
        ([(0, 100, "x", 30)], [(0, 70, "x")], {}, 0),
        ([(0, 100, None, -30)], [(0, 70, None)], {}, 0),
        ([(0, 100, "x", 130)], [(0, 0, "x")], {}, 0),
        ([(0, 100, "x", 0), (1, None, None, None)], [(0, 100, "x"), (1, None, None)], {}, 0),
        # A refund in a row of its own.
        ([(0, 100, "x", None), (1, None, "x", 30)], [(0, 70, "x")], {}, 1),
        ([(0, 100, "x", 10), (1, None, "x", 30)], [(0, 60, "x")], {}, 1),
        ([(0, 100, "x", None), (1, None, "y", 30)], [(0, 100, "x")],
         {"refund_without_order": 1}, 0),
        ([(0, 100, "x", None), (1, None, None, 30)], [(0, 100, "x")],
         {"refund_without_order": 1}, 0),
    ],
)  # fmt: skip
def test_refunds_may_have_a_column(engine, read, rows, expected, bad, refunds):
    table = orders(*(("a", *row[:3]) for row in rows)).with_columns(
        refund=pl.Series([row[3] for row in rows], dtype=pl.Float64)
    )
    report = read("conversions", table)
    assert kept(engine) == expected
    assert (report.bad, report.refunds, report.read) == (bad, refunds, len(rows))
    assert "refund" not in engine.columns("inputs.conversions")


def test_refunds_that_are_no_numbers_are_set_aside(read):
    table = orders(("a", 0, 9, "x"), ("a", 1, 9, "y"), ("a", 2, 9, "z"))
    report = read("conversions", table.with_columns(refund=pl.Series(["1", "one", "inf"])))
    assert report.bad == {"invalid_refund": 1, "not_finite_refund": 1}


# --- only the first conversion --------------------------------------------------------------------


def test_only_the_first_conversion_counts_where_it_is_set(engine):
    rows = orders(
        ("a", 2, 9, None), ("a", 1, 8, "x"), ("b", 3, 7, None), ("a", 3, -2, "x"), ("a", 4, 8, "x"),
    )  # fmt: skip
    leads = rows.with_columns(outcome=pl.lit("lead"))
    both = pl.concat([rows.with_columns(outcome=pl.lit("purchase")), leads])
    report = load_table(engine, "conversions", both, first_only=["lead"])
    assert report.bad == {"not_first": 1, "repeated_id": 2}
    assert (report.rows, report.refunds, report.read) == (5, 2, 10)
    assert report.bad_share == 0.2
    found = "select user_id, value from inputs.conversions where outcome = '{}' order by all"
    assert engine.rows(found.format("lead")) == [("a", 6), ("b", 7)]
    assert engine.rows(found.format("purchase")) == [("a", 6), ("a", 9), ("b", 7)]


def test_of_conversions_at_one_time_one_is_the_first(engine):
    rows = orders(("a", 1, 9, None), ("a", 1, 9, None), ("a", 1, 7, None)).drop("conversion_id")
    for keep_duplicates in (False, True):
        report = load_table(
            engine,
            "conversions",
            rows,
            first_only=["conversion"],
            keep_duplicates=keep_duplicates,
        )
        assert (report.rows, report.duplicates, report.bad) == (1, 0, {"not_first": 2})
        assert engine.scalar("select value from inputs.conversions") == 7


def test_copies_of_repeats_and_refunds_do_not_count_twice(engine, read):
    rows = [("a", 0, 100, "x"), ("a", 1, 100, "x"), ("a", 2, -30, "x")]
    report = read("conversions", orders(*rows * 2))
    assert kept(engine) == [(0, 70, "x")]
    assert (report.rows, report.bad, report.refunds, report.duplicates) == (
        1, {"repeated_id": 2}, 1, 2,
    )  # fmt: skip
    assert report.read == 6


def test_one_id_in_two_outcomes_is_two_conversions(engine, read):
    both = orders(("a", 0, 9, "x"), ("a", 1, 9, "x")).with_columns(
        outcome=pl.Series(["lead", "purchase"])
    )
    assert read("conversions", both).rows == 2


def test_a_repeat_that_cannot_be_used_does_not_count(engine, read):
    rows = orders(("a", 0, math.inf, "x"), ("a", 1, 9, "x"), (None, 2, 9, "x"))
    assert read("conversions", rows).bad == {"missing_user_id": 1, "not_finite_value": 1}
    assert kept(engine) == [(1, 9, "x")]


def test_equal_conversions_without_an_id_can_be_kept(engine):
    rows = orders(*[("a", 0, 9, None)] * 3, *[("a", 0, 9, "x")] * 2, ("b", 0, 9, None))
    once = load_table(engine, "conversions", rows)
    assert (once.rows, once.duplicates) == (3, 3)
    all_of_them = load_table(engine, "conversions", rows, keep_duplicates=True)
    assert (all_of_them.rows, all_of_them.duplicates) == (5, 1)
    assert engine.columns("inputs.conversions").keys() == {
        "user_id", "converted_at", "outcome", "value", "conversion_id",
    }  # fmt: skip


# --- declared ends --------------------------------------------------------------------------------


def test_rows_after_a_declared_end_are_set_aside(engine):
    first, second = dt.datetime(2026, 3, 1), dt.datetime(2026, 4, 1)
    touchpoints = pd.DataFrame(
        {"user_id": "u", "touched_at": [first, second, second + dt.timedelta(1)], "channel": "tv"}
    )
    conversions = pd.DataFrame(
        {
            "user_id": "u",
            "converted_at": [first, second, second + dt.timedelta(1)] * 3,
            "outcome": ["lead", "lead", "lead", "it's", "it's", "it's", None, None, None],
        }
    )
    ends = DeclaredEnds(second, first, {"it's": second})
    found = load(
        engine, {"touchpoints": touchpoints, "conversions": conversions}, now=NOW, ends=ends
    )
    assert found.counts == {
        "touchpoints": {"after_as_of": 1}, "conversions": {"after_as_of": 5},
    }  # fmt: skip
    assert found.tables["conversions"].bad_share == 0
    assert sorted(engine.rows("select outcome, count(*) from inputs.conversions group by 1")) == [
        ("conversion", 1), ("it's", 2), ("lead", 1)
    ]  # fmt: skip
    assert engine.scalar("select max(touched_at) from inputs.touchpoints") == second


def test_a_declared_end_in_the_future_is_refused(read, touchpoints):
    with pytest.raises(InputError, match="as_of = 2026-07-02 00:00:00 is in the future"):
        read("touchpoints", touchpoints, ends=DeclaredEnds(None, dt.datetime(2026, 7, 2)))


def test_nothing_before_a_declared_end_is_an_error(read, touchpoints):
    with pytest.raises(InputError, match="later than the declared as_of; raise as_of"):
        read("touchpoints", touchpoints, ends=DeclaredEnds(dt.datetime(2020, 1, 1)))
