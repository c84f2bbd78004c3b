"""Verdicts from hand-made scores."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.evaluation.scores import Scores
from lydite.evaluation.verdicts import judge, same_forecasts

PERIODS = 10


def loses(bits: float, noise: float = 0.0, seed: int = 0) -> Scores:
    """Return scores that lose `bits` per landmark, 100 landmarks in each period and bucket."""
    scores = Scores.empty(PERIODS)
    scores.landmarks += 100
    shared = np.random.default_rng(99).normal(0, 0.05, scores.log_loss.shape)
    own = np.random.default_rng(seed).normal(0, 1, scores.log_loss.shape)
    own -= own.mean()
    scores.log_loss += 100 * (bits + shared + noise * own)
    return scores


NULL = loses(0.4)


def test_ahead_of_the_null_and_alone_is_best():
    judged = judge({"a": loses(0.35, 0.01, 1), "b": loses(0.38, 0.01, 2)}, NULL)
    assert judged["a"].verdict == "best"
    assert judged["a"].gain.mean[-1] == pytest.approx(0.05)
    assert judged["b"].verdict == "refuted"
    assert judged["b"].refuted_by == "a"
    assert judged["b"].refuted_in == 0
    assert judged["a"].refuted_by is None


def test_several_that_are_ahead_are_contenders():
    judged = judge({"a": loses(0.35, 0.05, 1), "b": loses(0.3501, 0.05, 2)}, NULL)
    assert {j.verdict for j in judged.values()} == {"contender"}


def test_the_strongest_refuter_is_named():
    judged = judge(
        {"a": loses(0.36, 0.01, 1), "b": loses(0.34, 0.01, 2), "c": loses(0.39, 0.01, 3)}, NULL
    )
    assert judged["c"].refuted_by == "b"
    assert judged["a"].refuted_by == "b"
    assert judged["b"].verdict == "best"


def test_refuted_names_the_period_since_when():
    late = loses(0.35, 0.02, 2)
    early = loses(0.35, 0.02, 1)
    late.log_loss[4:] += 3
    judged = judge({"a": early, "b": late}, NULL)
    assert judged["b"].verdict == "refuted"
    assert judged["b"].refuted_in >= 4


def test_no_gain_worth_having_is_no_better_than_volume():
    judged = judge({"a": loses(0.4, 0.003, 1)}, NULL)
    assert judged["a"].verdict == "no_better_than_volume"
    assert judge({"a": loses(0.4, 0.003, 1)}, NULL, worthwhile=1e-6)["a"].verdict == "too_early"


def test_much_noise_is_too_early():
    assert judge({"a": loses(0.399, 0.5, 1)}, NULL)["a"].verdict == "too_early"


def test_worse_than_the_null_is_no_better_than_volume_and_refutes_nobody():
    judged = judge({"a": loses(0.42, 0.01, 1), "b": loses(0.4, 0.01, 2)}, NULL)
    assert judged["a"].verdict == "refuted"
    assert judged["b"].verdict == "no_better_than_volume"


def test_the_same_forecast_counts_as_one():
    own = loses(0.35, 0.01, 1)
    twin = loses(0.35 + 1e-11, 0.01, 1)
    scores = {"a": own, "other": loses(0.38, 0.01, 2), "b": twin}
    assert same_forecasts(scores) == {"a": ("b",), "other": (), "b": ("a",)}
    judged = judge(scores, NULL)
    assert judged["a"].verdict == judged["b"].verdict == "best"
    assert judged["a"].same_forecast_as == ("b",)
    assert judged["b"].same_forecast_as == ("a",)
    assert judged["other"].refuted_by == "a"


def test_a_refuted_twin_is_refuted_with_its_twin():
    scores = {"a": loses(0.38, 0.01, 1), "b": loses(0.38, 0.01, 1), "c": loses(0.35, 0.01, 2)}
    judged = judge(scores, NULL)
    assert [judged[name].verdict for name in "abc"] == ["refuted", "refuted", "best"]
    assert judged["b"].refuted_by == "c"


def test_a_forecast_that_is_the_nulls_but_for_rounding_gains_nothing():
    close = Scores.empty(PERIODS)
    close.landmarks += 100
    close.log_loss += NULL.log_loss * (1 - 1e-10)
    judged = judge({"a": close, "b": close}, NULL)
    assert judged["a"].verdict == "no_better_than_volume"
    assert judged["a"].gain.mean[-1] == 0
    assert judged["a"].same_forecast_as == ()


def test_more_rivals_make_every_interval_wider():
    own = loses(0.39, 0.05, 1)
    alone = judge({"a": own}, NULL)["a"].gain.radius[-1]
    rivals = {"a": own} | {f"r{i}": loses(0.39, 0.05, 10 + i) for i in range(6)}
    assert judge(rivals, NULL)["a"].gain.radius[-1] > alone
    # A twin makes no comparison more.
    twin = {"a": own, "b": loses(0.39, 0.05, 1)}
    assert judge(twin, NULL)["a"].gain.radius[-1] == pytest.approx(alone)


def test_nothing_to_judge_is_no_mistake():
    assert judge({}, NULL) == {}
