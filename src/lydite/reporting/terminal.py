"""Results as tables on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import Box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lydite.reporting.against_experiments import print_against_experiments
from lydite.reporting.calibrated_credit import print_calibrated
from lydite.reporting.champion import champion_alert, champion_line
from lydite.reporting.display_names import channel_label, model_label, model_word
from lydite.reporting.formats import INTERVAL, amount, amount_interval, count, fixed, percent, plain
from lydite.reporting.lookbacks import print_lookbacks
from lydite.reporting.model_groups import models_of
from lydite.reporting.narrative import NOT_CAUSE, headline, reason_paragraphs
from lydite.reporting.queries import (
    UNATTRIBUTED,
    credit_of,
    credit_source,
    credited_models,
    is_path_table,
    quarantined_rows,
    scored_counts,
    standing_models,
    warnings_of,
)
from lydite.reporting.segments import segment_rows
from lydite.reporting.table_rows import model_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from lydite.records import OutcomeCounts
    from lydite.reporting.queries import Row
    from lydite.reporting.table_rows import ModelRow
    from lydite.results import Comparison, Credit

_STYLES = {"best": "bold green", "contender": "green", "refuted": "dim"}
# Below this width, the share of the best achieved and AUC are left out.
_ROOMY = 96
# Long names take the room of the loss, which says the same as the improvement. From the usual width
# on, names stay on one line up to the longest.
_SHORT_NAME, _LONGEST_NAME, _LEAST_NAME = 16, 24, 14
_USUAL, _WIDE = 80, 112
# A line under the header and between rivals and references, nothing else.
_LINES = Box("    \n    \n ── \n    \n ── \n    \n    \n    \n")
_MAX_MODELS, _NARROW_MODELS = 5, 3
_MOST_SEGMENTS = 12
_PRIMARY = "•"


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the comparison of every outcome.

    Parameters
    ----------
    comparison
        The result of a comparison.
    console
        Where to print; its width decides how many columns there are.
    """
    for counts in comparison.outcomes:
        _print_outcome(comparison, counts, console)
    _print_quarantined(comparison, console)
    _print_duplicates(comparison, console)


def _print_outcome(comparison: Comparison, counts: OutcomeCounts, console: Console) -> None:
    outcome = counts["outcome"]
    console.print()
    console.rule(Text(plain(outcome), style="bold"), align="left")
    alert = champion_alert(comparison, outcome)
    if alert:
        console.print(Text(f"! {alert}", style="bold red"))
    for line in _describe_counts(counts, scored_counts(comparison, outcome)):
        console.print(Text(line, style="dim"))
    _print_models(model_rows(comparison, outcome), console)
    _print_warnings(comparison, outcome, console)
    console.print()
    _print_verdict(comparison, outcome, console)
    in_use = champion_line(comparison, outcome)
    if in_use:
        console.print(Padding(Text(in_use), (0, 2, 1, 2)))
    _print_segments(comparison, outcome, console)
    print_lookbacks(comparison, outcome, console)
    # Without verdicts no model leads, and the credit of all of them is shown.
    standing = standing_models(comparison, outcome)
    shown = models_of(standing.first) if standing.ahead else []
    if counts["note"]:
        shown = credited_models(comparison, outcome)
    _print_credit(comparison, outcome, shown, console)
    print_against_experiments(comparison, outcome, console)
    print_calibrated(comparison, outcome, console)


def _print_models(rows: Sequence[ModelRow], console: Console) -> None:
    if all(row.is_reference for row in rows):
        return
    console.print()
    console.print(_models_table(rows, console.width))
    if any(row.primary for row in rows):
        legend = f"{_PRIMARY} primary model: the verdict speaks of these first"
        console.print(Text(legend, style="dim"))


def _print_warnings(comparison: Comparison, outcome: str, console: Console) -> None:
    wrong = {finding.text for finding in comparison.findings if finding.blocking}
    for warning in warnings_of(comparison, outcome):
        if warning in wrong:
            console.print(Text(f"error: {plain(warning)}", style="bold red"))
        else:
            console.print(Text(f"! {plain(warning)}", style="yellow"))


def _print_verdict(comparison: Comparison, outcome: str, console: Console) -> None:
    first, *others = [*reason_paragraphs(comparison, outcome), ""]
    lead = Text.assemble((headline(comparison, outcome), "bold"), " ", first)
    for text in (lead, *map(Text, filter(None, others)), Text(NOT_CAUSE, style="italic")):
        console.print(Padding(text, (0, 2, 1, 2)))


