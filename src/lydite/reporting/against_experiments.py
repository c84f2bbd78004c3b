"""What experiments measured, next to what a model credits and what it had expected, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from lydite.reporting.champion import champion_of
from lydite.reporting.channel_money import model_to_show
from lydite.reporting.display_names import (
    channel_word,
    conversions_of,
    model_word,
)
from lydite.reporting.formats import approximate, count, plain
from lydite.reporting.queries import rows_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from rich.console import Console

    from lydite.reporting.queries import Row
    from lydite.results import Comparison

TITLE = "The model against experiments"
_STATUS = {
    "agrees": "agrees",
    "overstates": "is too high for sure",
    "understates": "is too low for sure",
    "uninformative": "cannot be judged",
}


def compared_with_experiments(
    comparison: Comparison, outcome: str, names: Collection[str] | None = None
) -> list[str]:
    """Return a sentence per holdout that is over, about the model in use; empty without any.

    Where no experiment is compared with the model in use, they are about the one that is shown.

    Parameters
    ----------
    comparison
        What was published.
    outcome
        Name of the outcome.
    names
        The experiments; all of them by default.
    """
    model, rows = _rows(comparison, outcome)
    return [
        _sentence(model, outcome, row, credit)
        for row, credit in rows
        if names is None or row["experiment"] in names
    ]


def experiments_about(comparison: Comparison, outcome: str) -> str:
    """Return how many experiments contradict the model in use, in a few words."""
    model, rows = _rows(comparison, outcome)
    if not rows:
        return ""
    wrong = sum(
        "overstates" in found or "understates" in found
        for found in ((row["status"], credit["status"]) for row, credit in rows)
    )
    of = "1 experiment" if len(rows) == 1 else f"{count(len(rows))} experiments"
    if not wrong:
        return f"no contradiction of {model_word(model)} by {of}"
    return f"{count(wrong)} of {of} contradict{'s' if wrong == 1 else ''} {model_word(model)}"


def print_against_experiments(
    comparison: Comparison,
    outcome: str,
    console: Console,
    names: Collection[str] | None = None,
) -> None:
    """Print the sentences about one outcome and some experiments, if there are any."""
    sentences = compared_with_experiments(comparison, outcome, names)
    if sentences:
        console.print()
        console.print(Text(TITLE, style="bold"))
    for sentence in sentences:
        console.print(Text(sentence))


def _rows(comparison: Comparison, outcome: str) -> tuple[str, list[tuple[Row, Row]]]:
    """Return a model, and for each holdout its rows about its expectation and about its credit."""
    champion = champion_of(comparison, outcome)
    expected = rows_of(comparison, "experiment_hypotheses", outcome)
    names = [champion["model"] if champion else None, model_to_show(comparison, outcome)]
    known = {row["model"] for row in expected}
    model = next((name for name in names if name in known), None)
    if model is None:
        return "", []
    credit = {
        row["experiment"]: row
        for row in rows_of(comparison, "experiment_agreement", outcome)
        if row["model"] == model
    }
    return model, [
        (row, credit[row["experiment"]])
        for row in expected
        if row["model"] == model and row["experiment"] in credit
    ]


def _sentence(model: str, outcome: str, row: Row, credit: Row) -> str:
    name, channel = model_word(model), channel_word(row["channel"])
    what = conversions_of(outcome, round(row["expected"]))
    said = (
        f"{plain(row['experiment'])}: {name} expected {count(row['expected'])} {what} from"
        f" {channel} and credits it with {count(credit['credited'])}; the experiment measured"
        f" {count(row['measured'])}. The credit {_STATUS[credit['status']]}, the expectation"
        f" {_STATUS[row['status']]}."
    )
    needed = [each["users_needed"] for each in (row, credit) if each["status"] == "uninformative"]
    known = [users for users in needed if users is not None]
    if known:
        said += f" It would have taken about {approximate(max(known))} users."
    if {row["status"], credit["status"]} & {"overstates", "understates"}:
        said += " Where forecasts and an experiment disagree, the experiment wins."
    return said
