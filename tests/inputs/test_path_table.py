"""Path tables: which sources, columns, steps and numbers are read or refused."""

from __future__ import annotations

import decimal
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lydite.engine import DuckDBEngine
from lydite.inputs.path_rows import MAX_COUNT
from lydite.inputs.path_table import SPELLINGS
from tests.helpers.path_tables import assert_refused, assert_same, paths_in, read_paths, totals

REPO_ROOT = Path(__file__).parents[2]
REFERENCE = REPO_ROOT.parent / "shared" / "reference"


@pytest.fixture(scope="module")
def engine():
    with DuckDBEngine(threads=1) as engine:
        yield engine


@pytest.fixture(scope="module")
def read(engine):
    return partial(read_paths, engine)


@pytest.fixture(scope="module")
def refused(engine):
    return partial(assert_refused, engine)


# --- reference ----------------------------------------------------------------------------------


def reference(name):
    path = REFERENCE / name
    if not path.exists():
        pytest.skip(f"the reference data {name} are not in the folder next to the repository")
    return path


def test_the_dense_reference_has_its_totals(read):
    table = read(reference("path_table.csv.gz"))
    assert (table.conversions.sum(), table.nulls.sum()) == (19_785, 68_602)
    assert table.value.sum() == pytest.approx(74_802.97, abs=0.005)
    assert len(table.channels) == 12
    assert (table.has_value, table.has_nulls, table.without_journeys) == (True, True, 0)
    last = table.channel[table.start + table.length - 1]
    assert np.bincount(last, table.conversions)[table.channels.index("alpha")] == 8447


def test_the_sparse_reference_has_its_totals(read):
    table = read(reference("sparse_path_table.csv"))
    assert (table.conversions.sum(), table.nulls.sum()) == (1_983, 266_697)
    assert (len(table), sorted(table.channels)) == (758, list("ABCDEFGHIJK"))
    assert (table.has_value, table.has_nulls) == (False, True)


# --- sources and columns ------------------------------------------------------------------------

FRAME = pl.DataFrame(
    {"path": ["a > b", "b"], "conversions": [2, 0], "value": [1.5, None], "nulls": [1, 3]}
)
EXPECTED = {("b",): (0, 0.0, 3), ("a", "b"): (2, 1.5, 1)}


@pytest.mark.parametrize("kind", ["parquet", "csv", "json", "ndjson", "sql", "glob"])
def test_files_of_every_kind(read, tmp_path, kind):
    file = tmp_path / f"p.{kind}"
    match kind:
        case "parquet":
            FRAME.write_parquet(file)
        case "csv":
            FRAME.write_csv(file)
        case "json":
            FRAME.write_json(file)
        case "ndjson":
            FRAME.write_ndjson(file)
        case "sql":
            FRAME.write_parquet(tmp_path / "p.parquet")
            file.write_text(
                "select path, sum(conversions) as conv, sum(value) as value, sum(nulls) as nulls"
                f" from '{tmp_path}/p.parquet' group by path"
            )
        case "glob":
            FRAME[:1].write_csv(tmp_path / "1.csv")
            FRAME[1:].write_csv(tmp_path / "2.csv")
            file = tmp_path / "*.csv"
    assert totals(read(file)) == EXPECTED
    assert str(file) in read(str(file)).place


@pytest.mark.parametrize(
    "frame",
    [
        FRAME,
        FRAME.lazy(),
        FRAME.to_pandas(),
        FRAME.to_pandas().astype(object),
        FRAME.to_pandas().astype({"path": "category", "conversions": "float64"}),
        FRAME.to_arrow(),
        FRAME.with_columns(pl.col("path").cast(pl.Categorical)),
        FRAME.with_columns(pl.col("conversions", "nulls").cast(pl.Float32)),
        FRAME.with_columns(pl.col("conversions").cast(pl.Decimal(20, 3))),
        FRAME.with_columns(pl.col("conversions").cast(pl.UInt64)),
        FRAME.with_columns(pl.col("conversions", "value", "nulls").cast(pl.String)),
    ],
    ids=str,
)
def test_frames_of_every_kind(read, frame):
    assert totals(read(frame)) == EXPECTED


