"""Tables of paths: what is read, what is refused, and what must not matter."""

from __future__ import annotations

import dataclasses
import decimal
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.inputs.path_rows import MAX_COUNT, starts
from lydite.inputs.path_table import SPELLINGS, read_path_table

REPO_ROOT = Path(__file__).parents[2]
REFERENCE = REPO_ROOT.parent / "shared" / "reference"


@pytest.fixture(scope="module")
def engine():
    with DuckDBEngine(threads=1) as engine:
        yield engine


@pytest.fixture(scope="module")
def read(engine):
    """Read a source, or rows of path, conversions and, where given, value and nulls."""

    def read(source):
        if isinstance(source, list):
            columns = ["path", "conversions", "value", "nulls"][: len(source[0])]
            source = pl.DataFrame(source, schema=columns, orient="row", strict=False)
        return read_path_table(engine, source)

    return read


@pytest.fixture
def refused(read):
    """Read what is refused; check that the message has all the parts, in one line."""

    def refused(source, *parts):
        with pytest.raises(InputError) as caught:
            read(source)
        message = str(caught.value)
        assert "\n" not in message
        for part in ("paths", *map(str, parts)):
            assert part in message, message

    return refused


def paths_in(table):
    """Return the paths by name, in the table's order."""
    begins = starts(table.length)
    return [
        tuple(table.channels[i] for i in table.channel[begin : begin + size])
        for begin, size in zip(begins, table.length, strict=True)
    ]


def totals(table):
    """Return conversions, value and nulls by path."""
    columns = (table.conversions.tolist(), table.value.tolist(), table.nulls.tolist())
    return dict(zip(paths_in(table), zip(*columns, strict=True), strict=True))


def assert_same(a, b, *, but=()):
    """Compare two tables in all but some fields; sums of values may differ in the last digit."""
    for field in dataclasses.fields(a):
        if field.name == "value":
            np.testing.assert_allclose(a.value, b.value, rtol=1e-12, atol=1e-9)
        elif field.name not in ("place", *but):
            np.testing.assert_array_equal(
                getattr(a, field.name), getattr(b, field.name), err_msg=field.name
            )


# --- reference ----------------------------------------------------------------------------------


def reference(name):
    path = REFERENCE / name
    if not path.exists():
        pytest.skip(f"the reference data {name} are not beside the repository")
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
    assert_same(read(named), read(FRAME))


def test_value_and_nulls_may_be_absent(read):
    table = read(FRAME.select("path", "conversions"))
    assert totals(table) == {("a", "b"): (2, 0.0, 0)}
    assert (table.has_value, table.has_nulls) == (False, False)
    assert table.without_journeys == 1
    assert table.channels == ("a", "b")


def test_two_columns_of_one_meaning(refused):
    refused(
        FRAME.with_columns(Total_Null=pl.lit(1)),
        "2 of its columns say 'nulls', 'nulls', 'Total_Null'",
        "it has 'path', 'conversions', 'value', 'nulls', 'Total_Null'",
        "Drop or rename all but one",
    )


@pytest.mark.parametrize("column", ["path", "conversions"])
def test_a_column_that_is_missing(refused, column):
    refused(
        FRAME.rename({column: "x"}),
        f"misses the required column {column!r} (or {SPELLINGS[column][1]}",
        "it has ",
        "'x'",
        "Rename the column",
    )


@pytest.mark.parametrize("source", [FRAME[:0], pl.DataFrame(), None])
def test_no_rows(refused, source):
    refused(source, "is empty, it has no rows", "Check the export")


def test_a_file_that_is_no_parquet(refused, tmp_path):
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


def test_nothing_is_left_in_the_engine(read, engine, tmp_path):
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
    "paths", [pl.Series([["a", "b"]]), pl.Series([1.5]), pl.Series([b"a"]), pl.Series([True])]
)
def test_paths_that_are_no_text(refused, paths):
    refused(
        pl.DataFrame({"path": paths, "conversions": [1]}),
        "column 'path' has the type",
        "such as",
        "joined by ' > '",
    )


@settings(deadline=None)
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
def test_names_come_back_as_they_were(read, steps):
    texts = [" > ".join(path) for path in steps]
    table = read(pl.DataFrame({"path": texts, "conversions": [1] * len(texts)}))
    assert set(paths_in(table)) == {tuple(path) for path in steps}
    assert table.conversions.sum() == len(steps)


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
        (1.5, "'1.5' is no whole number"),
        ("0.25", "'0.25' is no whole number"),
        (MAX_COUNT + 1, f"'{MAX_COUNT + 1}' is above 2^53"),
        (str(MAX_COUNT + 1), f"'{MAX_COUNT + 1}' is above 2^53"),
        (1e300, "'1e+300' is above 2^53"),
        ("1e40", "'1e40' is above 2^53"),
        (float("inf"), "'inf' is no count"),
        ("many", "'many' is no number"),
        ("1,000", "'1,000' is no number"),
        ("NA", "'NA' is no number"),
    ],
)
@pytest.mark.parametrize("column", ["conversions", "nulls"])
def test_counts_that_are_none(refused, number, fault, column):
    one = number / number if isinstance(number, float) and number < 1e308 else type(number)(1)
    other = {"conversions": "nulls", "nulls": "conversions"}[column]
    frame = pl.DataFrame({"path": ["a", "b"], column: [one, number], other: [1, 1]}, strict=False)
    refused(frame, f"row 2: {column} {fault}", f"from 0 to 2^53 ({MAX_COUNT})")


