"""The study of calibrated credit: its rows and its tables."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from studies.calibrated_credit import PARTS, run, table
from studies.programmes import MODELS

pytest.importorskip("tea_tasting")


@pytest.mark.slow
def test_the_storefront_holds_out_only_the_tested_channels(monkeypatch):
    part = replace(PARTS["storefront"], users=1_500)
    monkeypatch.setitem(PARTS, "storefront", part)
    rows = pl.DataFrame(run("storefront", 1))
    for order in part.orders:
        tested = [
            set(rows.filter(order=order, tested=number).filter("is_tested")["channel"])
            for number in part.tested
        ]
        assert [len(channels) for channels in tested] == list(part.tested)
        assert tested[0] < tested[1] < tested[2]
    own = rows.filter(order="any", model="linear").sort("channel")
    credit = [own.filter(tested=number)["credited"].to_list() for number in part.tested]
    assert credit[0] != credit[1] != credit[2]  # of other histories
    assert (rows["low"] < rows["calibrated"]).all()
    assert (rows["calibrated"] < rows["high"]).all()
    assert (rows.filter(channel="paid_search_brand")["true"] == 0).all()


@pytest.mark.slow
def test_experiments_of_another_market_are_predicted(monkeypatch):
    monkeypatch.setitem(PARTS, "left_out", replace(PARTS["left_out"], users=1_500))
    rows = run("left_out", 2)
    models = {row["model"] for row in rows}
    assert models == set(MODELS)
    names = {row["experiment"] for row in rows}
    assert len(rows) == len(models) * len(names)
    assert len(names) == 2 * len({row["channel"] for row in rows}) >= 10
    assert all(row["sd"] > row["effect_sd"] >= 0 and row["noise"] > 0 for row in rows)


def storefront_row(seed, channel, is_tested, true, credited, calibrated, low, high):
    return {
        "part": "storefront", "seed": seed, "order": "any", "model": "linear", "tested": 1,
        "channel": channel, "is_tested": is_tested, "true": true, "credited": credited,
        "calibrated": calibrated, "low": low, "high": high,
    }  # fmt: skip


def test_the_table_of_the_storefront():
    rows = [
        storefront_row(1, "a", True, 10, 20, 12, 9, 14),
        storefront_row(1, "b", False, 0, 10, 5, -2, 9),
        storefront_row(2, "a", True, 10, 12, 15, 11, 19),
        storefront_row(2, "b", False, 5, 5, 5, -2, 9),
    ]
    line = table("storefront", rows).splitlines()[4]
    assert line == "| 1, any | `linear` | 50% | 11 | 6 | 50.0% | 100.0% |"


def test_the_table_of_left_out_experiments():
    made = [
        (100.0, 110.0, 100.0, 160.0),
        (200.0, 190.0, 200.0, 150.0),
        (300.0, 300.0, 300.0, 300.0),
    ]
    rows = [
        {
            "part": "left_out", "seed": 1, "model": "last_touch", "experiment": f"e{number}",
            "channel": f"c{number}", "true": true, "measured": measured, "noise": 100.0,
            "credited": credited, "calibrated": calibrated, "sd": 15.0, "effect_sd": 10.0,
            "untested": 200.0, "untested_sd": 60.0, "untested_effect_sd": 50.0,
        }
        for number, (true, measured, calibrated, credited) in enumerate(made)
    ]  # fmt: skip
    lines = table("left_out", rows).splitlines()[4:8]
    assert lines[0].startswith("| the true increment |  | 0.99 | 1.00 | 1.00 | 0 |")
    assert lines[1] == (
        "| calibrated | `last_touch` | 0.99 | 1.00 | 1.00 | 0 | 0 | 0 | 100% | 100.0% | 100.0% |"
    )
    assert "| 0.00 | 0.00 |" in lines[2]
    assert lines[2].endswith("| 0% | 100.0% | 33.3% |")  # credit is nearer on the whole
    assert "`last_touch` | 0.77 | 0.70 | 0.96 | 37 | 50 |" in lines[3]
