"""Findings: every kind that a run can warn about has a fix of its own, and errors come first."""

import re
from pathlib import Path

from lydite.checking.data_check import DataFinding
from lydite.checking.findings import _FIXES, sort_findings

SOURCE = Path(__file__).resolve().parents[2] / "src/lydite"


def test_every_kind_of_general_warning_has_a_fix():
    files = [
        *(SOURCE / f"evaluation/{name}.py" for name in ("spend", "shared_touches", "bots")),
        SOURCE / "inputs/channels.py", SOURCE / "journeys/people.py",
        SOURCE / "pipeline/comparisons.py",
    ]  # fmt: skip
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    pairs = r'(?:yield |append\(\(|return \[\(|\*\(\[\()\(?"([a-z_]+)", '
    kinds = set(re.findall(pairs, text))
    assert {"direct", "spend_renamed", "bot_like_users", "hub_ids", "after_conversion"} <= kinds
    assert kinds - set(_FIXES) <= {"voided", "outcome_channel"}


def test_errors_come_first_and_nothing_is_repeated():
    found = [DataFinding(level, "k", "t", "f") for level in ("note", "error", "warning", "error")]
    assert [one.level for one in sort_findings(found)] == ["error", "warning", "note"]
