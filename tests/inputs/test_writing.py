"""Rows are checked, counted and stored."""

import pandas as pd
import polars as pl

from tests.helpers.input_rows import TIME, booked, bought, row

HEADER = "user_id,touched_at,channel\n"


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


def test_raw_is_kept_on_request_only(engine, read):
    frame = pl.DataFrame([row(), row(user_id=None)])
    for keep_raw in (True, False, True):
        read("touchpoints", frame, keep_raw=keep_raw)
        assert engine.exists("raw.touchpoints") == keep_raw
    assert engine.scalar("select count(*) from raw.touchpoints") == 2


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
