"""The chart of spend against credit as one picture, for places that show no HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import vl_convert

from lydite.reporting.channel_money import channel_money, model_to_show
from lydite.reporting.charts import inline_data
from lydite.reporting.display_names import conversions_of, model_label
from lydite.reporting.formats import NOTHING
from lydite.reporting.money_chart import MOST_ROWS, money_chart
from lydite.reporting.queries import standing_models

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.reporting.channel_money import ChannelMoney
    from lydite.reporting.charts import Chart
    from lydite.results import Comparison

_WIDTH, _STEP = 430, 36
_INK, _SOFT = "#1a2230", "#56606e"
_SPEND, _CREDIT, _RANGE, _LAST = "#c8cfd9", "#1d5a9e", "#b3cbe6", "#b5531c"


def money_picture(comparison: Comparison, outcome: str) -> Chart | None:
    """Return the chart of an outcome; None without credit.

    A row per channel, the largest spend first: share of spend, share of credit by the model to
    show with its interval, the range over all models that stand, and last touch.
    """
    model = model_to_show(comparison, outcome)
    money = [] if model is None else channel_money(comparison, outcome, model)
    if model is None or not money:
        return None
    shown = money[:MOST_ROWS]
    standing = len(standing_models(comparison, outcome).rows)
    names = {
        "spend": "share of spend",
        "credit": f"share of credit, {model_label(model)}",
        "range": f"range over all {standing} models still standing",
        "last": "last touch",
    }
    marks = _marks(shown, names, several=standing > 1)
    layers = alt.layer(*marks, *_figures(shown, comparison)).properties(
        title=_title(comparison, outcome, len(shown), len(money)),
        width=_WIDTH,
        height=_STEP * len(shown),
    )
    styled: Chart = (
        layers.properties(background="#ffffff", padding=16)
        .configure(font="DejaVu Sans, Arial, sans-serif")
        .configure_axis(
            labelFontSize=12, labelColor=_INK, domain=False, ticks=False, gridColor="#e9ecef",
            labelLimit=180,
        )
        .configure_legend(
            orient="top", direction="horizontal", title=None, labelFontSize=11, labelColor=_SOFT,
            labelLimit=320, columns=2, symbolSize=90,
        )
        .configure_title(
            anchor="start", fontSize=15, color=_INK, subtitleColor=_SOFT, subtitleFontSize=12,
            offset=8,
        )
        .configure_view(stroke=None)
    )  # fmt: skip
    return styled


def money_png(comparison: Comparison, outcome: str, scale: float = 1.0) -> bytes | None:
    """Return the chart of an outcome as a PNG image; None without credit."""
    chart = money_picture(comparison, outcome)
    if chart is None:
        return None
    image: bytes = vl_convert.vegalite_to_png(chart.to_dict(), scale=scale)
    return image


def _title(comparison: Comparison, outcome: str, shown: int, of: int) -> alt.TitleParams:
    spend = any(
        row["cost"] is not None
        for row in comparison.marts["channel_credit"].filter(outcome=outcome).to_dicts()
    )
    title = (
        "Where the money goes, and what it is credited with"
        if spend
        else "What each channel is credited with"
    )
    about = conversions_of(outcome)
    about = about[:1].upper() + about[1:]
    some = f", the {shown} largest of {of} channels" if shown < of else ""
    return alt.TitleParams(title, subtitle=f"{about}{some}")


def _marks(
    rows: Sequence[ChannelMoney], names: Mapping[str, str], *, several: bool
) -> list[alt.Chart]:
    """Return the bars and points; the legend names only what there is."""
    order = [row.label for row in rows]
    kinds = ["spend"] if any(row.spend_share is not None for row in rows) else []
    kinds += ["credit", *(["range"] if several else [])]
    kinds += ["last"] if any(row.last_touch_share is not None for row in rows) else []
    colours = {"spend": _SPEND, "credit": _CREDIT, "range": _RANGE, "last": _LAST}
    scale = alt.Scale(
        domain=[names[kind] for kind in kinds], range=[colours[kind] for kind in kinds]
    )
    colour = alt.Color("kind:N", scale=scale)
    y = alt.Y("channel:N", sort=order, title=None)
    x = alt.X("share:Q", title=None, axis=alt.Axis(format=".0%", orient="top", tickCount=6))

    def chart(kind: str, spans: list[tuple[str, float | None, float | None]]) -> alt.Chart:
        data = [
            {"channel": label, "kind": names[kind], "share": start, "end": end}
            for label, start, end in spans
            if start is not None
        ]
        return alt.Chart(inline_data(data)).encode(y=y, x=x, color=colour)

    spend = chart("spend", [(row.label, 0.0, row.spend_share) for row in rows
                            if row.spend_share is not None])  # fmt: skip
    between = chart("range", [(row.label, *(row.standing_share or (None, None))) for row in rows])
    interval = chart("credit", [(row.label, *(row.interval or (None, None))) for row in rows])
    credit = chart("credit", [(row.label, row.share, None) for row in rows])
    last = chart("last", [(row.label, row.last_touch_share, None) for row in rows])
    return [
        spend.mark_bar(height=9, yOffset=-7, cornerRadius=2).encode(x2="end:Q"),
        *([between.mark_bar(height=7, yOffset=8, cornerRadius=2).encode(x2="end:Q")]
          if several else []),
        interval.mark_rule(yOffset=8, strokeWidth=1.5).encode(x2="end:Q"),
        credit.mark_point(yOffset=8, filled=True, size=110, opacity=1),
        last.mark_point(yOffset=8, filled=False, size=70, strokeWidth=2, fill="#ffffff", opacity=1),
    ]  # fmt: skip


def _figures(rows: Sequence[ChannelMoney], comparison: Comparison) -> list[alt.Chart]:
    """Return the figures of each row as text, to the right of the chart."""
    chart = money_chart(rows)
    columns: list[tuple[str, list[str]]] = []
    drawn = [*chart.rows, *chart.smaller]
    if chart.has_spend:
        currency = comparison.report_settings.currency
        name = f"spend ({currency})" if currency else "spend"
        columns.append((name, [row.spend for row in drawn]))
        columns.append(("each", [row.each for row in drawn]))
    if chart.has_spend and chart.has_value:
        columns.append(("return", [row.returned for row in drawn]))
    if chart.has_range:
        columns.append(("range", [row.range or NOTHING for row in drawn]))
    order, place = [row.label for row in rows], _WIDTH + 10
    found: list[alt.Chart] = []
    for name, texts in columns:
        place += 95 if name == "range" else 62
        data = [{"channel": label, "text": text} for label, text in zip(order, texts, strict=True)]
        y, x = alt.Y("channel:N", sort=order, title=None), alt.value(place)
        texts_of = alt.Chart(inline_data(data))
        found += [
            texts_of.mark_text(align="right", fontSize=12, color=_INK).encode(
                x=x, y=y, text="text:N"
            ),
            alt.Chart(inline_data([{"text": name}]))
            .mark_text(align="right", baseline="bottom", fontSize=11, color=_SOFT, dy=-4)
            .encode(x=x, y=alt.value(0), text="text:N"),
        ]
    return found