def _print_segments(comparison: Comparison, outcome: str, console: Console) -> None:
    rows, more = segment_rows(comparison, outcome, _MOST_SEGMENTS)
    if not rows:
        return
    console.print(Text("By segment", style="bold"))
    for row in rows:
        differs = " (differs from all users)" if row.agrees == "no" else ""
        text = Text(f"{row.segment}: {row.standing}{differs}", style="yellow" if differs else "")
        console.print(Padding(text, (0, 2)))
    if more:
        console.print(Padding(Text(f"and {more} more in the tables", style="dim"), (0, 2)))
    console.print()


def _describe_counts(counts: OutcomeCounts, scored: tuple[int, int] | None) -> list[str]:
    """Return what the verdicts use, and what is in the data."""
    attributed, without = count(counts["attributed"]), count(counts["unattributed"])
    periods = count(counts["periods"])
    if is_path_table(counts):
        source, times = "path table", f"cross-validation over {periods} folds"
    else:
        source, times = f"{counts['lookback']} lookback", f"{periods} periods forecast"
    total = (
        f"{count(counts['landmarks'])} landmarks · {count(counts['conversions'])} conversions"
        f" ({attributed} attributed, {without} unattributed)"
    )
    if scored is None:
        return [f"{source} · in the data: {total}"]
    landmarks, conversions = scored
    return [
        f"{source} · {times}: {count(landmarks)} landmarks with {count(conversions)} conversions",
        f"in the data: {total}",
    ]


def _models_table(rows: Sequence[ModelRow], width: int) -> Table:
    roomy = width >= _ROOMY
    longest = max(len(_name(row)) for row in rows)
    with_loss = longest <= _SHORT_NAME or width >= _WIDE
    least = min(longest, _LONGEST_NAME) if width >= _USUAL else _LEAST_NAME
    table = _new_table()
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("model", overflow="fold", min_width=least)
    if with_loss:
        table.add_column("loss, bits", justify="right", no_wrap=True)
    table.add_column("improvement", justify="right", no_wrap=True)
    table.add_column("bounds", no_wrap=True)
    if roomy:
        table.add_column("of best", justify="right", no_wrap=True)
        table.add_column("AUC", justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold", min_width=12)
    last_rival = sum(not row.is_reference for row in rows)
    for position, row in enumerate(rows, 1):
        style = "dim" if row.is_reference else _STYLES.get(row.kind)
        cells = _cells(row, with_loss=with_loss, roomy=roomy)
        table.add_row(*cells, style=style, end_section=position == last_rival)
    return table


def _name(row: ModelRow) -> str:
    return f"{row.label} {_PRIMARY}" if row.primary else row.label


def _cells(row: ModelRow, *, with_loss: bool, roomy: bool) -> list[Text]:
    cells = [row.rank, _name(row), *([row.loss] if with_loss else [])]
    cells += [row.improvement, row.bounds]
    if roomy:
        cells += [row.share, row.auc]
    return [Text(cell) for cell in [*cells, row.short_verdict]]


def _new_table() -> Table:
    return Table(box=_LINES, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))


def _print_credit(
    comparison: Comparison, outcome: str, ahead: Sequence[Row], console: Console
) -> None:
    most = _MAX_MODELS if console.width >= _ROOMY else _NARROW_MODELS
    channels = comparison.report_settings.channel_names
    names = [row["model"] for row in ahead]
    credit = {name: credit_of(comparison, outcome, name) for name in names[:most]}
    credit = {name: rows for name, rows in credit.items() if rows}
    if not credit:
        return
    if len(credit) == 1:
        (name, rows), *_ = credit.items()
        console.print(
            Text(f"Credit according to {credit_source(model_word(name), rows)}", style="bold")
        )
        console.print(_credit_of_one(rows, channels, roomy=console.width >= _ROOMY))
        return
    left_out = len(names) - len(credit)
    more = f" (and {left_out} more in the report and in the tables)" if left_out > 0 else ""
    kinds = {row.get("credit") for rows in credit.values() for row in rows}
    posterior = ", rules by their posterior" if "posterior" in kinds else ""
    console.print(Text(f"Credited conversions by model{posterior}{more}", style="bold"))
    console.print(_credit_of_several(credit, channels))


def _credit_of_one(rows: Sequence[Row], channels: Mapping[str, str], *, roomy: bool) -> Table:
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
        channel = Text(channel_label(row["channel"], channels))
        table.add_row(channel, *cells, style=_channel_style(row["channel"]))
    return table


