"""The result of ``lydite check`` on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lydite.reporting.formats import count, percent, plain

if TYPE_CHECKING:
    from rich.console import Console

    from lydite.checking import (
        ColumnSummary,
        DataCheck,
        DataFinding,
        OutcomeSummary,
        TableSummary,
    )

_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}
_SIGNS = {"error": "✗", "warning": "!", "note": "·"}


def print_check(found: DataCheck, console: Console) -> None:
    """Print tables, outcomes and findings, and last whether a run can start.

    Parameters
    ----------
    found
        The result of `lydite.check`.
    console
        Where to print.
    """
    for table in found.tables:
        _print_table(table, console)
    for outcome in found.outcomes:
        _print_outcome(outcome, console)
    if found.direct:
        _print_line("direct traffic", ", ".join(map(plain, found.direct)), console)
    if found.findings:
        console.print()
    for finding in found.findings:
        _print_finding(finding, console)
    console.print()
    console.print(_summary(found))


def _print_table(table: TableSummary, console: Console) -> None:
    console.print()
    used = f"{count(table.rows)} rows"
    if table.rows != table.read:
        used = f"{count(table.rows)} of {count(table.read)} rows used"
    parts = [used]
    parts += [f"{count(table.duplicates)} duplicates counted once"] if table.duplicates else []
    parts += [f"{count(table.refunds)} refunds subtracted"] if table.refunds else []
    console.rule(Text.assemble((table.name, "bold"), "  ", plain(table.source)), align="left")
    console.print(Text(" · ".join(parts)))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    for column in table.columns:
        empty = f"{percent(column.nulls / (column.filled + column.nulls))} empty"
        nulls = Text(empty if column.nulls else "", style="yellow" if column.nulls else "")
        grid.add_row(Text(plain(column.name)), nulls, Text(_values(column)))
    console.print(Padding(grid, (0, 0, 0, 2)))
    for part in table.set_aside:
        such = f", such as {', '.join(map(repr, part.examples))}" if part.examples else ""
        line = f"! {count(part.rows)} set aside: {plain(part.reason)}{plain(such)}"
        console.print(Text(line, style="yellow"))
        console.print(Text(f"  → {part.fix}", style="dim"))


def _values(column: ColumnSummary) -> str:
    if column.top:
        shown = ", ".join(f"{plain(value)} {count(n)}" for value, n in column.top)
        more = (column.distinct or 0) - len(column.top)
        return f"{shown}{f', {count(more)} more' if more > 0 else ''}"
    if column.low is not None:
        return f"{_number(column.low)} to {_number(column.high)}"
    return f"{count(column.distinct)} distinct" if column.distinct is not None else ""


def _number(value: float | str | None) -> str:
    return value if isinstance(value, str) else f"{value:,.10g}"


def _print_outcome(outcome: OutcomeSummary, console: Console) -> None:
    console.print()
    console.rule(Text(plain(outcome.outcome), style="bold"), align="left")
    lines = [
        ("conversions", count(outcome.conversions)),
        ("without a touch", _without_touch(outcome)),
    ]
    if outcome.repeats:
        earned = (
            "earned by earlier touches"
            if outcome.after_conversion == "continue"
            else ("unattributed")
        )
        lines.append(("no new touch since the last", f"{count(outcome.repeats)}, {earned}"))
    if outcome.days is not None:
        history = f"{outcome.days} days, {outcome.first_day} to {outcome.as_of}"
        lines.append(("history", f"{history}; lookback {outcome.lookback}"))
        lines.append(("forecasts", _forecasts(outcome)))
    for name, text in lines:
        _print_line(name, text, console)


def _without_touch(outcome: OutcomeSummary) -> str:
    share = outcome.without_touch / outcome.conversions if outcome.conversions else 0
    return f"{count(outcome.without_touch)} ({percent(share)})"


def _forecasts(outcome: OutcomeSummary) -> str:
    """Return how many periods can be forecast, or when the first one can."""
    if outcome.forecasts:
        return f"{outcome.forecasts} {outcome.period}s"
    if outcome.first_forecast is not None:
        return f"none yet: the first is possible on {outcome.first_forecast}"
    return "none"


def _print_line(name: str, text: str, console: Console) -> None:
    console.print(Text.assemble("  ", (f"{name}: ", "dim"), text))


def _print_finding(finding: DataFinding, console: Console) -> None:
    style = _STYLES[finding.level]
    about = f"{finding.outcome}: " if finding.outcome else ""
    if about and finding.text.startswith(about):
        about = ""
    line = f"{_SIGNS[finding.level]} {plain(about)}{plain(finding.text)}"
    console.print(Text(line, style=style))
    console.print(Text(f"  → {plain(finding.fix)}", style="dim"))


def _summary(found: DataCheck) -> Text:
    warnings, errors = found.count("warning"), found.count("error")
    of_warnings = f"{warnings} warning{'' if warnings == 1 else 's'}"
    if found.ok:
        return Text(f"Ready to run; {of_warnings}.", style="bold green")
    stops = f"{errors} error{'' if errors == 1 else 's'}"
    return Text(f"Not ready: {stops}, {of_warnings}.", style="bold red")
