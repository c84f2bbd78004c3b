"""Tests of macros that are expanded, as Spark has none."""

from __future__ import annotations

import pytest
from sqlglot import parse_one

from lydite.engine import DuckDBEngine, load_sql
from lydite.engine.macros import expand_macros

CALLS = (
    "url_host(s)",
    "site_category(s)",
    "paid_click(s)",
    "visit_source(s, s, paid_click(s), s)",
    "visit_medium(s, 'organic', null, s)",
    "default_channel(s, 'referral', s, s)",
)
TEXTS = ("https://www.Google.co.uk/x", "a?gclid=1", " (direct) ", "fb", "youtu.be", "", None)


def expanded(expression: str) -> str:
    return expand_macros(parse_one(f"select {expression}", read="duckdb")).sql("duckdb")


@pytest.mark.parametrize("call", CALLS)
def test_an_expanded_call_has_the_same_result(call):
    with DuckDBEngine(threads=1) as engine:
        engine.run(load_sql("channels/macros"))
        by_macro = [engine.scalar(f"select {call} from (select $s as s)", {"s": s}) for s in TEXTS]
        text = f"{expanded(call)} from (select $s as s)"
        assert [engine.scalar(text, {"s": s}) for s in TEXTS] == by_macro
        assert any(by_macro)
    assert not any(name in text for name in ("url_host", "site_", "visit_", "is_unset", "click("))


def test_arguments_may_have_the_names_of_parameters():
    assert expanded("visit_source(medium, source, null, 'a')").count("medium") > 1
    assert expanded("is_unset(url_host(name))").count("name") == 1


def test_other_functions_stay():
    assert expanded("lower(s), other(s)") == "SELECT LOWER(s), OTHER(s)"
