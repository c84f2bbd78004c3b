"""Expressions: valid ones keep their values, all others are refused with one clear message."""

from __future__ import annotations

import math
import re
import sys
import threading

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlglot import exp

from lydite.errors import InputError
from lydite.models import PATH_COLUMNS
from lydite.models.registry import _RULES
from lydite.paths import expressions
from lydite.paths.expressions import PATH_TYPES, check_expression, columns_of
from tests.helpers.examples import examples

GOOD = [
    *(str(rule) for _, rule in _RULES.values()),
    "case when channel = 'email' then 2 else 1 end",
    "CASE channel WHEN 'email' THEN 2 WHEN 'Email' THEN 3 END",
    "case when channel = 'e-mail – größer' or channel = 'メール' then 1.5 else 1 end",
    "case when channel = 'it''s' then 2 else 1 end",
    "case when channel = '''; drop table x --' then 2 else 1 end",
    "case when channel = '/* no comment */ $outcome ?' then 2 else 1 end",
    """case when channel = '"' then 2 else 1 end""",
    "case when channel = 'two\nlines  and   blanks' then 2 else 1 end",
    "case when campaign is null then 1 when interaction is not null then 2 else 3 end",
    "1.0 / position",
    "exp(-hours_before_end/24)",
    "exp(-hours_before_end/24) * case when channel in ('email', 'seo') then 2 else 1 end",
    "1e5 * position + 1e-3",
    "12345678901234567890123 + position",
    "position",
    '"position" + POSITION - Path_Length',
    "position = 1",
    "position = 1 is true",
    "true",
    "not (position between 2 and 4) and position not in (1, 7)",
    "position is distinct from last_non_direct_position",
    "coalesce(last_non_direct_position, path_length) - 1",
    "ifnull(last_non_direct_position, 0)",
    "if(position > 3, 1, 0.5)",
    "nullif(position, 1)",
    "greatest(position, 2) + least(path_length, 3.5)",
    "position % 2 + position // 2 + mod(position, 3)",
    "position ^ 2 - position ** 2 + pow(position, 2) - power(2, -position)",
    "-position - -1 - (-(+2))",
    "2 - (3 - position) - (4 * (position + 1))",
    "cast(position as double) / 3 + position::float / 7 + position::decimal(9, 2)",
    "try_cast(campaign as integer)",
    "length(cast(position as varchar))",
    "position::int + position::hugeint + (position > 1)::bool::int",
    "try(ln(hours_before_end))",
    "ln(hours_before_end + 1) + log(2) + log2(8) + log10(100) + sqrt(position) + cbrt(8)",
    "abs(hours_before_end - 3) + sign(position - 2) + floor(1.5) + ceil(1.5) + ceiling(1.5)",
    "round(hours_before_end, 1) + trunc(hours_before_end)",
    "channel like 'e%' or channel not like '%o' or channel ilike 'E%' or channel not ilike 'E%'",
    "channel like 'a!%' escape '!' or channel glob 'e*'",
    "channel ~ 'e.*' or channel !~ 'a' or channel similar to 'x|y'",
    "regexp_matches(channel, '^(email|seo)$') or regexp_full_match(channel, 'a+')",
    "contains(channel, 'mai') or starts_with(channel, 'e') or ends_with(channel, 'l')",
    "prefix(channel, 'e') or suffix(channel, 'l') or channel ^@ 'e'",
    "lower(channel) = 'email' or upper(trim(campaign)) = 'X'",
    "trim(both 'x' from channel) = '' or ltrim(channel) = 'a' or rtrim(channel) = 'b'",
    "channel || '/' || campaign = 'a/b' or concat(channel, '-', position) = 'a-1'",
    "substring(channel from 1 for 2) = 'em' or substr(channel, 2) = 'mail'",
    "left(channel, 1) = 'e' or right(channel, 1) = 'l'",
    "position('a' in channel) + strpos(channel, 'i') + instr(channel, 'l') + length(channel)",
    "isnan(hours_before_end) or isinf(hours_before_end) or isfinite(hours_before_end)",
    "(((position)))",
    "1" + " + 1" * 150,
    "/* half at once */ case -- then\n when position = 1 then 1 -- 'first'\n else 0.5 end",
]  # fmt: skip

