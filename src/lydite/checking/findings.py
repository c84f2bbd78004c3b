"""What to know about the data: the warnings of a run and more, each with a fix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite import quality
from lydite.checking.data_check import DataFinding
from lydite.inputs import CHOSEN_REASONS
from lydite.inputs.rules import RULES
from lydite.pipeline import EVERY_USER_CONVERTS, general_findings, path_findings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from lydite.checking.data_check import Level, OutcomeSummary, TableSummary
    from lydite.engine import DuckDBEngine
    from lydite.models import Model
    from lydite.settings import Settings

#: From this share of conversions on, missing touches are a warning.
MOST_WITHOUT_TOUCH = 0.3
_MOST_NAMED = 5
#: What to do about a warning, and whether it only says how the data was read.
_FIXES: dict[str, tuple[Level, str]] = {
    "direct": ("note", "name other channels of direct traffic in channels.direct"),
    "interactions": ("note", "set evaluation.lookbacks for kinds of contacts that count shorter"),
    "refund": ("note", "nothing to do"),
    "spend_renamed": ("note", "give the channels one name, or map them in channels.mapping"),
    "excluded_referrals": ("note", "name your own domains in channels.exclude_referrals"),
    "after_conversion": ("note", 'choose after_conversion = "continue" or "restart"'),
    "unassigned_channel": ("warning", "add source and medium to channels.mapping"),
    "similar_channels": ("warning", "map the names to one in channels.mapping"),
    "spend_outside_period": ("warning", "load touchpoints of these days, or leave the spend out"),
    "spend_without_touches": (
        "warning",
        "give spend and touchpoints the same names, by channels.mapping",
    ),
    "shared_touches": ("warning", "add account_id to users, or name the column in cluster"),
    "unused_cluster": (
        "note",
        "nothing to do, unless users share touches: then name it in cluster",
    ),
    "outcome_channel": ("warning", "leave the channel out, and check again"),
    "separator": ("note", "set the separator if it is another"),
    "unused_column": ("note", "rename the column if it counts journeys, else leave it out"),
    "bot_like_users": ("warning", "remove monitoring, test accounts and scrapers in the source"),
    "hub_ids": ("warning", "leave ids that many people share out of identities"),
    "repeated_id": ("note", "keep one row per conversion in the source"),
    "joined_always": ("warning", 'set people.identities = "seen_by_then"'),
    "tested_before": ("note", "nothing to do, if the test is meant to be repeated"),
    "unknown_ids": ("warning", "check that identities has the ids of the other tables"),
}
_OTHER: tuple[Level, str] = ("warning", "see docs/data.md")


def findings_of(
    engine: DuckDBEngine,
    settings: Settings,
    models: Sequence[Model],
    rows: Sequence[Mapping[str, Any]],
    tables: Sequence[TableSummary],
    outcomes: Sequence[OutcomeSummary],
) -> list[DataFinding]:
    """Return all findings, errors first.

    Parameters
    ----------
    engine
        Holds the journeys.
    settings
        The settings of the run.
    models
        Its models.
    rows
        The rows of ``evaluation.outcomes``.
    tables, outcomes
        Their summaries.
    """
    found = [
        *_quality(engine),
        *_quarantine(tables, settings.quality.max_quarantined_share),
        *_histories(rows, outcomes),
        *_without_touch(outcomes),
        *_without_cost(engine),
        *warnings_with_fixes([*path_findings(engine, rows), *general_findings(engine, models)]),
    ]
    return sort_findings(found)


def sort_findings(findings: Iterable[DataFinding]) -> list[DataFinding]:
    """Return findings without repeats, errors first."""
    order = ("error", "warning", "note")
    return sorted(dict.fromkeys(findings), key=lambda finding: order.index(finding.level))


def warnings_with_fixes(found: Iterable[tuple[str, str]]) -> list[DataFinding]:
    """Return the warnings of a run with their fixes."""
    return [
        DataFinding(*_FIXES.get(kind, _OTHER)[:1], kind, text, _FIXES.get(kind, _OTHER)[1])
        for kind, text in found
    ]


def _quality(engine: DuckDBEngine) -> list[DataFinding]:
    """Return the findings about missing and shifted rows, and those of rules."""
    found = []
    for finding in quality.read_findings(engine):
        text, advice = quality.split_advice(finding)
        if advice is None and finding.kind in RULES:
            text, found_it, more = text.partition(f". {RULES[finding.kind].advice}")
            advice = f"{RULES[finding.kind].advice}{more}" if found_it else None
        level: Level = "error" if finding.blocking else "warning"
        fix = advice or "accepted in the settings: nothing to do"
        found.append(
            DataFinding(level, finding.kind, text, fix, finding.table_name, finding.outcome)
        )
    return found


def _quarantine(tables: Iterable[TableSummary], most: float) -> list[DataFinding]:
    """Return a finding for each table of which too many rows were set aside."""
    found = []
    for table in tables:
        wrong = [part for part in table.set_aside if part.reason not in CHOSEN_REASONS]
        bad = sum(part.rows for part in wrong)
        if not bad or bad <= most * table.read:
            continue
        first = wrong[0]
        such = f", such as {first.examples[0]!r}" if first.examples else ""
        text = (
            f"{bad:,} of {table.read:,} rows of {table.name} cannot be used, more than the"
            f" {most:.1%} of quality.max_quarantined_share; most are {first.reason}{such}"
        )
        found.append(DataFinding("error", "quarantined_rows", text, first.fix, table.name))
    return found


def _histories(
    rows: Iterable[Mapping[str, Any]], outcomes: Iterable[OutcomeSummary]
) -> list[DataFinding]:
    """Return a finding for each outcome that cannot be judged, and why."""
    found = []
    notes = {row["outcome"]: row["note"] for row in rows}
    for outcome in outcomes:
        note, name = notes[outcome.outcome], outcome.outcome
        if EVERY_USER_CONVERTS in note:
            text, _, fix = EVERY_USER_CONVERTS.partition(". ")
            found.append(DataFinding("warning", "no_verdict", text, fix, "touchpoints", name))
        if note and note != EVERY_USER_CONVERTS:
            text = (
                f"{outcome.days} days of data with {outcome.conversions:,} conversions are too"
                f" short a history for a verdict with a lookback of {outcome.lookback}; credit is"
                " computed nevertheless"
            )
            day = outcome.first_forecast
            fix = "load more history" if day is None else f"load older data, or wait until {day}"
            found.append(DataFinding("warning", "too_early", text, fix, None, name))
    return found


_UNPAID = """
select channels.channel
from journeys.channels as channels
inner join journeys.touches as touches on channels.channel_key = touches.channel_key
where
    not channels.is_direct
    and channels.channel not in (select channel from journeys.spend where cost > 0)
