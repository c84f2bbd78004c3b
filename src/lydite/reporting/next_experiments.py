"""The next experiments in words and on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lydite.journeys.clusters import DEFAULT_COLUMN
from lydite.reporting.display_names import channel_label, channel_word, model_word
from lydite.reporting.formats import amount, count, enumerate_names, fixed, percent, plain
from lydite.reporting.model_groups import MOST_NAMED
from lydite.reporting.queries import rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from lydite.reporting.queries import Row
    from lydite.results import Comparison

_MOST, _MOST_EXPLAINED = 5, 3
#: Weeks: the longest test that is possible, and from where on no length is enough.
_POSSIBLE, _ENDLESS = 12, 520
_REGIONS = "Ten or more regions may decide sooner."
_NOTHING = (
    "No experiment is proposed: none of the channels has spend, or no conversion has a value."
)


def next_experiments_of(comparison: Comparison, outcome: str) -> list[Row]:
    """Return the proposed experiments of one outcome: those that can be run first, by value.

    Those that take longer than 12 weeks follow, the shortest first, and then those that cost more
    than they are worth.
    """
    return sorted(rows_of(comparison, "next_experiments", outcome), key=_order)


def _order(row: Row) -> tuple[bool, bool, int, int]:
    weeks = 0 if row["is_feasible"] else row["weeks"]
    return row["value"] <= 0, not row["is_feasible"], weeks, row["rank"]


def describe_design(row: Row) -> str:
    """Return how a channel is tested, and whether other units may be better."""
    if row["unit"] == "cluster":
        return _describe_clusters(row)
    what = "users" if row["unit"] == "user" else "regions"
    said = _hold_out(row, what)
    if row["unit"] == "user":
        said += f" ({count(row['users'])} users in all)"
    if row["is_feasible"]:
        return f"{said}."
    return f"{said}. {_REGIONS}" if row["unit"] == "user" else f"{said}."


def _hold_out(row: Row, what: str) -> str:
    return f"Hold out {percent(row['holdout_share'])} of the {what} for {_weeks(row['weeks'])}"


def _weeks(weeks: int) -> str:
    return f"{count(weeks)} week{'' if weeks == 1 else 's'}"


def is_endless(row: Row) -> bool:
    """Return whether a test would take so long that no length of it is enough."""
    return bool(row["weeks"] > _ENDLESS)


def _describe_clusters(row: Row) -> str:
    """Return how whole clusters are tested, and what that is for."""
    many, one = cluster_words(row["cluster_column"])
    there_are = f"{count(row['clusters'])} {many}"
    enough = "" if row["clusters_needed"] is None else (
        f"In {_POSSIBLE} weeks {count(row['clusters_needed'])} {many} would be enough"
    )  # fmt: skip
    if is_endless(row):
        by_user = _weeks(row["weeks_by_user"])
        said = f"{there_are} are too few, however long the test is."
        said += f" {enough}." if enough else ""
        if row["weeks_by_user"] <= _ENDLESS:
            said += (
                f" A test by user would take {by_user}, but measures too little where users of"
                f" {one} influence each other."
            )
        return f"{said} {_REGIONS}"
    said = (
        f"{_hold_out(row, many)} ({there_are}, {count(row['users'])} users in all), with all users"
        f" of {one} in the same arm: they influence each other, and a test by user would be biased."
        f" It takes {fixed(row['design_effect'], 1)} times as many users as a test by user."
    )
    return said if row["is_feasible"] or not enough else f"{said} {enough}. {_REGIONS}"


def cluster_words(column: str) -> tuple[str, str]:
    """Return how clusters of users are called: many of them, and one."""
    if column.lower() == DEFAULT_COLUMN:
        return "accounts", "an account"
    return f"groups by {plain(column)}", "a group"


def describe_results(row: Row, names: Mapping[str, str] | None = None) -> list[str]:
    """Return what two possible results would change, a sentence each.

    Parameters
    ----------
    row
        A row of `mart.next_experiments`.
    names
        How channels are called.
    """
    return [
        _result(f"{what}:", row, result, names or {})
        for what, result in (
            ("No effect", "if_no_effect"),
            ("All that is credited", "if_as_credited"),
        )
    ]


def _result(what: str, row: Row, result: str, names: Mapping[str, str]) -> str:
    keep, moved = row[f"keep_{result}"], row[f"moved_{result}"]
    said = f"{what} {'keep' if keep else 'cut'} the channel"
    if moved:
        said += f", {amount(moved)} a month {'stay' if keep else 'move'}"
        to = row.get(f"moved_to_{result}")  # files of earlier versions lack it
        if to is not None and not keep:
            said += f" to {channel_word(to, names)}, the best return of the others"
    refuted = [model_word(name) for name in row[f"refuted_{result}"].split(", ") if name]
    if len(refuted) > MOST_NAMED:
        refuted = [f"{len(refuted)} models"]
    return f"{said}; contradicts {enumerate_names(refuted)}." if refuted else f"{said}."


def print_next_experiments(
    comparison: Comparison, outcomes: Sequence[str], console: Console
) -> None:
    """Print the most valuable experiments of some outcomes.

    Parameters
    ----------
    comparison
        What was published.
    outcomes
        Names of its outcomes.
    console
        Where to print.
    """
    names = comparison.report_settings.channel_names
    for outcome in outcomes:
        console.print()
        console.rule(Text(plain(outcome), style="bold"), align="left")
        rows = next_experiments_of(comparison, outcome)[:_MOST]
        if not rows:
            console.print(Text(_NOTHING))
            continue
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("channel", overflow="fold")
        for name in ("worth in a year", "expected", "break-even"):
            table.add_column(name, justify="right")
        table.add_column("design", overflow="fold")
        for row in rows:
            cells = (
                channel_label(row["channel"], names),
                "–" if is_endless(row) else amount(row["value"]),
                fixed(row["expected_factor"], 2),
                fixed(row["break_even_factor"], 2),
                describe_design(row),
            )
            table.add_row(*(Text(cell) for cell in cells))
        console.print(table)
        for row in rows[:_MOST_EXPLAINED]:
            tested = channel_word(row["channel"], names)
            console.print(Text(f"What a test of {tested} would change", "bold"))
            for sentence in describe_results(row, names):
                console.print(Padding(Text(sentence), (0, 2)))
        note = "expected, break-even: share of the credited conversions that the channel causes"
        if not rows[0]["is_feasible"]:
            note += "\nNo test takes at most 12 weeks; the shortest one is first."
        console.print(Text(note, style="dim"))
