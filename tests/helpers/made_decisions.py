"""Decisions and marts that were made by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.decisions.champions import make_champions
from lydite.decisions.log import Decision, log_table
from tests.helpers.made_comparisons import BEST, make_comparison

if TYPE_CHECKING:
    from lydite.results import Comparison

DECISION = Decision(
    number=1, decided_at="2026-03-02T10:00:00.000000", decided_by="ann", outcome="purchase",
    from_model="last_touch", to_model="linear", reason="it has led since May", despite="",
    verdicts={"linear": "best"}, hash="0" * 64,
)  # fmt: skip
TIMELINE = {
    "outcome": pl.String, "number": pl.Int64, "day": pl.Date, "event": pl.String,
    "model": pl.String, "caused_by": pl.String, "text": pl.String,
    "recorded_at": pl.Datetime("us"),
}  # fmt: skip
EVENTS = (
    (date(2026, 1, 5), "hypothesis", "linear", None, "all touches count the same"),
    (date(2026, 1, 5), "hypothesis", "last_touch", None, "the last touch decides"),
    (date(2026, 2, 2), "refuted", "last_touch", "linear", None),
    (date(2026, 2, 9), "challenger", "linear", None, None),
)


def compare_with_decisions(
    rivals: tuple[Any, ...] = BEST, *log: Decision, events: tuple[Any, ...] = EVENTS
) -> Comparison:
    """Return a comparison for purchases with the marts of the decisions."""
    made = make_comparison(("purchase", rivals))
    marts = {**made.marts, "outcomes": pl.DataFrame(made.outcomes)}
    recorded = datetime(2026, 2, 9, 5)
    rows = [
        ("purchase", number, day, event, model, by, text, recorded)
        for number, (day, event, model, by, text) in enumerate(events, start=1)
    ]
    extra = {
        "decisions": log_table(log),
        "champions": make_champions(marts, log),
        "timeline": pl.DataFrame(rows, schema=TIMELINE, orient="row"),
    }
    return replace(made, marts=marts | extra)
