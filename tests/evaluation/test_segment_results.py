"""Verdicts on all users and on segments."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import polars.testing
import pytest

from lydite.evaluation.comparison import TABLES, compare_outcome
from lydite.evaluation.segment_results import MIN_SEGMENT_CONVERSIONS
from lydite.evaluation.segments import ALL
from lydite.settings import EvaluationSettings
from tests.helpers.segment_scores import (
    CALENDAR,
    MODELS,
    NEW,
    NORTH,
    SLOPES,
    SOUTH,
    judged_by_hand,
    row,
    scores,
    sliced,
)

if TYPE_CHECKING:
    from lydite.evaluation.scores import Scores


def test_a_segment_without_landmarks_of_the_ceiling_is_compared():
    sliced = {
        name: own if name == "ceiling" else own | {"country = li": own[ALL]}
        for name, own in scores(SLOPES).items()
    }
    tables = compare_outcome("lead", MODELS, sliced, CALENDAR, EvaluationSettings())
    table = tables["model_comparison"].filter(segment="country = li")
    assert row(table, "last_touch")["verdict"] == "best"
    assert row(table, "last_touch")["share_of_ceiling"] is None
    unknown = row(table, "ceiling")
    assert unknown["explained"] is unknown["log_loss_bits"] is unknown["brier"] is None
    assert "too few touches" in unknown["warning"]


def test_folds_have_one_sequence_without_restarts():
    """They are not in time, so that the whole of alpha is for all folds together."""
    whole = scores(SLOPES)
    in_time, folds = (
        compare_outcome("lead", MODELS, whole, calendar, EvaluationSettings())
        for calendar in (CALENDAR, None)
    )
    width = {}
    for name, tables in (("in time", in_time), ("folds", folds)):
        own = row(tables["model_comparison"], "linear")
        width[name] = own["explained_high"] - own["explained_low"]
        assert own["verdict"] == "refuted"
    assert width["folds"] < width["in time"]
    assert folds["pairs"]["counted_from"].is_null().all()
    assert folds["model_comparison"]["moved_in"].is_null().all()
    assert len(folds["evidence"]) == 0


def test_primary_models_are_marked_and_references_are_neither():
    """All models are, where fewer than two of the primary ones are compared."""
    chosen = {"a": ("last_touch", "linear", "other"), "b": ("markov_1", "other")}
    expected = {"a": {"last_touch", "linear"}, "b": {model.name for model in MODELS}}
    for key, primary in chosen.items():
        settings = EvaluationSettings(primary=primary)
        table = compare_outcome("lead", MODELS, scores(SLOPES), CALENDAR, settings)[
            "model_comparison"
        ]
        assert set(table.filter("primary")["model"]) == expected[key]
        assert table.filter(pl.col("primary").is_null())["verdict"].is_null().all()


def test_more_outcomes_share_alpha():
    one, two = (
        compare_outcome(
            "lead", MODELS, scores(SLOPES), CALENDAR, EvaluationSettings(alpha=alpha), outcomes=n
        )
        for alpha, n in ((0.05, 1), (0.1, 2))
    )
    pl.testing.assert_frame_equal(one["pairs"], two["pairs"])
    pl.testing.assert_frame_equal(one["model_comparison"], two["model_comparison"])
    more = compare_outcome(
        "lead", MODELS, scores(SLOPES), CALENDAR, EvaluationSettings(), outcomes=3
    )
    low = [row(own["model_comparison"], "linear")["explained_low"] for own in (one, more)]
    assert low[1] < low[0]


def test_segments_follow_all_users(in_segments):
    for name in ("model_comparison", "evidence", "calibration", "pairs"):
        table = in_segments[name]
        segments = table["segment"].unique(maintain_order=True).to_list()
        assert segments == [ALL, NORTH, SOUTH, NEW]
        assert table["segment"].rle().len() == 4
    per_segment = in_segments["model_comparison"].group_by("segment").agg("model")
    assert all(sorted(own) == sorted(SLOPES) for own in per_segment["model"])
    assert set(in_segments["warnings"]["segment"]) <= {ALL}


def test_verdicts_on_all_users_do_not_depend_on_what_segments_say(in_segments):
    """Only on whether there are any: they take a share of alpha."""
    one = {name: {ALL: own[ALL], "x = y": own[SOUTH]} for name, own in sliced(SLOPES).items()}
    tables = compare_outcome("lead", MODELS, one, CALENDAR, EvaluationSettings())
    assert set(tables) == set(TABLES)
    for name in TABLES:
        pl.testing.assert_frame_equal(
            *(own[name].filter(pl.col("segment") == ALL) for own in (tables, in_segments)),
            rel_tol=1e-12,
        )
    alone = {name: {ALL: own[ALL]} for name, own in sliced(SLOPES).items()}
    settings = EvaluationSettings(alpha=0.8 * EvaluationSettings().alpha)
    without = compare_outcome("lead", MODELS, alone, CALENDAR, settings)["model_comparison"]
    pl.testing.assert_frame_equal(
        without, in_segments["model_comparison"].filter(pl.col("segment") == ALL), rel_tol=1e-12
    )


def test_segments_are_tested_as_one_family(in_segments):
    table = in_segments["model_comparison"]
    for segment, judged in judged_by_hand().items():
        null = sliced(SLOPES)["touch_volume"][segment].log_loss_bits
        for name, judgement in judged.verdicts.items():
            found = row(table.filter(pl.col("segment") == segment), name)
            assert found["verdict"] == judgement.verdict
            assert found["refuted_by"] == judgement.refuted_by
            low = judgement.gain.low[-1]
            expected = low / null if np.isfinite(low) else None
            assert found["explained_low"] == (expected and pytest.approx(expected))
    assert set(table.filter(pl.col("segment") == NEW)["verdict"].drop_nulls()) == {"too_early"}
    assert "best" in set(table.filter(pl.col("segment") == NORTH)["verdict"])


def test_a_segment_without_scores_of_a_model_is_left_out():
    own = sliced(SLOPES)
    del own["linear"][SOUTH]
    tables = compare_outcome("lead", MODELS, own, CALENDAR, EvaluationSettings())
    assert set(tables["model_comparison"]["segment"]) == {ALL, NORTH, NEW}


def with_segments(conversions: dict[str, int]) -> dict[str, dict[str, Scores]]:
    """Return scores of which segments have so many scored conversions."""
    found = sliced(SLOPES)
    for own in found.values():
        for segment, count in conversions.items():
            part = replace(own[SOUTH], conversions=np.zeros_like(own[SOUTH].conversions))
            part.conversions[0, :count] = 1
            own[segment] = part
        del own[NORTH], own[NEW]
    return found


def test_there_are_no_verdicts_on_segments_with_few_conversions():
    counts = {"x = 99": MIN_SEGMENT_CONVERSIONS - 1, "x = 100": MIN_SEGMENT_CONVERSIONS, "x = 0": 0}
    tables = compare_outcome("lead", MODELS, with_segments(counts), CALENDAR, EvaluationSettings())
    for name in ("model_comparison", "evidence", "calibration", "pairs"):
        segments = tables[name]["segment"].unique(maintain_order=True).to_list()
        assert segments == [ALL, SOUTH, "x = 100"]
    [text] = tables["warnings"].filter(pl.col("kind") == "small_segments")["text"]
    assert "fewer than 100 scored conversions" in text
    assert text.endswith("x = 99 (99), x = 0 (0)")


def test_at_most_five_small_segments_are_named():
    counts = {f"x = {number}": number for number in range(7)}
    tables = compare_outcome("lead", MODELS, with_segments(counts), CALENDAR, EvaluationSettings())
    [text] = tables["warnings"].filter(pl.col("kind") == "small_segments")["text"]
    assert text.endswith("x = 4 (4) and 2 more")


def test_without_small_segments_there_is_no_warning(in_segments):
    assert "small_segments" not in set(in_segments["warnings"]["kind"])


def test_all_users_are_judged_however_few_convert():
    few = {name: {ALL: own[ALL].first(8)} for name, own in scores(SLOPES, n=40).items()}
    assert few["linear"][ALL].conversions.sum() < MIN_SEGMENT_CONVERSIONS
    tables = compare_outcome("lead", MODELS, few, CALENDAR, EvaluationSettings())
    assert set(tables["model_comparison"]["segment"]) == {ALL}
    assert "small_segments" not in set(tables["warnings"]["kind"])
