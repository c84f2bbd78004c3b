"""Charts of results for notebooks and files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl

from lydite.errors import InputError
from lydite.reporting.charts import LINES, evidence_chart, improvement_chart, inline_data, styled
from lydite.reporting.display_names import model_label
from lydite.reporting.queries import UNATTRIBUTED, main_models, outcome_counts, standing_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.reporting.charts import Chart
    from lydite.results import Comparison

WIDTH = 640
_MOST_MODELS = 5
_LINE = 16  # pixels of one model of a channel
_STANDING = "range over all models that stand"


@dataclass(frozen=True)
class ComparisonPlots:
    """The charts of a comparison: `Comparison.plot`."""

    comparison: Comparison

    def credit(
        self, outcome: str | None = None, models: str | Sequence[str] | None = None
    ) -> Chart:
        """Return the credited conversions of each channel, with 95 % intervals.

        Behind them is the range over all models that stand.

        Parameters
        ----------
        outcome
            Name of the outcome; the first one by default.
        models
            Names of the models; by default those that lead.

        Raises
        ------
        InputError
            When there is no such outcome or model.
        """
        outcome = self._outcome(outcome)
        table = self.comparison.marts["channel_credit"].filter(pl.col("outcome") == outcome)
        if models is None:
            compared = main_models(self.comparison, outcome, _MOST_MODELS)
            standing = {row["model"] for row in standing_models(self.comparison, outcome).rows}
            models = [name for name in compared if name in standing] or compared
            models = models or table["model"].unique(maintain_order=True).to_list()[:_MOST_MODELS]
        return credit_chart(table, models)

    def models(self, outcome: str | None = None) -> Chart:
        """Return the improvement of every model with its bounds, coloured by verdict.

        Raises
        ------
        InputError
            When there is no such outcome, or its models were not compared.
        """
        outcome = self._outcome(outcome)
        return self._drawn(improvement_chart(self.comparison, outcome), outcome)

    def evidence(self, outcome: str | None = None) -> Chart:
        """Return the improvement of the main models after each period, with bounds.

        Raises
        ------
        InputError
            When there is no such outcome, or it has no periods.
        """
        outcome = self._outcome(outcome)
        return self._drawn(evidence_chart(self.comparison, outcome), outcome)

    def _outcome(self, name: str | None) -> str:
        names = [counts["outcome"] for counts in self.comparison.outcomes]
        if name is not None and name not in names:
            raise InputError(f"there is no outcome {name!r}; there are: {', '.join(names)}")
        return name or names[0]

    def _drawn(self, chart: Chart | None, outcome: str) -> Chart:
        if chart is None:
            note = outcome_counts(self.comparison, outcome)["note"]
            why = note or "a path table has no periods"
            raise InputError(f"there is nothing to draw for {outcome!r}: {why}")
        return _sized(chart)


@dataclass(frozen=True)
class CreditPlots:
    """The chart of credit without verdicts: `Credit.plot`."""

    table: pl.DataFrame

    def credit(
        self, outcome: str | None = None, models: str | Sequence[str] | None = None
    ) -> Chart:
        """Return the credited conversions of each channel, with 95 % intervals where known.

        Parameters
        ----------
        outcome
            Name of the outcome, for credit from touchpoints; the first one by default.
        models
            Names of the models; the first five by default.

        Raises
        ------
        InputError
            When there is no such outcome or model.
        """
        table = self.table
        if "outcome" in table.columns:
            names = table["outcome"].unique(maintain_order=True).to_list()
            if outcome is not None and outcome not in names:
                raise InputError(f"there is no outcome {outcome!r}; there are: {', '.join(names)}")
            table = table.filter(pl.col("outcome") == (outcome or names[0]))
        elif outcome is not None:
            raise InputError("credit from a path table has no outcomes: leave outcome out")
        known = table["model"].unique(maintain_order=True).to_list()
        return credit_chart(table, known[:_MOST_MODELS] if models is None else models)


def credit_chart(table: pl.DataFrame, models: str | Sequence[str]) -> Chart:
    """Return the credit of some models by channel, the most credited channel first.

    Parameters
    ----------
    table
        Credit of one outcome, by model and channel.
    models
        Names of the models.

    Raises
    ------
    InputError
        When there is no such model.
    """
    models = [models] if isinstance(models, str) else list(models)
    known = table["model"].unique(maintain_order=True).to_list()
    for name in models:
        if name not in known:
            raise InputError(f"there is no credit of {name!r}; there is of: {', '.join(known)}")
    rows = table.filter(pl.col("model").is_in(models), pl.col("channel") != UNATTRIBUTED).to_dicts()
    channels = _by_credit(rows)
    data = inline_data([_datum(row) for row in rows])
    labels = [model_label(name) for name in models]
    colours = [LINES[number % len(LINES)] for number in range(len(models))]
    y = alt.Y("channel:N", sort=channels, title=None)
    offset = alt.YOffset("model:N", sort=labels)
    colour = alt.Color(
        "model:N",
        scale=alt.Scale(domain=labels, range=colours),
        legend=alt.Legend(orient="bottom", title=None),
    )
    tooltip: Any = ["channel:N", "model:N", *map(_number, ("conversions", "low", "high"))]
    base = alt.Chart(data).encode(y=y, yOffset=offset, color=colour, tooltip=tooltip)
    layers = [
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q"),
        base.mark_point(filled=True, size=70, opacity=1).encode(
            x=alt.X("conversions:Q", title="credited conversions")
        ),
    ]
    ranges = _ranges(rows)
    if ranges:
        band = (
            alt.Chart(inline_data(ranges))
            .mark_bar(color="#9aa5b1", opacity=0.25)
            .encode(
                y=y,
                x=alt.X("standing_low:Q"),
                x2="standing_high:Q",
                tooltip=[
                    "channel:N",
                    alt.Tooltip("standing_low:Q", format=",.1f", title=f"{_STANDING}, from"),
                    alt.Tooltip("standing_high:Q", format=",.1f", title=f"{_STANDING}, to"),
                ],
            )
        )
        layers.insert(0, band)
    height = max(_LINE * len(models), 24) * max(len(channels), 1)
    chart = styled(alt.layer(*layers), height=height)
    note = f"Grey: {_STANDING}. Lines: 95 % intervals." if ranges else "Lines: 95 % intervals."
    return _sized(chart, note if _has_bounds(rows) or ranges else None)


def _by_credit(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the channels, by the most that any of the models credits."""
    most: dict[str, float] = {}
    for row in rows:
        most[row["channel"]] = max(most.get(row["channel"], 0), row["conversions"])
    return sorted(most, key=lambda channel: (-most[channel], channel))


def _datum(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "channel": row["channel"],
        "model": model_label(row["model"]),
        "conversions": row["conversions"],
        "low": row["conversions_low"],
        "high": row["conversions_high"],
    }


def _ranges(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the range of each channel over the models that stand, where it is known."""
    found = {
        row["channel"]: {name: row[name] for name in ("channel", "standing_low", "standing_high")}
        for row in rows
        if row.get("standing_low") is not None
    }
    return list(found.values())


def _has_bounds(rows: Sequence[dict[str, Any]]) -> bool:
    return any(row["conversions_low"] is not None for row in rows)


def _number(name: str) -> alt.Tooltip:
    return alt.Tooltip(f"{name}:Q", format=",.1f")


def _sized(chart: Chart, note: str | None = None) -> Chart:
    """Return a chart of a fixed width on white, which looks alike in notebooks and files."""
    found: Chart = chart.properties(width=WIDTH, background="white")
    if note is not None:
        title = alt.TitleParams(
            note, anchor="start", color="#4b5563", fontSize=12, fontWeight="normal"
        )
        found = found.properties(title=title)
    return found
