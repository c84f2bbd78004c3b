"""Findings: what is wrong with the data, where, and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from lydite.engine import DuckDBEngine
    from lydite.records import FindingRecord
    from lydite.settings import FindingKind, QualitySettings

_TABLE = "quality.findings"
_SCHEMA = {
    "kind": pl.String,
    "table_name": pl.String,
    "outcome": pl.String,
    "first_day": pl.Date,
    "last_day": pl.Date,
    "text": pl.String,
    "blocking": pl.Boolean,
}


@dataclass(frozen=True)
class Finding:
    """Something about the data that makes results wrong.

    Attributes
    ----------
    kind
        The name by which a finding is accepted in the settings.
    table_name
        The input table.
    outcome
        The outcome that it concerns; None for all.
    text
        What was found; after `with_advice` also its effect, and what to do.
    first_day, last_day
        The days that it concerns; None where it concerns no days.
    blocking
        Whether nothing may be published until it is fixed or accepted.
    """

    kind: FindingKind
    table_name: str
    outcome: str | None
    text: str
    first_day: date | None = None
    last_day: date | None = None
    blocking: bool = True

    def to_dict(self) -> FindingRecord:
        """Return the finding as plain data."""
        return {
            "kind": self.kind,
            "table": self.table_name,
            "outcome": self.outcome,
            "first_day": None if self.first_day is None else self.first_day.isoformat(),
            "last_day": None if self.last_day is None else self.last_day.isoformat(),
            "text": self.text,
            "blocking": self.blocking,
        }

    def concerns(self, outcome: str) -> bool:
        """Return whether the finding concerns an outcome."""
        return self.outcome in {None, outcome}


class _Advice(NamedTuple):
    """What a run does about findings of a kind, and what people should do."""

    effect: str
    fix: str


_ADVICE: dict[FindingKind, _Advice] = {
    "stray_rows": _Advice(
        "they do not count as the end of the data", "Correct their dates, or remove them"
    ),
    "sudden_drop": _Advice(
        "periods whose outcome depends on these days are not scored", "Load the missing rows"
    ),
    "shifted_times": _Advice(
        "touches would come before or after the wrong conversions",
        "Convert the column with local times to UTC, such as touched_at at time zone 'Asia/Tokyo'"
        " in a .sql source",
    ),
    "mixed_zones": _Advice(
        "the data does not show whether they fit together",
        "Give both columns a zone, or convert the one without a zone to UTC in a .sql source",
    ),
    "lost_column": _Advice(
        "models and marts would go on without it", "Restore the column, or its former name"
    ),
    "halved_rows": _Advice(
        "credit and scores would change without notice",
        "Load all rows, and check whether names have changed",
    ),
}


def with_advice(findings: Iterable[Finding], accepted: QualitySettings) -> list[Finding]:
    """Return findings that say what to do about them, and whether they block."""
    return [_with_advice(finding, accepted) for finding in findings]


def _with_advice(finding: Finding, accepted: QualitySettings) -> Finding:
    kind = finding.kind
    if kind in accepted.accept:
        return replace(finding, text=f"{finding.text}; accepted as they are", blocking=False)
    effect, fix = _ADVICE[kind]
    text = (
        f"{finding.text}; {effect}. {fix}. If the data is right as it is, accept it: --accept"
        f' {kind}, or accept = ["{kind}"] in the section [quality] of the settings'
    )
    return replace(finding, text=text, blocking=kind not in accepted.warn)


def split_advice(finding: Finding) -> tuple[str, str | None]:
    """Return what was found and its effect, and what to do; None where it was accepted."""
    if finding.kind not in _ADVICE:
        return finding.text, None
    effect, _ = _ADVICE[finding.kind]
    found, separator, advice = finding.text.partition(f"; {effect}. ")
    return (f"{found}; {effect}", advice) if separator else (finding.text, None)


def write_findings(engine: DuckDBEngine, findings: Iterable[Finding]) -> None:
    """Replace the table of the findings."""
    engine.store(_TABLE, pl.DataFrame([asdict(finding) for finding in findings], schema=_SCHEMA))


def read_findings(engine: DuckDBEngine) -> list[Finding]:
    """Return the findings of the last run."""
    if not engine.exists(_TABLE):
        return []
    return [Finding(**row) for row in engine.frame(f"from {_TABLE}").to_dicts()]
