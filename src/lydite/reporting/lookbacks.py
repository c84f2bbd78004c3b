"""Lookbacks compared: a row per model, columns per lookback, for the terminal and the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lydite.reporting.credit_tables import main_lookback_first
from lydite.reporting.display_names import model_label
from lydite.reporting.formats import interval, percent, percent_by_error, plain, verdict_label
from lydite.reporting.queries import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from lydite.reporting.queries import Row
    from lydite.results import Comparison

NOTE = (
    "All other figures are those of the first lookback. Improvements are not to be compared between"
    " lookbacks: each is about other conversions. All lookbacks share the risk of error."
)


@dataclass(frozen=True)
class LookbackCell:
    """The improvement of a model with one lookback, its bounds and the verdict, as text."""

    improvement: str
    bounds: str
    verdict: str


@dataclass(frozen=True)
class LookbackTable:
    """The models with each lookback.

    Attributes
    ----------
    columns
        The lookbacks, the main one first.
    rows
        Name of each model for readers, in the order of the main lookback, and its cells; None
        where a model was not compared.
    attributed
        The share of conversions with a touch, by lookback, in words.
    """

    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[LookbackCell | None]]]
    attributed: str


def lookback_table(comparison: Comparison, outcome: str) -> LookbackTable | None:
    """Return the models by lookback; None where only one lookback was compared."""
    rows = main_lookback_first(rows_of(comparison, "lookback_comparison", outcome))
    lookbacks = list(dict.fromkeys(row["lookback"] for row in rows))
    if len(lookbacks) < 2:
        return None
    cells = {(row["model"], row["lookback"]): _cell(row) for row in rows}
    main = [row for row in rows if row["is_main"]]
    main.sort(key=lambda row: (row["rank"] is None, row["rank"], row["model"]))
    attributed = {
        row["lookback"]: row["attributed"] / row["conversions"]
        for row in rows
        if row["conversions"]
    }
    shares = [f"{percent(attributed.get(one))} with {plain(one)}" for one in lookbacks]
    return LookbackTable(
        columns=[f"{plain(one)} lookback" for one in lookbacks],
        rows=[
            (model_label(row["model"]), [cells.get((row["model"], one)) for one in lookbacks])
            for row in main
        ],
        attributed=f"Conversions with a touch: {', '.join(shares)}.",
    )


def _cell(row: Row) -> LookbackCell:
    verdict = verdict_label(row["verdict"])
    if row["explained"] is None:
        return LookbackCell("", "", verdict)
    bounds = row["explained_low"], row["explained_high"]
    return LookbackCell(percent_by_error(row["explained"], *bounds), interval(*bounds), verdict)


def print_lookbacks(comparison: Comparison, outcome: str, console: Console) -> None:
    """Print the improvement and the verdict of each model by lookback, where there are several."""
    found = lookback_table(comparison, outcome)
    if found is None:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("model", overflow="fold", min_width=12)
    for lookback in found.columns:
        table.add_column(Text(lookback), overflow="fold")
    for label, cells in found.rows:
        table.add_row(Text(label), *(_text(cell) for cell in cells))
    console.print(Text("Lookbacks compared", style="bold"))
    console.print(Padding(table, (0, 0, 0, 2)))
    console.print(Padding(Text(f"{found.attributed} {NOTE}"), (0, 2, 1, 2)))


def _text(cell: LookbackCell | None) -> Text:
    if cell is None:
        return Text("–")
    bounds = f"({cell.bounds})" if cell.bounds else ""
    return Text(" ".join(part for part in (cell.improvement, bounds, cell.verdict) if part))
