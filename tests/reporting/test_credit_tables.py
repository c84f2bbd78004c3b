"""Credit as tables of shares."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from lydite.reporting.channel_money import channel_money
from lydite.reporting.credit_tables import credit_by_model, credit_by_segment
from tests.helpers.made_comparisons import CONTENDERS, make_comparison
from tests.helpers.made_marts import segment_credit

if TYPE_CHECKING:
    from lydite.results import Comparison

MODELS = [model for model, *_ in CONTENDERS]


def with_segments(*names: str) -> Comparison:
    full = make_comparison(("purchase", CONTENDERS))
    table = segment_credit(full, names) if names else segment_credit(full)
    return replace(full, marts={**full.marts, "segment_credit": table})


def test_every_model_has_a_column():
    comparison = with_segments()
    money = channel_money(comparison, "purchase", "linear")
    table = credit_by_model(comparison, "purchase", money, [(name, name) for name in MODELS])
    assert list(table.columns) == MODELS
    assert table.about == "4 models, 10 channels"
    for place in range(len(MODELS)):
        assert sum(cells[place].share for _, cells in table.rows) == pytest.approx(1)


def test_a_share_in_a_segment_has_the_range_over_all_models_that_stand():
    comparison = with_segments()
    money = channel_money(comparison, "purchase", "linear")
    table = credit_by_segment(comparison, "purchase", money, "linear")
    assert list(table.columns) == ["all users", "region = east", "region = west"]
    rows = comparison.marts["segment_credit"]
    standing = [model for model, verdict, *_ in CONTENDERS if verdict != "refuted"]
    for row, (label, cells) in zip(
        sorted(money, key=lambda row: (-row.share, row.channel)), table.rows, strict=True
    ):
        assert label == row.label
        for segment, cell in zip(table.columns[1:], cells[1:], strict=True):
            own = rows.filter(segment=segment, channel=row.channel)
            shares = own.filter(pl.col("model").is_in(standing))["share"]
            assert cell.share == own.filter(model="linear")["share"].item()
            low, high = f"{100 * shares.min():.0f}%", f"{100 * shares.max():.0f}%"
            assert cell.range == ("" if low == high else f"{low} to {high}")


def test_of_many_segments_the_largest_are_shown():
    names = tuple(f"region = {n:02}" for n in range(20))
    comparison = with_segments(*names)
    money = channel_money(comparison, "purchase", "linear")
    table = credit_by_segment(comparison, "purchase", money, "linear")
    assert len(table.columns) == 9
    assert table.about == "20 segments"


def test_without_segments_the_table_is_empty():
    comparison = make_comparison(("purchase", CONTENDERS))
    assert credit_by_segment(comparison, "purchase", [], "linear").rows == []
    assert credit_by_segment(with_segments(), "purchase", [], None).rows == []
