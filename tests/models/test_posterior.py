"""Posterior credit of rules: against Bayes' theorem by hand, and in a world with known rates."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import polars.testing
import pytest
from scipy.optimize import minimize

import lydite
from lydite.attribution import touch_credit
from lydite.models import make_models, make_rule
from lydite.models.posterior import with_credit
from tests.helpers.random_landmarks import random_paths

RULES = ["first_touch", "last_touch", "linear", "position_based", "w_shaped"]
PATHS = pl.DataFrame(
    {
        "path": ["a > b > c", "a", "b > a", "c > c > b", "b", "a > c"],
        "conversions": [30, 5, 12, 20, 40, 3],
        "value": [60.0, 5.0, 24.0, 10.0, 40.0, 9.0],
        "nulls": [200, 300, 90, 150, 80, 200],
    }
)


def test_only_rules_change_and_they_keep_forecast_and_fingerprint():
    models = [*make_models(), make_rule("mine", "1.0 / position")]
    changed = with_credit(models, "posterior")
    assert with_credit(models, "rule") == models
    for before, after in zip(models, changed, strict=True):
        assert before.name == after.name
        assert before.fingerprint == after.fingerprint
        assert (before is after) == (before.credit_kind == "model")
        assert after.credit_kind in {"model", "posterior"}
        if before is not after:
            assert isinstance(after, type(before))


@pytest.mark.parametrize("name", [*RULES, "position_based_fitted", "mine"])
def test_a_conversion_goes_to_channels_by_weight_times_rate(name):
    own = make_rule("mine", "position") if name == "mine" else name
    rule = lydite.credit(PATHS, models=[own], intervals=False).table
    table = lydite.credit(PATHS, models=[own], credit="posterior", intervals=False).table
    assert set(rule["credit"]) == {"rule"}
    assert set(table["credit"]) == {"posterior"}
    total = PATHS["conversions"].sum()
    assert table["conversions"].sum() == pytest.approx(total)
    assert table["value"].sum() == pytest.approx(PATHS["value"].sum())
    if name in {"first_touch", "last_touch"}:  # one touch has all the weight, whatever its rate
        a, b = (dict(own.select("channel", "conversions").rows()) for own in (rule, table))
        assert a == pytest.approx(b)


def test_linear_equals_bayes_theorem_by_hand():
    table = lydite.credit(PATHS, models=["linear"], credit="posterior").table
    found = dict(table.select("channel", "conversions").rows())

    def expected(rates: dict[str, float]) -> dict[str, float]:
        credit = dict.fromkeys("abc", 0.0)
        for path, conversions in PATHS.select("path", "conversions").rows():
            touches = path.split(" > ")
            total = sum(rates[touch] for touch in touches)
            for touch in touches:
                credit[touch] += conversions * rates[touch] / total
        return credit

    assert found == pytest.approx(expected(_fitted_rates()), rel=1e-6)
    assert (table["conversions_low"] < table["conversions"]).all()
    assert (table["conversions"] < table["conversions_high"]).all()


def _fitted_rates() -> dict[str, float]:
    """Fit the rates of `linear` with another optimiser."""
    rows = []
    for path, conversions, nulls in PATHS.select("path", "conversions", "nulls").rows():
        touches = path.split(" > ")
        for last in range(1, len(touches) + 1):
            shares = [touches[:last].count(channel) / last for channel in "abc"]
            n = conversions + nulls
            rows.append((*shares, n, conversions if last == len(touches) else 0))
    table = np.array(rows, dtype=float)
    shares, n, k = table[:, :3], table[:, 3], table[:, 4]
    base = (k.sum() + 0.5) / (n.sum() + 1)

    def loss(log_odds: np.ndarray) -> float:
        rates = 1 / (1 + np.exp(-log_odds))
        p = shares @ rates
        prior = np.log(rates).sum() + (1 - base) / base * np.log1p(-rates).sum()
        return -float(k @ np.log(p) + (n - k) @ np.log1p(-p) + prior)

    best = minimize(loss, np.full(3, -2.0), tol=1e-12, options={"gtol": 1e-9})
    return dict(zip("abc", (1 / (1 + np.exp(-best.x))).tolist(), strict=True))


def test_touches_without_any_weight_weigh_the_same():
    """Figure and replicates agree: on touchpoints, on path tables and for single touches."""
    linear, nothing = (
        with_credit([make_rule(name, weight)], "posterior")[0]
        for name, weight in (("same", "1"), ("nothing", "0 * position"))
    )
    found = lydite.credit(PATHS, models=[linear, nothing], intervals=False).table
    one, other = (
        dict(found.filter(pl.col("model") == name).select("channel", "conversions").rows())
        for name in ("same", "nothing")
    )
    assert one == pytest.approx(other)
    world = lydite.simulate("linear", users=2000, seed=2)
    table = lydite.credit(
        touchpoints=world.touchpoints, conversions=world.conversions, models=[linear, nothing]
    ).table
    one, other = (
        table.filter(pl.col("model") == name).sort("channel").drop("model")
        for name in ("same", "nothing")
    )
    polars.testing.assert_frame_equal(one, other, rel_tol=1e-6)
    paths = random_paths(6, 20)
    for model in (linear, nothing):
        model.channels_, model.rates_ = ("a", "b", "direct"), np.array([0.1, 0.3, 0.02])
    np.testing.assert_allclose(touch_credit(linear, paths), touch_credit(nothing, paths))


def test_in_a_linear_world_the_posterior_places_conversions_where_they_were_decided():
    world = lydite.simulate("linear", users=6000, seed=1, weeks=20)
    rates = world.truth["parameters"]["rates"]
    truth = _decided(world, rates)
    misplaced = {}
    for kind in ("rule", "posterior"):
        table = lydite.credit(
            touchpoints=world.touchpoints,
            conversions=world.conversions,
            models=["linear"],
            credit=kind,
        ).table
        found = dict(table.select("channel", "conversions").rows())
        differences = [abs(found[channel] - n) for channel, n in truth.items()]
        misplaced[kind] = sum(differences) / 2 / world.conversions.height
        inside = table.filter(pl.col("channel") != "(unattributed)")
        assert (inside["conversions"] >= inside["conversions_low"]).all()
        assert (inside["conversions"] <= inside["conversions_high"]).all()
    assert misplaced["rule"] > 0.12
    assert misplaced["posterior"] < 0.03


def _decided(world: lydite.World, rates: dict[str, float]) -> dict[str, float]:
    """Return how many conversions the touches of each channel have decided, as expected values."""
    touches = world.touchpoints.select("user_id", "touched_at", "channel")
    ends = world.conversions.sort("user_id", "converted_at").select(
        "user_id",
        "converted_at",
        "conversion_id",
        before=pl.col("converted_at").shift().over("user_id"),
    )
    joined = ends.join(touches, on="user_id").filter(
        pl.col("touched_at") <= pl.col("converted_at"),
        pl.col("touched_at") > pl.col("converted_at") - timedelta(days=30),
        pl.col("before").is_null() | (pl.col("touched_at") > pl.col("before")),
    )
    rate = pl.col("channel").replace_strict(rates)
    share = joined.with_columns(share=rate / rate.sum().over("conversion_id"))
    return dict(share.group_by("channel").agg(pl.col("share").sum()).rows())
