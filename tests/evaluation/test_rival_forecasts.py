"""Forecasts that backtests keep for the ceiling: those of its own fits, and of no later data."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.evaluation import rival_forecasts
from lydite.evaluation.backtest import backtest_segments, forecasts
from lydite.evaluation.ceiling import ceiling_scores
from lydite.evaluation.rival_forecasts import RivalForecasts, ceiling_spans, scored_by_ceiling
from lydite.evaluation.segments import ALL
from lydite.evaluation.splits import Split
from lydite.models import TouchVolume, make_model
from lydite.models.rules import Rule
from tests.helpers.random_landmarks import draw_landmarks, weekly

CALENDAR = weekly(4, 5)
LANDMARKS = draw_landmarks(np.random.default_rng(0), 6_000)
NAMES = ("linear", "last_touch", "markov_2")


@pytest.fixture(params=["all landmarks", "subsamples", "a model of fewer landmarks"])
def split(request, monkeypatch) -> Split:
    if request.param != "all landmarks":
        monkeypatch.setattr(rival_forecasts, "MAX_TRAINING_LANDMARKS", 1_500)
        monkeypatch.setattr(rival_forecasts, "MAX_SCORED_LANDMARKS", 300)
        enough = 3_000 if request.param == "subsamples" else 800
        monkeypatch.setattr(Rule, "enough_landmarks", enough)
        monkeypatch.setattr(Rule, "uses_order_only", False)
    return Split.by_period(LANDMARKS, CALENDAR)


def kept_by_backtests(split: Split) -> dict[str, RivalForecasts]:
    kept = {name: RivalForecasts.of(scored_by_ceiling(split)) for name in NAMES}
    for name, own in kept.items():
        backtest_segments(make_model(name), split, own)
    return kept


def test_the_ceiling_is_the_same_from_forecasts_that_backtests_kept(split):
    kept, yardstick = kept_by_backtests(split), scored_by_ceiling(split)
    rivals = [make_model(name) for name in NAMES]
    assert all(own.covers(yardstick) for own in kept.values())
    given = ceiling_scores(rivals, yardstick, kept=kept)[ALL]
    own = ceiling_scores(rivals, yardstick)[ALL]
    np.testing.assert_allclose(given.log_loss, own.log_loss, rtol=1e-5)


def test_a_record_without_a_period_is_not_used(split):
    some = np.arange(len(split)) < len(split) - 1
    kept, yardstick = kept_by_backtests(split.with_test_periods(some)), scored_by_ceiling(split)
    assert not any(own.covers(yardstick) for own in kept.values())
    assert all(own.covers(yardstick.with_test_periods(some)) for own in kept.values())


def test_the_last_period_alone_has_the_forecasts_it_has_among_all(split):
    last = np.arange(len(split)) == len(split) - 1
    every, alone = (kept_by_backtests(own) for own in (split, split.with_test_periods(last)))
    [span] = ceiling_spans(scored_by_ceiling(split).with_test_periods(last))
    for name in NAMES:
        for one, other in (
            (every[name].test[len(split) - 1], alone[name].test[len(split) - 1]),
            (every[name].train[span.start], alone[name].train[span.start]),
        ):
            np.testing.assert_allclose(one, other, rtol=1e-4)


def test_each_fit_of_the_ceiling_is_one_of_models():
    split = Split.by_period(LANDMARKS, CALENDAR)
    assert {span.start for span in ceiling_spans(split)} <= set(split.refit_periods())


def test_scores_do_not_depend_on_what_is_kept(split):
    model = make_model("linear")
    with_record = list(forecasts(model, split, RivalForecasts.of(scored_by_ceiling(split))))
    for (span, kept), (other_span, other) in zip(with_record, forecasts(model, split), strict=True):
        assert span == other_span
        np.testing.assert_array_equal(kept, other)


def test_baselines_keep_nothing_to_learn_from(split):
    kept = RivalForecasts.of(scored_by_ceiling(split))
    backtest_segments(TouchVolume(), split, kept)
    assert not kept.train
    assert not kept.test