@pytest.mark.parametrize(
    ("column", "spelling"), [(c, s) for c, names in SPELLINGS.items() for s in names]
)
def test_every_spelling_in_any_case(read, column, spelling):
    named = FRAME.rename({column: f" {spelling.upper()} "}).with_columns(other=pl.lit("x"))
    assert_same(read(named), read(FRAME), but=["notes"])


def test_value_and_nulls_may_be_absent(read):
    table = read(FRAME.select("path", "conversions"))
    assert totals(table) == {("a", "b"): (2, 0.0, 0)}
    assert (table.has_value, table.has_nulls) == (False, False)
    assert table.without_journeys == 1
    assert table.channels == ("a", "b")


def test_two_columns_with_names_of_one_column(refused):
    refused(
        FRAME.with_columns(Total_Null=pl.lit(1)),
        "2 of its columns are names of 'nulls', 'nulls', 'Total_Null'",
        "it has 'path', 'conversions', 'value', 'nulls', 'Total_Null'",
        "Drop or rename all but one",
    )


@pytest.mark.parametrize("column", ["path", "conversions"])
def test_a_column_that_is_missing(refused, column):
    refused(
        FRAME.rename({column: "x"}),
        f"lacks the required column {column!r} (or {SPELLINGS[column][1]}",
        "it has ",
        "'x'",
        "Rename the column",
    )


@pytest.mark.parametrize("source", [FRAME[:0], pl.DataFrame(), None])
def test_no_rows(refused, source):
    refused(source, "is empty, it has no rows", "Check the export")


def test_a_file_that_is_not_parquet(refused, tmp_path):
    (tmp_path / "p.parquet").write_bytes(b"nothing")
    refused(tmp_path / "p.parquet", "p.parquet", "cannot be read", "write it again")


def test_a_damaged_file(refused, tmp_path):
    file = tmp_path / "p.parquet"
    pl.DataFrame({"path": ["abc" * 50] * 1000, "conversions": range(1000)}).write_parquet(
        file, compression="uncompressed"
    )
    content = bytearray(file.read_bytes())
    content[4:60] = b"\xff" * 56
    file.write_bytes(content)
    refused(file, "p.parquet", "cannot be read", "write it again")


def test_no_journeys_at_all(refused):
    refused([("a", 0, 0.0, 0), ("b", 0, 0.0, 0)], "no journey took any of its 2 paths", "Check")


def test_no_conversions_are_allowed(read):
    assert totals(read([("a", 0, 0.0, 2)])) == {("a",): (0, 0.0, 2)}


def test_no_table_stays_in_the_engine(read, engine, tmp_path):
    FRAME.write_csv(tmp_path / "p.csv")
    read(tmp_path / "p.csv")
    assert engine.rows("show all tables") == []


# --- steps --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "paths"),
    [
        (["a > b"], [("a", "b")]),
        (["a>b", "b >a", "c"], [("a", "b"), ("b", "a"), ("c",)]),
        (["a > b", "c>d"], [("a", "b"), ("c>d",)]),
        (["a > b>c >d"], [("a", "b>c >d")]),
        (["  a  >  b\t", "\u00a0a > b"], [("a", "b")]),
        (["a\t>\tb"], [("a", "b")]),
        (["a>b>a>a"], [("a", "b", "a", "a")]),
        (["a|b > c,d > e->f > g;h"], [("a|b", "c,d", "e->f", "g;h")]),
        (["é > e\u0301 > É"], [("é", "e\u0301", "É")]),
        (["👩\u200d💻 > שלום > مرحبا"], [("👩\u200d💻", "שלום", "مرحبا")]),
        (["a\x01b > \x1f > \u200bz\u202e"], [("a\x01b", "\x1f", "\u200bz\u202e")]),
        (['"q" > it\'s > \\n > a\nb > %s > null'], [('"q"', "it's", "\\n", "a\nb", "%s", "null")]),
        (["paid search > paid  search"], [("paid search", "paid  search")]),
    ],
    ids=str,
)
def test_paths_are_split(read, tmp_path, texts, paths):
    frame = pl.DataFrame({"path": texts, "conversions": [1] * len(texts)})
    assert set(paths_in(read(frame))) == set(paths)
    frame.write_csv(tmp_path / "p.csv")
    assert_same(read(tmp_path / "p.csv"), read(frame))


