"""The table of a comparison."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import polars.testing
import pytest
from scipy.special import expit

from lydite.evaluation.comparison import compare_outcome
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.settings import EvaluationSettings
from tests.helpers.random_landmarks import weekly
from tests.helpers.segment_scores import CALENDAR, MODELS, SLOPES, row, scores


def test_models_are_sorted_by_rank_and_equal_forecasts_share_a_rank(tables):
    table = tables["model_comparison"]
    assert table["model"].to_list()[:3] == ["last_touch", "markov_1", "linear"]
    assert table["rank"].to_list() == [1, 1, 3, None, None, None]
    assert row(table, "last_touch")["same_forecast_as"] == "markov_1"
    assert row(table, "last_touch")["verdict"] == "best"
    assert row(table, "linear")["refuted_by"] == "last_touch"
    assert row(table, "linear")["refuted_in"] in CALENDAR.starts.astype("datetime64[D]").tolist()
    for reference in ("base_rate", "touch_volume", "ceiling"):
        assert row(table, reference)["verdict"] is None
        assert row(table, reference)["claim"]


def test_ranks_use_the_periods_since_a_lead_turned():
    calendar, n = weekly(3, 24), 4000
    found = {name: Scores.empty(len(calendar)) for name in SLOPES}
    for period in range(len(calendar)):
        rng = np.random.default_rng(period)
        score, bucket = rng.normal(0, 1.2, n), rng.integers(0, 256, n)
        converted = rng.random(n) < expit(score - 2)
        # Far ahead in the first weeks and behind in all others: ahead on average.
        early = {"last_touch": 1.0, "linear": -0.6} if period < 8 else {}
        for name, slope in {**SLOPES, "last_touch": 0.3, "linear": 0.9, **early}.items():
            found[name].add(period, bucket, converted, expit(slope * score - 2))
    sliced = {name: {ALL: own} for name, own in found.items()}
    table = compare_outcome("lead", MODELS, sliced, calendar, EvaluationSettings())[
        "model_comparison"
    ]
    assert row(table, "last_touch")["moved_in"] is not None
    assert row(table, "last_touch")["log_loss_bits"] < row(table, "linear")["log_loss_bits"]
    assert row(table, "last_touch")["refuted_by"]
    assert row(table, "linear")["rank"] < row(table, "last_touch")["rank"]


def test_explained_is_a_share_of_the_loss_of_touch_volume(tables):
    own = {name: sliced[ALL] for name, sliced in scores(SLOPES).items()}
    table = tables["model_comparison"]
    null = own["touch_volume"].log_loss_bits
    for name in SLOPES:
        expected = 1 - own[name].log_loss_bits / null
        assert row(table, name)["explained"] == pytest.approx(expected)
    best = row(table, "last_touch")
    assert best["explained_low"] < best["explained"] < best["explained_high"]
    reach = null - own["ceiling"].log_loss_bits
    assert best["share_of_ceiling"] == pytest.approx(
        (null - own["last_touch"].log_loss_bits) / reach
    )
    assert best["landmarks"] == 8 * 4000
    assert best["warning"] == ""


def test_a_ceiling_below_the_best_model_gives_no_share_and_a_warning():
    low = compare_outcome(
        "lead", MODELS, scores(SLOPES | {"ceiling": 0.4}), CALENDAR, EvaluationSettings()
    )
    table = low["model_comparison"]
    assert table["share_of_ceiling"].is_null().all()
    assert "no more than the best model" in row(table, "ceiling")["warning"]


def over_buckets(own: Scores, below: int) -> Scores:
    """Return the scores of the first buckets only; the grid is not changed."""
    kept = np.arange(256) < below
    sums = {name: getattr(own, name) * kept for name in ("landmarks", "conversions", "log_loss")}
    return replace(own, **sums)


def test_shares_of_the_ceiling_use_the_landmarks_that_it_forecast():
    whole = scores(SLOPES)
    part = {name: {ALL: over_buckets(own[ALL], 64)} for name, own in whole.items()}
    mixed = compare_outcome(
        "lead", MODELS, whole | {"ceiling": part["ceiling"]}, CALENDAR, EvaluationSettings()
    )
    table, bits = mixed["model_comparison"], {k: v[ALL].log_loss_bits for k, v in part.items()}
    null = bits["touch_volume"]
    assert row(table, "ceiling")["explained"] == pytest.approx(1 - bits["ceiling"] / null)
    assert row(table, "linear")["share_of_ceiling"] == pytest.approx(
        (null - bits["linear"]) / (null - bits["ceiling"])
    )
    all_of_it = whole["linear"][ALL].log_loss_bits / whole["touch_volume"][ALL].log_loss_bits
    assert row(table, "linear")["explained"] == pytest.approx(1 - all_of_it)
    last = mixed["evidence"].filter(pl.col("period_start") == pl.col("period_start").max())
    assert row(last, "ceiling")["explained"] == pytest.approx(1 - bits["ceiling"] / null)


def test_a_badly_calibrated_model_has_a_warning():
    bad = compare_outcome(
        "lead", MODELS, scores(SLOPES | {"linear": 3.0}), CALENDAR, EvaluationSettings()
    )
    assert "badly calibrated" in row(bad["model_comparison"], "linear")["warning"]


def test_bounds_are_empty_with_few_buckets():
    few = scores(SLOPES, n=40)
    for own in (sliced[ALL] for sliced in few.values()):
        for name in ("landmarks", "conversions", "log_loss", "brier"):
            sums = getattr(own, name)
            sums[:, 0] = sums.sum(axis=1)
            sums[:, 1:] = 0
    tables = compare_outcome("lead", MODELS, few, CALENDAR, EvaluationSettings())
    assert tables["model_comparison"]["explained_low"].is_null().all()
    assert tables["evidence"]["explained_high"].is_null().all()
    assert set(tables["model_comparison"]["verdict"].drop_nulls()) == {"too_early"}


def test_no_forecast_explains_more_than_everything():
    """With much noise the bounds would reach beyond."""
    own = scores(SLOPES, n=150)
    loss = own["linear"][ALL].log_loss
    loss += np.random.default_rng(0).normal(0, 5, loss.shape)
    few = compare_outcome("lead", MODELS, own, CALENDAR, EvaluationSettings())
    for name in ("model_comparison", "evidence"):
        high = few[name]["explained_high"].drop_nulls()
        assert len(high) > 0
        assert (high <= 1).all()
        assert (few[name]["explained"].drop_nulls() <= 1).all()
    assert (few["evidence"]["explained_high"] == 1).any()


def test_models_stand_that_are_not_refuted(tables):
    table = tables["model_comparison"].filter(pl.col("verdict").is_not_null())
    assert (table["stands"] == (table["verdict"] != "refuted")).all()
    assert table["stands"].n_unique() == 2
    references = tables["model_comparison"].filter(pl.col("verdict").is_null())
    assert references["stands"].is_null().all()


def test_gains_are_those_over_the_better_baseline():
    """A base rate that is better than activity is the null hypothesis."""
    reversed_ = SLOPES | {"base_rate": 0.3, "touch_volume": 0.0}
    tables = compare_outcome("lead", MODELS, scores(reversed_), CALENDAR, EvaluationSettings())
    loss = {name: own[ALL].log_loss_bits for name, own in scores(reversed_).items()}
    for name in ("linear", "last_touch", "touch_volume"):
        expected = 1 - loss[name] / loss["base_rate"]
        assert row(tables["model_comparison"], name)["explained"] == pytest.approx(expected)
    assert row(tables["model_comparison"], "base_rate")["explained"] == 0
    names = {*tables["pairs"]["ahead"], *tables["pairs"]["behind"]}
    assert "base_rate" in names
    assert "touch_volume" not in names
