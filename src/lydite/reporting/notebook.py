"""Notebook: verdicts and the comparison table as a small piece of HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from lydite.reporting.charts import VERDICT_COLOURS
from lydite.reporting.narrative import NOT_CAUSE, headline, reasons
from lydite.reporting.table_rows import lines_of

if TYPE_CHECKING:
    from lydite.reporting.table_rows import Line
    from lydite.results import Comparison

_CELL = "padding:.25em .8em .25em 0;border-bottom:1px solid rgba(128,128,128,.35);"
_HEADS = (
    ("rank", "right"),
    ("model", "left"),
    ("explained", "right"),
    ("bounds", "left"),
    ("of ceiling", "right"),
    ("AUC", "right"),
    ("verdict", "left"),
)


def notebook_html(comparison: Comparison) -> str:
    """Return the verdict and the table of every outcome as HTML.

    Parameters
    ----------
    comparison
        The result of a trial.

    Returns
    -------
    HTML with inline styles that suits light and dark notebooks.
    """
    parts = [_outcome(comparison, record["outcome"]) for record in comparison.outcomes]
    closing = f'<p style="opacity:.75">{escape(NOT_CAUSE)}</p>' if parts else ""
    return f"<div>{''.join(parts) or '<p>Nothing was compared.</p>'}{closing}</div>"


def _outcome(comparison: Comparison, outcome: str) -> str:
    title = f'<p style="font-size:1.15em"><b>{escape(headline(comparison, outcome))}</b></p>'
    lines = lines_of(comparison, outcome)
    if not lines:
        return title
    heads = "".join(
        f'<th scope="col" style="{_CELL}text-align:{side}">{name}</th>' for name, side in _HEADS
    )
    body = "".join(_row(line) for line in lines)
    why = f'<p style="max-width:60em">{escape(reasons(comparison, outcome))}</p>'
    return (
        f'{title}{why}<table style="border-collapse:collapse">'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )


def _row(line: Line) -> str:
    cells = (
        line.rank,
        line.model,
        line.explained,
        line.bounds,
        line.share,
        line.auc,
        line.verdict_in_short,
    )
    faint = ' style="opacity:.7"' if line.is_reference else ""
    inner = "".join(
        f'<td style="{_CELL}text-align:{side}{_colour(line, name)}">{escape(cell)}</td>'
        for cell, (name, side) in zip(cells, _HEADS, strict=True)
    )
    return f"<tr{faint}>{inner}</tr>"


def _colour(line: Line, column: str) -> str:
    colour = VERDICT_COLOURS.get(line.verdict)
    return f";color:{colour};font-weight:600" if column == "verdict" and colour else ""
