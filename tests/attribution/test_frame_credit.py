"""Tests of touch_credit: the credit of the touches of paths in a data frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.attribution import touch_credit
from lydite.errors import InputError
from lydite.models import DEFAULT_MODELS, Model, Rule, make_model
from tests.helpers.examples import examples
from tests.helpers.random_landmarks import draw_landmarks, random_paths, with_weights

NAMES = ("a", "b", "direct")


def fitted(name: str) -> Model:
    """Fit a model on random landmarks of three channels."""
    model = make_model(name)
    drawn = replace(draw_landmarks(np.random.default_rng(0), 500, channels=3), channels=NAMES)
    return model.fit(with_weights(drawn, model))


@pytest.mark.parametrize("name", DEFAULT_MODELS)
@examples(8)
@given(st.integers(0, 10**6))
def test_credit_sums_to_one_per_path(name, seed):
    paths = random_paths(seed, 60)
    credit = touch_credit(fitted(name), paths)
    assert (credit >= 0).all()
    sums = np.bincount(paths["path"].to_numpy(), credit)
    np.testing.assert_allclose(sums, 1, atol=1e-12)


@pytest.mark.parametrize("name", DEFAULT_MODELS)
def test_credit_does_not_depend_on_the_order_of_rows_or_columns(name):
    model, paths = fitted(name), random_paths(7, 40)
    credit = touch_credit(model, paths)
    order = np.random.default_rng(0).permutation(len(paths))
    shuffled = paths[order].select(sorted(paths.columns))
    np.testing.assert_allclose(touch_credit(model, shuffled), credit[order], rtol=1e-13)


def test_touches_of_a_channel_split_its_removal_effect_equally():
    model, paths = fitted("markov_1"), random_paths(3, 30).sort("path", "position")
    effect = model.effects
    for _, path in paths.group_by("path"):
        distinct = path["channel"].unique().to_list()
        total = sum(effect[c] for c in distinct)
        credit = touch_credit(model, path)
        for channel in distinct:
            own = credit[(path["channel"] == channel).to_numpy()]
            np.testing.assert_allclose(own, effect[channel] / total / len(own), rtol=1e-9)


def test_an_unknown_channel_is_an_error():
    paths = random_paths(1, 3, names=("moon",))
    with pytest.raises(InputError, match=r"'shapley'.*'moon'"):
        touch_credit(fitted("shapley"), paths)


def test_zero_or_null_weights_give_equal_shares():
    paths = random_paths(1, 20).filter(pl.col("path_length") == 4)
    for rule in (Rule("zero", "", "0"), Rule("null", "", "cast(null as double)")):
        np.testing.assert_allclose(touch_credit(rule, paths), 0.25)


def test_a_missing_column_is_an_error():
    with pytest.raises(InputError, match=r"'time_decay'.*hours_before_end"):
        touch_credit(make_model("time_decay"), random_paths(1, 3).drop("hours_before_end"))
