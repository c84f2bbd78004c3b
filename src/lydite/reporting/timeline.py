"""What was claimed, tested, refuted and decided, in the order of time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from lydite.reporting.against_experiments import print_against_experiments
from lydite.reporting.champion import champion_alert, champion_line
from lydite.reporting.display_names import experiment_word, model_label, model_word
from lydite.reporting.formats import count, enumerate_names, plain
from lydite.reporting.model_groups import MOST_NAMED
from lydite.reporting.queries import rows_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from rich.console import Console

    from lydite.reporting.queries import Row
    from lydite.results import Comparison

_TEXTS = {
    "refuted": "{model} refuted by {by}",
    "contradicted": "{model} contradicted by the experiment {by}",
    "stands_again": "{model} stands again",
    "best": "{model} best",
    "withdrawn": "{model} no longer compared",
    "returned": "{model} compared again",
    "challenger": "challenger: {model}",
    "champion_refuted": "the model in use, {model}, refuted by {by}",
    "decision": "{by} decided to use {model}: {text}",
}


@dataclass(frozen=True)
class Event:
    """One line of the timeline: the day, the kind of event as in the tables, and the text."""

    day: str
    kind: str
    text: str


def events_of(comparison: Comparison, outcome: str) -> list[Event]:
    """Return the timeline of one outcome, the first event first.

    Several hypotheses of one day are one event, and so are several models that one model refuted,
    or that one experiment contradicts.
    """
    rows = sorted(rows_of(comparison, "timeline", outcome), key=lambda row: row["number"])
    experiments = {row["experiment"] for row in rows_of(comparison, "experiments", outcome)}
    return [
        Event(f"{day}", kind, _text(kind, same_cause, experiments))
        for (day, kind), own in groupby(rows, key=lambda row: (row["day"], row["event"]))
        for same_cause in _by_cause(own)
    ]


def _by_cause(rows: Iterable[Row]) -> Iterable[list[Row]]:
    groups: dict[object, list[Row]] = {}
    for row in rows:
        groups.setdefault(_cause(row), []).append(row)
    return groups.values()


def _cause(row: Row) -> object:
    """Return what events of one day and kind must share to be one line."""
    return row["number"] if row["event"] == "decision" else row["caused_by"]


def _text(kind: str, rows: Sequence[Row], experiments: Collection[str]) -> str:
    first = rows[0]
    if kind == "hypothesis":
        if len(rows) > MOST_NAMED:
            return f"{count(len(rows))} hypotheses are tested"
        claims = [f"{model_label(row['model'])}: {plain(row['text'])}" for row in rows]
        return f"tested: {'; '.join(claims)}"
    names = [model_word(row["model"]) for row in rows]
    if len(names) > MOST_NAMED:
        names = [*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} more"]
    by = _cause_in_words(kind, first["caused_by"], experiments)
    text = _TEXTS[kind].format(model=enumerate_names(names), by=by, text=plain(first["text"] or ""))
    return text if kind == "decision" else text[:1].upper() + text[1:]


def _cause_in_words(kind: str, cause: str | None, experiments: Collection[str]) -> str:
    """Return the model, the experiment or the person that caused an event."""
    if cause is None:
        return "another model"
    if kind == "decision":
        return plain(cause)
    if kind == "contradicted":
        return experiment_word(cause)
    if kind == "champion_refuted" and cause in experiments:
        return f"the experiment {experiment_word(cause)}"
    return model_word(cause)


def refuted_hypotheses(comparison: Comparison, outcome: str) -> list[Row]:
    """Return the refuted models, also those that are no longer compared, the last one first."""
    rows = [row for row in rows_of(comparison, "hypotheses", outcome) if not row["stands"]]
    return sorted(rows, key=lambda row: (str(row["refuted_in"] or ""), row["model"]), reverse=True)


def print_history(comparison: Comparison, outcomes: Sequence[str], console: Console) -> None:
    """Print the model in use, the timeline, and the refuted models of some outcomes.

    Parameters
    ----------
    comparison
        What was published.
    outcomes
        Names of its outcomes.
    console
        Where to print.
    """
    for outcome in outcomes:
        console.print()
        console.rule(Text(plain(outcome), style="bold"), align="left")
        alert, line = champion_alert(comparison, outcome), champion_line(comparison, outcome)
        if alert:
            console.print(Text(alert, style="bold red"))
        if line:
            console.print(Text(line))
        _print(console, "Timeline", ("day", "event"), [
            (event.day, event.text) for event in events_of(comparison, outcome)
        ])  # fmt: skip
        _print(console, "Refuted hypotheses", ("model", "claim", "refuted by", "in period"), [
            (
                model_label(row["model"]) + ("" if row["is_compared"] else " (no longer compared)"),
                plain(row["claim"]),
                _refuters(row),
                str(row["refuted_in"] or ""),
            )
            for row in refuted_hypotheses(comparison, outcome)
        ])  # fmt: skip
        print_against_experiments(comparison, outcome, console)


def _refuters(row: Row) -> str:
    """Return the model and the experiment that refute a model; the period is that of the model."""
    by = model_label(row["refuted_by"]) if row["refuted_by"] else ""
    experiment = row["refuted_by_experiment"]
    if experiment is None:
        return by
    return f"{by and f'{by}, '}experiment {experiment_word(experiment)}"


def _print(
    console: Console, title: str, heads: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    if not rows:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for head in heads:
        table.add_column(head, overflow="fold", no_wrap=head in {"day", "in period"})
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print()
    console.print(Text(title, style="bold"))
    console.print(table)
