"""Fuzzed files and settings: no traceback and no lost row; hostile names stay as they are."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from rich.console import Console

from lydite import compare, pipeline
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.inputs import LoadOptions, load_table
from lydite.reporting.terminal import print_comparison
from lydite.settings import load_settings, parse_settings
from tests.helpers.examples import examples

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 7, 1)
COLUMNS = {
    "touchpoints": ["user_id", "touched_at", "channel", "campaign", "interaction", "cost",
                    "touchpoint_id", "source", "medium", "referrer", "other"],
    "conversions": ["user_id", "converted_at", "outcome", "value", "conversion_id", "currency"],
    "spend": ["date", "channel", "campaign", "cost", "source", "medium"],
    "users": ["user_id", "account_id", "country", "reason"],
    "identities": ["anonymous_id", "user_id", "seen_at"],
}  # fmt: skip
REQUIRED = {
    "touchpoints": 3, "conversions": 2, "spend": 2, "users": 1, "identities": 3,
}  # fmt: skip
HOSTILE = [
    "", " ", "'", '"', '""', "a,b", "a;b", "x\ny", "x\r\ny", "\t", "\\", "\\N", "NULL", "null",
    "nan", "inf", "-0", "1e400", "1,5", "1.234,50", "€ 5", "(7)", "0x10", "2026-03-01",
    "2026-03-01T09:30Z", "2026-03-01 09:30", "2026-3-1 9:05",
    "20260301", "1772357400", "1772357400000", "2026-02-30",
    "9999-12-31", "01/02/2026", "infinity", "<script>alert(1)</script>", "&amp;", "\u202eabc", "é",
    "🙂", "\u200b", "\ufeff", "{{ x }}", "$now", "%s", "'; drop table inputs.users; --", "=1+1",
    "a" * 10_000, "click", "impression", "google", "cpc", "https://a.example/?gclid=x",
]  # fmt: skip
cells = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8))
tables = st.sampled_from(list(COLUMNS))


@st.composite
def rows_of_tables(draw: st.DrawFn) -> tuple[str, list[str], list[list[str]]]:
    """Draw a table, a header with its required columns, and rows."""
    table = draw(tables)
    names = COLUMNS[table]
    header = names[: REQUIRED[table]] + draw(
        st.lists(st.sampled_from(names[REQUIRED[table] :] or names[:1]), unique=True)
    )
    header = draw(st.permutations(list(dict.fromkeys(header))))
    rows = draw(st.lists(st.lists(cells, min_size=len(header), max_size=len(header)), max_size=8))
    return table, header, rows


def load(path: Path, table: str) -> int | None:
    """Load a file; check that no row is lost, and return how many were read; None if refused."""
    with DuckDBEngine(threads=1) as engine:
        try:
            report = load_table(engine, table, str(path), LoadOptions(now=NOW))
        except InputError as error:
            assert str(error)
            return None
        pipeline.write_report(engine, [report])
        counts = pipeline.count_rows(engine, table)
        assert counts.add_up, counts
        return report.read


# --- CSV ------------------------------------------------------------------------------------------


def csv_is_counted(folder: Path, given_rows: tuple[str, list[str], list[list[str]]]) -> None:
    """Check that a well-formed CSV file has as many rows as were written."""
    table, header, rows = given_rows
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([header, *rows])
    path = folder / "t.csv"
    path.write_bytes(text.getvalue().encode("utf-8", "replace"))
    read = load(path, table)
    assert read in {None, len(rows)}


def damaged_csv_is_read_or_refused(
    folder: Path,
    given_rows: tuple[str, list[str], list[list[str]]],
    cuts: list[tuple[float, bytes]],
) -> None:
    """Check that a CSV file with bytes written over it is read or refused."""
    table, header, rows = given_rows
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    content = text.getvalue().encode("utf-8", "replace")
    for place, damage in cuts:
        start = int(place * len(content))
        content = content[:start] + damage + content[start + len(damage) // 2 :]
    path = folder / "t.csv"
    path.write_bytes(content)
    load(path, table)


damages = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.one_of(
            st.binary(min_size=1, max_size=4),
            st.sampled_from([b'"', b"\n", b",", b"\r", b'"\n"', b";", b"\x00", b"\xff", b"\n\n"]),
        ),
    ),
    min_size=1,
    max_size=4,
)


@examples(40, suppress_health_check=list(HealthCheck))
@given(rows_of_tables())
def test_every_row_of_a_csv_file_is_counted(tmp_path, given_rows):
    csv_is_counted(tmp_path, given_rows)


@pytest.mark.slow
@examples(2000, suppress_health_check=list(HealthCheck))
@given(rows_of_tables())
def test_every_row_of_many_csv_files_is_counted(tmp_path, given_rows):
    csv_is_counted(tmp_path, given_rows)


@examples(40, suppress_health_check=list(HealthCheck))
@given(rows_of_tables(), damages)
def test_a_damaged_csv_file_is_read_or_refused(tmp_path, given_rows, cuts):
    damaged_csv_is_read_or_refused(tmp_path, given_rows, cuts)


@pytest.mark.slow
@examples(2000, suppress_health_check=list(HealthCheck))
@given(rows_of_tables(), damages)
def test_many_damaged_csv_files_are_read_or_refused(tmp_path, given_rows, cuts):
    damaged_csv_is_read_or_refused(tmp_path, given_rows, cuts)


# --- JSON -----------------------------------------------------------------------------------------

values = st.recursive(
    st.one_of(cells, st.none(), st.booleans(), st.integers(), st.floats()),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner,
                                                                max_size=2),
    max_leaves=3,
)  # fmt: skip


def json_is_counted(folder: Path, table: str, rows: list[list[object]], damage: str) -> None:
    """Check that JSON lines are all counted, and that damaged ones are read or refused."""
    names = COLUMNS[table]
    lines = [json.dumps(dict(zip(names, row, strict=False))) for row in rows]
    path = folder / "t.jsonl"
    path.write_text("\n".join(lines) + damage, encoding="utf-8")
    read = load(path, table)
    if not damage:
        assert read in {None, len(rows)}


json_rows = st.lists(st.lists(values, min_size=3, max_size=6), max_size=6)


@examples(40, suppress_health_check=list(HealthCheck))
@given(tables, json_rows, st.sampled_from(["", "", "{", "\n[1]", "\nnull", "\n{}", "x", "]"]))
def test_json_is_counted_or_refused(tmp_path, table, rows, damage):
    json_is_counted(tmp_path, table, rows, damage)


@pytest.mark.slow
@examples(2000, suppress_health_check=list(HealthCheck))
@given(tables, json_rows, st.one_of(st.just(""), st.text(max_size=5)))
def test_much_json_is_counted_or_refused(tmp_path, table, rows, damage):
    json_is_counted(tmp_path, table, rows, damage)


# --- settings -------------------------------------------------------------------------------------

KEYS = [
    "sources", "touchpoints", "conversions", "timezone", "quality", "rules", "bursts", "severity",
    "threshold", "evaluation", "lookback", "lookback_by_interaction", "impression",
    "click_priority", "period", "alpha", "as_of", "outcomes", "lead", "models", "name", "rule",
    "engine", "channels", "direct", "accept", "currency", "people", "x",
]  # fmt: skip
trees = st.recursive(
    st.one_of(st.sampled_from(["30d", "week", "warn", "Europe/Berlin", "t.csv", "${X}", "linear"]),
              st.text(max_size=5), st.integers(), st.floats(), st.booleans(), st.none(),
              st.datetimes(), st.dates()),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


def settings_are_read_or_refused(tree: object) -> None:
    """Check that settings are valid, or refused with a message."""
    base = {"sources": {"touchpoints": "t.csv", "conversions": "c.csv"}}
    given_values = {**base, **tree} if isinstance(tree, dict) else tree
    try:
        parsed = parse_settings(given_values, "here")
    except InputError as error:
        assert str(error).startswith("here")
        return
    outcomes = [*parsed.outcomes, "lead"]
    assert set(parsed.lookbacks(outcomes)) <= set(outcomes)
    parsed.path_options(outcomes)
    parsed.completeness(outcomes)


@examples(150)
@given(trees)
def test_settings_are_read_or_refused(tree):
    settings_are_read_or_refused(tree)


@pytest.mark.slow
@examples(4000)
@given(trees)
def test_many_settings_are_read_or_refused(tree):
    settings_are_read_or_refused(tree)


@examples(60, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=60))
def test_a_damaged_settings_file_is_read_or_refused(tmp_path, damage):
    text = b'[sources]\ntouchpoints = "t.csv"\nconversions = "c.csv"\n[evaluation]\nseed = 7\n'
    path = tmp_path / "lydite.toml"
    path.write_bytes(text[: len(damage)] + damage + text[len(damage) :])
    try:
        load_settings(path)
    except InputError as error:
        assert str(error)


# --- hostile names --------------------------------------------------------------------------------

NAMES = [
    "<script>alert(1)</script>", "a'b\"c", "x\ny", "\u202egnp.exe", "long " + "n" * 10_000,
    "&amp; {{ x }}", "'; drop table mart.evidence; --", "</td></table>", "$now %s \\", "🙂 é",
]  # fmt: skip


def test_hostile_names_pass_unharmed_to_tables_and_report(tmp_path):
    start = datetime(2026, 1, 1)
    touches, conversions = [], []
    for n in range(1500):
        when = start + timedelta(hours=1.3 * n)
        for k in range(1 + n % 3):
            name = NAMES[(n + k) % len(NAMES)]
            touches.append((f"{name} {n}", when + timedelta(hours=k), name, name))
        if n % 3 == 0:
            user = f"{NAMES[n % len(NAMES)]} {n}"
            conversions.append((user, when + timedelta(hours=5), NAMES[0]))
    touchpoints = pl.DataFrame(
        touches, schema=["user_id", "touched_at", "channel", "campaign"], orient="row"
    )
    result = compare(
        touchpoints,
        pl.DataFrame(conversions, schema=["user_id", "converted_at", "outcome"], orient="row"),
        lookback="2d",
        models=["linear", "last_touch"],
    )
    assert set(result.credit["channel"]) - {"(unattributed)"} == set(NAMES)
    daily = result.marts["credit_daily"]
    assert set(daily["campaign"].drop_nulls()) == set(NAMES)
    assert daily.filter(pl.col("model") == "linear")["conversions"].sum() == pytest.approx(500)
    result.to_html(tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in html
    assert "</td></table>," not in html
    assert "\u202e" not in html
    console = Console(file=StringIO(), width=100)
    print_comparison(result, console)
    assert "\u202e" not in console.file.getvalue()
    json.dumps(result.to_dict())
