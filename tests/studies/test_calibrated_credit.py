"""The study of calibrated credit: its rows and its tables."""

from __future__ import annotations

from itertools import product

import polars as pl
import pytest

from studies import calibrated_credit
from studies.calibrated_credit import ORDERS, TESTED, run, tables
from studies.programmes import MODELS

pytest.importorskip("tea_tasting")


@pytest.mark.slow
def test_a_programme_holds_out_only_what_it_tests(monkeypatch):
    monkeypatch.setitem(calibrated_credit.USERS, "programme", 1_500)
    monkeypatch.setattr(calibrated_credit, "TESTED", (1, 2))
    rows = pl.DataFrame(run("programme", 1))
    assert rows["part"].unique().to_list() == ["programme"]
    of_programmes = rows.group_by("order", "tested", "model", maintain_order=True).agg(
        pl.col("is_tested").sum(), pl.col("channel").filter("is_tested")
    )
    assert len(of_programmes) == 2 * 2 * len(MODELS)
    assert (of_programmes["is_tested"] == of_programmes["tested"]).all()
    for order in ORDERS:
        one, two = (
            of_programmes.filter(order=order, tested=tested)["channel"][0] for tested in (1, 2)
        )
        assert set(one) < set(two)
    of_order = rows.filter(order="any", model="linear").sort("channel")
    one, two = (of_order.filter(tested=tested)["credited"].to_list() for tested in (1, 2))
    assert one != two


@pytest.mark.slow
def test_the_storefront_is_calibrated_by_some_of_its_channels(monkeypatch):
    monkeypatch.setitem(calibrated_credit.USERS, "storefront", 1_500)
    monkeypatch.setattr(calibrated_credit, "MODELS", ("last_touch",))
    rows = run("storefront", 1)
    assert {row["tested"] for row in rows} == set(TESTED)
    for order, tested in product(ORDERS, TESTED):
        own = [row for row in rows if (row["order"], row["tested"]) == (order, tested)]
        assert len({row["channel"] for row in own}) == len(own) == 10
        assert sum(row["is_tested"] for row in own) == tested
    for row in rows:
        assert row["low"] < row["calibrated"] < row["high"]
    brand = [row["true"] for row in rows if row["channel"] == "paid_search_brand"]
    assert brand == [0] * 6


@pytest.mark.slow
def test_experiments_of_another_market_are_predicted(monkeypatch):
    monkeypatch.setitem(calibrated_credit.USERS, "left_out", 1_500)
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
    line = tables(rows).splitlines()[6]
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
    lines = tables(rows).splitlines()[6:10]
    assert lines[0].startswith("| the true increment |  | 0.99 | 1.00 | 1.00 | 0 |")
    assert lines[1] == (
        "| calibrated | `last_touch` | 0.99 | 1.00 | 1.00 | 0 | 0 | 0 | 100.0% | 100.0% |"
    )
    assert "| 0.00 | 0.00 |" in lines[2]
    assert "`last_touch` | 0.77 | 0.70 | 0.96 | 37 | 50 |" in lines[3]
