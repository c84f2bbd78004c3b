"""Experiments on a terminal: checks that need attention, and a row per arm and outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lydite.experiments.words import describe_reading
from lydite.reporting.experiment_tables import finding, show, show_difference, show_interval
from lydite.reporting.formats import count, plain

if TYPE_CHECKING:
    from rich.console import Console

    from lydite.experiments.result import ExperimentReading

_SIGNS = {"failed": ("✗", "bold red"), "warning": ("!", "yellow"), "waiting": ("·", "cyan")}
_STYLES = {"higher": "green", "lower": "red"}


def print_experiments(found: list[ExperimentReading], console: Console) -> None:
    """Print experiments.

    Parameters
    ----------
    found
        The readings.
    console
        Where to print.
    """
    for reading in found:
        _print_experiment(reading, console)


def _print_experiment(reading: ExperimentReading, console: Console) -> None:
    rows = reading.rows.to_dicts()
    console.print()
    channel = f"  {plain(rows[0]['channel'])}" if rows and rows[0]["channel"] else ""
    console.rule(Text.assemble((plain(reading.name), "bold"), channel), align="left")
    if rows:
        console.print(Text(f"Hypothesis: {plain(rows[0]['hypothesis'])}"))
    for check in reading.check_rows.iter_rows(named=True):
        if check["status"] in _SIGNS:
            sign, style = _SIGNS[check["status"]]
            console.print(Text.assemble((f"{sign} ", style), plain(check["text"])))
    if not rows:
        return
    passed = int((reading.check_rows["status"] == "passed").sum())
    console.print(Text(f"{passed} checks passed.", style="dim"))
    console.print(Padding(_table(rows), (1, 0, 1, 0)))
    console.print(Text(describe_reading(reading.may_read, reading.readable_on)))


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("outcome", "metric", "arm"):
        table.add_column(name, overflow="fold")
    for name in ("users", "mean", "difference", "interval"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    previous = None
    for row in rows:
        key = (row["outcome"], row["metric"])
        star = "*" if row["is_primary"] else ""
        first = (f"{plain(row['outcome'])}{star}", row["metric"]) if key != previous else ("", "")
        previous = key
        table.add_row(
            *first,
            plain(row["arm"]),
            "" if row["users"] is None else count(row["users"]),
            show(row, row["mean"]),
            show_difference(row),
            show_interval(row),
            Text(finding(row), style=_STYLES.get(row["verdict"], "")),
        )
    return table