ROW = st.tuples(
    st.integers(1, 50),
    st.integers(1, 50),
    st.integers(1, 50),
    st.none() | st.integers(1, 50),
    st.sampled_from([0.0, 0.5, 24.0, 719.9]) | st.floats(0, 1e4),
    st.floats(0, 1e4),
    st.sampled_from(["email", "Email", "it's", "'; drop table x --", "メール", '"', "", "a-1"])
    | st.text(max_size=5),
    st.none() | st.sampled_from(["12", "x", "b"]),
    st.none() | st.sampled_from(["click", "view"]),
)
ROWS = st.lists(ROW, min_size=1, max_size=6)
TYPICAL = [
    (1, 1, 1, None, 0.0, 0.0, "direct", None, None),
    (1, 3, 3, 2, 30.0, 0.0, "email", "12", "click"),
    (2, 3, 2, 2, 6.0, 24.0, "it's", "x", "view"),
]
# What values may do to a right expression: ln(0), 'x'::int, 50 * 10^18.
FAILS_ON_VALUES = (
    duckdb.OutOfRangeException, duckdb.ConversionException, duckdb.InvalidInputException,
    duckdb.SyntaxException,
)  # fmt: skip
NUMBERS = ("BOOLEAN", "FLOAT", "DOUBLE", "DECIMAL", "INTEGER", "INT", "UINTEGER")


@pytest.fixture(scope="module")
def touches():
    """A table of touches, and the values of an expression over the given rows."""
    with duckdb.connect(config={"threads": 1}) as connection:
        typed = ", ".join(f"{column} {kind}" for column, kind in PATH_TYPES.items())
        connection.execute(f"create table touches (row_number integer, {typed})")

        def values(text: str, rows=None) -> list[str] | type[Exception]:
            if rows is not None:
                connection.execute("delete from touches")
                marks = ", ".join("?" * (1 + len(PATH_TYPES)))
                numbered = [(i, *row) for i, row in enumerate(rows)]
                connection.executemany(f"insert into touches values ({marks})", numbered)
            # The line ends before the bracket does: an original may end with a comment.
            select = f"select cast(({text}\n) as double) from touches order by row_number"
            try:
                return [repr(value) for (value,) in connection.execute(select).fetchall()]
            except FAILS_ON_VALUES as error:
                return type(error)

        values.connection = connection
        yield values


# --- what is accepted ---------------------------------------------------------------------------


def test_the_types_are_those_of_the_columns_of_a_path():
    assert list(PATH_TYPES) == list(PATH_COLUMNS)


@examples(8)
@given(rows=ROWS)
@example(rows=TYPICAL)
def test_the_checked_form_has_the_values_of_the_original(touches, rows):
    touches("1", rows)
    for original in GOOD:
        assert touches(check_expression("mine", original)) == touches(original), original


@pytest.mark.parametrize("original", GOOD)
def test_the_checked_form_is_its_own_checked_form(original):
    checked = check_expression("mine", original)
    assert check_expression("mine", checked) == checked
    assert columns_of(checked) == columns_of(original)
    assert columns_of(checked) <= set(PATH_TYPES)


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        ("1.0", [1, 1, 1]),
        ("1.0 / position", [1, 1, 0.5]),
        ("exp(-hours_before_end/24)", [1, math.exp(-1.25), math.exp(-0.25)]),
        ("case when channel = 'email' then 2 else 1 end", [1, 2, 1]),
        ("channel = 'it''s'", [0, 0, 1]),
        ("coalesce(last_non_direct_position, path_length) = position", [1, 0, 1]),
        ("-position ^ 2", [1, 1, 4]),
        ("2 - (3 - position)", [0, 0, 1]),
        ("position in (2, 5) or interaction is null", [1, 0, 1]),
    ],
)
def test_values_by_hand(touches, original, expected):
    values = touches(check_expression("mine", original), TYPICAL)
    assert [float(value) for value in values] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("original", "checked"),
    [
        ("  1.0\n", "1.0"),
        ("1;", "1"),
        ("1 ; ;\n; ", "1"),
        ("1 -- linear", "1"),
        ("1 --", "1"),
        ("1; -- linear", "1"),
        ("-- linear\n1", "1"),
        ("1/* a */+/* 'b' */1", "1 + 1"),
        ("1 -- it's\n + 1 -- \"\n", "1 + 1"),
        ("case\n\twhen true  then 1\r\nend", "case when true then 1 end"),
        ("channel = 'a  --\n/* b */' -- c", "channel = 'a  --\n/* b */'"),
        ("1\u00a0+\u20031", "1 + 1"),
    ],
)
def test_comments_semicolons_and_blanks_are_removed(original, checked):
    assert check_expression("mine", original) == checked


