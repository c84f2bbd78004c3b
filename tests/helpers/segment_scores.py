"""Scores of forecasts that are the better the nearer a slope is to 1, on all users and segments."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.special import expit

from lydite.evaluation.error_budget import split_alpha
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.evaluation.verdicts import SegmentScores, SegmentVerdicts, judge_segments
from lydite.models import make_models
from lydite.settings import EvaluationSettings
from tests.helpers.random_landmarks import weekly

CALENDAR = weekly(3, 8)
#: Periods that were restated.
CHANGED = [2, 6]


MODELS = make_models(["last_touch", "linear", "markov_1"])


def scores(slopes: dict[str, float], n: int = 4000) -> dict[str, dict[str, Scores]]:
    """Score forecasts, which are the better the nearer their slope is to 1."""
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


def row(table: pl.DataFrame, model: str) -> dict:
    return table.row(by_predicate=pl.col("model") == model, named=True)


#: Two regions that add up to all users, and a small segment.
NORTH, SOUTH, NEW = "region = north", "region = south", "customer_type = new"


def sliced(slopes: dict[str, float], seed: int = 0, n: int = 4000) -> dict[str, dict[str, Scores]]:
    """Score forecasts on all users, on two regions that add up to them, and on a small segment."""
    result = {
        name: {segment: Scores.empty(len(CALENDAR)) for segment in (ALL, NORTH, SOUTH, NEW)}
        for name in slopes
    }
    for period in range(len(CALENDAR)):
        rng = np.random.default_rng(100 * seed + period)
        score, bucket = rng.normal(0, 1.2, n), rng.integers(0, 256, n)
        converted = rng.random(n) < expit(score - 2)
        parts = {
            ALL: np.arange(n),
            NORTH: np.flatnonzero(bucket % 3 > 0),
            SOUTH: np.flatnonzero(bucket % 3 == 0),
            NEW: np.flatnonzero(bucket < 10),
        }
        for name, slope in slopes.items():
            forecast = expit(slope * score - 2)
            for segment, own in parts.items():
                result[name][segment].add(period, bucket[own], converted[own], forecast[own])
    return result


def judged_by_hand() -> dict[str, SegmentVerdicts]:
    """Judge all users as one family, and the segments as another."""
    own, judged, settings = sliced(SLOPES), {}, EvaluationSettings()
    budgets = split_alpha(settings.alpha, ["last_touch", "linear"], 1, segments=True)
    for family, budget in zip(([ALL], [NORTH, SOUTH, NEW]), budgets, strict=True):
        slices = {
            segment: SegmentScores(
                {model.name: own[model.name][segment] for model in MODELS},
                own["touch_volume"][segment],
                own["base_rate"][segment],
            )
            for segment in family
        }
        judged |= judge_segments(slices, budget, settings.worthwhile)
    return judged
