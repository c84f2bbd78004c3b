"""How well calibrated credit and the models predict experiments without them, as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from lydite.experiments.left_out import ALL_CHANNELS, CALIBRATED
from lydite.reporting.display_names import channel_label, model_word
from lydite.reporting.formats import amount, count, fixed, percent
from lydite.reporting.queries import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from lydite.reporting.queries import Row
    from lydite.results import Comparison

#: With fewer experiments, nothing is shown.
MIN_EXPERIMENTS = 3
TITLE = "Experiments predicted from each other"
ABOUT = (
    "Each experiment is predicted without it. R² is 1 if all predictions are exact, and 0 if they"
    " are no better than the mean of the experiments, or than no effect at all. What the"
    " experiments measured contains noise, so that exact predictions do not reach 1."
)
METHOD_HEADS = ("predicted by", "R² to the mean", "R² to no effect", "mean error", "in interval")
CHANNEL_HEADS = ("channel", "experiments", "mean error, calibrated", "mean error, credit")


@dataclass(frozen=True)
class Predictions:
    """The cells of the tables of one outcome; empty with few experiments.

    Attributes
    ----------
    methods
        Calibrated credit first, then the models, the nearest first.
    channels
        Mean errors by channel of calibrated credit, and of the same model's credit as it is.
    """

    methods: Sequence[tuple[str, ...]] = ()
    channels: Sequence[tuple[str, ...]] = ()


def predictions_of(comparison: Comparison, outcome: str) -> Predictions:
    """Return what is shown of one outcome."""
    rows = rows_of(comparison, "experiment_prediction_summary", outcome)
    whole = [row for row in rows if row["channel"] == ALL_CHANNELS]
    if not whole or max(row["experiments"] for row in whole) < MIN_EXPERIMENTS:
        return Predictions()
    ordered = sorted(
        whole,
        key=lambda row: (row["method"] != CALIBRATED, row["mean_absolute_error"], row["model"]),
    )
    return Predictions([_method(row) for row in ordered], _channels(comparison, rows))


def _method(row: Row) -> tuple[str, ...]:
    is_calibrated = row["method"] == CALIBRATED
    name = model_word(row["model"])
    return (
        f"calibrated credit ({name})" if is_calibrated else f"credit by {name}",
        fixed(row["r_squared"], 2),
        fixed(row["r_squared_zero"], 2),
        amount(row["mean_absolute_error"]),
        percent(row["covered"]) if is_calibrated else "",
    )


def _channels(comparison: Comparison, rows: Sequence[Row]) -> list[tuple[str, ...]]:
    names = comparison.report_settings.channel_names
    calibrated = [
        row for row in rows if row["method"] == CALIBRATED and row["channel"] != ALL_CHANNELS
    ]
    of_credit = {
        (row["model"], row["channel"]): row["mean_absolute_error"]
        for row in rows
        if row["method"] != CALIBRATED
    }
    return [
        (
            channel_label(row["channel"], names),
            count(row["experiments"]),
            amount(row["mean_absolute_error"]),
            amount(of_credit.get((row["model"], row["channel"]))),
        )
        for row in sorted(calibrated, key=lambda row: -row["mean_absolute_error"])
    ]


def print_predictions(comparison: Comparison, outcome: str, console: Console) -> None:
    """Print the tables of one outcome, if there are enough experiments."""
    found = predictions_of(comparison, outcome)
    if not found.methods:
        return
    console.print()
    console.print(Text(f"{TITLE}, in the last run", style="bold"))
    for heads, rows in ((METHOD_HEADS, found.methods), (CHANNEL_HEADS, found.channels)):
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for number, head in enumerate(heads):
            table.add_column(head, overflow="fold", justify="right" if number else "left")
        for cells in rows:
            table.add_row(*(Text(cell) for cell in cells))
        if rows:
            console.print(table)
    console.print(Text(ABOUT, style="dim"))