def test_other_columns_may_be_allowed():
    learnt = {"effect": "double", "channel_touches": "bigint"}
    text = "effect / channel_touches"
    assert check_expression("mine", text, PATH_TYPES | learnt) == text
    with pytest.raises(InputError, match="no column 'effect'.* the columns position, path_length"):
        check_expression("mine", text)
    with pytest.raises(InputError, match="no column 'position'.* It may use the columns effect, c"):
        check_expression("mine", "position", learnt)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("1.0", set()),
        ("effect / channel_touches", {"effect", "channel_touches"}),
        ("exp(-HOURS_before_conversion / \"Half_Life\")", {"hours_before_conversion", "half_life"}),
        ("case when channel = 'effect' then position else 1 end -- campaign",
         {"channel", "position"}),
        *((rule, {column for column in PATH_COLUMNS if f" {column} " in
           rule.replace("(", " ").replace(")", " ").replace(",", " ")})
          for rule in (str(rule) for _, rule in _RULES.values())),
    ],
)  # fmt: skip
def test_columns_of_an_expression(text, columns):
    assert columns_of(text) == columns


@pytest.mark.parametrize("text", ["", "1 +", "1 from t", "1; select 2", "position, channel"])
def test_invalid_expressions_have_no_columns(text):
    with pytest.raises(InputError, match="cannot be read: "):
        columns_of(text)


# --- what is refused ----------------------------------------------------------------------------

