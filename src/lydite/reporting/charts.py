"""The charts of the report, made with altair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import altair as alt

from lydite.reporting.display_names import model_label
from lydite.reporting.formats import (
    is_number,
    percent,
    verdict_label,
)
from lydite.reporting.model_groups import null_name
from lydite.reporting.queries import (
    main_models,
    references_of,
    rivals_of,
    rows_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from lydite.reporting.queries import Row
    from lydite.results import Comparison

#: What `altair.layer` returns.
Chart: TypeAlias = alt.LayerChart | alt.FacetChart
#: A record that a chart draws: numbers, texts and flags by name.
Datum: TypeAlias = dict[str, Any]

#: The colour of every verdict of the tables.
VERDICT_COLOURS = {
    "best": "#1a7f4b",
    "contender": "#2563a8",
    "too_early": "#8a6a00",
    "no_better_than_volume": "#6b7280",
    "refuted": "#b4483a",
}
#: Colours of lines, the first model's first.
LINES = ["#1a7f4b", "#2563a8", "#b35c00", "#7b4fa3", "#4b5563"]
#: Shapes of points, for readers who do not see the colours.
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross"]
_DASHES = [[1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [5, 5]]
_INK, _FAINT = "#1f2933", "#d9dee4"
_MOST_LINES = 5
#: More points on a line than this hide it.
_MOST_POINTS = 20
_STEP, _DENSE_STEP = 30, 25
_MANY = 12
# A refuted point further below the others than this many times their range is drawn at the edge.
_FAR = 1.0
_MOST_BANDS = 2
#: Readers' fonts may be wider than the one that the chart is measured with.
LEGEND = alt.Legend(
    orient="bottom", title=None, symbolType="circle", symbolOpacity=1, columnPadding=28
)
#: The legend of marks that differ by colour and shape.
MIXED_LEGEND = alt.Legend(orient="bottom", title=None, symbolOpacity=1, columnPadding=28)


def improvement_chart(comparison: Comparison, outcome: str) -> Chart | None:
    """Return the improvement of every rival with its bounds; None if nothing was compared."""
    rivals = [row for row in rivals_of(comparison, outcome) if is_number(row["explained"])]
    if not rivals:
        return None
    rows = [_improvement_row(row) for row in rivals]
    ceiling = [
        {"x": row["explained"], "label": "best achieved"}
        for row in references_of(comparison, outcome)
        if row["model"] == "ceiling" and is_number(row["explained"])
    ]
    null = null_name(comparison, outcome)
    marks = [{"x": 0.0, "label": null}, *ceiling]
    domain = _improvement_domain(rows, [mark["x"] for mark in marks])
    rows = [_clip_to_edge(row, domain[0]) for row in rows]
    x = alt.X(
        "place:Q",
        scale=alt.Scale(domain=domain, nice=False),
        axis=alt.Axis(
            format=axis_format(domain),
            tickCount=6,
            title=f"improvement of the forecast beyond what {null} predicts",
        ),
    )
    y = alt.Y("model:N", sort=[row["model"] for row in rows], title=None)
    colour = _verdict_colour(rows)
    base = alt.Chart(inline_data(rows)).encode(y=y)
    bounds = base.mark_rule(strokeWidth=3, opacity=0.45, clip=True).encode(
        x=alt.X("low:Q"), x2="high:Q", color=colour, tooltip=_TOOLTIP
    )
    points = base.mark_point(filled=True, size=110, opacity=1).encode(
        x=x,
        color=colour,
        tooltip=_TOOLTIP,
        shape=alt.condition(alt.datum.outside, alt.value("triangle-left"), alt.value("circle")),
    )
    return styled(alt.layer(*_reference_marks(marks), bounds, points), height=_height(len(rows)))


_TOOLTIP = [
    alt.Tooltip("model:N"),
    alt.Tooltip("verdict:N"),
    alt.Tooltip("explained_text:N", title="improvement"),
    alt.Tooltip("bounds_text:N", title="bounds"),
]


def _improvement_row(row: Row) -> Datum:
    low, high = row["explained_low"], row["explained_high"]
    bounded = is_number(low) and is_number(high)
    return {
        "model": model_label(row["model"]),
        "verdict": verdict_label(row["verdict"]),
        "explained": row["explained"],
        "low": low if bounded else row["explained"],
        "high": high if bounded else row["explained"],
        "explained_text": percent(row["explained"], 2),
        "bounds_text": f"{percent(low, 2)} to {percent(high, 2)}" if bounded else "not known",
    }


def _improvement_domain(rows: Sequence[Row], marks: Sequence[float]) -> list[float]:
    """Return a range with all points, except refuted ones that are far behind.

    Those would squeeze the others together. Bounds of refuted rivals may leave the range.
    """
    leading = [row for row in rows if row["verdict"] != "refuted"] or rows
    ends = [row[end] for row in leading for end in ("low", "explained", "high")] + list(marks)
    low, high = min(ends), max(ends)
    points = [row["explained"] for row in rows]
    low, high = max(min(low, *points), low - _FAR * (high - low)), max(high, *points)
    margin = 0.05 * (high - low or 0.01)
    return [low - margin, high + margin]


def _clip_to_edge(row: Row, low: float) -> Datum:
    """Move a point below the range to its edge, without bounds."""
    outside = row["explained"] < low
    place = low if outside else row["explained"]
    ends = {"low": place, "high": place} if outside else {}
    return {**row, **ends, "place": place, "outside": outside}


def _reference_marks(marks: Sequence[Row]) -> list[alt.Chart]:
    data = inline_data(marks)
    rules = alt.Chart(data).mark_rule(strokeDash=[4, 3], color="#6b7280").encode(x="x:Q")
    names = (
        alt.Chart(data)
        .mark_text(align="center", baseline="bottom", dy=-4, color="#4b5563", fontSize=12)
        .encode(x="x:Q", y=alt.value(0), text="label:N")
    )
    return [rules, names]


def _verdict_colour(rows: Sequence[Row]) -> alt.Color:
    labels = {verdict_label(kind): colour for kind, colour in VERDICT_COLOURS.items()}
    drawn = {row["verdict"] for row in rows}
    labels = {label: colour for label, colour in labels.items() if label in drawn}
    legend = LEGEND
    return alt.Color(
        "verdict:N", scale=alt.Scale(domain=[*labels], range=[*labels.values()]), legend=legend
    )


def evidence_chart(comparison: Comparison, outcome: str) -> Chart | None:
    """Return the improvement of the main models after each period; None without evidence."""
    names = main_models(comparison, outcome, _MOST_LINES)
    rows = [
        _evidence_row(row)
        for row in rows_of(comparison, "evidence", outcome)
        if row["model"] in names and is_number(row["explained"])
    ]
    if not rows:
        return None
    domain = _evidence_domain(rows)
    colour = alt.Color(
        "model:N",
        scale=alt.Scale(domain=[model_label(name) for name in names], range=LINES[: len(names)]),
        legend=MIXED_LEGEND,
    )
    x = alt.X("period:T", title="period, by its first day", axis=alt.Axis(grid=False, tickCount=6))
    y = alt.Y(
        "explained:Q",
        scale=alt.Scale(domain=domain, nice=False),
        axis=alt.Axis(format=axis_format(domain), tickCount=5, title="improvement so far"),
    )
    base = alt.Chart(inline_data(rows)).encode(x=x)
    # More than two overlapping bands cannot be read: then only the first model has one.
    banded = names if len(names) <= _MOST_BANDS else names[:1]
    shown = [row for row in rows if row["model"] in {model_label(name) for name in banded}]
    band = (
        alt.Chart(inline_data(shown))
        .encode(x=x)
        .mark_area(opacity=0.14, clip=True)
        .encode(y=alt.Y("low:Q"), y2="high:Q", color=colour)
    )
    labels = [model_label(name) for name in names]
    shape = alt.Shape(
        "model:N", scale=alt.Scale(domain=labels, range=SHAPES[: len(names)]), legend=MIXED_LEGEND
    )
    dash = alt.StrokeDash(
        "model:N", scale=alt.Scale(domain=labels, range=_DASHES[: len(names)]), legend=None
    )
    line = base.mark_line(strokeWidth=2.5, clip=True).encode(y=y, color=colour, strokeDash=dash)
    marked = _spread({row["period"] for row in rows})
    some = alt.Chart(inline_data(row for row in rows if row["period"] in marked)).encode(x=x)
    points = some.mark_point(filled=True, size=60, opacity=1, clip=True).encode(
        y=y,
        color=colour,
        shape=shape,
        tooltip=[
            alt.Tooltip("model:N"),
            alt.Tooltip("period:T", title="period from"),
            alt.Tooltip("explained:Q", format=".2%", title="improvement"),
            alt.Tooltip("low:Q", format=".2%", title="lower bound"),
            alt.Tooltip("high:Q", format=".2%", title="upper bound"),
        ],
    )
    zero = alt.Chart(inline_data([{"y": 0.0}])).mark_rule(strokeDash=[4, 3], color="#6b7280")
    return styled(alt.layer(zero.encode(y="y:Q"), band, line, points), height=260)


def _spread(periods: Collection[str]) -> set[str]:
    """Return the periods whose points are drawn: at most `_MOST_POINTS`, with the last one."""
    step = -(-len(periods) // _MOST_POINTS)
    return set(sorted(periods, reverse=True)[::step])


def _evidence_row(row: Row) -> Datum:
    low, high = row["explained_low"], row["explained_high"]
    return {
        "model": model_label(row["model"]),
        "period": str(row["period_start"])[:10],
        "explained": row["explained"],
        "low": low if is_number(low) else None,
        "high": high if is_number(high) else None,
    }


def _evidence_domain(rows: Sequence[Row]) -> list[float]:
    """Return the range of the later half: the first bounds are so wide that they hide the rest."""
    periods = sorted({row["period"] for row in rows})
    late = [row for row in rows if row["period"] >= periods[len(periods) // 2]]
    ends = [row[end] for row in late for end in ("low", "high", "explained")]
    values = [0.0, *(end for end in ends if end is not None)]
    margin = 0.05 * (max(values) - min(values) or 0.01)
    return [min(values) - margin, max(values) + margin]


def _height(lines: int) -> int:
    return (_STEP if lines <= _MANY else _DENSE_STEP) * lines


def axis_format(domain: Sequence[float]) -> str:
    """Return the format of the percentages of an axis, by the length of the axis."""
    span = domain[1] - domain[0]
    return ".0%" if span > 0.05 else ".1%" if span > 0.005 else ".2%"


def inline_data(rows: Iterable[Row]) -> alt.InlineData:
    """Return records as inline data, which altair does not limit in number."""
    return alt.InlineData(values=[dict(row) for row in rows])


def styled(chart: Chart, *, height: float) -> Chart:
    """Return a chart with the fonts and colours of the report."""
    font = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
    found: Chart = (
        chart.properties(
            width="container",
            height=height,
            background="transparent",
            # The slanted names of the last columns reach over the edge.
            padding={"left": 5, "top": 5, "right": 28, "bottom": 5},
            autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        )
        .configure(font=font)
        .configure_axis(
            labelFontSize=13, titleFontSize=12, labelColor=_INK, titleColor="#4b5563",
            titleFontWeight="normal", gridColor="#eceff3", domainColor=_FAINT, ticks=False,
            labelPadding=7, labelLimit=220, titlePadding=10,
        )
        .configure_legend(labelFontSize=13, labelColor=_INK, labelLimit=260)
        .configure_view(stroke=None)
    )  # fmt: skip
    return found