def test_paths_may_be_whole_numbers(read):
    assert read(pa.table({"path": [7, 8], "conversions": [2, 1]})).channels == ("7", "8")


@pytest.mark.parametrize("other", ["x > y", "x>y"])
@pytest.mark.parametrize(
    "path",
    [
        "",
        " ",
        ">",
        " > ",
        "a > ",
        " > a",
        "> a",
        "a >",
        "a > > b",
        "a > > > b",
        "a >  > b",
        "a > \t> b",
    ],
)
def test_an_empty_step(refused, path, other):
    rows = [(other, 1), ("b", 1), (path, 1)]
    refused(
        rows, "row 3", f"the path {path!r} has an empty step", "Name every step", "drop the row"
    )


@pytest.mark.parametrize("path", ["a>>b", ">a", "a>", "a> >b"])
def test_an_empty_step_without_blanks(refused, path):
    refused([("x>y", 1), (path, 0)], "row 2", repr(path), "an empty step")


def test_a_missing_path(refused):
    refused([("a", 1), (None, 1)], "row 2", "path is missing", "Fill it")


@pytest.mark.parametrize(
    "paths",
    [
        pl.Series([[["a", "b"]]]),
        pl.Series([[{"channel": "a"}]]),
        pl.Series([1.5]),
        pl.Series([b"a"]),
        pl.Series([True]),
    ],
)
def test_paths_that_are_not_text(refused, paths):
    refused(
        pl.DataFrame({"path": paths, "conversions": [1]}),
        "column 'path' has the type",
        "such as",
        "joined by ' > '",
    )


@given(
    st.lists(
        st.lists(
            st.text(
                st.characters(blacklist_categories=["Cs", "Z"], blacklist_characters="\0"),
                min_size=1,
            ).filter(lambda name: name.strip(" \t\n\v\f\r\ufeff") == name and name != ">"),
            min_size=2,
            max_size=5,
        ),
        min_size=1,
        max_size=8,
    )
)
def test_names_are_read_unchanged(read, steps):
    names = {name for path in steps for name in path}
    # A name such as '0:0' looks like two steps where '0' is a channel too, and is refused.
    assume(not any(name != other and other in name for name in names for other in names))
    texts = [" > ".join(path) for path in steps]
    table = read(pl.DataFrame({"path": texts, "conversions": [1] * len(texts)}))
    assert set(paths_in(table)) == {tuple(path) for path in steps}
    assert table.conversions.sum() == len(steps)


LISTS = [["a", "b"], ["b"], ["a", "b"]]


@pytest.mark.parametrize(
    "paths",
    [
        pd.Series(LISTS),
        pd.Series([tuple(path) for path in LISTS]),
        pd.Series([np.array(path) for path in LISTS]),
        pd.Series([pd.Series(path) for path in LISTS]),
        pd.Series(LISTS, dtype=pd.ArrowDtype(pa.list_(pa.string()))),
    ],
    ids=["list", "tuple", "array", "series", "arrow"],
)
def test_list_columns_of_pandas(read, paths):
    table = read(pd.DataFrame({"path": paths, "conversions": [1, 2, 3]}))
    assert totals(table) == {("b",): (2, 0.0, 0), ("a", "b"): (4, 0.0, 0)}


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.string()),
        pa.large_list(pa.large_string()),
        pa.list_(pa.dictionary(pa.int32(), pa.string())),
    ],
    ids=str,
)
def test_list_columns_of_arrow(read, tmp_path, kind):
    table = pa.table({"path": pa.array(LISTS, type=kind), "conversions": [1, 2, 3]})
    assert totals(read(table)) == {("b",): (2, 0.0, 0), ("a", "b"): (4, 0.0, 0)}
    pq.write_table(table, tmp_path / "p.parquet")
    assert_same(read(tmp_path / "p.parquet"), read(table))


