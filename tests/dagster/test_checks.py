"""Asset checks: they pass on a good run, fail on bad tables, and block what comes after."""

from __future__ import annotations

from dataclasses import replace

import dagster as dg
import pytest

from lydite import inputs
from lydite.dagster.checks import DRIFT_TABLES, _drift, checks_by_group
from lydite.engine import DuckDBEngine
from lydite.quality import Finding, drift, write_findings
from lydite.quality.drift import Drift
from lydite.settings import DriftLimits, parse_settings

WARN_ONLY = {
    "mart/champions:champions_stand", "mart/warnings:no_warnings",
    *(f"{table.replace('.', '/')}:drift_{kind}" for kind, table in DRIFT_TABLES.items()),
}  # fmt: skip
SOURCES = {"touchpoints": "touchpoints.parquet", "conversions": "conversions.parquet"}


@pytest.fixture
def engine():
    """Yield an engine with the few tables that checks read."""
    with DuckDBEngine() as engine:
        for schema in ("inputs", "journeys", "mart"):
            engine.run(f"create schema {schema}")
        yield engine


def run_check(engine, table, name) -> dg.AssetCheckResult:
    """Run one check on an engine."""
    [check] = [
        check
        for checks in checks_by_group(parse_settings({"sources": SOURCES}, "settings")).values()
        for check in checks
        if (check.table, check.name) == (table, name)
    ]
    return check.find(engine)


def test_the_checks_are_named_and_those_of_tables_block(definitions):
    graph = definitions.resolve_asset_graph()
    checks = {key.to_user_string(): graph.get(key) for key in graph.asset_check_keys}
    assert set(checks) == (
        {f"inputs/{name}:not_null" for name in inputs.TABLES}
        | {f"inputs/{name}:quarantine_share" for name in inputs.TABLES}
        | {f"inputs/{name}:rows_add_up" for name in inputs.TABLES}
        | {f"mart/{name}:credit_sums_to_conversions" for name in ("channel_credit", "credit_daily")}
        | {"evaluation/outcomes:data_is_complete", "published/attribution:readable"}
        | WARN_ONLY
    )
    blocking = {name for name, check in checks.items() if check.blocking}
    assert set(checks) - blocking == WARN_ONLY


def test_all_checks_pass_on_a_good_run(run):
    found = run.result.get_asset_check_evaluations()
    assert len(found) == 3 * len(inputs.TABLES) + 4 + len(WARN_ONLY)
    warn = {name.partition(":")[2] for name in WARN_ONLY}
    data = [evaluation for evaluation in found if evaluation.check_name not in warn]
    assert all(evaluation.passed for evaluation in data)


def test_nulls_in_required_columns_are_counted(engine):
    required = [c.name for c in inputs.TABLES["conversions"].columns if c.required]
    columns = ", ".join(f"'x' as {name}" for name in required)
    engine.run(f"create table inputs.conversions as select {columns}")
    assert run_check(engine, "inputs.conversions", "not_null").passed
    engine.run(f"insert into inputs.conversions ({required[0]}) values ('y')")
    result = run_check(engine, "inputs.conversions", "not_null")
    assert not result.passed
    assert f"inputs.conversions.{required[1]}: 1 nulls" in result.description


def test_a_refuted_champion_warns(engine):
    engine.run(
        "create table mart.champions as select 'order' as outcome, 'linear' as model,"
        " false as is_refuted, cast(null as varchar) as refuted_by,"
        " cast(null as varchar) as refuted_by_experiment"
    )
    assert run_check(engine, "mart.champions", "champions_stand").passed
    engine.run("update mart.champions set is_refuted = true, refuted_by = 'shapley'")
    result = run_check(engine, "mart.champions", "champions_stand")
    assert not result.passed
    assert result.severity == dg.AssetCheckSeverity.WARN
    assert result.description == "order: linear is in use and is refuted by Shapley value"