@pytest.mark.parametrize("nothing", [None, float("nan"), "", " ", "nan"])
def test_what_is_missing(read, refused, nothing):
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
        ("much", "'much' is no number"),
        ("1,5", "'1,5' is no number"),
    ],
)
def test_values_that_are_none(refused, number, fault):
    frame = pl.DataFrame(
        {"path": ["a", "b"], "conversions": [1, 1], "Revenue": [type(number)(1), number]}
    )
    refused(frame, f"row 2: Revenue {fault}", "Write it as digits", "leave it empty")


def test_values_may_be_negative(read):
    assert read([("a", 1, -2.5)]).value.tolist() == [-2.5]


@pytest.mark.parametrize("column", ["conversions", "value", "nulls"])
def test_columns_that_are_no_numbers(refused, column):
    frame = FRAME.with_columns(pl.lit(True).alias(column))
    refused(frame, f"column {column!r} has the type BOOLEAN (such as true)", "Cast it")


def test_a_column_without_values_has_no_example(refused):
    frame = FRAME.with_columns(value=pl.lit(None, dtype=pl.Date))
    refused(frame, "column 'value' has the type DATE, which is no number")


def test_the_row_is_counted_over_all_rows_of_a_file(refused, tmp_path):
    lines = ["path,conversions", *("a > b,1" for _ in range(9_999)), "a > c,-1"]
    (tmp_path / "p.csv").write_text("\n".join(lines))
    refused(tmp_path / "p.csv", tmp_path / "p.csv", "row 10000", "'-1'")


def test_sums_above_what_floats_count(refused):
    refused([("a > b", MAX_COUNT), ("a > b", 1)], "the path 'a > b'", MAX_COUNT + 1, "thousands")
    refused([("a", 1, 0.0, MAX_COUNT), ("a", 1, 0.0, 9)], "nulls together", "above 2^53")
    refused([(" > ".join("ab" * 300), MAX_COUNT)], "more than 2^62 touches", "thousands")


def test_values_that_overflow(refused):
    refused([("a", 1, 1e308), ("a", 1, 1e308)], "too large to add up", "millions")
    refused([("a", 1, 1e308), ("b", 1, -1e308)], "too large to add up", "millions")


def test_value_without_a_conversion(read, refused):
    refused([("a > b", 0, 2.5, 1)], "the path 'a > b' has a value of 2.5 and no conversion", "Give")
    refused([("a", 1, 1.0, 1), ("b", 0, -2.0, 0)], "the path 'b'", "-2")
    assert totals(read([("a", 0, 2.5, 1), ("a", 1, 0.0, 0)])) == {("a",): (1, 2.5, 1)}


def test_rows_without_journeys_are_kept_out(read):
    table = read([("a", 1, 0.0, 0), ("rare > a", 0, 0.0, 0), ("b", 0, 0.0, 1), ("a", 0, 0.0, 0)])
    assert totals(table) == {("a",): (1, 0.0, 0), ("b",): (0, 0.0, 1)}
    assert table.without_journeys == 2
    assert table.channels == ("a", "b")


# --- order --------------------------------------------------------------------------------------


def test_channels_are_numbered_by_journeys_then_by_conversions(read):
    table = read([("x > z", 1, 0.0, 5), ("y > x", 2, 0.0, 4), ("w > w", 1, 0.0, 3)])
    assert table.channels == ("x", "w", "y", "z")  # met 12, 8, 6 and 6 times; y before 2, z 1
    assert table.length.tolist() == [2, 2, 2]
    assert paths_in(table) == [("x", "z"), ("w", "w"), ("y", "x")]


def test_paths_are_sorted_by_length_then_by_channel(read):
    table = read([("a > a > b", 1), ("b", 1), ("a > b", 1), ("a", 1), ("a > a", 1), ("b > a", 1)])
    assert paths_in(table) == [
        ("a",), ("b",), ("a", "a"), ("a", "b"), ("b", "a"), ("a", "a", "b")
    ]  # fmt: skip


def test_a_long_path_and_the_only_channel(read):
    table = read([(">".join(["a"] * 10_000), 3)])
    assert table.channels == ("a",)
    assert (table.length.tolist(), table.conversions.tolist()) == ([10_000], [3])


