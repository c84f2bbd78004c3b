"""Spend and credit by channel: according to one model, and over all models that still stand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lydite.reporting.display_names import channel_label, channel_word
from lydite.reporting.queries import (
    UNATTRIBUTED,
    credited_models,
    rows_of,
    standing_models,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.reporting.queries import Row
    from lydite.results import Comparison

LAST_TOUCH = "last_touch"

Range = tuple[float, float]


@dataclass(frozen=True)
class ChannelMoney:
    """One channel: what was spent on it, and what it is credited with.

    Attributes
    ----------
    channel, label, word
        Name as in the data, for readers, and within a sentence.
    spend, spend_share
        What was spent, and the share of all spend; None where unknown.
    conversions, value, share
        Credit by the model; the value is None where the outcome has none.
    interval
        The 95 % interval of the share.
    standing
        The range of conversions over the models that stand; None where none does.
    standing_share, standing_return, standing_cost
        The ranges of the share, of value per unit of spend, and of spend per conversion, which is
        infinite where a model credits nothing.
    last_touch_share
        The share according to last touch; None where it was not compared.
    """

    channel: str
    label: str
    word: str
    spend: float | None
    spend_share: float | None
    conversions: float
    value: float | None
    share: float
    interval: Range | None
    standing: Range | None
    standing_share: Range | None
    standing_return: Range | None
    standing_cost: Range | None
    last_touch_share: float | None

    @property
    def cost_each(self) -> float | None:
        """Spend per credited conversion."""
        return self.spend / self.conversions if self.spend and self.conversions else None

    @property
    def value_per_spend(self) -> float | None:
        """Credited value per unit of spend."""
        return self.value / self.spend if self.spend and self.value is not None else None


def model_to_show(comparison: Comparison, outcome: str) -> str | None:
    """Return the model whose credit is shown first; None without credit.

    It is the first of those that stand, primary models first; last touch where none stands.
    """
    credited: list[str] = [row["model"] for row in credited_models(comparison, outcome)]
    standing: list[str] = [row["model"] for row in standing_models(comparison, outcome).rows]
    for name in [*standing, LAST_TOUCH, *credited]:
        if name in credited:
            return name
    return None


def channel_money(comparison: Comparison, outcome: str, model: str) -> list[ChannelMoney]:
    """Return spend and credit of every channel, the largest spend first, then by credit.

    Parameters
    ----------
    model
        The model that credits.
    """
    rows = [
        row
        for row in rows_of(comparison, "channel_credit", outcome)
        if row["channel"] != UNATTRIBUTED
    ]
    standing = {row["model"] for row in standing_models(comparison, outcome).rows}
    by_channel: dict[str, list[Row]] = {}
    for row in rows:
        by_channel.setdefault(row["channel"], []).append(row)
    all_spend = sum(own[0]["cost"] or 0 for own in by_channel.values())
    names = comparison.report_settings.channel_names
    labels = {name: (channel_label(name, names), channel_word(name, names)) for name in by_channel}
    found = [
        _channel(channel, labels[channel], own, model, standing, all_spend)
        for channel, own in by_channel.items()
    ]
    known = [row for row in found if row is not None]
    return sorted(known, key=lambda row: (-(row.spend or 0), -row.conversions, row.channel))


def _channel(
    channel: str,
    labels: tuple[str, str],
    rows: Sequence[Row],
    model: str,
    standing: set[str],
    all_spend: float,
) -> ChannelMoney | None:
    own = next((row for row in rows if row["model"] == model), None)
    if own is None:
        return None
    spend = own["cost"]
    stands = [row for row in rows if row["model"] in standing]
    last = next((row["share"] for row in rows if row["model"] == LAST_TOUCH), None)
    return ChannelMoney(
        channel=channel,
        label=labels[0],
        word=labels[1],
        spend=spend,
        spend_share=spend / all_spend if spend is not None and all_spend else None,
        conversions=own["conversions"] or 0.0,
        value=own["value"],
        share=own["share"] or 0.0,
        interval=_pair(own["share_low"], own["share_high"]),
        standing=_range([row["conversions"] for row in stands]),
        standing_share=_range([row["share"] for row in stands]),
        standing_return=_range([row["value"] / spend for row in stands if row["value"] is not None])
        if spend
        else None,
        standing_cost=_costs(spend, [row["conversions"] or 0.0 for row in stands]),
        last_touch_share=last,
    )


def _pair(low: float | None, high: float | None) -> Range | None:
    return None if low is None or high is None else (low, high)


def _costs(spend: float | None, conversions: Sequence[float]) -> Range | None:
    """Return the range of spend per conversion; without an upper end where some have no credit."""
    if not spend or not any(conversions):
        return None
    each = [spend / number if number else math.inf for number in conversions]
    return min(each), max(each)


def _range(values: Sequence[float | None]) -> Range | None:
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else None


def unattributed_share(comparison: Comparison, outcome: str) -> float | None:
    """Return the share of conversions without any touch; None without conversions."""
    counts = next((row for row in comparison.outcomes if row["outcome"] == outcome), None)
    if counts is None or not counts["conversions"]:
        return None
    return counts["unattributed"] / counts["conversions"]
