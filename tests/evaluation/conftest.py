"""Comparisons of made scores: on all users, on segments, and with late data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lydite.evaluation.comparison import compare_outcome
from lydite.settings import EvaluationSettings
from tests.helpers.segment_scores import CALENDAR, CHANGED, MODELS, SLOPES, scores, sliced

if TYPE_CHECKING:
    from lydite.evaluation.scores import Scores


@pytest.fixture(scope="module")
def tables():
    return compare_outcome("lead", MODELS, scores(SLOPES), CALENDAR, EvaluationSettings())


@pytest.fixture(scope="module")
def in_segments():
    return compare_outcome("lead", MODELS, sliced(SLOPES), CALENDAR, EvaluationSettings())


@pytest.fixture(scope="module")
def restated() -> dict[str, dict[str, Scores]]:
    """Return scores in which other landmarks of two periods convert, so that other models lead."""
    first, other = sliced(SLOPES), sliced({**SLOPES, "linear": 1.0, "last_touch": 0.2}, seed=1)
    for name, segments in first.items():
        for segment, own in segments.items():
            for sums in ("landmarks", "conversions", "log_loss", "brier"):
                getattr(own, sums)[CHANGED] = getattr(other[name][segment], sums)[CHANGED]
    return first


@pytest.fixture(scope="module")
def twice(restated):
    return compare_outcome(
        "lead", MODELS, sliced(SLOPES), CALENDAR, EvaluationSettings(), restated=restated
    )