SYNTAX = "syntax error"
FUNCTIONS = "is not among the functions of a rule"
BAD = [
    ("", "it is empty"),
    (" \n", "it is empty"),
    (";", "it is empty"),
    ("-- nothing", "it is empty"),
    # more than an expression
    ("1) , (select 2", SYNTAX),
    ("1), (2", SYNTAX),
    ("1) + (2", SYNTAX),
    ("1)", SYNTAX),
    ("(1", SYNTAX),
    ("1,", SYNTAX),
    ("1, 2", SYNTAX),
    ("all 1", SYNTAX),
    ("distinct 1", SYNTAX),
    ("1 as weight", "(alias)"),
    ("1 weight", "(alias)"),
    ("weight: 1", "(alias)"),
    ("1 from touches", SYNTAX),
    ("1 from read_csv('/etc/passwd')", SYNTAX),
    ("1 where true", SYNTAX),
    ("1 limit 1", "syntax error at 'limit'"),
    ("1 order by 1", "syntax error at 'order by'"),
    ("1 group by 1", "syntax error at 'group by'"),
    ("1 having true", "syntax error at 'having'"),
    ("1 qualify true", "syntax error at 'qualify'"),
    ("1 window w as ()", "syntax error at"),
    ("1 using sample 1", "syntax error at 'using'"),
    ("1 union select 2", "(union)"),
    ("1 union all by name select 2", "(union)"),
    ("1; select 2", "more than one statement"),
    ("1; drop table x", "more than one statement"),
    ("1; set enable_external_access = true", "more than one statement"),
    ("1; --\n select 2", "more than one statement"),
    ("1\0", "a character that is not text"),
    ("channel = '\ud800'", "a character that is not text"),
    ("1 /* open", "is not closed"),
    ("channel = 'open", "is not closed"),
    ("case when position = 1 then 2", SYNTAX),
    ("position +", SYNTAX),
    ("select 1", "it holds 'SELECT 1' (select)"),
    # parts that no rule may have
    ("(select 1)", "(subquery)"),
    ("position in (select 1)", "(subquery)"),
    ("exists (select 1)", "'exists' is not among the functions of a rule"),
    ("position = any (select 1)", "(any)"),
    ("1 + (from touches select max(position))", "(subquery)"),
    ("(values (1))", "(subquery)"),
    ("case when true then (select count(*) from read_text('/etc/passwd')) end", "(subquery)"),
    ("sum(position) over ()", "(window)"),
    ("row_number() over (partition by channel)", "(window)"),
    ("lag(position) over (order by position)", "(window)"),
    ("lag(position) over w", "(window)"),
    ("sum(position) over w window w as ()", "syntax error at"),
    ("*", "it holds '*' (star)"),
    ("columns('hours.*')", "'columns' is not among the functions of a rule"),
    ("x -> x + 1", "(jsonextract)"),
    ("lambda x: x + 1", "syntax error at ':'"),
    ("?", "(placeholder)"),
    ("$1", "(placeholder)"),
    ("$outcome", "(placeholder)"),
    ("position * $outcome", "it holds '$outcome' (placeholder)"),
    ("channel collate nocase = 'email'", "it holds 'channel COLLATE nocase' (collate)"),
    ("#1", "(positionalcolumn)"),
    ("default", "no column 'default'"),
    ("grouping(position)", "'grouping' is not among the functions of a rule"),
    ("channel[1]", "(bracket)"),
    ("abs(a := 1)", "it holds 'a := 1' (propertyeq)"),
    ("abs(a => 1)", "(kwarg)"),
    # functions
    ("sum(position)", f"'sum' {FUNCTIONS}"),
    ("SUM(position) filter (where position > 1)", "(filter)"),
    ("count(*)", "'count' is not among the functions of a rule"),
    ("1 + max(position)", f"'max' {FUNCTIONS}"),
    ("random()", f"'random' {FUNCTIONS}"),
    ("now() > 1", f"'now' {FUNCTIONS}"),
    ("getenv('HOME') = ''", f"'getenv' {FUNCTIONS}"),
    ("getvariable('x')", f"'getvariable' {FUNCTIONS}"),
    ("current_setting('threads')", f"'current_setting' {FUNCTIONS}"),
    ("nextval('s')", f"'nextval' {FUNCTIONS}"),
    ("error('x')", f"'error' {FUNCTIONS}"),
    ("read_text('/etc/passwd')", f"'read_text' {FUNCTIONS}"),
    ("read_csv('/etc/passwd')", f"'read_csv' {FUNCTIONS}"),
    ("query('select 1')", f"'query' {FUNCTIONS}"),
    ("glob('*')", f"'glob' {FUNCTIONS}"),
    ("unnest([1])", f"'unnest' {FUNCTIONS}"),
    ("list_sum([1])", f"'list_sum' {FUNCTIONS}"),
    ("[position]", "(array)"),
    ("{'a': 1}", "(struct)"),
    ("(1, 2) = (1, 2)", "(tuple)"),
    ("repeat(channel, 1000000000) = ''", f"'repeat' {FUNCTIONS}"),
    ("hash(channel)", f"'hash' {FUNCTIONS}"),
    ("position & 1", "(bitwiseand)"),
    ("~position", "(bitwisenot)"),
    ("extract(year from channel)", "'extract' is not among the functions of a rule"),
    ("interval 1 day", "(interval)"),
    ("powr(0.5, position)", f"'powr' {FUNCTIONS}"),
    ("temp.abs(position)", "(dot)"),
    ("a.b.abs(position)", "(dot)"),
    ("abs(distinct position)", "(distinct)"),
    ("abs(position order by position)", "(order)"),
    ("abs(position) filter (where true)", "(filter)"),
    # columns
    ("touches.position", "'touches.position' is more than the name of a column"),
    ("main.touches.position", "'main.touches.position' is more than the name of a column"),
    ("chanel = 'email'", "no column 'chanel' (did you mean 'channel'?)"),
    ("hours_before_conversion", "no column 'hours_before_conversion'"),
    ("hours_before_ends / 2", "no column 'hours_before_ends' (did you mean 'hours_before_end'?)"),
    ('channel = "email"', "no column 'email' (text stands in single quotes)"),
    ("touches", "no column 'touches'"),
    ("rowid", "no column 'rowid'"),
    ("current_date", "(currentdate)"),
    ("user", "no column 'user'"),
    ("effect", "no column 'effect'"),
    # types
    ("channel", "it returns text, not a number"),
    ("'1'", "it returns text, not a number"),
    ("lower(channel) || 'x'", "it returns text, not a number"),
    ("case when position = 1 then channel end", "it returns text, not a number"),
    ("date '2020-01-01' > '2020-01-01'", "which is neither number nor text"),
    ("'now'::timestamp = '2020-01-01'::timestamp", "which is neither number nor text"),
    ("position::foo", "it casts to 'foo', which is neither number nor text"),
    ("position::integer[]", "which is neither number nor text"),
    ("position::struct(a integer)", "which is neither number nor text"),
    ("channel::blob = ''", "which is neither number nor text"),
    ("abs(channel)", "'abs(VARCHAR)'"),
    ("position + channel", "'+(BIGINT, VARCHAR)'"),
    ("abs(position, 2)", "syntax error at ')'"),
    ("case when true then channel else 1 end", "Cannot mix values of type"),
    ("regexp_matches(channel, '(')", "missing )"),
    # size
    ("1" * 10_001, "it has 10001 characters, and 10000 are the most"),
    ("(" * 5000, "nested too deeply"),
    ("(" * 4999 + "1" + ")" * 4999, "nested too deeply"),
    ("1" + "+1" * 4000, "nested too deeply"),
    ("not " * 2400 + "true", "nested too deeply"),
    ("abs(" * 1900 + "1" + ")" * 1900, "nested too deeply"),
    ("case when true then " * 400 + "1" + " end" * 400, "nested too deeply"),
    ("1" + "::int" * 1900, "nested too deeply"),
    ("1::" + "struct(a " * 800 + "int" + ")" * 800, "nested too deeply"),
]  # fmt: skip


