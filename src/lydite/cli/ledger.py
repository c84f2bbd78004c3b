"""``lydite ledger``: list the scored periods, and void scores that come from wrong data."""

from __future__ import annotations

import json
from datetime import datetime  # noqa: TC003  (typer reads the annotations)
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lydite.cli.options import user_name

if TYPE_CHECKING:
    import polars as pl

    from lydite.engine import DuckDBEngine

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    context_settings={"default_map": {"help": False}},
    help="List the scored periods, and void scores that come from wrong data.",
)

_SETTINGS = Path("lydite.toml")
Warehouse = Annotated[
    Path | None,
    typer.Option(help=f"The warehouse file; by default that of {_SETTINGS} in this folder."),
]
_DAY = ["%Y-%m-%d"]
EXAMPLES = """
**Example**

`lydite ledger void --outcome lead --from 2026-03-02 --to 2026-04-06 --reason "the CRM export stopped"`
"""  # noqa: E501


@app.command("list")
def list_periods(
    outcome: Annotated[str | None, typer.Option(help="Only this outcome.")] = None,
    warehouse: Warehouse = None,
    output: Annotated[
        Literal["table", "json"],
        typer.Option("--format", help="A table for people, or JSON for programs."),
    ] = "table",
) -> None:
    """List every period that was scored, and the scores that were voided."""
    from lydite.evaluation import voids  # noqa: PLC0415  (not needed for --help)

    with _open(warehouse) as engine:
        found = voids.list_periods(engine, outcome)
    if output == "json":
        print(json.dumps(found.to_dicts(), indent=2, ensure_ascii=False, default=str))
    else:
        _print_table(found)


@app.command(epilog=EXAMPLES)
def void(
    outcome: Annotated[str, typer.Option(help="The outcome.")],
    first: Annotated[
        datetime, typer.Option("--from", formats=_DAY, help="Void periods that start on this day,")
    ],
    last: Annotated[
        datetime, typer.Option("--to", formats=_DAY, help="or up to this day, which is included.")
    ],
    reason: Annotated[str, typer.Option(help="Why; it is kept and shown with the verdicts.")],
    warehouse: Warehouse = None,
) -> None:
    """Set scores aside that come from wrong data; the next run scores these periods again.

    Correct the data first. Nothing is deleted: who voided which scores, when and why is kept.
    """
    from lydite.evaluation import voids  # noqa: PLC0415  (not needed for --help)

    with _open(warehouse) as engine:
        days = voids.void(engine, outcome, first.date(), last.date(), reason=reason, by=user_name())
    periods = ", ".join(map(str, days))
    print(f"voided {len(days)} of the periods of {outcome}, by their first day: {periods}")
    print("The next run scores them again.")


def _open(warehouse: Path | None) -> DuckDBEngine:
    """Open the warehouse, which must exist."""
    from lydite.engine import DuckDBEngine  # noqa: PLC0415
    from lydite.errors import InputError  # noqa: PLC0415
    from lydite.pipeline import refuse_later_warehouse  # noqa: PLC0415
    from lydite.settings import load_settings  # noqa: PLC0415

    if warehouse is None:
        warehouse = _SETTINGS.parent / load_settings(_SETTINGS).storage.warehouse
    if not warehouse.exists():
        raise InputError(f"there is no warehouse {warehouse}: run the comparison first")
    engine = DuckDBEngine(warehouse)
    try:
        refuse_later_warehouse(engine)
    except BaseException:
        engine.close()
        raise
    return engine


def _print_table(periods: pl.DataFrame) -> None:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("outcome", "first day", "models", "landmarks", "conversions", "status"):
        table.add_column(name, overflow="fold")
    for row in periods.iter_rows(named=True):
        status = row["status"]
        if status == "voided":
            status += f" {row['voided_at']:%Y-%m-%d} by {row['voided_by']}: {row['reason']}"
        counts = (f"{row[name]:,}" for name in ("models", "landmarks", "conversions"))
        cells = (row["outcome"], str(row["first_day"]), *counts, status)
        style = "dim" if row["status"] == "voided" else None
        table.add_row(*(Text(cell) for cell in cells), style=style)
    Console().print(table)
