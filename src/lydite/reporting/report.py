"""The report: one HTML file that needs no other file and no network."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from lydite.errors import InputError
from lydite.models.transition_graph import transition_graph
from lydite.reporting import formats
from lydite.reporting.charts import credit_chart, evidence_chart, improvement_chart
from lydite.reporting.narrative import NOT_CAUSE, headline, reason_paragraphs
from lydite.reporting.open_pairs import pair_rows
from lydite.reporting.queries import (
    UNATTRIBUTED,
    conversion_dates,
    credit_of,
    credit_source,
    is_path_table,
    main_models,
    quarantined_rows,
    scored_counts,
    warnings_of,
)
from lydite.reporting.segments import segment_rows
from lydite.reporting.table_rows import model_rows
from lydite.reporting.transition_diagram import transition_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Template

    from lydite.records import OutcomeCounts
    from lydite.reporting.open_pairs import PairRow
    from lydite.reporting.queries import Row
    from lydite.reporting.segments import SegmentRow
    from lydite.reporting.table_rows import ModelRow
    from lydite.results import Comparison

_CHARTS = (
    (
        "improvement",
        "How much each model improves the forecast",
        "Points: the improvement. Bars: its bounds, which stay valid however often you check.",
        improvement_chart,
    ),
    (
        "credit",
        "Credit by channel and model",
        "Share of the attributed conversions that each model gives to each channel.",
        credit_chart,
    ),
    (
        "evidence",
        "Evidence over time",
        "The improvement so far, with bounds. At most five models; bands of the first one or two.",
        evidence_chart,
    ),
)
_TRIANGLES = " Triangles at the edge: refuted models that are worse than the chart can show."
_MOST_CREDIT_TABLES = 3
_MOST_SEGMENTS = _MOST_PAIRS = 12
# Pixels of the heat map: at least, around the columns, and per column.
_CREDIT_LEAST, _CREDIT_EDGES, _CREDIT_STEP = 704, 240, 40


def write_report(comparison: Comparison, path: str | Path) -> None:
    """Write the report: one HTML file without references to anything outside.

    A temporary file is written in the same folder and moved into place, so that readers never see
    half a report.

    Parameters
    ----------
    comparison
        The result of a comparison.
    path
        Where to write it; a missing folder is created.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    path = Path(path)
    text = report_html(comparison)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise InputError(
            f"the report {path} cannot be written: {error.strerror or error}"
        ) from error
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # The folder is a file or is not writable: then there is no temporary file either.
        return


def report_html(comparison: Comparison) -> str:
    """Return the report as text."""
    sections = [
        _section(comparison, counts, number) for number, counts in enumerate(comparison.outcomes)
    ]
    specs = {chart.id: chart.spec for section in sections for chart in section.charts}
    text: str = _template().render(
        sections=sections,
        specs=_script_json(specs),
        bundle=_bundle() if specs else "",
        dates=conversion_dates(comparison),
        as_of=_as_of(comparison),
        quality=_quality(comparison),
        not_cause=NOT_CAUSE,
        formats=formats,
    )
    return text


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("lydite.reporting", "."),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plain"] = formats.plain
    return environment.get_template("report.html.j2")


@dataclass(frozen=True)
class _Chart:
    """One chart: its `spec` is Vega-Lite, its least `width` in pixels."""

    id: str
    kind: str
    title: str
    caption: str
    width: int | None
    spec: dict[str, object]


@dataclass(frozen=True)
class _CreditTable:
    """The credit of one model by channel."""

    model: str
    rows: Sequence[Row]
    unattributed: str = UNATTRIBUTED

    @property
    def source(self) -> str:
        return credit_source(self.model, self.rows)

    @property
    def with_cost(self) -> bool:
        return any(row["cost"] is not None for row in self.rows)

    @property
    def with_value(self) -> bool:
        return any(row["value"] for row in self.rows)


@dataclass(frozen=True)
class _Section:
    """The part of the report on one outcome; segments and pairs with the number of the others.

    `scored` has the landmarks and conversions that the verdicts use, `counts` those in the data.
    """

    id: str
    outcome: str
    counts: OutcomeCounts
    scored: tuple[int, int] | None
    is_path_table: bool
    headline: str
    reasons: list[str]
    models: list[ModelRow]
    warnings: list[str]
    segments: tuple[list[SegmentRow], int]
    pairs: tuple[list[PairRow], int]
    charts: list[_Chart]
    credit: list[_CreditTable]
    transitions: Markup


@dataclass(frozen=True)
class _Quality:
    """Number of rows by table and reason, and the rows that were set aside."""

    tables: dict[str, dict[str, int]]
    quarantined: list[tuple[str, str, int]]