NAMES = ("a", "b", "c", "d>e", "É")
counts = st.integers(0, 3) | st.just(2**40)


@st.composite
def path_rows(draw):
    """Rows of path, conversions, value and nulls, of which at least one has a journey."""
    paths = draw(st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5), min_size=1))
    rows = [
        (tuple(path), hits, draw(st.integers(0, 40)) / 8 if hits else 0.0, draw(counts))
        for path in paths
        for hits in [draw(counts)]
    ]
    return [*rows, (("a", "b"), 1, 0.5, 0)]


def as_frame(rows, rename=None):
    texts = [" > ".join((rename or {}).get(name, name) for name in path) for path, *_ in rows]
    columns = list(zip(*[row[1:] for row in rows], strict=True))
    names = ("conversions", "value", "nulls")
    return pl.DataFrame({"path": texts} | {n: list(c) for n, c in zip(names, columns, strict=True)})


@settings(deadline=None)
@given(path_rows())
def test_reading_equals_brute_force(read, rows):
    sums = defaultdict(lambda: [0, 0.0, 0])
    for path, *numbers in rows:
        sums[path] = [a + b for a, b in zip(sums[path], numbers, strict=True)]
    expected = {path: tuple(total) for path, total in sums.items() if total[0] + total[2]}
    table = read(as_frame(rows))
    assert totals(table) == expected
    assert table.without_journeys == sum(hits + misses == 0 for _, hits, _, misses in rows)
    met, converting = defaultdict(int), defaultdict(int)
    for path, (hits, _, misses) in expected.items():
        for name in path:
            met[name] += hits + misses
            converting[name] += hits
    keys = [(-met[name], -converting[name]) for name in table.channels]
    assert keys == sorted(keys)
    assert set(table.channels) == set(met)
    begins = starts(table.length)
    order = [
        (size, *table.channel[begin : begin + size])
        for begin, size in zip(begins, table.length, strict=True)
    ]
    assert order == sorted(order)


@settings(deadline=None)
@given(path_rows(), st.randoms(use_true_random=False))
def test_shuffled_rows_change_nothing(read, rows, random):
    before = read(as_frame(rows))
    random.shuffle(rows)
    after = read(as_frame(rows))
    assert_same(before, after)
    np.testing.assert_array_equal(before.value, after.value)


@settings(deadline=None)
@given(path_rows(), st.data())
def test_split_rows_change_nothing(read, rows, data):
    parts = []
    for path, hits, value, misses in rows:
        some = data.draw(st.integers(0, hits)), data.draw(st.integers(0, misses))
        worth = data.draw(st.integers(0, int(value * 8))) / 8
        parts += [(path, some[0], worth, some[1])]
        parts += [(path, hits - some[0], value - worth, misses - some[1])]
    assert_same(read(as_frame(rows)), read(as_frame(parts)), but=["without_journeys"])


@settings(max_examples=150, deadline=None)
@given(path_rows(), st.permutations(NAMES))
@example([(("a", "b"), 1, 0.0, 0), (("c", "É"), 1, 0.0, 0)], ["a", "É", "c", NAMES[3], "b"])
@example([(("a", "b"), 1, 0.0, 0), (("b", "a"), 1, 0.0, 0)], ["b", "a", "c", NAMES[3], "É"])
def test_renamed_channels_change_nothing(read, rows, names):
    rename = dict(zip(NAMES, names, strict=True))
    before, after = read(as_frame(rows)), read(as_frame(rows, rename))
    assert_same(before, after, but=["channels"])
    back = {new: old for old, new in rename.items()}
    assert {tuple(back[name] for name in path): row for path, row in totals(after).items()} == (
        totals(before)
    )


def test_sums_of_values_do_not_depend_on_the_order_of_rows(read):
    values = np.random.default_rng(0).random(1000).tolist()
    sums = {
        read([("a", 1, value) for value in some]).value[0]
        for some in (values, values[::-1], sorted(values))
    }
    assert len(sums) == 1


def test_many_channels_that_only_their_place_tells_apart(read):
    rng = np.random.default_rng(1)
    met = rng.permutation(400).reshape(100, 4)
    names, others = rng.permutation(400), rng.permutation(400)
    tables = [
        read(pl.DataFrame({"path": [">".join(f"n{own[i]}" for i in row) for row in met],
                           "conversions": [1] * 100}))
        for own in (names, others)
    ]  # fmt: skip
    assert_same(*tables, but=["channels"])


def test_pandas_gaps_are_missing(read):
    frame = pd.DataFrame({"path": ["a", "b"], "conversions": [1, 2], "nulls": [np.nan, 4]})
    assert totals(read(frame)) == {("a",): (1, 0.0, 0), ("b",): (2, 0.0, 4)}
