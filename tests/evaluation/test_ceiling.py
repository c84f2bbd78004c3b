"""The ceiling: a backtest like that of any rival, and modest forecasts from little data."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lydite.evaluation import ceiling, rival_forecasts
from lydite.evaluation.backtest import backtest
from lydite.evaluation.segments import ALL
from lydite.evaluation.splits import Split
from lydite.models import BaseRate, TouchVolume, make_model
from tests.helpers.random_landmarks import DAY, draw_landmarks, weekly

CALENDAR = weekly(4, 5)
ROOT = Path(__file__).parents[2]


def ceiling_scores(*given, **more):
    return ceiling.ceiling_scores(*given, **more)[ALL]


def test_it_learns_what_a_true_rival_knows_and_uses_no_later_data():
    landmarks = draw_landmarks(np.random.default_rng(0), 20_000, rates=np.array([0.02, 0.1, 0.3]),
                               channels=3)  # fmt: skip
    rivals = [make_model("last_touch"), make_model("linear")]
    split = Split.by_period(landmarks, CALENDAR)
    scores = ceiling_scores(rivals, split, seed=1)
    truth = backtest(make_model("last_touch"), split).log_loss_bits
    base = backtest(BaseRate(), split).log_loss_bits
    assert truth - 0.001 < scores.log_loss_bits < base - 0.8 * (base - truth)
    again = ceiling_scores(rivals, split, seed=1)
    np.testing.assert_array_equal(scores.log_loss, again.log_loss)

    # What is not known when the trees of the last two periods are grown changes none of their
    # forecasts, and so not where these fall on the grid.
    unknown = landmarks.happened_at + np.timedelta64(CALENDAR.lookback) > CALENDAR.starts[4]
    other = landmarks.without_outcome(landmarks.converted ^ unknown)
    flipped = ceiling_scores(rivals, Split.by_period(other, CALENDAR), seed=1)
    np.testing.assert_allclose(flipped.grid_forecast[4], scores.grid_forecast[4])


def test_of_few_conversions_it_learns_most_of_what_a_true_rival_knows():
    rivals = [make_model("last_touch"), make_model("linear")]
    gained = np.zeros(2)
    for seed in (0, 2, 3):
        rng = np.random.default_rng(seed)
        landmarks = draw_landmarks(rng, 8_000, rates=np.array([0.004, 0.02, 0.06, 0.01]))
        split = Split.by_period(landmarks, CALENDAR)
        null = backtest(TouchVolume(), split).log_loss_bits
        own = ceiling_scores(rivals, split), backtest(rivals[0], split)
        gained += [null - scores.log_loss_bits for scores in own]
    assert 0.75 * gained[1] < gained[0] < 1.1 * gained[1]


def test_libraries_are_found_and_imported_before_threads_start():
    """In threads, a search for libraries and an import could wait for each other for ever."""
    text = """
import sys, threading
import numpy as np, threadpoolctl
from lydite.evaluation.ceiling import ceiling_scores
from lydite.evaluation.splits import Split
from lydite.models import make_model
from tests.evaluation.test_ceiling import CALENDAR
from tests.helpers.random_landmarks import draw_landmarks

main = threading.current_thread()
elsewhere = []
find = threadpoolctl.ThreadpoolController.__init__

def recorded(self):
    elsewhere.extend([threading.current_thread()] * (threading.current_thread() is not main))
    find(self)

class Imports:
    def find_spec(self, name, path, target=None):
        elsewhere.extend([name] * (threading.current_thread() is not main))

threadpoolctl.ThreadpoolController.__init__ = recorded
sys.meta_path.insert(0, Imports())
landmarks = draw_landmarks(np.random.default_rng(1), 4000)
ceiling_scores([make_model("linear")], Split.by_period(landmarks, CALENDAR), threads=2)
print(elsewhere)
"""
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_training_sample_is_bounded(monkeypatch):
    monkeypatch.setattr(rival_forecasts, "MAX_TRAINING_LANDMARKS", 1500)
    split = Split.by_period(draw_landmarks(np.random.default_rng(1), 6000), CALENDAR)
    scores = ceiling_scores([make_model("linear")], split)
    assert np.isfinite(scores.log_loss).all()


@pytest.mark.parametrize("rate", [0.0, 0.003])
def test_it_forecasts_the_base_rate_from_very_few_conversions(rate):
    landmarks = draw_landmarks(np.random.default_rng(2), 3000, rates=np.full(4, rate))
    scores = ceiling_scores([make_model("linear")], Split.by_period(landmarks, CALENDAR))
    assert np.count_nonzero(scores.grid_landmarks[0]) == 1
    assert scores.grid_forecast.sum() / scores.landmarks.sum() < 0.01


def test_with_nothing_ahead_it_scores_nothing():
    landmarks = draw_landmarks(np.random.default_rng(3), 3000)
    early = replace(landmarks, happened_at=landmarks.happened_at - 60 * DAY)
    assert (
        ceiling_scores([make_model("linear")], Split.by_period(early, CALENDAR)).landmarks.sum()
        == 0
    )