def _section(comparison: Comparison, counts: OutcomeCounts, number: int) -> _Section:
    outcome = counts["outcome"]
    return _Section(
        id=f"outcome-{number}",
        outcome=outcome,
        counts=counts,
        scored=scored_counts(comparison, outcome),
        is_path_table=is_path_table(counts),
        headline=headline(comparison, outcome),
        reasons=reason_paragraphs(comparison, outcome),
        models=model_rows(comparison, outcome),
        warnings=warnings_of(comparison, outcome),
        segments=segment_rows(comparison, outcome, _MOST_SEGMENTS),
        pairs=pair_rows(comparison, outcome, _MOST_PAIRS),
        charts=_charts(comparison, outcome, number),
        credit=_credit_tables(comparison, outcome),
        transitions=_transitions(comparison, outcome, f"outcome-{number}"),
    )


def _transitions(comparison: Comparison, outcome: str, identifier: str) -> Markup:
    """Return the diagram of the transitions between channels, empty where there is none."""
    mart = comparison.marts.get("channel_transitions")
    if mart is None:
        return Markup()
    try:
        graph = transition_graph(mart.filter(outcome=outcome))
    except InputError:  # a channel has the name of an end of paths
        return Markup()
    return Markup(transition_svg(graph, identifier))  # noqa: S704 - names are escaped there


def _charts(comparison: Comparison, outcome: str, number: int) -> list[_Chart]:
    found = []
    for name, title, caption, make in _CHARTS:
        chart = make(comparison, outcome)
        if chart is not None:
            spec = chart.to_dict()
            # Nothing needs the address of the schema, and the report refers to nothing outside.
            spec.pop("$schema", None)
            drawn = [row for rows in spec["datasets"].values() for row in rows]
            more = _TRIANGLES if any(row.get("outside") for row in drawn) else ""
            width = _least_width(name, drawn)
            identifier = f"chart-{number}-{name}"
            found.append(_Chart(identifier, name, title, caption + more, width, spec))
    return found


def _least_width(kind: str, drawn: Sequence[Row]) -> int | None:
    """Return the least width of a heat map in pixels, by its columns; None for other charts."""
    if kind != "credit":
        return None
    columns = {row["model"] for row in drawn}
    return max(_CREDIT_LEAST, _CREDIT_EDGES + _CREDIT_STEP * len(columns))


def _credit_tables(comparison: Comparison, outcome: str) -> list[_CreditTable]:
    names = main_models(comparison, outcome, _MOST_CREDIT_TABLES)
    names = names or _credited_models(comparison, outcome)[:_MOST_CREDIT_TABLES]
    tables = [(name, credit_of(comparison, outcome, name)) for name in names]
    return [_CreditTable(name, rows) for name, rows in tables if rows]


def _credited_models(comparison: Comparison, outcome: str) -> list[str]:
    frame = comparison.marts.get("channel_credit")
    if frame is None or "outcome" not in frame.columns:
        return []
    return sorted(set(frame.filter(frame["outcome"] == outcome)["model"].to_list()))


def _quality(comparison: Comparison) -> _Quality:
    """Return how many rows of each table were used, were duplicates, or were set aside."""
    frame = comparison.marts.get("data_quality")
    columns = ("table_name", "reason", "rows")
    tables: dict[str, dict[str, int]] = {}
    if frame is not None and set(columns) <= set(frame.columns):
        for table, reason, n in frame.select(columns).rows():
            tables.setdefault(table, {})[reason] = n
    return _Quality(tables, quarantined_rows(comparison))


def _as_of(comparison: Comparison) -> str:
    """Return up to when the data is complete, by outcome where that differs."""
    known = {
        row["outcome"]: str(row["as_of"])[:16] for row in comparison.outcomes if row.get("as_of")
    }
    if len(set(known.values())) <= 1:
        return next(iter(known.values()), "")
    return ", ".join(f"{time} ({formats.plain(outcome)})" for outcome, time in known.items())


def _script_json(value: object) -> Markup:
    """Return JSON that cannot close the script element around it."""
    text = json.dumps(_finite(value), ensure_ascii=True, allow_nan=False, sort_keys=True)
    for sign, code in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(sign, code)
    return Markup(text)  # noqa: S704  (all characters with a meaning in HTML are escaped above)


def _finite(value: object) -> object:
    """Replace infinite numbers, which JSON does not have, by null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@cache
def _bundle() -> Markup:
    """Return the JavaScript library that draws the charts."""
    text: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    return Markup(text.replace("</script", "<\\/script"))  # noqa: S704  (a fixed text of a library)
