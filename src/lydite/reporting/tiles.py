"""The figures at the top of the report, with their change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from lydite.reporting.channel_money import unattributed_share
from lydite.reporting.display_names import conversions_of
from lydite.reporting.formats import count, currency_prefix, fixed, money, percent
from lydite.reporting.queries import cost_share, credit_of, outcome_counts

if TYPE_CHECKING:
    from lydite.results import Comparison

#: The change is that of the last days against as many before.
DAYS = 28


@dataclass(frozen=True)
class Tile:
    """One figure: what it is, its value, its change, and a note. The change may be empty."""

    label: str
    value: str
    change: str = ""
    note: str = ""


@dataclass(frozen=True)
class _Window:
    """Sums of a span of days; None where they are not known."""

    conversions: float | None = None
    value: float | None = None
    spend: float | None = None

    @property
    def value_per_spend(self) -> float | None:
        return self.value / self.spend if self.spend and self.value is not None else None

    @property
    def cost_each(self) -> float | None:
        return self.spend / self.conversions if self.spend and self.conversions else None


def tiles(comparison: Comparison, outcome: str, model: str | None) -> list[Tile]:
    """Return conversions, value, spend and return; those that are not known are left out.

    Parameters
    ----------
    model
        A model with credit, whose rows add up to all conversions; None without any.
    """
    counts = outcome_counts(comparison, outcome)
    rows = [] if model is None else credit_of(comparison, outcome, model)
    spends = [row["cost"] for row in rows if row["cost"] is not None]
    values = [row["value"] for row in rows if row["value"] is not None]
    spend, value = sum(spends) if spends else None, sum(values) if values else None
    now, before = _windows(comparison, outcome, model)
    name, currency = conversions_of(outcome), comparison.report_settings.currency
    without = unattributed_share(comparison, outcome)
    found = [
        Tile(
            name[:1].upper() + name[1:],
            count(counts["conversions"]),
            _change(now.conversions, before.conversions),
            f"{percent(without)} without any touch" if without is not None else "",
        )
    ]
    if value is not None:
        change = _change(now.value, before.value)
        found.append(Tile("Value", money(value, currency), change))
    if spend:
        share = cost_share(counts) or 1
        note = "" if share == 1 else f"{percent(share)} of all, by value"
        change = _change(now.spend, before.spend)
        found.append(Tile("Ad spend", money(spend, currency), change, note))
        if value is not None:
            change = _difference(now.value_per_spend, before.value_per_spend)
            found.append(
                Tile(
                    f"Value per {currency_prefix(currency)}1 spent", fixed(value / spend, 1), change
                )
            )
        elif counts["conversions"]:
            change = _change(now.cost_each, before.cost_each)
            each = spend / counts["conversions"]
            found.append(
                Tile(f"Spend per {conversions_of(outcome, 1)}", money(each, currency), change)
            )
    return found


def _windows(comparison: Comparison, outcome: str, model: str | None) -> tuple[_Window, _Window]:
    """Return the sums of the last days and of as many before; empty where there are too few."""
    daily = comparison.marts.get("credit_daily")
    counts = outcome_counts(comparison, outcome)
    as_of, share = counts["as_of"], cost_share(counts)
    if daily is None or model is None or as_of is None or "date" not in daily.columns:
        return _Window(), _Window()
    own = daily.filter((pl.col("outcome") == outcome) & (pl.col("model") == model))
    last = as_of.date() - timedelta(days=1)  # the day of the last row may not be over
    first = own["date"].min()
    if first is None or first > last - timedelta(days=2 * DAYS - 1):  # type: ignore[operator]
        return _Window(), _Window()
    activity = comparison.marts.get("channel_activity")
    both = []
    for end in (last, last - timedelta(days=DAYS)):
        within = pl.col("date").is_between(end - timedelta(days=DAYS - 1), end)
        days = own.filter(within)
        has_value = own["value"].null_count() < len(own)
        spend = None if activity is None else _sum(activity.filter(within)["spend"])
        spend = None if spend is None or share is None else share * spend
        both.append(
            _Window(
                float(days["conversions"].sum()),
                float(days["value"].sum()) if has_value else None,
                spend,
            )
        )
    return both[0], both[1]


def _sum(values: pl.Series) -> float | None:
    return float(values.sum()) if values.null_count() < len(values) else None


def _change(now: float | None, before: float | None) -> str:
    """Return a change in percent; empty where it is not known."""
    if now is None or not before:
        return ""
    return _signed(100 * (now / before - 1), 0, "%")


def _difference(now: float | None, before: float | None) -> str:
    return "" if now is None or before is None else _signed(now - before, 1, "")


def _signed(change: float, decimals: int, unit: str) -> str:
    text = fixed(change, decimals)
    return f"{'' if text.startswith('−') or not text.strip('0.') else '+'}{text}{unit}"
