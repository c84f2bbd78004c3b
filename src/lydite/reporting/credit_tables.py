"""Credit as tables of shares: by every model, within segments of users, and by lookback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lydite.evaluation.segments import ALL
from lydite.reporting.formats import count, percent, plain
from lydite.reporting.queries import rows_of, standing_models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lydite.reporting.channel_money import ChannelMoney
    from lydite.reporting.queries import Row
    from lydite.results import Comparison

_MOST_CHANNELS, _MOST_SEGMENTS = 25, 8


@dataclass(frozen=True)
class CreditCell:
    """A share from 0 to 1, its text, and the range over all models that stand, if there is one."""

    share: float
    text: str
    range: str = ""


@dataclass(frozen=True)
class CreditTable:
    """Share of credit: a row per channel, a column per model, segment or lookback."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[CreditCell]]]
    about: str = ""

    @property
    def largest(self) -> float:
        """The largest share, 0 without any."""
        return max((cell.share for _, cells in self.rows for cell in cells), default=0.0)


def credit_by_model(
    comparison: Comparison,
    outcome: str,
    money: Sequence[ChannelMoney],
    models: Sequence[tuple[str, str]],
) -> CreditTable:
    """Return the share of every channel according to every model.

    Parameters
    ----------
    money
        The channels.
    models
        Name and label of each model.
    """
    shares = {
        (row["model"], row["channel"]): row["share"] or 0.0
        for row in rows_of(comparison, "channel_credit", outcome)
    }
    by_credit = sorted(money, key=lambda row: (-row.share, row.channel))
    rows = [
        (
            row.label,
            [_cell(shares.get((name, row.channel), 0.0)) for name, _ in models],
        )
        for row in by_credit[:_MOST_CHANNELS]
    ]
    about = f"{count(len(models))} models, {count(len(by_credit))} channels"
    return CreditTable([label for _, label in models], rows, about)


def credit_by_segment(
    comparison: Comparison, outcome: str, money: Sequence[ChannelMoney], model: str | None
) -> CreditTable:
    """Return the share of every channel among all users and in the largest segments.

    Each cell has the share according to one model, and the range over all models that stand.

    Parameters
    ----------
    money
        The channels, with their credit among all users.
    model
        The model; the table is empty without one.
    """
    frame = comparison.marts.get("segment_credit")
    if frame is None or model is None:
        return CreditTable([], [])
    rows = [row for row in frame.to_dicts() if row["outcome"] == outcome]
    sizes: dict[str, float] = {}
    for row in rows:
        if row["model"] == model:
            sizes[row["segment"]] = sizes.get(row["segment"], 0.0) + row["conversions"]
    names = sorted(sizes, key=lambda name: (-sizes[name], name))[:_MOST_SEGMENTS]
    if not names:
        return CreditTable([], [])
    ordered = sorted(names)
    standing = [row["model"] for row in standing_models(comparison, outcome).rows]
    within = _cells_by(rows, "segment", model, standing)
    table = [
        (
            channel.label,
            [
                _cell(channel.share, channel.standing_share),
                *(within(name, channel.channel) for name in ordered),
            ],
        )
        for channel in sorted(money, key=lambda row: (-row.share, row.channel))[:_MOST_CHANNELS]
    ]
    about = f"{count(len(sizes))} segments"
    return CreditTable([f"{ALL} users", *map(plain, ordered)], table, about)


def credit_by_lookback(
    comparison: Comparison, outcome: str, money: Sequence[ChannelMoney], model: str | None
) -> CreditTable:
    """Return the share of every channel with each lookback, the main one first.

    Parameters
    ----------
    money
        The channels.
    model
        The model; the table is empty without one, and with a single lookback.
    """
    rows = rows_of(comparison, "lookback_credit", outcome)
    lookbacks = list(dict.fromkeys(row["lookback"] for row in main_lookback_first(rows)))
    if model is None or len(lookbacks) < 2:
        return CreditTable([], [])
    standing = [row["model"] for row in standing_models(comparison, outcome).rows]
    cell = _cells_by(rows, "lookback", model, standing)
    table = [
        (channel.label, [cell(lookback, channel.channel) for lookback in lookbacks])
        for channel in sorted(money, key=lambda row: (-row.share, row.channel))[:_MOST_CHANNELS]
    ]
    return CreditTable([f"{plain(lookback)} lookback" for lookback in lookbacks], table)


def main_lookback_first(rows: Iterable[Row]) -> list[Row]:
    """Return rows with those of the main lookback first, then in their order."""
    return sorted(rows, key=lambda row: not row["is_main"])


def _cells_by(
    rows: Sequence[Row], by: str, model: str, standing: Sequence[str]
) -> Callable[[str, str], CreditCell]:
    """Return what makes the cell of a group and a channel, with the range over all that stand."""
    shares: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        shares.setdefault((row[by], row["channel"]), {})[row["model"]] = row["share"] or 0.0

    def cell(group: str, channel: str) -> CreditCell:
        found = shares.get((group, channel), {})
        ends = [found.get(rival, 0.0) for rival in standing]
        return _cell(found.get(model, 0.0), (min(ends), max(ends)) if ends else None)

    return cell


def _cell(share: float, ends: tuple[float, float] | None = None) -> CreditCell:
    if ends is None:
        return CreditCell(share, percent(share))
    low, high = percent(ends[0]), percent(ends[1])
    return CreditCell(share, percent(share), "" if low == high else f"{low} to {high}")
