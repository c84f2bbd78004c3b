"""`lydite.credit`."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

import lydite
from lydite.simulation import simulate

MODELS = ["linear", "last_touch"]


@pytest.mark.parametrize("models", [None, ["linear", "markov_1"]])
def test_credit_of_touchpoints_is_the_credit_of_a_comparison(models) -> None:
    world = simulate("storefront", users=1_500, seed=2)
    given = {"spend": world.spend, "lookback": "14d", "models": models, "seed": 3}
    compared = lydite.compare(world.touchpoints, world.conversions, **given)
    found = lydite.credit(touchpoints=world.touchpoints, conversions=world.conversions, **given)
    # Without verdicts all models stand, and none is in use.
    columns = pl.exclude("is_champion", "standing_low", "standing_high")
    expected = compared.credit.select(columns)
    assert found.table.select(expected.columns).equals(expected)
    effects = found.table.filter(pl.col("removal_effect").is_not_null())
    assert set(effects["model"]) == {
        name for name in found.table["model"] if name.startswith("markov")
    }
    warnings = {text for kind, text in compared.warnings.select("kind", "text").rows()}
    assert set(found.warnings["text"]) <= warnings
    assert found.to_networkx().edges == compared.to_networkx().edges


def test_credit_without_intervals_is_the_same_and_has_no_bounds(world) -> None:
    sources = {"touchpoints": world.touchpoints, "conversions": world.conversions}
    with_intervals = lydite.credit(**sources).table
    without = lydite.credit(**sources, intervals=False).table
    bounds = [
        name
        for name in without.columns
        if name.endswith(("_low", "_high")) and not name.startswith("standing")
    ]
    assert without.drop(bounds).equals(with_intervals.drop(bounds))
    assert without.select(pl.col(bounds).is_null().all()).row(0) == (True,) * len(bounds)


def test_credit_of_touchpoints_by_outcome() -> None:
    world = simulate("storefront", users=1_000, seed=2)
    found = lydite.credit(
        touchpoints=world.touchpoints.to_pandas(),
        conversions=world.conversions.to_pandas(),
        models=["linear", "markov_1"],
        intervals=False,
    )
    assert isinstance(found.table, pd.DataFrame)
    names = sorted(world.conversions["outcome"].unique())
    assert found.table["outcome"].unique().tolist() == names
    totals = found.table.groupby(["outcome", "model"])["conversions"].sum()
    for name in names:
        total = (world.conversions["outcome"] == name).sum()
        assert totals[name].tolist() == pytest.approx([total, total])
    assert set(found.transitions["outcome"]) == set(names)
    with pytest.raises(lydite.InputError, match="no outcome 'other'; there are: "):
        found.to_networkx("other")
    one = lydite.credit(
        touchpoints=world.touchpoints,
        conversions=world.conversions,
        outcomes=names[:1],
        models=["linear"],
        intervals=False,
    )
    assert one.table["outcome"].unique().to_list() == names[:1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give touchpoints and conversions, or paths"),
        ({"touchpoints": "t.csv"}, "give touchpoints and conversions, or paths"),
        ({"paths": "p.csv", "spend": "s.csv"}, "paths and spend cannot be combined"),
        ({"touchpoints": "t.csv", "conversions": "c.csv", "separator": ">"}, "separator is for"),
        (
            {"touchpoints": "t.csv", "conversions": "c.csv", "normalise": "global"},
            'normalise="global" is for paths',
        ),
    ],
)
def test_arguments_of_credit_that_do_not_fit_together(arguments, message) -> None:
    with pytest.raises(lydite.InputError, match=message):
        lydite.credit(**arguments)