group by channels.channel
having coalesce(sum(touches.cost), 0) = 0
order by count(*) desc, channels.channel
"""
_ANY_COST = """
select exists (from journeys.spend where cost > 0) or exists (from journeys.touches where cost > 0)
"""


def _without_cost(engine: DuckDBEngine) -> list[DataFinding]:
    """Return a note on channels with touches and without cost, if any channel has a cost."""
    unpaid = [repr(channel) for (channel,) in engine.rows(_UNPAID)]
    if not unpaid or not engine.scalar(_ANY_COST):
        return []
    more = f" and {len(unpaid) - _MOST_NAMED} more" if len(unpaid) > _MOST_NAMED else ""
    text = f"these channels have touches and no cost: {', '.join(unpaid[:_MOST_NAMED])}{more}"
    return [DataFinding("note", "touches_without_spend", text, "add what they cost, if anything")]


def _without_touch(outcomes: Iterable[OutcomeSummary]) -> list[DataFinding]:
    """Return a finding for each outcome many of whose conversions have no touch."""
    found = []
    for outcome in outcomes:
        missing, total = outcome.without_touch, outcome.conversions
        if not total or missing < MOST_WITHOUT_TOUCH * total:
            continue
        strangers = outcome.without_any_touch
        text = (
            f"{missing:,} of {total:,} conversions ({missing / total:.0%}) have no touch on their"
            f" path; {strangers:,} are of users who have no touch at all"
        )
        fix = (
            "compare the user ids of both tables, or join them by identities"
            if strangers > missing / 2
            else "lengthen the lookback, or load the touchpoints before the first conversions"
        )
        found.append(
            DataFinding(
                "warning", "conversions_without_touch", text, fix, "conversions", outcome.outcome
            )
        )
    return found
