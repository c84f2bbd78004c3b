"""Terminal: the comparison as tables for people at a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import Box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lydite.reporting.formats import INTERVAL, amount, amount_interval, count, fixed, percent, plain
from lydite.reporting.narrative import NOT_CAUSE, headline, reasons
from lydite.reporting.queries import (
    UNATTRIBUTED,
    credit_of,
    from_path_table,
    leaders,
    rivals_of,
    set_aside,
    warnings_of,
)
from lydite.reporting.segments import segment_lines
from lydite.reporting.table_rows import lines_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from lydite.records import PathCreditRecord
    from lydite.reporting.table_rows import Line
    from lydite.results import Comparison, Credit

    Row = Mapping[str, Any]

_STYLES = {"best": "bold green", "contender": "green", "refuted": "dim"}
# Below this width the scores that say least about the verdict are left out.
_ROOMY = 96
# Names longer than the short ones need the room of the loss, which says what `explained` says;
# from the usual width on they stay on one line up to the longest.
_SHORT_NAME, _LONGEST_NAME, _LEAST_NAME = 16, 21, 12
_USUAL, _WIDE = 80, 112
# A line under the heads and between rivals and references, nothing else.
_LINES = Box("    \n    \n ── \n    \n ── \n    \n    \n    \n")
_MAX_MODELS, _NARROW_MODELS = 5, 3
_MOST_SEGMENTS = 12


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the comparison of every outcome.

    Parameters
    ----------
    comparison
        The result of a trial.
    console
        Where to print; its width decides how much is shown.
    """
    for record in comparison.outcomes:
        _print_outcome(comparison, record, console)
    _print_set_aside(comparison, console)


def _print_outcome(comparison: Comparison, record: Row, console: Console) -> None:
    outcome = record["outcome"]
    console.print()
    console.rule(Text(plain(outcome), style="bold"), align="left")
    console.print(Text(_counts(record), style="dim"))
    rivals = rivals_of(comparison, outcome)
    if rivals:
        console.print()
        table = _models_table(lines_of(comparison, outcome), console.width)
        console.print(table)
    for warning in warnings_of(comparison, outcome):
        console.print(Text(f"! {plain(warning)}", style="yellow"))
    console.print()
    _print_verdict(comparison, outcome, console)
    _print_segments(comparison, outcome, console)
    _print_credit(comparison, outcome, leaders(rivals), console)


def _print_verdict(comparison: Comparison, outcome: str, console: Console) -> None:
    short, why = headline(comparison, outcome), reasons(comparison, outcome)
    text = Text.assemble((short, "bold"), " ", why, " " if why else "", (NOT_CAUSE, "italic"))
    console.print(Padding(text, (0, 2)))


def _print_segments(comparison: Comparison, outcome: str, console: Console) -> None:
    lines, more = segment_lines(comparison, outcome, _MOST_SEGMENTS)
    if not lines:
        return
    console.print()
    console.print(Text("By segment", style="bold"))
    for line in lines:
        unlike = " (unlike all users)" if line.agrees == "no" else ""
        text = Text(f"{line.segment}: {line.standing}{unlike}", style="yellow" if unlike else "")
        console.print(Padding(text, (0, 2)))
    if more:
        console.print(Padding(Text(f"and {more} more in the tables", style="dim"), (0, 2)))


def _counts(record: Row) -> str:
    attributed, without = count(record.get("attributed")), count(record.get("unattributed"))
    periods = count(record.get("periods"))
    if from_path_table(record):
        source, times = "path table", f"cross-validation over {periods} folds"
    else:
        source, times = f"{record['lookback']} lookback", f"{periods} periods"
    return (
        f"{source} · {count(record.get('landmarks'))} landmarks"
        f" · {count(record.get('conversions'))} conversions"
        f" ({attributed} attributed, {without} unattributed)"
        f" · {times}"
    )


def _models_table(lines: Sequence[Line], width: int) -> Table:
    roomy = width >= _ROOMY
    longest = max(len(line.model) for line in lines)
    with_loss = longest <= _SHORT_NAME or width >= _WIDE
    least = min(longest, _LONGEST_NAME) if width >= _USUAL else _LEAST_NAME
    table = _new_table()
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("model", overflow="fold", min_width=least)
    if with_loss:
        table.add_column("loss, bits", justify="right", no_wrap=True)
    table.add_column("explained", justify="right", no_wrap=True)
    table.add_column("bounds", no_wrap=True)
    if roomy:
        table.add_column("of ceiling", justify="right", no_wrap=True)
        table.add_column("AUC", justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold", min_width=12)
    last_rival = sum(not line.is_reference for line in lines)
    for position, line in enumerate(lines, 1):
        style = "dim" if line.is_reference else _STYLES.get(line.kind)
        cells = _cells(line, with_loss=with_loss, roomy=roomy)
        table.add_row(*cells, style=style, end_section=position == last_rival)
    return table


def _cells(line: Line, *, with_loss: bool, roomy: bool) -> list[Text]:
    cells = [line.rank, line.model, *([line.loss] if with_loss else [])]
    cells += [line.explained, line.bounds]
    if roomy:
        cells += [line.share, line.auc]
    return [Text(cell) for cell in [*cells, line.verdict_in_short]]


def _new_table() -> Table:
    return Table(box=_LINES, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))


