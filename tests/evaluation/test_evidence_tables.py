"""Evidence by period, and calibration."""

from __future__ import annotations

import polars as pl
import polars.testing
import pytest

from lydite.evaluation.comparison import compare_outcome
from lydite.evaluation.segments import ALL
from lydite.settings import EvaluationSettings
from tests.helpers.segment_scores import (
    CALENDAR,
    CHANGED,
    MODELS,
    SLOPES,
    judged_by_hand,
    row,
    scores,
)


def test_evidence_of_the_last_period_equals_the_comparison(tables):
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


def test_first_periods_without_landmarks_have_no_evidence():
    late = scores(SLOPES)
    for own in (sliced[ALL] for sliced in late.values()):
        for name in ("landmarks", "conversions", "log_loss", "brier"):
            getattr(own, name)[0] = 0
    evidence = compare_outcome("lead", MODELS, late, CALENDAR, EvaluationSettings())["evidence"]
    first = evidence.filter(pl.col("period_start") == pl.col("period_start").min())
    assert first["explained"].is_null().all()
    assert first["explained_low"].is_null().all()


def test_verdicts_in_the_evidence_equal_the_history(in_segments):
    table, evidence = in_segments["model_comparison"], in_segments["evidence"]
    seen = set()
    for segment, judged in judged_by_hand().items():
        for name in SLOPES:
            is_own = (pl.col("segment") == segment) & (pl.col("model") == name)
            history = evidence.filter(is_own).sort("period_start")["verdict"].to_list()
            assert len(history) == len(CALENDAR)
            assert history[-1] == table.filter(is_own)["verdict"].item()
            if name in judged.verdicts:
                assert tuple(history) == judged.verdicts[name].history
                seen |= set(history)
            else:
                assert set(history) == {None}
    assert seen >= {"too_early", "best", "refuted"}


def test_restated_evidence_is_given_for_changed_periods(twice, restated):
    starts = CALENDAR.starts.astype("datetime64[D]").tolist()
    evidence = twice["evidence"]
    found = evidence.filter(pl.col("restated_conversions").is_not_null())
    assert set(found["period_start"]) == {starts[period] for period in CHANGED}
    assert len(found) == len(CHANGED) * 4 * len(SLOPES)
    assert found["restated_log_loss_bits"].is_not_null().all()
    for one in found.iter_rows(named=True):
        own, period = restated[one["model"]][one["segment"]], starts.index(one["period_start"])
        assert one["restated_conversions"] == own.conversions[period].sum()
        loss = own.log_loss[period].sum() / own.landmarks[period].sum()
        assert one["restated_log_loss_bits"] == pytest.approx(loss)
