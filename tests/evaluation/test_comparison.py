"""Tables of a comparison."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import polars.testing
import pytest
from scipy.special import expit

from lydite.evaluation.comparison import MIN_SEGMENT_CONVERSIONS, TABLES, compare_outcome
from lydite.evaluation.error_budget import split_alpha
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.evaluation.verdicts import SegmentScores, SegmentVerdicts, judge_segments
from lydite.models import make_models
from lydite.settings import EvaluationSettings
from tests.helpers.random_landmarks import weekly

CALENDAR = weekly(3, 8)
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


@pytest.fixture(scope="module")
def tables():
    return compare_outcome("lead", MODELS, scores(SLOPES), CALENDAR, EvaluationSettings())


def row(table: pl.DataFrame, model: str) -> dict:
    return table.row(by_predicate=pl.col("model") == model, named=True)


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


def test_a_badly_calibrated_model_has_a_warning():
    bad = compare_outcome(
        "lead", MODELS, scores(SLOPES | {"linear": 3.0}), CALENDAR, EvaluationSettings()
    )
    assert "badly calibrated" in row(bad["model_comparison"], "linear")["warning"]


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


# --- the budget, and what is said about whom ------------------------------------------------------


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


def test_models_stand_that_are_not_refuted(tables):
    table = tables["model_comparison"].filter(pl.col("verdict").is_not_null())
    assert (table["stands"] == (table["verdict"] != "refuted")).all()
    assert table["stands"].n_unique() == 2
    references = tables["model_comparison"].filter(pl.col("verdict").is_null())
    assert references["stands"].is_null().all()


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


def test_first_periods_without_landmarks_have_no_evidence():
    late = scores(SLOPES)
    for own in (sliced[ALL] for sliced in late.values()):
        for name in ("landmarks", "conversions", "log_loss", "brier"):
            getattr(own, name)[0] = 0
    evidence = compare_outcome("lead", MODELS, late, CALENDAR, EvaluationSettings())["evidence"]
    first = evidence.filter(pl.col("period_start") == pl.col("period_start").min())
    assert first["explained"].is_null().all()
    assert first["explained_low"].is_null().all()


# --- segments -------------------------------------------------------------------------------------

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


@pytest.fixture(scope="module")
def in_segments():
    return compare_outcome("lead", MODELS, sliced(SLOPES), CALENDAR, EvaluationSettings())


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


# --- restated scores ------------------------------------------------------------------------------

CHANGED = [2, 6]


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