def test_list_columns_of_polars(read, tmp_path):
    frame = pl.DataFrame({"path": LISTS, "conversions": [1, 2, 3]})
    expected = {("b",): (2, 0.0, 0), ("a", "b"): (4, 0.0, 0)}
    assert totals(read(frame)) == expected
    categories = frame.with_columns(pl.col("path").cast(pl.List(pl.Categorical)))
    assert totals(read(categories)) == expected
    same_size = pl.DataFrame(
        {"path": [["a", "b"], ["b", "b"]], "conversions": [1, 2]},
        schema_overrides={"path": pl.Array(pl.String, 2)},
    )
    assert totals(read(same_size)) == {("a", "b"): (1, 0.0, 0), ("b", "b"): (2, 0.0, 0)}
    frame.write_ndjson(tmp_path / "p.ndjson")
    assert totals(read(tmp_path / "p.ndjson")) == expected
    numbers = pl.DataFrame({"path": [[1, 2], [2]], "conversions": [1, 2]})
    assert totals(read(numbers)) == {("2",): (2, 0.0, 0), ("1", "2"): (1, 0.0, 0)}


def test_missing_and_empty_lists(refused):
    refused(pl.DataFrame({"path": [["a"], []], "conversions": [1, 1]}), "row 2", "no step")
    refused(pl.DataFrame({"path": [["a"], ["a", None]], "conversions": [1, 1]}), "an empty step")
    refused(pl.DataFrame({"path": [["a"], None], "conversions": [1, 1]}), "the path is missing")


# --- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "count"),
    [
        (5, 5), (5.0, 5), ("5", 5), (" 5 ", 5), ("5.0", 5), ("1e3", 1000), (0, 0), ("-0", 0),
        (decimal.Decimal(7), 7), (2**31 + 1, 2**31 + 1), (MAX_COUNT, MAX_COUNT),
        (float(MAX_COUNT), MAX_COUNT), (str(MAX_COUNT), MAX_COUNT),
    ],
)  # fmt: skip
@pytest.mark.parametrize("column", ["conversions", "nulls"])
def test_counts_in_every_form(read, given_, count, column):
    frame = {"path": ["a"], "conversions": [1], "nulls": [1]} | {column: [given_]}
    (found,) = totals(read(pl.DataFrame(frame))).values()
    assert dict(zip(("conversions", "value", "nulls"), found, strict=True))[column] == count


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (-1, "'-1' is below zero"),
        (-2.5, "'-2.5' is below zero"),
        ("-3", "'-3' is below zero"),
        (1.5, "'1.5' is not a whole number"),
        ("0.25", "'0.25' is not a whole number"),
        (MAX_COUNT + 1, f"'{MAX_COUNT + 1}' is above 2^53"),
        (str(MAX_COUNT + 1), f"'{MAX_COUNT + 1}' is above 2^53"),
        (1e300, "'1e+300' is above 2^53"),
        ("1e40", "'1e40' is above 2^53"),
        (float("inf"), "'inf' is not a count"),
        ("many", "'many' is not a number"),
        ("1,000", "'1,000' is not a number"),
        ("NA", "'NA' is not a number"),
    ],
)
@pytest.mark.parametrize("column", ["conversions", "nulls"])
def test_invalid_counts(refused, number, fault, column):
    one = number / number if isinstance(number, float) and number < 1e308 else type(number)(1)
    other = {"conversions": "nulls", "nulls": "conversions"}[column]
    frame = pl.DataFrame({"path": ["a", "b"], column: [one, number], other: [1, 1]}, strict=False)
    refused(frame, f"row 2: {column} {fault}", f"from 0 to 2^53 ({MAX_COUNT})")


@pytest.mark.parametrize("nothing", [None, float("nan"), "", " ", "nan"])
def test_missing_numbers(read, refused, nothing):
    kind = type(nothing) if nothing is not None else float
    gap = [kind(1), nothing]
    refused(
        pl.DataFrame({"path": ["a", "b"], "total_conversions": gap}, strict=False),
        "row 2: total_conversions is missing",
        "Write a whole number",
    )
    table = read(
        pl.DataFrame({"path": ["a", "b"], "conv": [1, 1], "null": gap, "value": gap}, strict=False)
    )
    assert totals(table) == {("a",): (1, 1.0, 1), ("b",): (1, 0.0, 0)}


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (float("inf"), "'inf' is not finite"),
        ("-inf", "'-inf' is not finite"),
        ("much", "'much' is not a number"),
        ("1,5", "'1,5' is not a number"),
    ],
)
def test_invalid_values(refused, number, fault):
    frame = pl.DataFrame(
        {"path": ["a", "b"], "conversions": [1, 1], "Revenue": [type(number)(1), number]}
    )
    refused(frame, f"row 2: Revenue {fault}", "Write it as digits", "leave it empty")


