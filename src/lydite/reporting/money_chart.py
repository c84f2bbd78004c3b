"""The chart of spend against credit: one row per channel, as parts of an SVG in each row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lydite.reporting.formats import amount, fixed, interval, is_number, percent, short_amount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.reporting.channel_money import ChannelMoney, Range

#: Of more channels than this, the smaller ones are folded.
MOST_ROWS = 10
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
_MOST_TICKS = 5
#: How much longer the axis is than the largest share.
_MARGIN = 1.03


@dataclass(frozen=True)
class Span:
    """A bar of the chart: its start and width, in percent of the chart's width."""

    x: float
    width: float


@dataclass(frozen=True)
class MoneyRow:
    """One channel: places of its marks in percent of the width, and its figures as text.

    Attributes
    ----------
    channel
        Name for readers.
    spend_bar, range_bar, interval
        Share of spend; range of the share of credit over the models that stand; 95 % interval of
        the model's.
    credit, last_touch
        Share of credit by the model and by last touch.
    spend, each, returned, range
        Spend, spend per conversion, value per unit of spend, and the range of the latter: or of
        the spend per conversion, where there is no value; or of the share.
    conversions, share
        Credit by the model.
    in_words
        What the marks show, for readers who do not see them.
    """

    channel: str
    spend_bar: Span | None
    range_bar: Span | None
    interval: Span | None
    credit: float
    last_touch: float | None
    spend: str
    each: str
    returned: str
    range: str
    conversions: str
    share: str
    in_words: str


@dataclass(frozen=True)
class MoneyChart:
    """The rows, the ticks of the axis, and which columns there are.

    `ticks` are places in percent of the width, with their labels.
    """

    rows: Sequence[MoneyRow]
    smaller: Sequence[MoneyRow]
    ticks: Sequence[tuple[float, str]]
    top: float
    has_spend: bool
    has_value: bool
    has_range: bool


def money_chart(rows: Sequence[ChannelMoney]) -> MoneyChart:
    """Return the chart of some channels, which are in the order of the rows."""
    largest = max((_largest(row) for row in rows), default=0.0)
    step = next((step for step in _STEPS if largest <= step * _MOST_TICKS), 0.25)
    top = max(_MARGIN * largest, step)
    has_spend = any(row.spend is not None for row in rows)
    has_value = any(row.value is not None for row in rows)
    drawn = [_row(row, top, has_spend=has_spend, has_value=has_value) for row in rows]
    places = range(math.floor(top / step + 1e-9) + 1)
    ticks = [(100 * n * step / top, percent(n * step)) for n in places]
    has_range = any(" " in row.range for row in drawn)  # not one number
    first, others = drawn[:MOST_ROWS], drawn[MOST_ROWS:]
    return MoneyChart(first, others, ticks, top, has_spend, has_value, has_range)


def _largest(row: ChannelMoney) -> float:
    ends = [row.interval, row.standing_share]
    shares = [row.share, row.spend_share or 0.0, row.last_touch_share or 0.0]
    return max(*shares, *(end[1] for end in ends if end is not None), 0.0)


def _row(row: ChannelMoney, top: float, *, has_spend: bool, has_value: bool) -> MoneyRow:
    figure = row.standing_share
    if has_spend and has_value:
        figure = row.standing_return
    elif has_spend:
        figure = row.standing_cost
    shown = has_spend or figure is None
    return MoneyRow(
        channel=row.label,
        spend_bar=None if row.spend_share is None else _span((0.0, row.spend_share), top),
        range_bar=None if row.standing_share is None else _span(row.standing_share, top),
        interval=None if row.interval is None else _span(row.interval, top),
        credit=100 * row.share / top,
        last_touch=None if row.last_touch_share is None else 100 * row.last_touch_share / top,
        spend=short_amount(row.spend),
        each=amount(row.cost_each),
        returned=_ratio(row.value_per_spend),
        range=_between(figure) if shown else _shares(figure),
        conversions=amount(row.conversions),
        share=percent(row.share, 1),
        in_words=_in_words(row),
    )


def _in_words(row: ChannelMoney) -> str:
    parts = [f"{percent(row.share, 1)} of credit"]
    if row.interval is not None:
        parts.append(f"95% interval {interval(*row.interval)}")
    if row.standing_share is not None:
        parts.append(f"range over the models still standing {_shares(row.standing_share)}")
    if row.last_touch_share is not None:
        parts.append(f"last touch {percent(row.last_touch_share)}")
    if row.spend_share is not None:
        parts.append(f"{percent(row.spend_share)} of spend")
    return ", ".join(parts)


def _span(ends: Range, top: float) -> Span:
    low, high = (100 * end / top for end in ends)
    return Span(low, max(high - low, 0.0))


def _ratio(value: float | None) -> str:
    return fixed(value, 1 if value is None or abs(value) < 100 else 0)


def _between(ends: Range | None) -> str:
    if ends is None:
        return ""
    decimals = 1 if (ends[1] if is_number(ends[1]) else ends[0]) < 100 else 0
    low, high = fixed(ends[0], decimals), fixed(ends[1], decimals)
    if not is_number(ends[1]):
        return f"{low} or more"
    return low if low == high else f"{low} to {high}"


def _shares(ends: Range | None) -> str:
    if ends is None:
        return ""
    low, high = percent(ends[0]), percent(ends[1])
    return low if low == high else f"{low} to {high}"
