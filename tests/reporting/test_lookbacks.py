"""Lookbacks compared on a terminal."""

from __future__ import annotations

import io

import polars as pl
from rich.console import Console

from lydite.reporting.lookbacks import print_lookbacks
from tests.helpers.made_comparisons import CONTENDERS, make_comparison


def printed(rows: list[dict[str, object]], width: int = 100) -> str:
    comparison = make_comparison(("purchase", CONTENDERS))
    marts = {**comparison.marts, "lookback_comparison": pl.DataFrame(rows)}
    stream = io.StringIO()
    own = type(comparison)(marts, comparison.outcomes, {})
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
