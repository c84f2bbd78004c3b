"""Tables of a comparison, with the data of the time and with late data."""

from __future__ import annotations

import numpy as np
import polars as pl
import polars.testing

from lydite.evaluation.comparison import compare_outcome
from lydite.evaluation.segments import ALL
from lydite.settings import EvaluationSettings
from tests.helpers.segment_scores import CALENDAR, MODELS, SLOPES, sliced


def test_regions_add_up_to_all_users(in_segments):
    counts = ["landmarks", "conversions"]
    for name, keys in (("model_comparison", ["model"]), ("evidence", ["model", "period_start"])):
        table = in_segments[name]
        whole = table.filter(pl.col("segment") == ALL).select(*keys, *counts).sort(keys)
        parts = (
            table.filter(pl.col("segment").str.starts_with("region"))
            .group_by(keys)
            .agg(pl.col(counts).sum())
            .sort(keys)
        )
        pl.testing.assert_frame_equal(whole, parts)


def test_restated_scores_do_not_change_the_verdicts(in_segments, twice):
    for name in ("model_comparison", "evidence", "calibration", "pairs"):
        kept = [column for column in twice[name].columns if not column.startswith("restated")]
        pl.testing.assert_frame_equal(twice[name].select(kept), in_segments[name].select(kept))


def test_restated_columns_are_empty_without_late_data(in_segments):
    for name in ("model_comparison", "evidence"):
        columns = [own for own in in_segments[name].columns if own.startswith("restated")]
        assert len(columns) == 2
        assert in_segments[name].select(pl.col(columns).is_null().all()).row(0) == (True, True)


def test_restated_columns_equal_a_comparison_with_late_data(twice, restated):
    again = compare_outcome("lead", MODELS, restated, CALENDAR, EvaluationSettings())[
        "model_comparison"
    ]
    key = ["segment", "model"]
    both = twice["model_comparison"].join(again, on=key, suffix="_again", nulls_equal=True)
    assert len(both) == 4 * len(SLOPES)
    assert both["restated_verdict"].to_list() == both["verdict_again"].to_list()
    np.testing.assert_allclose(both["restated_explained"], both["explained_again"], rtol=1e-12)
    changed = both.filter(pl.col("restated_verdict") != pl.col("verdict"))
    assert len(changed) > 0
    assert both.filter(pl.col("model") == "ceiling")["restated_verdict"].is_null().all()


def test_late_conversions_have_a_warning(twice, in_segments, restated):
    assert "restated" not in set(in_segments["warnings"]["kind"])
    [text] = twice["warnings"].filter(pl.col("kind") == "restated")["text"]
    more = restated["touch_volume"][ALL].conversions.sum()
    more -= sliced(SLOPES)["touch_volume"][ALL].conversions.sum()
    assert text.startswith(f"{int(more):+,} conversions")
    everyone = twice["model_comparison"].filter(pl.col("segment") == ALL)
    other = everyone.filter(pl.col("restated_verdict") != pl.col("verdict"))["model"].to_list()
    assert other
    assert f"the verdict on {', '.join(other)} would change" in text
