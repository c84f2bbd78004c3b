"""The schema, the SQL files and the loaded tables agree."""

import re

import pytest

from lydite.engine import load_sql
from lydite.engine.sql_files import read_comments
from lydite.inputs import REASONS, TABLES, malformed_lines
from lydite.inputs.schema import CHOSEN_REASONS, REFUND_WITHOUT_ORDER


def test_there_are_seven_input_tables():
    names = ["touchpoints", "conversions", "spend", "users", "identities", "erasures"]
    assert list(TABLES) == [*names, "experiments"]
    assert [name for name, table in TABLES.items() if table.required] == [
        "touchpoints",
        "conversions",
    ]


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_the_sql_documents_every_column_in_order(table):
    about, columns = read_comments(table.sql)
    assert about
    assert list(columns) == [column.name for column in table.columns if column.is_kept]


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_a_loaded_table_has_the_columns_and_types_of_the_specification(
    table, engine, read_all, touchpoints, conversions
):
    read_all(touchpoints=touchpoints, conversions=conversions)
    rows = engine.rows(f"describe inputs.{table.name}")
    assert [(name, kind) for name, kind, *_ in rows] == [
        (column.name, column.type) for column in table.columns if column.is_kept
    ]
    quarantine = [row[0] for row in engine.rows(f"describe quarantine.{table.name}")]
    assert quarantine[-1] == "reason"


def test_loaded_tables_and_columns_carry_comments(engine, read, touchpoints):
    read("touchpoints", touchpoints)
    comments = engine.rows(
        "select comment from duckdb_columns()"
        " where schema_name = 'inputs' and table_name = 'touchpoints'"
    )
    assert all(comment for (comment,) in comments)


def test_every_reason_of_the_sql_is_explained_and_no_other():
    files = [*(table.sql for table in TABLES.values()), "inputs/repeated_ids"]
    text = " ".join(map(load_sql, files))
    found = set(re.findall(r"(?:then|else) '(\w+)'", text))
    others = CHOSEN_REASONS | {malformed_lines.REASON}
    assert found - {"refund", "conversion"} | others == set(REASONS)


def test_every_reason_names_the_column_that_it_is_about():
    columns = {column.name for table in TABLES.values() for column in table.columns}
    for reason in REASONS:
        if reason == REFUND_WITHOUT_ORDER:  # about several columns
            assert {"value", "refund", "conversion_id"} <= columns
            continue
        if reason in {
            *CHOSEN_REASONS,
            "same_id",
            malformed_lines.REASON,
        }:  # about no column, or two
            continue
        named = "conversion_id" if reason == "repeated_id" else reason
        assert any(named.endswith(f"_{column}") or named == column for column in columns)
        assert named != "conversion_id" or "conversion_id" in REASONS[reason]
