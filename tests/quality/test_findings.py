"""Findings: what they say, when they block, and how they are stored."""

from __future__ import annotations

from datetime import date

import pytest

from lydite.engine import DuckDBEngine
from lydite.inputs.rules import RULES
from lydite.quality.findings import Finding, read_findings, with_advice, write_findings
from lydite.settings import FINDING_KINDS, QualitySettings

DROP = Finding(
    "sudden_drop", "conversions", "lead", "conversions of 'lead': 0 rows",
    date(2026, 1, 5), date(2026, 1, 18),
)  # fmt: skip


@pytest.mark.parametrize("kind", [kind for kind in FINDING_KINDS if kind not in RULES])
def test_every_kind_says_what_to_do_and_how_to_accept_it(kind):
    [finding] = with_advice([Finding(kind, "conversions", None, "something")], QualitySettings())
    assert finding.blocking
    assert finding.text.startswith("something; ")
    assert f'--accept {kind}, or accept = ["{kind}"]' in finding.text


def test_accepted_findings_and_warnings_do_not_block():
    [accepted] = with_advice([DROP], QualitySettings(accept=("sudden_drop",)))
    assert not accepted.blocking
    assert accepted.text == "conversions of 'lead': 0 rows; accepted as they are"
    [warned] = with_advice([DROP], QualitySettings(warn=("sudden_drop",)))
    assert not warned.blocking
    assert "are not scored. Load the missing rows" in warned.text


def test_findings_are_stored():
    other = Finding("stray_rows", "touchpoints", None, "2 rows", blocking=False)
    with DuckDBEngine() as engine:
        assert read_findings(engine) == []
        write_findings(engine, [DROP, other])
        assert read_findings(engine) == [DROP, other]
        write_findings(engine, [])
        assert read_findings(engine) == []


def test_a_finding_as_plain_data():
    assert DROP.to_dict() == {
        "kind": "sudden_drop",
        "table": "conversions",
        "outcome": "lead",
        "first_day": "2026-01-05",
        "last_day": "2026-01-18",
        "text": "conversions of 'lead': 0 rows",
        "blocking": True,
    }
    assert DROP.concerns("lead")
    assert not DROP.concerns("sale")
    assert Finding("stray_rows", "touchpoints", None, "2 rows").concerns("sale")
