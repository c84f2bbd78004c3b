"""What models expect of a channel before a test."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.experiments.candidates import Belief, mix_models


def test_the_spread_over_models_is_part_of_the_prior():
    beliefs = {"a": Belief(100, 0.5, 0.2), "b": Belief(300, 0.4, 0.1)}
    rng = np.random.default_rng(2)
    drawn = np.concatenate(
        [rng.normal(own.mean, own.sd, 500_000) * own.credited / 100 for own in beliefs.values()]
    )
    mean, sd = mix_models(beliefs, "a")
    assert mean == pytest.approx(drawn.mean(), abs=0.002)
    assert sd == pytest.approx(drawn.std(), abs=0.002)
    assert mix_models({"a": beliefs["a"]}, "a") == pytest.approx((0.5, 0.2))


def test_models_that_predict_the_same_increment_add_no_spread():
    beliefs = {"a": Belief(100, 0.6, 0.1), "b": Belief(300, 0.2, 0.1 / 3)}
    assert mix_models(beliefs, "a") == pytest.approx((0.6, 0.1))
