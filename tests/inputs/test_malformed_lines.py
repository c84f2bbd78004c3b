"""Tests of CSV lines that cannot be read: they are set aside with their text and counted."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pytest

from lydite import credit
from lydite.inputs import malformed_lines

HEADER = "user_id,touched_at,channel\n"
ROW = "u1,2026-03-01T09:30:00Z,search\n"
SHORT = "u2,2026-03-01T09:30:00Z\n"
LONG = "u2,2026-03-01T09:30:00Z,a,b\n"


def lines(engine) -> list[tuple[object, ...]]:
    """Return table, name of the file, line and text of all malformed lines."""
    rows = engine.rows(f"select table_name, file, line, text from {malformed_lines.TABLE}")
    return [(table, str(file).rpartition("/")[2], *others) for table, file, *others in rows]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (SHORT, "Expected Number of Columns: 3 Found: 2"),
        (LONG, "Expected Number of Columns: 3 Found: 4"),
        ('u2,2026-03-01T09:30:00Z,"a"b"\n', "unterminated quote"),
        ("\n" + SHORT, "Found: 2"),
        ("été, \u202e <b>\n", "Found: 2"),
        ("x" * 10_000 + "\n", "Found: 1"),
    ],
)
def test_a_malformed_line_is_set_aside_with_its_text(engine, read, write, line, problem):
    report = read("touchpoints", write("t.csv", HEADER + ROW + line + ROW))
    assert (report.rows, report.bad, report.read) == (2, {"malformed_line": 1}, 3)
    [(table, file, number, text)] = lines(engine)
    assert (table, file, text) == ("touchpoints", "t.csv", line.strip("\n"))
    assert number in {3, 4}  # a blank line before it is counted with it or not
    assert problem in engine.scalar(f"select problem from {malformed_lines.TABLE}")


def test_quoted_cells_may_have_line_ends_delimiters_and_quotes(engine, read, write):
    good = 'u3,2026-03-01T09:30:00Z,"a ""b"",\nc"\n'
    report = read("touchpoints", write("t.csv", HEADER + good + SHORT + good))
    assert (report.rows, report.bad) == (2, {"malformed_line": 1})
    assert engine.rows("select distinct channel from inputs.touchpoints") == [('a "b",\nc',)]


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.zst"])
def test_lines_of_compressed_files(engine, read, write, name):
    text = (HEADER + ROW * 3000 + SHORT + ROW * 3000).encode()
    if name.endswith("gz"):
        path = write(name, gzip.compress(text))
    else:
        stream = pa.BufferOutputStream()
        with pa.CompressedOutputStream(stream, "zstd") as compressed:
            compressed.write(text)
        path = write(name, stream.getvalue().to_pybytes())
    assert read("touchpoints", path).bad == {"malformed_line": 1}
    assert lines(engine) == [("touchpoints", name, 3002, SHORT.strip())]


def test_lines_of_files_with_different_columns(engine, read, write, tmp_path):
    write("a.csv", HEADER + ROW + LONG + ROW)
    write("b.csv", "Channel;cost;USER_ID;touched_at\nmail;2;u2;2026-03-01T09:30Z\nmail;3\n")
    write("c.csv", HEADER + ROW)
    report = read("touchpoints", tmp_path / "*.csv")
    assert (report.rows, report.bad) == (4, {"malformed_line": 2})
    assert lines(engine) == [
        ("touchpoints", "a.csv", 3, LONG.strip()),
        ("touchpoints", "b.csv", 3, "mail;3"),
    ]


def test_one_line_with_several_problems_counts_once(engine, read, write):
    wide = "u2,2026-03-01T09:30:00Z,a,b,c,d,e\n"
    assert read("touchpoints", write("t.csv", HEADER + ROW + wide)).bad == {"malformed_line": 1}
    assert len(lines(engine)) == 1


def test_each_load_replaces_the_lines_of_its_table(engine, read, write):
    read("touchpoints", write("t.csv", HEADER + ROW + SHORT))
    read("spend", write("s.csv", "date,channel,cost\n2026-03-01,tv,1\n2026-03-01\n"))
    assert [table for table, *_ in lines(engine)] == ["touchpoints", "spend"]
    read("touchpoints", write("t.csv", HEADER + ROW))
    assert [table for table, *_ in lines(engine)] == ["spend"]


def test_a_file_of_mostly_malformed_lines_is_refused_and_named(refused, write, tmp_path):
    write("a.csv", HEADER + ROW * 9)
    bad = write("b.csv", HEADER + ROW + SHORT * 2)
    refused(tmp_path / "*.csv", f"{bad}: 2 of its 3 lines are malformed", "Line: 3", "Found: 2")


def test_a_quote_that_takes_other_lines_with_it_is_refused(refused, write):
    text = HEADER + ROW * 5 + 'u2,2026-03-01T09:30:00Z,"a\n' + ROW * 5
    refused(write("t.csv", text), "unterminated quote", "Line: 7", "Correct that line")


def test_another_encoding_is_refused(refused, write):
    text = (HEADER + ROW * 5 + "u2,2026-03-01T09:30:00Z,été\n" + SHORT).encode("latin-1")
    refused(write("t.csv", text), "not UTF-8", "iconv")


def test_malformed_lines_are_reported_with_the_result(write):
    path = write("t.csv", HEADER + ROW * 3 + SHORT)
    conversions = write("c.csv", "user_id,converted_at\nu1,2026-03-02T09:30:00Z\n")
    found = credit(touchpoints=path, conversions=conversions, models=["linear"], intervals=False)
    assert found.quarantined == {"touchpoints": {"malformed_line": 1}}
