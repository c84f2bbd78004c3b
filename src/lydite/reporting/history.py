"""The verdict over time in words: since when it has stood, and whether it has changed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from lydite.reporting.display_names import model_word, period_name, sentence, start_sentence
from lydite.reporting.formats import verdict_label
from lydite.reporting.model_groups import (
    MOST_NAMED,
    group_names,
    is_or_are,
    model_names,
    models_of,
    null_name,
)
from lydite.reporting.queries import (
    LEADING,
    is_path_table,
    outcome_counts,
    primary_models,
    rivals_of,
    rows_of,
    standing_models,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from lydite.reporting.queries import Row, Standing
    from lydite.results import Comparison

    #: The verdicts on one model: the first day of each period, and the verdict after it.
    History = Sequence[tuple[date, str]]

_MAY_HAVE_CHANGED = "what drives conversions may have changed"
# The most days between the starts of two periods, by the name of the period.
_PERIODS = ((1, "day"), (7, "week"), (31, "month"))


def verdict_history(comparison: Comparison, outcome: str) -> list[str]:
    """Return since when the verdict has stood, and what it was before.

    Returns
    -------
    Sentences; none for a path table, which has no times, or if nothing has been ahead so far.
    """
    if is_path_table(outcome_counts(comparison, outcome)):
        return []
    rivals, histories = rivals_of(comparison, outcome), _histories(comparison, outcome)
    period, null = _period(histories), null_name(comparison, outcome)
    standing = standing_models(comparison, outcome)
    since = _since(standing, rivals, histories)
    stood = _describe_since(standing, since, period, null)
    changes = _changes(rivals, histories)
    if changes:
        said = _describe_changes(changes, standing, since, period)
        said += _overall(standing.ahead, rivals, period)
        return said if standing.best else [*said, *stood]
    moved = _lead_changes(rivals, histories, period) or _drift_warning(comparison, outcome)
    return [*moved, *stood]


def period_of(comparison: Comparison, outcome: str) -> str:
    """Return the length of a period: ``day``, ``week`` or ``month``; ``period`` if not known."""
    return _period(_histories(comparison, outcome))


def _histories(comparison: Comparison, outcome: str) -> dict[str, History]:
    """Return the history of every model for which the tables have one."""
    found: dict[str, list[tuple[date, str]]] = {}
    for row in rows_of(comparison, "evidence", outcome):
        if row["verdict"] and row["period_start"] and row["model"]:
            found.setdefault(row["model"], []).append((row["period_start"], row["verdict"]))
    return {model: sorted(history) for model, history in found.items()}


def _period(histories: Mapping[str, History]) -> str:
    """Return the name of the period, by the shortest step from one start to the next."""
    days = sorted({day for history in histories.values() for day, _ in history})
    step = min(((b - a).days for a, b in pairwise(days)), default=0)
    return next((name for most, name in _PERIODS if 0 < step <= most), "period")


def _since(
    standing: Standing, rivals: Sequence[Row], histories: Mapping[str, History]
) -> date | None:
    """Return the start of the period since which the verdict on the leaders has stood."""
    if standing.best:
        names = {row["model"] for row in standing.best}
        others = [row["model"] for row in primary_models(rivals) if row["model"] not in names]
        return _best_since(standing.best[0]["model"], others, histories)
    starts = [_streak(histories.get(group[0]["model"], ()), LEADING) for group in standing.ahead]
    known = [start for start in starts if start is not None]
    return max(known) if known and len(known) == len(starts) else None


def _streak(history: History, accepted: Sequence[str]) -> date | None:
    start: date | None = None
    for day, verdict in history:
        start = (start or day) if verdict in accepted else None
    return start


def _best_since(model: str, others: Sequence[str], histories: Mapping[str, History]) -> date | None:
    """Return the start of the period since which a model has led and refuted the others."""
    behind = [dict(histories.get(name, ())) for name in others]
    start: date | None = None
    for day, verdict in histories.get(model, ()):
        alone = verdict == "best" or (
            verdict in LEADING and all(other.get(day) == "refuted" for other in behind)
        )
        start = (start or day) if alone else None
    return start


def _describe_since(standing: Standing, since: date | None, period: str, null: str) -> list[str]:
    if since is None:
        return []
    start = period_name(period, since)
    if standing.best:
        subject = "It has" if len(standing.best) == 1 else "They have"
        return [f"{subject} been best since {start}."]
    ahead = standing.ahead
    subject = {1: "It has", 2: "Both have"}.get(len(ahead), "All have")
    if len(ahead) < len(standing.first):
        has = "has" if len(ahead) == 1 else "have"
        subject = start_sentence(f"{group_names(models_of(ahead))} {has}")
    return [f"{subject} been better than {null} and not refuted since {start}."]


@dataclass(frozen=True)
class _Change:
    """Models that led until the same period and no longer do, because a lead was reversed."""

    was_best: bool
    until: date
    rows: list[Row]


def _changes(rivals: Sequence[Row], histories: Mapping[str, History]) -> list[_Change]:
    """Return the last changes from models that were best, else the last from a contender."""
    found: dict[tuple[bool, date], list[Row]] = {}
    for row in rivals:
        if row["moved_in"] is None or row["verdict"] in LEADING:
            continue
        history = histories.get(row["model"], ())
        best, ahead = _last_end(history, ("best",)), _last_end(history, LEADING)
        until = best or ahead
        if until is not None:
            found.setdefault((best is not None, until), []).append(row)
    changes = [_Change(*key, found[key]) for key in sorted(found)]
    return [change for change in changes if change.was_best][-MOST_NAMED:] or changes[-1:]


def _last_end(history: History, accepted: Sequence[str]) -> date | None:
    """Return the first period after the last one with an accepted verdict; None without one."""
    ends = [day for (_, before), (day, _) in pairwise(history) if before in accepted]
    return ends[-1] if ends else None


def _describe_changes(
    changes: Sequence[_Change], standing: Standing, since: date | None, period: str
) -> list[str]:
    """Say which models led until when, and what leads now."""
    first, last = changes[0], changes[-1]
    was = "was" if len(first.rows) == 1 else "were"
    parts = [f"until {period_name(period, own.until)} {_who(own.rows)}" for own in changes]
    parts[0] += f" {was} {'best' if first.was_best else 'ahead'}"
    if standing.best and since is not None:
        then = "since then" if since == last.until else f"since {period_name(period, since)}"
        now = f"{then} it has been {model_names(standing.best)}"
    else:
        subject = "it" if len(last.rows) == 1 else "each"
        now = f"now {subject} is {verdict_label(last.rows[0]['verdict'])}"
    before = ", ".join(parts)
    return [f"{before[:1].upper()}{before[1:]}; {now}.", f"{_MAY_HAVE_CHANGED.capitalize()}."]


def _who(rows: Sequence[Row]) -> str:
    return model_names(rows) if len(rows) <= MOST_NAMED else f"{len(rows)} other models"


def _overall(ahead: Sequence[Sequence[Row]], rivals: Sequence[Row], period: str) -> list[str]:
    """Say if another model still has the best forecast over all periods."""
    leading = {row["model"] for group in ahead for row in group}
    if not ahead or rivals[0]["model"] in leading:
        return []
    best = model_word(rivals[0]["model"])
    return [f"Over all {period}s together, {best} still forecasts best."]


def _lead_changes(
    rivals: Sequence[Row], histories: Mapping[str, History], period: str
) -> list[str]:
    """Say that a lead was reversed, though no model lost its verdict by it."""
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
    who = model_names(moved) if len(moved) <= MOST_NAMED else f"{len(moved)} models"
    reversed_in = f"In {period_name(period, last)} a lead was reversed"
    return [f"{reversed_in} ({who} {is_or_are(moved)} concerned); {_MAY_HAVE_CHANGED}."]


def _drift_warning(comparison: Comparison, outcome: str) -> list[str]:
    """Repeat the warning of the tables, if the earlier verdicts are not known."""
    rows = rows_of(comparison, "warnings", outcome)
    return [sentence(row["text"]) for row in rows if row["kind"] == "drift" and row["text"]][:1]