def _print_credit(
    comparison: Comparison, outcome: str, ahead: Sequence[Row], console: Console
) -> None:
    most = _MAX_MODELS if console.width >= _ROOMY else _NARROW_MODELS
    names = [row["model"] for row in ahead]
    credit = {name: credit_of(comparison, outcome, name) for name in names[:most]}
    credit = {name: rows for name, rows in credit.items() if rows}
    if not credit:
        return
    console.print()
    if len(credit) == 1:
        (name, rows), *_ = credit.items()
        console.print(Text(f"Credit according to {name}", style="bold"))
        console.print(_credit_of_one(rows, roomy=console.width >= _ROOMY))
        return
    left_out = len(names) - len(credit)
    more = f" (and {left_out} more on the page and in the tables)" if left_out > 0 else ""
    console.print(Text(f"Credited conversions according to each model{more}", style="bold"))
    console.print(_credit_of_several(credit))


def _credit_of_one(rows: Sequence[Row], *, roomy: bool) -> Table:
    with_cost = any(row["cost"] is not None for row in rows)
    with_value = any(row["value"] for row in rows)
    bounds = [amount_interval(row["conversions_low"], row["conversions_high"]) for row in rows]
    names = ["conversions"]
    names += [INTERVAL] if roomy and any(bounds) else []
    names += ["share"]
    names += ["value"] if with_value else []
    names += ["cost", "cost per conv."] if with_cost else []
    names += ["return"] if with_cost and with_value else []
    table = _credit_table(names)
    for row, between in zip(rows, bounds, strict=True):
        shown = {
            "conversions": amount(row["conversions"]),
            INTERVAL: between,
            "share": percent(row["share"], 1),
            "value": amount(row["value"]),
            "cost": amount(row["cost"]),
            "cost per conv.": amount(row["cpa"]),
            "return": fixed(row["roas"], 2),
        }
        cells = [Text(shown[name]) for name in names]
        table.add_row(Text(plain(row["channel"])), *cells, style=_channel_style(row["channel"]))
    return table


def _credit_of_several(credit: Mapping[str, Sequence[Row]]) -> Table:
    table = _credit_table(list(credit))
    by_channel = {
        name: {row["channel"]: row["conversions"] for row in rows} for name, rows in credit.items()
    }
    channels = list(dict.fromkeys(row["channel"] for rows in credit.values() for row in rows))
    for channel in sorted(channels, key=lambda name: name == UNATTRIBUTED):
        cells = [Text(amount(own.get(channel))) for own in by_channel.values()]
        table.add_row(Text(plain(channel)), *cells, style=_channel_style(channel))
    return table


def _credit_table(names: Sequence[str]) -> Table:
    table = _new_table()
    table.add_column("channel", overflow="fold", min_width=12)
    for name in names:
        table.add_column(Text(name), justify="right", overflow="fold")
    return table


def _channel_style(channel: str) -> str | None:
    return "dim" if channel == UNATTRIBUTED else None


def _print_set_aside(comparison: Comparison, console: Console) -> None:
    rows = set_aside(comparison)
    if not rows:
        return
    console.print()
    console.print(Text("Rows set aside", style="bold yellow"))
    for table, reason, n in rows:
        console.print(Text(f"  {plain(table)}: {count(n)} × {plain(reason)}"))


def print_credit(credit: Credit, console: Console) -> None:
    """Print every model's credit, with intervals where it has any, and why models were left out."""
    table = credit.to_dict()["credit"]
    for model in dict.fromkeys(row["model"] for row in table):
        rows = [row for row in table if row["model"] == model]
        console.print()
        console.print(Text(f"Credit according to {plain(model)}", style="bold"))
        console.print(_path_credit_table(rows))
    for reason in credit.left_out.values():
        console.print(Text(f"! {plain(reason)}", style="yellow"))


def _path_credit_table(rows: list[PathCreditRecord]) -> Table:
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
