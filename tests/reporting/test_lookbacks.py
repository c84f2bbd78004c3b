"""Lookbacks compared, on a terminal and in the report."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
from rich.console import Console

from lydite.reporting.lookbacks import NOTE, print_lookbacks
from lydite.reporting.report import report_html
from tests.helpers.made_comparisons import CONTENDERS, make_comparison

if TYPE_CHECKING:
    from lydite.results import Comparison


def with_lookbacks(rows: list[dict[str, object]]) -> Comparison:
    comparison = make_comparison(("purchase", CONTENDERS))
    marts = {**comparison.marts, "lookback_comparison": pl.DataFrame(rows)}
    return replace(comparison, marts=marts)


def printed(rows: list[dict[str, object]], width: int = 100) -> str:
    stream = io.StringIO()
    own = with_lookbacks(rows)
    print_lookbacks(own, "purchase", Console(file=stream, width=width, color_system=None))
    return stream.getvalue()


def row(model: str, lookback: str, rank: int, explained: float | None) -> dict[str, object]:
    bounds = (None, None) if explained is None else (explained - 0.01, explained + 0.01)
    return {
        "outcome": "purchase", "lookback": lookback, "is_main": lookback == "30d", "model": model,
        "rank": rank, "verdict": "too_early" if explained is None else "contender",
        "explained": explained, "explained_low": bounds[0], "explained_high": bounds[1],
        "conversions": 100, "attributed": 90 if lookback == "30d" else 60,
    }  # fmt: skip


def test_models_are_in_the_order_of_the_main_lookback():
    text = printed(
        [
            row("linear", "30d", 2, 0.05), row("markov_1", "30d", 1, 0.08),
            row("linear", "7d", 1, 0.06), row("markov_1", "7d", 2, None),
        ]
    )  # fmt: skip
    lines = [line.strip() for line in text.splitlines()]
    assert lines[1].split("  ")[0] == "model"
    assert lines[1].index("30d lookback") < lines[1].index("7d lookback")
    assert lines[2].startswith("Markov chain, 1 step")
    assert "8.0% (7.0% to 9.0%) contender" in lines[2]
    assert lines[2].endswith("too early to say")
    assert lines[3].startswith("Linear")
    assert "90% with 30d, 60% with 7d" in text
    assert "share the risk of error" in " ".join(lines)


def test_one_lookback_is_no_comparison():
    assert printed([row("linear", "30d", 1, 0.05)]) == ""
    comparison = make_comparison(("purchase", CONTENDERS))
    stream = io.StringIO()
    print_lookbacks(comparison, "purchase", Console(file=stream))
    assert stream.getvalue() == ""


def test_the_report_folds_lookbacks_with_the_range_of_the_credit():
    made = with_lookbacks([row("linear", "7d", 1, 0.06), row("linear", "30d", 1, 0.05)])
    credit = pl.DataFrame(
        [
            {"outcome": "purchase", "lookback": lookback, "is_main": lookback == "30d",
             "model": model, "channel": "email", "conversions": 10.0, "value": None,
             "share": share}
            for lookback, model, share in (
                ("7d", "linear", 0.4), ("7d", "last_touch", 0.1), ("7d", "markov_1", 0.2),
                ("30d", "linear", 0.3), ("30d", "last_touch", 0.3), ("30d", "markov_1", 0.3),
            )
        ]
    )  # fmt: skip
    html = report_html(replace(made, marts={**made.marts, "lookback_credit": credit}))
    fold = html[html.index("<h2>Other lookbacks</h2>") :]
    assert "30d lookback, 7d lookback" in fold[: fold.index("</summary>")]
    assert NOTE in fold
    assert '<th scope="row">Linear</th><td>5.0% contender' in fold
    cells = fold[fold.index("Credit with each lookback") :]
    cells = cells[cells.index('<th scope="row">Email</th>') :]
    assert "30%</td>" in cells[: cells.index("</tr>")]
    assert "40%<small>10% to 40%</small>" in cells[: cells.index("</tr>")]


def test_the_report_has_no_lookbacks_where_one_was_compared():
    assert "Other lookbacks" not in report_html(with_lookbacks([row("linear", "30d", 1, 0.05)]))
    assert "Other lookbacks" not in report_html(make_comparison(("purchase", CONTENDERS)))