@pytest.fixture
def recursion_limit(request):
    """Set Python's limit: libraries raise it, and then others find what is nested too deeply."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(getattr(request, "param", 1000))
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("recursion_limit")
@pytest.mark.parametrize(("text", "words"), BAD, ids=[ascii(text)[:60] for text, _ in BAD])
def test_refused_expressions_and_reasons(text, words):
    with pytest.raises(InputError) as error:
        check_expression("mine", text)
    message = str(error.value)
    assert message.startswith("the rule 'mine' cannot weigh a touch by ")
    assert words in message
    assert repr(text) in message or "…': " in message
    assert message.endswith(f" It may use the columns {', '.join(PATH_COLUMNS)}.")
    assert "\n" not in message
    assert "select null" not in message
    assert len(message) < 1500
    if FUNCTIONS in message:
        assert "(abs, cbrt, " in message
        assert "trunc, try, upper)" in message


def test_a_message_is_cut_where_the_expression_is_long():
    with pytest.raises(InputError) as error:
        check_expression("mine", "sum(position) + " * 600 + "1")
    assert "'sum(position) + sum(" in str(error.value)
    assert len(str(error.value)) < 1500


def test_the_same_mistake_names_each_rule_that_makes_it():
    for name in ("one", "two"):
        for _ in range(2):
            with pytest.raises(InputError, match=f"the rule '{name}' cannot"):
                check_expression(name, "sum(position)")


@pytest.mark.parametrize(
    "text",
    [
        "channel = e'it\\'s -- x'",
        "channel = e'\\'/* x */'",
        "channel = $$it's /* x */ or$$ -- '",
    ],
)
def test_strings_with_escapes_are_refused(text):
    with pytest.raises(InputError, match=r"\((bytestring|rawstring)\), which no rule may use"):
        check_expression("mine", text)


@pytest.mark.parametrize("recursion_limit", [1000, 10_000], indirect=True)
@pytest.mark.usefixtures("recursion_limit")
def test_a_deep_expression_is_refused_on_a_small_stack_too():
    caught = []

    def check():
        for text in ("1" + " + 1" * 2000, "abs(" * 190 + "1" + "+ 1)" * 190, "[" * 199 + "]" * 199):
            try:
                check_expression("deep", text)
            except InputError as error:
                caught.append(str(error))

    before = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=check)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert len(caught) == 3
    assert all("too deeply" in words or "which no rule may use" in words for words in caught)


def test_a_part_that_is_not_on_the_list_is_refused(monkeypatch):
    expressions._checked.cache_clear()
    monkeypatch.setattr(expressions, "_SYNTAX", expressions._SYNTAX - {exp.Case})
    with pytest.raises(InputError, match=r"it holds 'CASE WHEN TRUE THEN 1 END' \(case\)"):
        check_expression("later", "case when true then 1 end")


# --- what an expression can do ------------------------------------------------------------------


def test_every_function_that_is_accepted_returns_the_same_for_the_same():
    """Of all functions that DuckDB knows; several names may stand for one function."""
    names = {
        name: (kind, stability, bool(effects))
        for name, kind, stability, effects in duckdb.execute(
            "select function_name, function_type, stability, has_side_effects"
            " from duckdb_functions() where regexp_full_match(function_name, '\\w+')"
            # Those over times come first, so that others overwrite them: no rule can make a time.
            " order by cast(parameter_types as varchar) like '%TIME%' desc"
        ).fetchall()
    }
    arguments = (
        "",
        "position",
        "channel",
        "position, position",
        "channel, channel",
        "channel, position",
        "channel, position, position",
        "channel, channel, channel",
    )
    accepted = {
        name for name in names for some in arguments if _is_accepted(f"{name}({some}) is null")
    }
    assert accepted >= {"abs", "regexp_matches", "suffix", "power", "strpos", "ln", "log10"}
    assert {names[name] for name in accepted if names[name][0] == "scalar"} == {
        ("scalar", "CONSISTENT", False)
    }
    assert {name for name in accepted if names[name][0] != "scalar"} <= {"if", "nullif", "ifnull"}


def _is_accepted(text):
    try:
        check_expression("any", text)
    except InputError:
        return False
    return True


def test_no_expression_reads_a_file(tmp_path):
    path = tmp_path / "secret.csv"
    path.write_text("a\n17\n")
    for text in [
        f"read_csv('{path}')",
        f"(select a from '{path}')",
        f"(select a from read_csv('{path}'))",
        f"position in (from '{path}')",
        f"position = any (from '{path}')",
        f"exists (from read_text('{path}'))",
        f"length(read_text('{path}'))",
        f"length(content) from read_text('{path}')",
        f"1 from '{path}'",
        f"1) from '{path}' where (true",
        f"1; copy (select 1) to '{path}'",
        f"1; attach '{path}'",
        f"1; import database '{tmp_path}'",
        f"1; load '{path}'",
        f'"{path}".a',
        f"getenv('{path}')",
        f"query_table('{path}')",
        f"1 union select a from '{path}'",
        f"abs(1) over (order by (select a from '{path}'))",
        f"abs(1) filter (where exists (from '{path}'))",
        f"abs(1 order by (select a from '{path}'))",
        f"case when (select true from '{path}') then 1 else 0 end",
        f"1::enum(select a from '{path}')",
    ]:
        with pytest.raises(InputError, match="17|the rule 'spy' cannot") as error:
            check_expression("spy", text)
        assert "17" not in str(error.value).replace(str(path), "").replace(str(tmp_path), "")
    assert path.read_text() == "a\n17\n"


@pytest.mark.parametrize("original", GOOD)
def test_the_checked_form_changes_nothing_around_it(touches, original):
    assert_alone(touches.connection, check_expression("mine", original))


def assert_alone(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """The text is one separate number column in any select, and reads no other table."""
    for select in (
        f"select 1 as a, ({text}) as weight, 2 as b from touches",
        f"select 1 as a, coalesce(({text}), 0) + 0 as weight, 2 as b from touches where b < 3",
    ):
        columns = connection.execute(f"describe {select}").fetchall()
        assert [column[0] for column in columns] == ["a", "weight", "b"]
        kind = columns[1][1].partition("(")[0]
        assert kind.endswith(NUMBERS)
        assert connection.get_table_names(select) == {"touches"}


# --- anything at all ----------------------------------------------------------------------------


def written(kind: str, depth: int) -> st.SearchStrategy[str]:
    """Draw right expressions: of numbers, of text, or true and false."""
    leaves = {
        "number": st.sampled_from([*list(PATH_TYPES)[:6], "1", "2.5", "1e3", "-7", "0"]),
        "text": st.sampled_from(["channel", "campaign", "'email'", "'it''s'", "'--'", "''"]),
        "truth": st.sampled_from(["true", "false", "position = 1", "campaign is null"]),
    }
    forms = {
        "number": ["{n} + {n}", "{n} - {n}", "{n} * {n}", "{n} / {n}", "-({n})", "({n})",
                   "abs({n})", "case when {b} then {n} else {n} end", "coalesce({n}, {n})",
                   "length({t})", "greatest({n}, {n})", "exp(-abs({n}))", "cast({n} as double)",
                   "if({b}, {n}, {n})",
                   "-- '\n{n}", "{n} /* \" */", "round({n})", "cast(({b}) as integer)"],
        "text": ["lower({t})", "({t}) || ({t})", "left({t}, 2)", "case when {b} then {t} end",
                 "cast({n} as varchar)", "nullif({t}, {t})"],
        "truth": ["({n}) < ({n})", "({n}) = ({n})", "({t}) = ({t})", "({b}) and ({b})",
                  "({b}) or ({b})", "not ({b})", "({n}) between ({n}) and ({n})", "({b}) is true",
                  "({t}) in ({t}, {t})", "({n}) is distinct from ({n})", "({t}) like ({t})"],
    }  # fmt: skip
    if depth == 0:
        return leaves[kind]
    parts = st.fixed_dictionaries(
        {letter: st.lists(written(deeper, depth - 1), min_size=3, max_size=3)
         for letter, deeper in (("n", "number"), ("t", "text"), ("b", "truth"))}
    )  # fmt: skip

    def fill(form: str, parts: dict[str, list[str]]) -> str:
        for letter, texts in parts.items():
            for text in texts:
                # No comment may swallow what follows in the form.
                form = form.replace(f"{{{letter}}}", text.replace("\n", " \n "), 1)
        return form

    return leaves[kind] | st.builds(fill, st.sampled_from(forms[kind]), parts)


@examples(60)
@given(original=written("number", 3) | written("truth", 3), rows=ROWS)
def test_right_expressions_are_accepted_with_their_values(touches, original, rows):
    checked = check_expression("drawn", original)
    assert touches(checked, rows) == touches(original)
    assert check_expression("drawn", checked) == checked
    assert_alone(touches.connection, checked)


FRAGMENTS = st.sampled_from(
    """( ) [ ] { } , ; . : :: := => -> + - * / % ^ ~~ || = < > <> ? $1 $x #1 @ ! & | -- /* */ ' '' "
    $$ e' position channel hours_before_end campaign touches x null true 1 2.5 1e9 'a' 'email' "a"
    case when then else end not and or in is like between distinct from as select where limit union
    cast( cast as double as varchar) abs( ln( sum( lower( coalesce( if( random() count(*) over ()
    lambda collate nocase read_text('x') exists interval day default""".split()  # noqa: SIM905
) | st.sampled_from(["\n", "\t", " ", "\u00a0", "\r", "\0", "\\"])  # fmt: skip
ANYTHING = (
    st.text(max_size=20)
    | st.lists(FRAGMENTS, max_size=10).map(" ".join)
    | st.lists(FRAGMENTS, max_size=10).map("".join)
    | st.tuples(st.sampled_from(GOOD), st.integers(0, 60), FRAGMENTS | st.text(max_size=2)).map(
        lambda drawn: drawn[0][: drawn[1]] + drawn[2] + drawn[0][drawn[1] :]
    )
)


_BLANKS = re.compile("[\x1c-\x1f\x85]")  # to the checker; DuckDB does not read them


@examples(150)
@given(text=ANYTHING)
@example(text="1 \x85 + 1")
@example(text="1 \x1c + 1")
@example(text="'\r'\r=channel--\r")
def test_any_text_is_refused_or_is_one_number(touches, text):
    try:
        checked = check_expression("any", text)
    except InputError as error:
        assert "the rule 'any' cannot weigh a touch by " in str(error)
        assert "\n" not in str(error)
        return
    assert_alone(touches.connection, checked)
    assert touches(checked, TYPICAL) == touches(_BLANKS.sub(" ", text).rstrip("; \n\t"))
    assert check_expression("any", checked) == checked