def _credit_of_several(credit: Mapping[str, Sequence[Row]], names: Mapping[str, str]) -> Table:
    table = _credit_table([model_label(name) for name in credit])
    by_channel = {
        name: {row["channel"]: row["conversions"] for row in rows} for name, rows in credit.items()
    }
    channels = list(dict.fromkeys(row["channel"] for rows in credit.values() for row in rows))
    for channel in sorted(channels, key=lambda name: name == UNATTRIBUTED):
        cells = [Text(amount(own.get(channel))) for own in by_channel.values()]
        label = Text(channel_label(channel, names))
        table.add_row(label, *cells, style=_channel_style(channel))
    return table


def _credit_table(names: Sequence[str]) -> Table:
    table = _new_table()
    table.add_column("channel", overflow="fold", min_width=12)
    for name in names:
        table.add_column(Text(name), justify="right", overflow="fold")
    return table


def _channel_style(channel: str) -> str | None:
    return "dim" if channel == UNATTRIBUTED else None


def _print_quarantined(result: Comparison | Credit, console: Console) -> None:
    rows = quarantined_rows(result)
    if not rows:
        return
    console.print()
    console.print(Text("Rows that were set aside", style="bold yellow"))
    for table, reason, n in rows:
        console.print(Text(f"  {plain(table)}: {count(n)} × {plain(reason)}"))


def _print_duplicates(result: Comparison | Credit, console: Console) -> None:
    found = result.duplicates
    if not found:
        return
    console.print()
    console.print(Text("Equal rows that were counted once", style="bold"))
    for table, n in found.items():
        console.print(Text(f"  {plain(table)}: {count(n)} copies"))


def print_credit(
    credit: Credit, console: Console, channels: Mapping[str, str] | None = None
) -> None:
    """Print the credit of every model, warnings, and why models were left out.

    Parameters
    ----------
    credit
        The result of `lydite.credit`.
    console
        Where to print.
    channels
        Names of channels from the settings.
    """
    record = credit.to_dict()
    tables: dict[tuple[Any, str], list[Any]] = {}
    for row in record["credit"]:
        tables.setdefault((row.get("outcome"), row["model"]), []).append(row)
    several = len({outcome for outcome, _ in tables}) > 1
    for (outcome, model), rows in tables.items():
        of_outcome = f" for {plain(str(outcome))}" if several else ""
        console.print()
        source = credit_source(model_word(model), rows)
        console.print(Text(f"Credit according to {source}{of_outcome}", style="bold"))
        console.print(_all_credit_of_one(rows, channels or {}, roomy=console.width >= _ROOMY))
    warnings = [warning["text"] for warning in record.get("warnings", [])]
    for reason in [*warnings, *credit.left_out.values()]:
        console.print(Text(f"! {plain(reason)}", style="yellow"))
    _print_quarantined(credit, console)
    _print_duplicates(credit, console)


def _all_credit_of_one(
    rows: Sequence[Mapping[str, Any]], channels: Mapping[str, str], *, roomy: bool
) -> Table:
    with_interval = any(row["conversions_low"] is not None for row in rows)
    with_value = any(row["value"] is not None for row in rows)
    with_cost = any(row.get("cost") is not None for row in rows)
    with_effect = any(row["removal_effect"] is not None for row in rows)
    with_effect &= roomy or not with_cost
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("channel", overflow="fold", min_width=12)
    for name in ["conversions", *([INTERVAL] if with_interval else []), "share"]:
        table.add_column(name, justify="right", no_wrap=True)
    if with_value:
        table.add_column("value", justify="right", no_wrap=True)
    if with_cost:
        table.add_column("cost", justify="right", no_wrap=True)
        table.add_column("cost per conv.", justify="right", no_wrap=True)
    if with_effect:
        table.add_column("removal effect", justify="right", no_wrap=True)
    for row in rows:
        cells = [channel_label(str(row["channel"]), channels), amount(row["conversions"])]
        if with_interval:
            cells += [amount_interval(row["conversions_low"], row["conversions_high"])]
        cells += [percent(row["share"], 1)]
        cells += [amount(row["value"])] if with_value else []
        cells += [amount(row["cost"]), amount(row["cpa"])] if with_cost else []
        cells += [fixed(row["removal_effect"], 4)] if with_effect else []
        table.add_row(*(Text(cell) for cell in cells))
    return table