def test_values_may_be_negative(read):
    assert read([("a", 1, -2.5)]).value.tolist() == [-2.5]


@pytest.mark.parametrize("column", ["conversions", "value", "nulls"])
def test_columns_that_are_not_numbers(refused, column):
    frame = FRAME.with_columns(pl.lit(True).alias(column))
    refused(frame, f"column {column!r} has the type BOOLEAN (such as true)", "Cast it")


def test_a_column_without_values_has_no_example(refused):
    frame = FRAME.with_columns(value=pl.lit(None, dtype=pl.Date))
    refused(frame, "column 'value' has the type DATE, which is not a number")


def test_the_row_is_counted_over_all_rows_of_a_file(refused, tmp_path):
    lines = ["path,conversions", *("a > b,1" for _ in range(9_999)), "a > c,-1"]
    (tmp_path / "p.csv").write_text("\n".join(lines))
    refused(tmp_path / "p.csv", tmp_path / "p.csv", "row 10000", "'-1'")


def test_pandas_gaps_are_missing(read):
    frame = pd.DataFrame({"path": ["a", "b"], "conversions": [1, 2], "nulls": [np.nan, 4]})
    assert totals(read(frame)) == {("a",): (1, 0.0, 0), ("b",): (2, 0.0, 4)}


# --- all journeys, and columns that are not used ------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["path_count", "Path Count", "PATHCOUNT", "total", "Journeys", "count", "paths", "n_paths"],
)
def test_a_count_of_all_journeys_gives_the_nulls(read, name):
    table = read(pl.DataFrame({"path": ["a > b", "b"], "conversion": [2, 0], name: [5, 3]}))
    assert totals(table) == {("b",): (0, 0.0, 3), ("a", "b"): (2, 0.0, 3)}
    assert (table.has_nulls, table.notes) == (True, ())


def test_a_count_of_all_journeys_that_is_too_small(refused):
    frame = pl.DataFrame({"path": ["a", "b"], "conversions": [2, 4], "total": [5, 3]})
    refused(frame, "row 2", "total 3 is smaller than conversions 4", "rename it to 'nulls'")
    refused(frame.with_columns(total=pl.Series([5, None])), "row 2: total is missing")
    refused(frame.with_columns(total=pl.Series([5.0, 4.5])), "row 2", "'4.5' is not a whole number")
    refused(frame.with_columns(count=9), "2 of its columns", "'total', 'count'")


def test_nulls_count_before_a_count_of_all_journeys(read):
    frame = pl.DataFrame({"path": ["a"], "conversions": [2], "nulls": [7], "Path_Count": [5]})
    table = read(frame)
    assert table.nulls.tolist() == [7]
    ((kind, text),) = table.notes
    assert kind == "unused_column"
    assert text.startswith("the column 'Path_Count' is not used: 'nulls' already counts")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("region", ""),
        ("not_converted", "rename it to 'nulls'"),
        ("Non-Converting", "rename it to 'nulls'"),
        ("order_value", "rename it to 'value'"),
        ("gross revenue", "rename it to 'value'"),
        ("revenu", "rename it to 'value'"),
        ("sessions", "rename it to 'journeys'"),
        ("user_count", "rename it to 'journeys'"),
        ("jorneys", "rename it to 'journeys'"),
    ],
)
def test_columns_that_are_not_used_are_named(read, name, hint):
    table = read(pl.DataFrame({"path": ["a"], "conversions": [2], name: [7]}))
    ((kind, text),) = table.notes
    assert kind == "unused_column"
    assert text.startswith(f"the column {name!r} is not used")
    assert text.endswith(hint or "is not used")
    assert table.nulls.tolist() == [0]


def test_every_unused_column_is_named_without_a_hint_at_known_ones(read):
    frame = FRAME.with_columns(pl.lit("x").alias("note"), pl.lit(1).alias("sessions"))
    texts = [text for _, text in read(frame).notes]
    assert texts == ["the column 'note' is not used", "the column 'sessions' is not used"]