def test_warnings_are_listed_once_each(engine):
    engine.run("create table mart.warnings (kind varchar, text varchar)")
    assert run_check(engine, "mart.warnings", "no_warnings").passed
    engine.run("insert into mart.warnings values ('drift', 'a'), ('drift', 'b'), ('drift', 'a')")
    result = run_check(engine, "mart.warnings", "no_warnings")
    assert not result.passed
    assert result.severity == dg.AssetCheckSeverity.WARN
    assert result.description == "a\nb"
    assert result.metadata["kinds"].value == {"drift": 2}


@pytest.mark.parametrize("error", [None, 0.5])
def test_drift_warns_and_stops_from_the_limit_of_the_settings_on(engine, monkeypatch, error):
    found = [Drift("unattributed", "order", 0.1, 0.7, 0.6)]
    monkeypatch.setattr(drift, "find_drift", lambda *_: found)
    limits = DriftLimits(warn=0.2, error=error)
    check = _drift("unattributed", limits)
    result = check.find(engine)
    assert not result.passed
    severities = dg.AssetCheckSeverity
    assert result.severity == (severities.WARN if error is None else severities.ERROR)
    assert result.description == "order: 70.00% after 10.00%"
    assert check.blocking is (error is not None)


@pytest.mark.parametrize(("bad", "passed"), [(1, True), (2, False)])
def test_at_most_the_allowed_share_is_set_aside(engine, bad, passed):
    engine.run(
        "create table inputs.report as select * from (values ('spend', 'accepted', 90),"
        f" ('spend', 'duplicate', {10 - bad}), ('spend', 'no_cost', {bad}))"
        " t(table_name, reason, rows)"
    )
    result = run_check(engine, "inputs.spend", "quarantine_share")
    assert result.passed is passed
    assert f"spend: {bad}.00% of the rows were set aside, 1.00% are allowed" in result.description


def test_findings_block_unless_they_are_accepted(engine):
    write_findings(engine, [])
    assert run_check(engine, "evaluation.outcomes", "data_is_complete").passed
    finding = Finding("sudden_drop", "conversions", "lead", "conversions of 'lead': 0 rows")
    write_findings(engine, [replace(finding, text="accepted", blocking=False), finding])
    result = run_check(engine, "evaluation.outcomes", "data_is_complete")
    assert not result.passed
    assert result.description == "conversions of 'lead': 0 rows"
    assert result.metadata["findings"].value == ["accepted", "conversions of 'lead': 0 rows"]


@pytest.mark.parametrize("table", ["mart.channel_credit", "mart.credit_daily"])
def test_credit_must_sum_to_the_conversions(engine, table):
    engine.run("create table journeys.conversions as select 'order' as outcome from range(3)")
    engine.run(f"create table {table} (outcome varchar, model varchar, conversions double)")
    engine.run(f"insert into {table} values ('order', 'linear', 1.25), ('order', 'linear', 1.75)")
    assert run_check(engine, table, "credit_sums_to_conversions").passed
    engine.run(f"insert into {table} values ('order', 'mine', 2)")
    result = run_check(engine, table, "credit_sums_to_conversions")
    assert not result.passed
    assert result.description == "order: mine credits 2.0 of 3 conversions"


def test_a_file_that_cannot_be_read_fails_the_check(engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run_check(engine, "published.attribution", "readable")
    assert not result.passed
    assert "attribution.duckdb" in result.description


@pytest.mark.parametrize(("used", "passed"), [(88, True), (87, False), (89, False)])
def test_rows_that_are_lost_or_doubled_fail_the_check(engine, used, passed):
    engine.run(
        "create table inputs.report as select * from (values ('spend', 'accepted', 88),"
        " ('spend', 'duplicate', 2), ('spend', 'no_cost', 10)) t(table_name, reason, rows)"
    )
    engine.create("inputs.spend", f"from range({used})")
    engine.create("quarantine.spend", "from range(10)")
    result = run_check(engine, "inputs.spend", "rows_add_up")
    assert result.passed is passed
    assert f"100 rows were read, {used} are used, 10 are set aside and 2 are" in result.description
