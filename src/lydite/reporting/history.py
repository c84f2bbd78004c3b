"""Over time: since when the verdict has stood, and whether it has turned, in words."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lydite.reporting.display_names import MOST_NAMED, are, names, sentence, when
from lydite.reporting.formats import plain, verdict_label
from lydite.reporting.queries import (
    LEADING,
    alike_groups,
    from_path_table,
    leaders,
    outcome_record,
    rivals_of,
    rows_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from lydite.results import Comparison

    Row = Mapping[str, Any]
    History = Sequence[tuple[date, str]]

_MAY_HAVE_CHANGED = "what decides may have changed"
# The longest that the shortest step between two periods can be, in days.
_PERIODS = ((1, "day"), (7, "week"), (31, "month"))


def over_time(comparison: Comparison, outcome: str) -> list[str]:
    """Return since when the verdict has stood, and how it was before it turned.

    Returns
    -------
    Sentences; none on a path table, which has no clock, and none where nothing has been ahead.
    """
    if from_path_table(outcome_record(comparison, outcome)):
        return []
    rivals, histories = rivals_of(comparison, outcome), histories_of(comparison, outcome)
    period = _period(histories)
    ahead = alike_groups(leaders(rivals))
    since = _since(ahead, histories)
    falls = _falls(rivals, histories)
    if falls:
        told = [*_told_falls(falls, ahead, since, period), *_still(ahead, rivals, period)]
        return told if len(ahead) == 1 else [*told, *_told_since(ahead, since, period)]
    moved = _moved(rivals, histories, period) or _warned(comparison, outcome)
    return [*moved, *_told_since(ahead, since, period)]


def histories_of(comparison: Comparison, outcome: str) -> dict[str, History]:
    """Return each rival's verdicts, period by period; empty where they are not known."""
    found: dict[str, list[tuple[date, str]]] = {}
    for row in rows_of(comparison, "evidence", outcome):
        if row["verdict"] and row["period_start"] and row["model"]:
            found.setdefault(row["model"], []).append((row["period_start"], row["verdict"]))
    return {model: sorted(history) for model, history in found.items()}


def _period(histories: Mapping[str, History]) -> str:
    """Return how long a period is, by the shortest step from one to the next."""
    days = sorted({day for history in histories.values() for day, _ in history})
    step = min(((b - a).days for a, b in pairwise(days)), default=0)
    return next((name for most, name in _PERIODS if 0 < step <= most), "period")


def _since(ahead: Sequence[Sequence[Row]], histories: Mapping[str, History]) -> date | None:
    """Return the period from which on all that lead have done so without interruption."""
    accepted = ("best",) if len(ahead) == 1 else LEADING
    starts = [_streak(histories.get(group[0]["model"], ()), accepted) for group in ahead]
    known = [start for start in starts if start is not None]
    return max(known) if known and len(known) == len(starts) else None


def _streak(history: History, accepted: Sequence[str]) -> date | None:
    start: date | None = None
    for day, verdict in history:
        start = (start or day) if verdict in accepted else None
    return start


def _told_since(ahead: Sequence[Sequence[Row]], since: date | None, period: str) -> list[str]:
    if since is None:
        return []
    if len(ahead) == 1:
        subject = "It has" if len(ahead[0]) == 1 else "They have"
        return [f"{subject} been best since {when(period, since)}."]
    subject = "Both" if len(ahead) == 2 else "All"
    state = "been ahead of touch volume and unrefuted"
    return [f"{subject} have {state} since {when(period, since)}."]


@dataclass(frozen=True)
class _Fall:
    """Rivals that led up to the same period, lead no longer, and whose lead or lag has turned."""

    was_best: bool
    until: date
    rows: list[Row]


def _falls(rivals: Sequence[Row], histories: Mapping[str, History]) -> list[_Fall]:
    """Return the last falls of those that were best, else the last of those that were ahead."""
    found: dict[tuple[bool, date], list[Row]] = {}
    for row in rivals:
        if row["moved_in"] is None or row["verdict"] in LEADING:
            continue
        history = histories.get(row["model"], ())
        best, ahead = _last_end(history, ("best",)), _last_end(history, LEADING)
        until = best or ahead
        if until is not None:
            found.setdefault((best is not None, until), []).append(row)
    falls = [_Fall(*key, found[key]) for key in sorted(found)]
    return [fall for fall in falls if fall.was_best][-MOST_NAMED:] or falls[-1:]


def _last_end(history: History, accepted: Sequence[str]) -> date | None:
    """Return the first period after the last one with such a verdict; None where there is none."""
    ends = [day for (_, before), (day, _) in pairwise(history) if before in accepted]
    return ends[-1] if ends else None


def _told_falls(
    falls: Sequence[_Fall], ahead: Sequence[Sequence[Row]], since: date | None, period: str
) -> list[str]:
    """Say which led until when, one after the other, and what is now."""
    first, last = falls[0], falls[-1]
    was = "was" if len(first.rows) == 1 else "were"
    parts = [f"until {when(period, fall.until)} {_who(fall.rows)}" for fall in falls]
    parts[0] += f" {was} {'best' if first.was_best else 'ahead'}"
    if len(ahead) == 1 and since is not None:
        then = "since then" if since == last.until else f"since {when(period, since)}"
        now = f"{then} it has been {names(ahead[0])}"
    else:
        subject = "it" if len(last.rows) == 1 else "each"
        now = f"now {subject} is {verdict_label(last.rows[0]['verdict'])}"
    before = ", ".join(parts)
    return [f"{before[:1].upper()}{before[1:]}; {now}.", f"{_MAY_HAVE_CHANGED.capitalize()}."]


def _who(rows: Sequence[Row]) -> str:
    return names(rows) if len(rows) <= MOST_NAMED else f"{len(rows)} other models"


def _still(ahead: Sequence[Sequence[Row]], rivals: Sequence[Row], period: str) -> list[str]:
    """Say that the mean over all periods still speaks for another, where it does."""
    leading = {row["model"] for group in ahead for row in group}
    if not ahead or rivals[0]["model"] in leading:
        return []
    return [f"Over all {period}s together {plain(rivals[0]['model'])} still explains most."]


def _moved(rivals: Sequence[Row], histories: Mapping[str, History], period: str) -> list[str]:
    """Say that a lead has turned of which no rival has fallen."""
    moved = [
        row
        for row in rivals
        if row["moved_in"] is not None
        and {row["verdict"], *(verdict for _, verdict in histories.get(row["model"], ()))}
        & set(LEADING)
    ]
    if not moved:
        return []
    last = max(row["moved_in"] for row in moved)
    who = names(moved) if len(moved) <= MOST_NAMED else f"{len(moved)} models"
    turned = f"In {when(period, last)} a lead turned"
    return [f"{turned} that {who} {are(moved)} part of; {_MAY_HAVE_CHANGED}."]


def _warned(comparison: Comparison, outcome: str) -> list[str]:
    """Say what the tables say where the verdicts before are not known."""
    rows = rows_of(comparison, "warnings", outcome)
    return [sentence(row["text"]) for row in rows if row["kind"] == "drift" and row["text"]][:1]
