"""The chart of forecast against observed conversion rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from lydite.reporting.charts import LINES, MIXED_LEGEND, SHAPES, axis_format, inline_data, styled
from lydite.reporting.display_names import model_label
from lydite.reporting.formats import is_number
from lydite.reporting.queries import main_models, rows_of

if TYPE_CHECKING:
    from lydite.reporting.charts import Chart
    from lydite.reporting.queries import Row
    from lydite.results import Comparison

_MOST_MODELS = 3


def calibration_chart(comparison: Comparison, outcome: str) -> Chart | None:
    """Return the forecast and observed rates of the main models by bin; None without any."""
    names = main_models(comparison, outcome, _MOST_MODELS)
    rows = [
        {"model": model_label(row["model"]), "forecast": row["forecast"],
         "observed": row["observed"], "touches": row["landmarks"]}
        for row in _bins(comparison, outcome)
        if row["model"] in names
    ]  # fmt: skip
    if not rows:
        return None
    top = 1.04 * max(max(row["forecast"], row["observed"]) for row in rows) or 0.01
    axis = alt.Axis(format=axis_format([0.0, top]), tickCount=5)
    scale = alt.Scale(domain=[0.0, top], nice=False)
    x = alt.X("forecast:Q", scale=scale, axis=axis, title="forecast to convert")
    y = alt.Y("observed:Q", scale=scale, axis=axis, title="converted")
    shown = [label for name in names if (label := model_label(name)) in
             {row["model"] for row in rows}]  # fmt: skip
    colours = alt.Scale(domain=shown, range=LINES[: len(shown)])
    colour = alt.Color("model:N", scale=colours, legend=MIXED_LEGEND)
    shapes = alt.Scale(domain=shown, range=SHAPES[: len(shown)])
    shape = alt.Shape("model:N", scale=shapes, legend=MIXED_LEGEND)
    points = alt.Chart(inline_data(rows)).encode(x=x, y=y, color=colour)
    ends = [{"forecast": 0.0, "observed": 0.0}, {"forecast": top, "observed": top}]
    right = (
        alt.Chart(inline_data(ends)).mark_line(strokeDash=[4, 3], color="#6b7280").encode(x=x, y=y)
    )
    lines = points.mark_line(strokeWidth=1.5, opacity=0.5)
    dots = points.mark_point(filled=True, size=60, opacity=1).encode(shape=shape)
    return styled(alt.layer(right, lines, dots), height=280)


def likeliest(comparison: Comparison, outcome: str) -> tuple[float, float] | None:
    """Return forecast and observed rate of the first model's last bin; None where unknown."""
    names = main_models(comparison, outcome, 1)
    rows = [row for row in _bins(comparison, outcome) if row["model"] in names]
    if not rows:
        return None
    last = max(rows, key=lambda row: row["bin"])
    return last["forecast"], last["observed"]


def _bins(comparison: Comparison, outcome: str) -> list[Row]:
    rows = rows_of(comparison, "calibration", outcome)
    return [row for row in rows if is_number(row["forecast"]) and is_number(row["observed"])]
