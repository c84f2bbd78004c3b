"""Custom models in a comparison: rules in SQL and classifiers, and their errors."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.naive_bayes import BernoulliNB

import lydite
from lydite.models import Classifier, Rule


@pytest.fixture(scope="module")
def world():
    return lydite.simulate("linear", users=2_500, seed=41)


@pytest.fixture(scope="module")
def result(world):
    models = [
        "linear",
        Rule("alike", "every touch alike", "2 * 3"),
        Rule("mail_only", "mail alone", "case when channel = 'email' then 1 else 0 end"),
        Classifier(
            BernoulliNB(), claim="which channels are on the path, each separately", name="bayes"
        ),
    ]
    return lydite.compare(world.touchpoints, world.conversions, models=models)


def test_an_equivalent_rule_has_the_same_forecast_and_credit(result):
    table = {row["model"]: row for row in result.table.to_dicts()}
    assert table["alike"]["same_forecast_as"] == "linear"
    credit = result.credit.pivot("model", index="channel", values="conversions")
    np.testing.assert_allclose(credit["alike"], credit["linear"])


def test_custom_models_are_judged_and_their_credit_sums_to_the_conversions(result, world):
    assert {"alike", "mail_only", "bayes"} <= set(result.table["model"])
    for (_,), rows in result.credit.group_by("model"):
        assert rows["conversions"].sum() == pytest.approx(world.conversions.height)


def test_paths_without_weight_are_counted_in_a_warning(result):
    warnings = dict(result.table.select("model", "warning").rows())
    assert "no touch has any weight" in warnings["mail_only"]
    assert "weight" not in warnings["alike"]


@pytest.mark.parametrize("expression", ["position - 2", "case when channel = 'email' then -1 end"])
def test_a_negative_weight_is_an_error_that_shows_the_path(world, expression):
    mine = Rule("mine", "mine", expression)
    with pytest.raises(lydite.InputError, match=r"'mine' gives the weight -1.* on the path \w+"):
        lydite.compare(world.touchpoints, world.conversions, models=[mine])
    paths = pl.DataFrame({"path": ["a > email > c", "b"], "conversions": [1, 2]})
    with pytest.raises(lydite.InputError, match=r"'mine' gives the weight -1.* on the path"):
        lydite.credit(paths, models=[mine])


@pytest.mark.parametrize("expression", ["1e31", "1e31 * power(0.5, hours_before_end / 24)"])
def test_a_weight_that_is_too_large_to_sum_is_an_error(world, expression):
    mine = Rule("mine", "mine", expression)
    with pytest.raises(lydite.InputError, match=r"'mine' gives the weight .* from 0 to 1e30"):
        lydite.compare(world.touchpoints, world.conversions, models=[mine])


def test_weights_may_be_large(world):
    large, plain = (
        Rule(name, name, f"{scale} * power(0.5, hours_before_end / 24)")
        for name, scale in (("large", "1e29"), ("plain", "1.0"))
    )
    result = lydite.compare(world.touchpoints, world.conversions, models=[large, plain])
    table = {row["model"]: row for row in result.table.to_dicts()}
    assert table["large"]["explained"] == pytest.approx(table["plain"]["explained"], abs=1e-5)


def test_a_rule_that_fails_on_some_touch_is_named(world):
    mine = Rule("mine", "mine", "ln(hours_before_end)")
    with pytest.raises(lydite.InputError, match=r"'mine'.*cannot be computed.*logarithm"):
        lydite.compare(world.touchpoints, world.conversions, models=["linear", mine])
    first = Rule("mine", "mine", "ln(position - 1)")
    with pytest.raises(lydite.InputError, match="logarithm"):
        lydite.credit(pl.DataFrame({"path": ["a > b"], "conversions": [3]}), models=[first])


def test_positions_do_not_overflow(world):
    wide = Rule("wide", "late touches", "position * 100000")
    result = lydite.compare(world.touchpoints, world.conversions, models=["linear", wide])
    assert "wide" in set(result.table["model"])


def test_a_bad_expression_is_an_error_before_anything_runs(world):
    mine = Rule("mine", "mine", "(select max(position) from somewhere)")
    with pytest.raises(lydite.InputError, match=r"(?s)'mine'.*hours_before_end"):
        lydite.compare(world.touchpoints, world.conversions, models=[mine])


def test_two_models_with_one_name_are_an_error(world):
    with pytest.raises(lydite.InputError, match="two models have the name 'linear'"):
        lydite.compare(world.touchpoints, world.conversions, models=["linear", "linear"])
