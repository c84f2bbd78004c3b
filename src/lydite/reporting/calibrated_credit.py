"""Credit that experiments have calibrated, as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from lydite.experiments.calibrated_credit import BASELINE
from lydite.reporting.display_names import channel_label, model_word
from lydite.reporting.formats import amount, amount_interval, fixed, percent
from lydite.reporting.queries import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from lydite.reporting.queries import Row
    from lydite.results import Comparison

#: What the table says about itself.
ABOUT = (
    "Credited conversions, times the share that experiments say the channel causes. What is left is"
    " the baseline: conversions that would have come without any of the channels."
)
HEADS = ("channel", "credited", "share caused", "caused", "95% interval", "from own tests")


@dataclass(frozen=True)
class CalibratedRow:
    """One channel: what is credited, and what experiments say that it causes."""

    channel: str
    credited: str
    share: str
    conversions: str
    interval: str
    own: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells, in the order of `HEADS`."""
        return (
            self.channel, self.credited, self.share, self.conversions, self.interval, self.own
        )  # fmt: skip


def calibrated_rows(comparison: Comparison, outcome: str) -> list[CalibratedRow]:
    """Return the channels of one outcome, the most conversions first, and the baseline last."""
    rows = rows_of(comparison, "calibrated_credit", outcome)
    ordered = sorted(rows, key=lambda row: (row["channel"] == BASELINE, -row["conversions"]))
    names = comparison.report_settings.channel_names
    return [_row(row, names) for row in ordered]


def _row(row: Row, names: dict[str, str]) -> CalibratedRow:
    is_baseline = row["channel"] == BASELINE
    return CalibratedRow(
        channel="Baseline" if is_baseline else channel_label(row["channel"], names),
        credited="" if is_baseline else amount(row["credited"]),
        share="" if is_baseline else fixed(row["incrementality"], 2),
        conversions=amount(row["conversions"]),
        interval=amount_interval(row["conversions_low"], row["conversions_high"]),
        own="" if is_baseline else percent(row["share_from_experiments"]),
    )


def calibrated_title(comparison: Comparison, outcome: str) -> str:
    """Return the title of the table; empty without experiments."""
    models = {row["model"] for row in rows_of(comparison, "calibrated_credit", outcome)}
    return f"Credit by {model_word(models.pop())}, calibrated by experiments" if models else ""


def print_calibrated(comparison: Comparison, outcome: str, console: Console) -> None:
    """Print the calibrated credit of one outcome, if experiments have calibrated it."""
    rows: Sequence[CalibratedRow] = calibrated_rows(comparison, outcome)
    if not rows:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for head in HEADS:
        table.add_column(head, overflow="fold", justify="left" if head == "channel" else "right")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row.cells))
    console.print()
    console.print(Text(calibrated_title(comparison, outcome), style="bold"))
    console.print(table)
    console.print(Text(ABOUT, style="dim"))
