"""The comparison as tables."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from drawn import weekly
from scipy.special import expit

from lydite.config import Evaluation
from lydite.evaluation.comparison import compare_outcome
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.models import make_models

CALENDAR = weekly(3, 8)
MODELS = make_models(["last_touch", "linear", "markov_1"])


def scores(slopes: dict[str, float], n: int = 4000) -> dict[str, dict[str, Scores]]:
    """Score forecasts that know the truth the better the nearer their slope is to 1."""
    result = {name: Scores.empty(len(CALENDAR)) for name in slopes}
    for period in range(len(CALENDAR)):
        rng = np.random.default_rng(period)
        score, bucket = rng.normal(0, 1.2, n), rng.integers(0, 256, n)
        converted = rng.random(n) < expit(score - 2)
        for name, slope in slopes.items():
            result[name].add(period, bucket, converted, expit(slope * score - 2))
    return {name: {ALL: own} for name, own in result.items()}


SLOPES = {
    "base_rate": 0.0, "touch_volume": 0.3, "ceiling": 1.0,
    "last_touch": 0.9, "markov_1": 0.9, "linear": 0.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def tables():
    return compare_outcome("lead", MODELS, scores(SLOPES), CALENDAR, Evaluation())


def row(table: pl.DataFrame, model: str) -> dict:
    return table.row(by_predicate=pl.col("model") == model, named=True)


def test_rivals_come_first_by_rank_and_twins_share_theirs(tables):
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


def test_explained_is_the_share_of_the_nulls_loss(tables):
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


def test_a_ceiling_below_the_best_rival_gives_no_share_and_a_warning():
    low = compare_outcome("lead", MODELS, scores(SLOPES | {"ceiling": 0.4}), CALENDAR, Evaluation())
    table = low["model_comparison"]
    assert table["share_of_ceiling"].is_null().all()
    assert "no more than the best rival" in row(table, "ceiling")["warning"]


def test_a_badly_calibrated_rival_is_warned_of():
    bad = compare_outcome("lead", MODELS, scores(SLOPES | {"linear": 3.0}), CALENDAR, Evaluation())
    assert "badly calibrated" in row(bad["model_comparison"], "linear")["warning"]


def test_the_last_evidence_is_the_comparison(tables):
    evidence, table = tables["evidence"], tables["model_comparison"]
    assert len(evidence) == len(SLOPES) * len(CALENDAR)
    last = evidence.filter(pl.col("period_start") == pl.col("period_start").max())
    for name in SLOPES:
        for column in ("explained", "explained_low", "explained_high"):
            expected = row(table, name)[column]
            assert row(last, name)[column] == (expected and pytest.approx(expected))


def test_calibration_counts_every_landmark_once(tables):
    calibration = tables["calibration"]
    total = calibration.group_by("model").agg(
        pl.col("landmarks").sum(), pl.col("conversions").sum(), pl.col("bin").max()
    )
    assert set(total["landmarks"]) == {8 * 4000}
    assert total["conversions"].n_unique() == 1
    assert total["bin"].max() <= 20
    sure = calibration.filter(pl.col("model") == "ceiling")
    assert (sure["forecast"] - sure["observed"]).abs().max() < 0.06


def test_few_buckets_leave_bounds_empty():
    few = scores(SLOPES, n=40)
    for own in (sliced[ALL] for sliced in few.values()):
        for name in ("landmarks", "conversions", "log_loss", "brier"):
            sums = getattr(own, name)
            sums[:, 0] = sums.sum(axis=1)
            sums[:, 1:] = 0
    tables = compare_outcome("lead", MODELS, few, CALENDAR, Evaluation())
    assert tables["model_comparison"]["explained_low"].is_null().all()
    assert tables["evidence"]["explained_high"].is_null().all()
    assert set(tables["model_comparison"]["verdict"].drop_nulls()) == {"too_early"}


def test_periods_without_landmarks_have_no_evidence_yet():
    late = scores(SLOPES)
    for own in (sliced[ALL] for sliced in late.values()):
        for name in ("landmarks", "conversions", "log_loss", "brier"):
            getattr(own, name)[0] = 0
    evidence = compare_outcome("lead", MODELS, late, CALENDAR, Evaluation())["evidence"]
    first = evidence.filter(pl.col("period_start") == pl.col("period_start").min())
    assert first["explained"].is_null().all()
    assert first["explained_low"].is_null().all()
