"""Notebook: verdicts and the comparison table as a small piece of HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from lydite.reporting import formats
from lydite.reporting.charts import VERDICT_COLOURS
from lydite.reporting.reading import alike, references_of, rivals_of
from lydite.reporting.words import NOT_CAUSE, headline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lydite.comparison import Comparison

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
    """Return the headline and the table of every outcome as HTML.

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
    rows = [*rivals_of(comparison, outcome), *references_of(comparison, outcome)]
    if not rows:
        return title
    heads = "".join(
        f'<th scope="col" style="{_CELL}text-align:{side}">{name}</th>' for name, side in _HEADS
    )
    body = "".join(_row(row) for row in rows)
    return (
        f'{title}<table style="border-collapse:collapse">'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )


def _row(row: Mapping[str, Any]) -> str:
    low, high = row["explained_low"], row["explained_high"]
    cells = (
        "" if row["rank"] is None else str(row["rank"]),
        formats.plain(row["model"]),
        formats.percent_by_error(row["explained"], low, high),
        formats.interval(low, high),
        formats.percent(row["share_of_ceiling"]) if row["verdict"] else "",
        formats.fixed(row["auc"], 3),
        _verdict(row),
    )
    faint = "" if row["verdict"] else ' style="opacity:.7"'
    inner = "".join(
        f'<td style="{_CELL}text-align:{side}{_colour(row, name)}">{escape(cell)}</td>'
        for cell, (name, side) in zip(cells, _HEADS, strict=True)
    )
    return f"<tr{faint}>{inner}</tr>"


def _colour(row: Mapping[str, Any], column: str) -> str:
    colour = VERDICT_COLOURS.get(formats.verdict_label(row["verdict"]))
    return f";color:{colour};font-weight:600" if column == "verdict" and colour else ""


def _verdict(row: Mapping[str, Any]) -> str:
    parts = [formats.verdict_label(row["verdict"])]
    if row["refuted_by"]:
        parts = [f"refuted by {formats.plain(row['refuted_by'])}"]
    if alike(row):
        parts.append(f"same forecast as {', '.join(alike(row))}")
    return "; ".join(part for part in parts if part)
