"""Lookbacks compared, as a table on a terminal: a row per model, columns per lookback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lydite.reporting.display_names import model_label
from lydite.reporting.formats import interval, percent, percent_by_error, verdict_label

if TYPE_CHECKING:
    from rich.console import Console

    from lydite.results import Comparison

_NOTE = (
    "All other figures are those of the first lookback. Improvements are not to be compared between"
    " lookbacks: each is about other conversions. All lookbacks share the risk of error."
)


def print_lookbacks(comparison: Comparison, outcome: str, console: Console) -> None:
    """Print the improvement and the verdict of each model by lookback, where there are several."""
    marts = comparison.marts.get("lookback_comparison", pl.DataFrame())
    if marts.is_empty():
        return
    rows = marts.filter(pl.col("outcome") == outcome)
    lookbacks = rows.sort("is_main", descending=True)["lookback"].unique(maintain_order=True)
    if len(lookbacks) < 2:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("model", overflow="fold", min_width=12)
    for lookback in lookbacks:
        table.add_column(Text(f"{lookback} lookback"), overflow="fold")
    cells = {(row["model"], row["lookback"]): _cell(row) for row in rows.to_dicts()}
    order = rows.filter("is_main").sort("rank", "model", nulls_last=True)["model"]
    for model in order:
        table.add_row(model_label(model), *(cells.get((model, one), "–") for one in lookbacks))
    console.print(Text("Lookbacks compared", style="bold"))
    console.print(Padding(table, (0, 0, 0, 2)))
    attributed = {
        row["lookback"]: row["attributed"] / row["conversions"]
        for row in rows.to_dicts()
        if row["conversions"]
    }
    shares = ", ".join(f"{percent(attributed.get(one))} with {one}" for one in lookbacks)
    console.print(Padding(Text(f"Conversions with a touch: {shares}. {_NOTE}"), (0, 2, 1, 2)))


def _cell(row: dict[str, Any]) -> Text:
    verdict = verdict_label(row["verdict"])
    if row["explained"] is None:
        return Text(verdict)
    bounds = row["explained_low"], row["explained_high"]
    explained, between = percent_by_error(row["explained"], *bounds), interval(*bounds)
    return Text(f"{explained} ({between}) {verdict}" if between else f"{explained} {verdict}")
