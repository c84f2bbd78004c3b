"""Verdicts and comparison tables as HTML, and charts, for a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from lydite.reporting.charts import VERDICT_COLOURS
from lydite.reporting.narrative import NOT_CAUSE, headline, reasons
from lydite.reporting.plots import ComparisonPlots, CreditPlots
from lydite.reporting.table_rows import model_rows

if TYPE_CHECKING:
    from lydite.reporting.table_rows import ModelRow
    from lydite.results import Comparison

__all__ = ["ComparisonPlots", "CreditPlots", "notebook_html"]

_CELL = "padding:.25em .8em .25em 0;border-bottom:1px solid rgba(128,128,128,.35);"
_HEADS = (
    ("rank", "right"),
    ("model", "left"),
    ("improvement", "right"),
    ("bounds", "left"),
    ("of the best achieved", "right"),
    ("AUC", "right"),
    ("verdict", "left"),
)


def notebook_html(comparison: Comparison) -> str:
    """Return the verdict and the table of every outcome as HTML.

    Parameters
    ----------
    comparison
        The result of a comparison.

    Returns
    -------
    HTML with inline styles, for light and dark notebooks.
    """
    parts = [_outcome(comparison, counts["outcome"]) for counts in comparison.outcomes]
    closing = f'<p style="opacity:.75">{escape(NOT_CAUSE)}</p>' if parts else ""
    return f"<div>{''.join(parts) or '<p>Nothing was compared.</p>'}{closing}</div>"


def _outcome(comparison: Comparison, outcome: str) -> str:
    title = f'<p style="font-size:1.15em"><b>{escape(headline(comparison, outcome))}</b></p>'
    rows = model_rows(comparison, outcome)
    if not rows:
        return title
    heads = "".join(
        f'<th scope="col" style="{_CELL}text-align:{side}">{name}</th>' for name, side in _HEADS
    )
    body = "".join(_row(row) for row in rows)
    why = f'<p style="max-width:60em">{escape(reasons(comparison, outcome))}</p>'
    return (
        f'{title}{why}<table style="border-collapse:collapse">'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )


def _row(row: ModelRow) -> str:
    cells = (
        row.rank,
        row.label,
        row.improvement,
        row.bounds,
        row.share,
        row.auc,
        row.short_verdict,
    )
    faint = ' style="opacity:.7"' if row.is_reference else ""
    inner = "".join(
        f'<td style="{_CELL}text-align:{side}{_style(row, name)}">{escape(cell)}</td>'
        for cell, (name, side) in zip(cells, _HEADS, strict=True)
    )
    return f"<tr{faint}>{inner}</tr>"


def _style(row: ModelRow, column: str) -> str:
    if column != "verdict":
        return ";white-space:nowrap"
    colour = VERDICT_COLOURS.get(row.kind)
    return f";color:{colour};font-weight:600" if colour else ""
