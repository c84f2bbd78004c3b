"""Terminal: credit from a path table, a block for each model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from lydite.reporting.formats import amount, fixed, percent, plain

if TYPE_CHECKING:
    from rich.console import Console

    from lydite.results import Credit


def print_credit(credit: Credit, console: Console) -> None:
    """Print every model's credit, with intervals where it has any, and why models were left out."""
    table = credit.to_dict()["credit"]
    for model in dict.fromkeys(row["model"] for row in table):
        rows = [row for row in table if row["model"] == model]
        console.print()
        console.print(Text(f"Credit according to {plain(model)}", style="bold"))
        console.print(_table(rows))
    for reason in credit.left_out.values():
        console.print(Text(f"! {plain(reason)}", style="yellow"))


def _table(rows: list[dict[str, Any]]) -> Table:
    with_interval = any(row["conversions_low"] is not None for row in rows)
    with_value = any(row["value"] is not None for row in rows)
    with_effect = any(row["removal_effect"] is not None for row in rows)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("channel", overflow="fold", min_width=12)
    for name in ["conversions", *(["95 % interval"] if with_interval else []), "share"]:
        table.add_column(name, justify="right", no_wrap=True)
    if with_value:
        table.add_column("value", justify="right", no_wrap=True)
    if with_effect:
        table.add_column("removal effect", justify="right", no_wrap=True)
    for row in rows:
        cells = [plain(str(row["channel"])), amount(row["conversions"])]
        if with_interval:
            cells += [f"{amount(row['conversions_low'])} to {amount(row['conversions_high'])}"]
        cells += [percent(row["share"], 1)]
        cells += [amount(row["value"])] if with_value else []
        cells += [fixed(row["removal_effect"], 4)] if with_effect else []
        table.add_row(*(Text(cell) for cell in cells))
    return table
