"""Tests of findings about rows that break a rule and are used nevertheless."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from lydite import pipeline, quality
from lydite.engine import DuckDBEngine
from lydite.inputs.rules import active_rules
from lydite.journeys import build_touches
from lydite.quality import rule_findings, vanished_finding
from lydite.settings import QualitySettings
from tests.helpers.input_tables import make_inputs

NOON = datetime(2026, 3, 1, 12)
Row = tuple[Any, ...]


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


PEOPLE: list[Row] = [
    (f"p{n % 40}", at(3600 * n), ("tv", "mail", "search")[n % 3]) for n in range(400)
]
TWICE: list[Row] = [(user, when + timedelta(seconds=1), channel) for user, when, channel in PEOPLE]
LINKS: list[Row] = [("scanner", at(n / 50), "mail", f"link {n}") for n in range(20)]
ONCE: list[Row] = [(f"once {n}", at(7 * n), "direct") for n in range(1200)]
BOT: list[Row] = [("bot", at(61 * n), "tv") for n in range(201)]


def findings(
    rows: list[Row], rules: dict[str, dict[str, object]] | None = None, **own: Any
) -> list[quality.Finding]:
    accepted = QualitySettings.model_validate({"rules": rules or {}, **own})
    with DuckDBEngine(threads=1) as engine:
        make_inputs(engine, [*PEOPLE, *rows], [("p1", at(9))])
        build_touches(engine)
        return rule_findings(engine, active_rules(accepted.rules), accepted)


def test_people_break_no_rule():
    assert findings([]) == []


@pytest.mark.parametrize(
    ("rows", "kind", "start"),
    [
        (TWICE, "near_duplicates", "400 of 800 touches (50.0%) come within 2 seconds"),
        (LINKS, "bursts", "20 of 420 touches (4.8%) are of users with more than 10 touches"),
        (ONCE, "one_touch_users", "1,200 of 1,600 touches (75.0%) are of users with one touch"),
    ],
)
def test_touches_that_break_a_rule_are_reported_and_used(rows, kind, start):
    [finding] = findings(rows)
    assert (finding.kind, finding.blocking) == (kind, False)
    assert finding.text.startswith(start)
    assert f"[quality.rules.{kind}]" in finding.text
    [blocking] = findings(rows, {kind: {"severity": "block"}})
    assert blocking.blocking
    assert not findings(rows, {kind: {"severity": "block"}}, warn=[kind])[0].blocking
    assert "accepted" in findings(rows, {kind: {"severity": "block"}}, accept=[kind])[0].text
    assert findings(rows, {kind: {"severity": "ignore"}}) == []


def test_bot_like_users_are_a_finding_only_if_they_block():
    assert findings(BOT) == []
    [finding] = findings(BOT, {"bot_like_users": {"severity": "block"}})
    assert finding.text.startswith("201 touches are of users with more touches than people make: 1")


def test_few_near_duplicates_are_not_reported():
    assert findings(TWICE[:2]) == []


def test_large_data_is_sampled(monkeypatch):
    monkeypatch.setattr(quality.rows, "_ENOUGH", 300)
    [finding] = findings(TWICE)
    assert "of a sample of" in finding.text


def test_users_who_vanish_are_reported(tmp_path):
    conversions = [("p1", at(9)), ("p2", at(99))]
    lookbacks = {"conversion": timedelta(days=1)}
    with DuckDBEngine(tmp_path / "warehouse.duckdb", threads=1) as engine:
        for rows in (PEOPLE, [row for row in PEOPLE if row[0] not in {"p7", "p8"}]):
            make_inputs(engine, rows, conversions)
            for table in ("identities", "erasures"):
                engine.create(f"inputs.{table}", "select '' as user_id limit 0")
            engine.create("inputs.report", "select 'x' as table_name, '' as reason, 0 as rows")
            pipeline.build_journeys(engine, lookbacks, "week")
            kinds = {finding.kind: finding.text for finding in quality.read_findings(engine)}
            assert ("vanished_users" in kinds) == (rows is not PEOPLE)
        assert kinds["vanished_users"].startswith("2 of 40 users of the last run have no row")


def test_users_older_than_the_data_do_not_vanish(tmp_path):
    with DuckDBEngine(tmp_path / "warehouse.duckdb", threads=1) as engine:
        make_inputs(engine, [("old", at(0), "tv"), ("new", at(99), "tv")], [("new", at(100))])
        build_touches(engine)
        make_inputs(engine, [("new", at(99), "tv")], [("new", at(100))])
        rule = active_rules()["vanished_users"]
        assert vanished_finding(engine, rule, QualitySettings()) is None
