"""Verdicts from scores made by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.evaluation.error_budget import ErrorBudget
from lydite.evaluation.scores import Scores
from lydite.evaluation.verdicts import (
    BASE_RATE,
    VOLUME,
    ModelVerdict,
    SegmentScores,
    SegmentVerdicts,
    Verdict,
    holm_levels,
    judge_models,
    same_forecasts,
)
from tests.helpers.examples import examples
from tests.helpers.made_scores import PERIODS, loses, only_in_buckets
from tests.helpers.made_sequences import restarted
from tests.helpers.made_verdicts import judge_made_segments, verdicts_on

NULL = loses(0.4)


def test_the_only_model_ahead_of_touch_volume_is_best():
    judged = verdicts_on({"a": loses(0.35, 0.01, 1), "b": loses(0.38, 0.01, 2)}, NULL)
    assert judged["a"].verdict == "best"
    assert judged["a"].gain.mean[-1] == pytest.approx(0.05)
    assert judged["b"].verdict == "refuted"
    assert judged["b"].refuted_by == "a"
    assert judged["b"].refuted_in == 0
    assert judged["a"].refuted_by is None


def test_several_models_ahead_are_contenders():
    judged = verdicts_on({"a": loses(0.35, 0.05, 1), "b": loses(0.3501, 0.05, 2)}, NULL)
    assert {j.verdict for j in judged.values()} == {"contender"}


def test_refuted_by_is_the_model_with_the_clearest_lead():
    judged = verdicts_on(
        {"a": loses(0.36, 0.01, 1), "b": loses(0.34, 0.01, 2), "c": loses(0.39, 0.01, 3)}, NULL
    )
    assert judged["c"].refuted_by == "b"
    assert judged["a"].refuted_by == "b"
    assert judged["b"].verdict == "best"


def test_refuted_in_is_the_first_period_of_the_lead():
    late = loses(0.35, 0.02, 2)
    early = loses(0.35, 0.02, 1)
    late.log_loss[4:] += 3
    judged = verdicts_on({"a": early, "b": late}, NULL)
    assert judged["b"].verdict == "refuted"
    assert judged["b"].refuted_in >= 4


def test_without_a_worthwhile_gain_a_model_is_no_better_than_volume():
    judged = verdicts_on({"a": loses(0.4, 0.003, 1)}, NULL)
    assert judged["a"].verdict == "no_better_than_volume"
    assert (
        verdicts_on({"a": loses(0.4, 0.003, 1)}, NULL, worthwhile=1e-6)["a"].verdict == "too_early"
    )


def test_with_much_noise_it_is_too_early():
    assert verdicts_on({"a": loses(0.399, 0.5, 1)}, NULL)["a"].verdict == "too_early"


def test_a_model_worse_than_touch_volume_refutes_no_model_that_is_better():
    judged = verdicts_on({"a": loses(0.42, 0.01, 1), "b": loses(0.4, 0.01, 2)}, NULL)
    assert judged["a"].verdict == "refuted"
    assert judged["b"].verdict == "no_better_than_volume"


def test_models_with_the_same_forecast_count_as_one():
    own = loses(0.35, 0.01, 1)
    twin = loses(0.35 + 1e-11, 0.01, 1)
    scores = {"a": own, "other": loses(0.38, 0.01, 2), "b": twin}
    assert same_forecasts(scores) == {"a": ("b",), "other": (), "b": ("a",)}
    judged = verdicts_on(scores, NULL)
    assert judged["a"].verdict == judged["b"].verdict == "best"
    assert judged["a"].same_forecast_as == ("b",)
    assert judged["b"].same_forecast_as == ("a",)
    assert judged["other"].refuted_by == "a"


def test_models_with_the_same_forecast_are_refuted_together():
    scores = {"a": loses(0.38, 0.01, 1), "b": loses(0.38, 0.01, 1), "c": loses(0.35, 0.01, 2)}
    judged = verdicts_on(scores, NULL)
    assert [judged[name].verdict for name in "abc"] == ["refuted", "refuted", "best"]
    assert judged["b"].refuted_by == "c"


def test_a_forecast_that_differs_by_rounding_has_no_gain():
    close = Scores.empty(PERIODS)
    close.landmarks += 100
    close.log_loss += NULL.log_loss * (1 - 1e-10)
    judged = verdicts_on({"a": close, "b": close}, NULL)
    assert judged["a"].verdict == "no_better_than_volume"
    assert judged["a"].gain.mean[-1] == 0
    assert judged["a"].same_forecast_as == ()


def test_more_models_make_intervals_wider():
    own = loses(0.39, 0.05, 1)
    alone = verdicts_on({"a": own}, NULL)["a"].gain.radius[-1]
    rivals = {"a": own} | {f"r{i}": loses(0.39, 0.05, 10 + i) for i in range(6)}
    assert verdicts_on(rivals, NULL)["a"].gain.radius[-1] > alone
    # The same forecast adds no comparison.
    twin = {"a": own, "b": loses(0.39, 0.05, 1)}
    assert verdicts_on(twin, NULL)["a"].gain.radius[-1] == pytest.approx(alone)


def test_no_models_give_no_verdicts():
    assert verdicts_on({}, NULL) == {}


# --- the null hypothesis is the better baseline ---------------------------------------------------

BASE_BETTER = loses(0.36)


def against_both(
    models: dict[str, Scores], volume: Scores = NULL, base_rate: Scores = BASE_BETTER
) -> SegmentVerdicts:
    return judge_models(SegmentScores(models, volume, base_rate), ErrorBudget.flat(0.05))


def test_a_model_that_beats_activity_but_not_the_base_rate_is_no_contender():
    judged = against_both({"a": loses(0.38, 0.01, 1), "b": loses(0.36, 0.5, 2)})
    assert judged.null == BASE_RATE
    assert judged.verdicts["a"].verdict == "no_better_than_volume"
    assert judged.verdicts["b"].verdict == "too_early"
    assert verdicts_on({"a": loses(0.38, 0.01, 1)}, NULL)["a"].verdict == "best"


def test_a_model_that_beats_the_base_rate_but_not_activity_is_no_contender():
    judged = against_both({"a": loses(0.38, 0.01, 1)}, volume=BASE_BETTER, base_rate=NULL)
    assert judged.null == VOLUME
    assert judged.verdicts["a"].verdict == "no_better_than_volume"


def test_a_model_that_beats_both_baselines_is_best():
    own = {"a": loses(0.33, 0.01, 1)}
    for baselines in ((NULL, BASE_BETTER), (BASE_BETTER, NULL), (NULL, NULL)):
        assert against_both(own, *baselines).verdicts["a"].verdict == "best"


def test_gains_and_pairs_are_those_over_the_better_baseline():
    own = {"a": loses(0.33, 0.01, 1), "b": loses(0.34, 0.01, 2)}
    for volume, base_rate, null in ((NULL, BASE_BETTER, BASE_RATE), (BASE_BETTER, NULL, VOLUME)):
        judged = against_both(own, volume, base_rate)
        assert judged.null == null
        assert [(pair.first, pair.second) for pair in judged.pairs] == [
            ("a", "b"), ("a", null), ("b", null)
        ]  # fmt: skip
        assert judged.verdicts["a"].gain.mean[-1] == pytest.approx(0.03)


def test_the_second_baseline_takes_no_share_of_alpha():
    """Both must be beaten, so that the chance of error is not larger than that of one test."""
    own = {"a": loses(0.33, 0.01, 1), "b": loses(0.34, 0.01, 2)}
    both, one = against_both(own, base_rate=NULL), against_both(own, base_rate=BASE_BETTER)
    for pair in (*both.pairs, *one.pairs):
        assert pair.level == pytest.approx(0.05 / 3 / 2)


def test_equal_baselines_are_touch_volume():
    assert against_both({"a": NULL}, NULL, scores_like(NULL, 1e-9)).null == VOLUME
    assert against_both({"a": NULL}, NULL, scores_like(NULL, 1e-5)).null == BASE_RATE


def test_where_the_base_rate_is_true_activity_is_no_model_either():
    """The errors of both tests together are at most alpha."""
    alpha, histories, rng, wrong = 0.2, 100, np.random.default_rng(62), 0
    for _ in range(histories):
        found = [Scores.empty(12) for _ in range(3)]
        for own, worse in zip(found, (0.0, 0.3, 0.0), strict=True):
            own.landmarks += 10
            own.conversions += 1
            own.log_loss += 4 + worse + rng.normal(0, 1, own.log_loss.shape)
        scores = SegmentScores({"a": found[0]}, found[1], found[2])
        judged = judge_models(scores, ErrorBudget.flat(alpha))
        wrong += bool({"best", "contender"} & {*judged.verdicts["a"].history})
    assert wrong / histories <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / histories)


# --- best -----------------------------------------------------------------------------------------


def test_a_model_is_not_best_while_another_stands():
    """However unlikely the other is to be better than the null hypothesis."""
    clear = loses(0.35, 0.01, 1)
    judged = verdicts_on({"a": clear, "b": loses(0.36, 1.0, 2)}, NULL)
    assert [judged[name].verdict for name in "ab"] == ["contender", "too_early"]
    judged = verdicts_on({"a": clear, "b": loses(0.36, 0.01, 2)}, NULL)
    assert [judged[name].verdict for name in "ab"] == ["best", "refuted"]


@pytest.mark.parametrize("seed", range(5))
def test_best_means_that_all_others_with_another_forecast_are_refuted(seed):
    scores = drawn(seed, {**CLOSE, "e": 0.389}, noise=0.03)
    scores["twin"] = scores["a"]
    judged = verdicts_on(scores, NULL_WEEKS)
    for period in range(WEEKS):
        now = {name: own.history[period] for name, own in judged.items()}
        for name in scores:
            others = {now[o] for o in scores if o not in {name, *judged[name].same_forecast_as}}
            if now[name] == "best":
                assert others == {"refuted"}
            elif now[name] == "contender":
                assert others != {"refuted"}


# --- budgets --------------------------------------------------------------------------------------


def test_comparisons_of_primary_models_have_their_share_of_the_budget():
    scores = {name: loses(0.39, 0.05, place) for place, name in enumerate("abc")}
    budget = ErrorBudget(frozenset("ab"), 0.03, 0.02)
    judged = judge_models(SegmentScores(scores, NULL, NULL), budget)
    levels = {(pair.first, pair.second): pair.level for pair in judged.pairs}
    primary, other = 0.03 / 3 / 2, 0.02 / 3 / 2  # half for restarts
    assert levels == pytest.approx(
        {
            ("a", "b"): primary, ("a", VOLUME): primary, ("b", VOLUME): primary,
            ("a", "c"): other, ("b", "c"): other, ("c", VOLUME): other,
        }
    )  # fmt: skip


def test_a_primary_model_stands_for_others_with_the_same_forecast():
    own = loses(0.39, 0.05, 1)
    budget = ErrorBudget(frozenset("b"), 0.03, 0.02)
    judged = judge_models(SegmentScores({"a": own, "b": own}, NULL, NULL), budget)
    assert [(pair.first, pair.second) for pair in judged.pairs] == [("b", VOLUME)]
    assert judged.pairs[0].level == pytest.approx(0.05 / 2)
    assert judged.verdicts["a"].history == judged.verdicts["b"].history


# --- over time ------------------------------------------------------------------------------------

WEEKS = 24


def drawn(seed: int, bits: dict[str, float], noise: float = 0.1) -> dict[str, Scores]:
    """Return scores over `WEEKS` periods, each with independent noise."""
    return {
        name: loses(own, noise, 100 * seed + place, WEEKS)
        for place, (name, own) in enumerate(bits.items())
    }


NULL_WEEKS = loses(0.4, periods=WEEKS)
CLOSE = {"a": 0.392, "b": 0.394, "c": 0.399, "d": 0.41}


def summary(own: ModelVerdict) -> tuple:
    return (own.history, own.refuted_by, own.refuted_in, own.moved_in, own.same_forecast_as)


@pytest.mark.parametrize("seed", range(6))
def test_past_verdicts_do_not_change_as_periods_come_in(seed):
    scores = drawn(seed, CLOSE)
    scores["twin"] = scores["b"]
    whole = verdicts_on(scores, NULL_WEEKS)
    seen: set[Verdict] = set()
    for t in range(1, WEEKS + 1):
        then = verdicts_on(
            {name: own.first(t) for name, own in scores.items()}, NULL_WEEKS.first(t)
        )
        for name, own in then.items():
            assert own.history == whole[name].history[:t]
            np.testing.assert_allclose(own.gain.low, whole[name].gain.low[:t], rtol=1e-12)
            seen.add(own.verdict)
        if t == WEEKS:
            assert {name: summary(own) for name, own in then.items()} == {
                name: summary(own) for name, own in whole.items()
            }
    assert len(seen) >= 3
    assert all(own.verdict == own.history[-1] for own in whole.values())


def test_past_verdicts_of_a_model_that_started_as_touch_volume_do_not_change():
    late = drawn(1, {"a": 0.38})["a"]
    late.log_loss[:5] = NULL_WEEKS.log_loss[:5]
    whole = verdicts_on({"a": late}, NULL_WEEKS)["a"]
    for t in range(1, WEEKS + 1):
        then = verdicts_on({"a": late.first(t)}, NULL_WEEKS.first(t))["a"]
        assert then.history == whole.history[:t]
    assert whole.history[4] == "no_better_than_volume"
    assert whole.verdict == "best"


@pytest.mark.parametrize("seed", range(4))
def test_verdicts_follow_from_the_signs_of_all_pairs(seed):
    """Compute every history from the signs of all pairs."""
    scores = drawn(seed, CLOSE)
    judged = judge_made_segments({"all": (scores, NULL_WEEKS)})["all"]
    leads = {}
    for pair in judged.pairs:
        leads[pair.first, pair.second], leads[pair.second, pair.first] = pair.signs, -pair.signs
    loss = NULL_WEEKS.log_loss.sum(axis=1).cumsum() / NULL_WEEKS.landmarks.sum(axis=1).cumsum()
    for t in range(WEEKS):
        refuted = {a for a in scores if any(leads[b, a][t] > 0 for b in scores if b != a)}
        ahead = {a for a in scores if leads[a, VOLUME][t] > 0} - refuted
        for name in scores:
            if name in refuted:
                expected = "refuted"
            elif name in ahead:
                expected = "best" if len(refuted) == len(scores) - 1 else "contender"
            elif leads[name, VOLUME][t] < 0 or judged.verdicts[name].gain.high[t] < 0.005 * loss[t]:
                expected = "no_better_than_volume"
            else:
                expected = "too_early"
            assert judged.verdicts[name].history[t] == expected


def turned(after: int = WEEKS // 2, lead: float = 0.03) -> dict[str, Scores]:
    """Return models of which a is ahead at first, and b later."""
    now = np.where(np.arange(WEEKS) < after, 0, lead)
    return {
        "a": loses(0.35 + now, 0.02, 1, WEEKS),
        "b": loses(0.35 + lead - now, 0.02, 2, WEEKS),
    }


def test_a_turned_lead_sets_moved_in_and_refutes_the_former_leader():
    judged = verdicts_on(turned(), NULL_WEEKS)
    a, b = judged["a"], judged["b"]
    half = WEEKS // 2
    assert b.history[half - 1] == "refuted"
    assert a.history[half - 1] == "best"
    assert a.verdict == "refuted"
    assert b.verdict == "best"
    turn = a.moved_in
    assert turn is not None
    assert turn == b.moved_in
    assert half <= turn < half + 8
    assert a.history[turn] == "refuted" != a.history[turn - 1]
    assert (a.refuted_by, a.refuted_in) == ("b", turn)
    assert (b.refuted_by, b.refuted_in) == (None, None)


def test_folds_are_not_in_time_so_that_no_lead_turns():
    scores = SegmentScores(turned(lead=0.05), NULL_WEEKS, NULL_WEEKS)
    judged = judge_models(scores, ErrorBudget.flat(0.05), restarts=False)
    assert {own.moved_in for own in judged.verdicts.values()} == {None}
    for pair in judged.pairs:
        assert pair.counted_from == 0
        assert pair.level == pytest.approx(0.05 / 3)
    # On average over all folds neither is ahead.
    assert {own.verdict for own in judged.verdicts.values()} == {"contender"}


def test_moved_in_is_empty_before_the_turn():
    scores = {name: own.first(WEEKS // 2) for name, own in turned().items()}
    judged = verdicts_on(scores, NULL_WEEKS.first(WEEKS // 2))
    assert judged["b"].refuted_by == "a"
    assert judged["b"].refuted_in == 0
    assert {own.moved_in for own in judged.values()} == {None}


def test_moved_in_is_the_last_of_several_turns():
    now = np.where((np.arange(WEEKS) // 8) % 2 == 0, 0, 0.05)
    scores = {"a": loses(0.3 + now, 0.01, 1, WEEKS), "b": loses(0.35 - now, 0.01, 2, WEEKS)}
    judged = verdicts_on(scores, NULL_WEEKS)
    assert judged["a"].moved_in == judged["b"].moved_in >= 16
    assert judged["b"].refuted_by == "a"
    assert judged["b"].refuted_in == judged["b"].moved_in
    assert judged["a"].refuted_in is None


def test_moved_in_is_the_last_turn_of_any_pair_of_the_model():
    week = np.arange(WEEKS)
    falls = np.select([week < 6, week < 14], [0.33, 0.38], 0.44)
    scores = {
        "a": loses(falls, 0.01, 1, WEEKS),
        "b": loses(0.35, 0.01, 2, WEEKS),
        "c": loses(0.41 - 0.02 * (week >= 14), 0.01, 3, WEEKS),
    }
    judged = verdicts_on(scores, NULL_WEEKS)
    b = judged["b"].moved_in
    assert b is not None
    assert 6 <= b < 14
    assert judged["a"].moved_in == judged["c"].moved_in >= 14
    assert judged["a"].refuted_by == "b"
    assert judged["a"].refuted_in == b


def test_a_turned_lead_over_touch_volume_does_not_set_moved_in():
    bits = np.where(np.arange(WEEKS) < 12, 0.35, 0.45)
    own = verdicts_on({"a": loses(bits, 0.01, 1, WEEKS)}, NULL_WEEKS)["a"]
    assert own.history[11] == "best"
    assert own.verdict == "no_better_than_volume"
    assert own.moved_in is None


@pytest.mark.parametrize("seed", range(3))
def test_rounding_differences_give_no_sign(seed):
    """Two fits of one forecast agree to nine digits, with all differences on one side."""
    rng = np.random.default_rng(seed)
    base = loses(0.35, 0.01, 1, WEEKS)
    near = Scores.empty(WEEKS)
    near.landmarks += base.landmarks
    near.log_loss += base.log_loss * (1 - 1e-9 * rng.random(base.log_loss.shape))
    # They differ once by more, in both directions, so their forecasts are not the same.
    near.log_loss[3, :2] += [1e-5, -1e-5]
    judged = judge_made_segments({"all": ({"a": base, "b": near}, NULL_WEEKS)})["all"]
    assert judged.verdicts["a"].same_forecast_as == ()
    signs = {(pair.first, pair.second): pair.signs for pair in judged.pairs}
    assert not signs["a", "b"].any()
    assert signs["a", VOLUME].any()
    [own] = verdicts_on({"a": scores_like(NULL_WEEKS, 1e-9 * rng.random())}, NULL_WEEKS).values()
    assert own.gain.mean[-1] == 0
    assert set(own.history) == {"no_better_than_volume"}


def scores_like(other: Scores, relative: float) -> Scores:
    near = Scores.empty(len(other.landmarks))
    near.landmarks += other.landmarks
    near.log_loss += other.log_loss * (1 - relative)
    return near


# --- segments: one family of tests ----------------------------------------------------------------


def closed_testing(p: np.ndarray, alpha: float) -> np.ndarray:
    """Return what is rejected when every intersection is tested by Bonferroni.

    A hypothesis is rejected when every set of hypotheses that holds it is. Holm's procedure is a
    short cut to this.
    """
    size = len(p)
    sets = [own for k in range(1, size + 1) for own in combinations(range(size), k)]
    rejected = {own: min(p[i] for i in own) < alpha / len(own) for own in sets}
    return np.array([all(rejected[own] for own in sets if i in own) for i in range(size)])


def step_down(p: np.ndarray, alpha: float) -> np.ndarray:
    """Return what Holm's procedure rejects, step by step."""
    rejected = np.zeros(len(p), dtype=bool)
    for place, i in enumerate(np.argsort(p)):
        if not p[i] < alpha / (len(p) - place):
            break
        rejected[i] = True
    return rejected


p_values = st.one_of(
    st.floats(1e-9, 1.0), st.sampled_from([1.0, 0.05, 0.025, 0.05 / 3, 0.0125, 0.01, 1e-4])
)


@examples(300)
@given(st.lists(p_values, min_size=1, max_size=7), st.sampled_from([0.05, 0.2]))
def test_holm_levels_agree_with_stepwise_and_closed_testing(p, alpha):
    p = np.array(p)
    edge = alpha / np.arange(1, len(p) + 1)
    if np.isclose(p[:, None], edge, rtol=1e-12, atol=0).any():
        p = p * 1.001  # at equality rounding decides
    found = np.log(p) < np.log(holm_levels(np.log(p)[:, None], alpha)[:, 0])
    np.testing.assert_array_equal(found, step_down(p, alpha))
    np.testing.assert_array_equal(found, closed_testing(p, alpha))


def test_each_comparison_is_a_separate_family():
    log_p = np.log(np.random.default_rng(0).beta(0.2, 2, (8, 200)))
    together = holm_levels(log_p, 0.05)
    for m in range(200):
        np.testing.assert_array_equal(together[:, m], holm_levels(log_p[:, m : m + 1], 0.05)[:, 0])
    assert together.min() == pytest.approx(0.05 / 8)
    assert together.max() == pytest.approx(0.05)


@pytest.mark.parametrize("seed", range(3))
def test_one_segment_is_judged_like_all_users(seed):
    scores = drawn(seed, CLOSE)
    alone = verdicts_on(scores, NULL_WEEKS, 0.1, 0.01)
    segments = judge_made_segments({"region = x": (scores, NULL_WEEKS)}, 0.1, 0.01)[
        "region = x"
    ].verdicts
    assert {name: summary(own) for name, own in segments.items()} == {
        name: summary(own) for name, own in alone.items()
    }
    for name, own in segments.items():
        np.testing.assert_array_equal(own.gain.low, alone[name].gain.low)


def test_more_segments_widen_shown_bounds_and_rejected_ones_raise_the_level_of_others():
    sure = (drawn(1, {"a": 0.35, "b": 0.37}, 0.01), NULL_WEEKS)
    doubtful = (drawn(2, {"a": 0.398, "b": 0.399}), NULL_WEEKS)
    alone = judge_made_segments({"x": doubtful})["x"]
    segments = judge_made_segments({"x": doubtful, "y": sure, "z": sure})
    for one, of_three in zip(alone.pairs, segments["x"].pairs, strict=True):
        assert of_three.sequence.radius[-1] > one.sequence.radius[-1]
        # The two others are rejected first, so the last is tested at the full level.
        assert of_three.level == pytest.approx(one.level)
    for name in ("y", "z"):
        assert {own.verdict for own in segments[name].verdicts.values()} == {"best", "refuted"}


@pytest.mark.parametrize("seed", range(3))
def test_past_verdicts_on_segments_do_not_change_as_periods_come_in(seed):
    """Although a segment that is rejected later raises the level of the others."""
    segments = {
        place: (drawn(10 * seed + n, {"a": 0.392, "b": 0.394 + 0.003 * n}), NULL_WEEKS)
        for n, place in enumerate("xyz")
    }
    whole = judge_made_segments(segments, 0.2)
    for t in range(1, WEEKS + 1):
        so_far = {
            place: ({name: one.first(t) for name, one in own.items()}, null.first(t))
            for place, (own, null) in segments.items()
        }
        for place, then in judge_made_segments(so_far, 0.2).items():
            for name, own in then.verdicts.items():
                assert own.history == whole[place].verdicts[name].history[:t]
    assert len({own.history for found in whole.values() for own in found.verdicts.values()}) > 2


def test_in_a_segment_of_few_users_it_is_too_early():
    scores = drawn(1, {"a": 0.35, "b": 0.37}, 0.01)
    few = ({name: only_in_buckets(own, 15) for name, own in scores.items()},
           only_in_buckets(NULL_WEEKS, 15))  # fmt: skip
    judged = judge_made_segments({"large": (scores, NULL_WEEKS), "small": few})
    assert {own.verdict for own in judged["large"].verdicts.values()} == {"best", "refuted"}
    for own in judged["small"].verdicts.values():
        assert set(own.history) == {"too_early"}
        assert np.isinf(own.gain.radius).all()
        assert own.refuted_by is None


def test_the_same_forecast_means_the_same_in_every_segment():
    one, other = drawn(1, {"a": 0.35}, 0.01)["a"], drawn(2, {"a": 0.36}, 0.01)["a"]
    judged = judge_made_segments(
        {
            "x": ({"a": one, "b": one, "c": other, "d": other}, NULL_WEEKS),
            "y": ({"a": one, "b": other, "c": other, "d": other}, NULL_WEEKS),
        }
    )
    for own in judged.values():
        twins = {name: judgement.same_forecast_as for name, judgement in own.verdicts.items()}
        assert twins == {"a": (), "b": (), "c": ("d",), "d": ("c",)}
        assert len(own.pairs) == 3 + 3


def test_segments_without_models_have_no_verdicts():
    assert judge_made_segments({}) == {}
    assert judge_made_segments({"x": ({}, NULL)})["x"].verdicts == {}


def test_errors_in_any_segment_are_at_most_alpha():
    """A model and touch volume with equal mean loss and noise within users, in many segments."""
    alpha, histories, segments, weeks = 0.2, 80, 40, 12
    rng, wrong, without = np.random.default_rng(60), 0, 0
    for _ in range(histories):
        found = {}
        for name in map(str, range(segments)):
            rival, null = Scores.empty(weeks), Scores.empty(weeks)
            for scores in (rival, null):
                scores.landmarks += 10
                stays = rng.normal(0, 0.5, 256)
                scores.log_loss += 4 + rng.normal(0, 1, scores.log_loss.shape) + stays
            found[name] = ({"a": rival}, null)
        wrong += any(own.pairs[0].signs.any() for own in judge_made_segments(found, alpha).values())
        each = np.array([null.log_loss - own["a"].log_loss for own, null in found.values()])
        without += bool(restarted(each, null.landmarks, alpha).signs(alpha).any())
    error = np.sqrt(alpha * (1 - alpha) / histories)
    assert wrong / histories <= alpha + 3 * error
    assert without / histories > alpha + 3 * error  # each segment tested without correction


@pytest.mark.parametrize("seed", range(3))
def test_signs_agree_with_holms_procedure(seed):
    """Compared with p-values of all sequences, comparison by comparison and period by period."""
    rng, alpha = np.random.default_rng(seed), 0.05
    null, found = loses(0.4, periods=12), {}
    for place in range(6):
        bits = {"a": 0.4 - 0.0025 * place, "b": 0.398}
        found[str(place)] = (
            {name: loses(own, 0.06, int(rng.integers(1 << 30)), 12) for name, own in bits.items()},
            null,
        )
    judged = judge_made_segments(found, alpha)
    sure = 0
    for number, (ahead, behind) in enumerate([("a", "b"), ("a", VOLUME), ("b", VOLUME)]):
        log_p = []
        for scores, _ in found.values():
            losses = {**scores, VOLUME: null}
            difference = (losses[behind].log_loss - losses[ahead].log_loss)[None]
            # Shown bounds hold in all segments; their level determines the mixture.
            log_p.append(restarted(difference, null.landmarks, alpha / 3 / len(found)).log_p[0])
        p = np.exp(log_p)
        expected = np.array([step_down(p[:, t], alpha / 3) for t in range(12)]).T
        signs = np.array([own.pairs[number].signs for own in judged.values()])
        np.testing.assert_array_equal(np.logical_or.accumulate(signs != 0, axis=1), expected)
        sure += expected[:, -1].sum()
        levels = holm_levels(np.array(log_p)[:, -1:], alpha / 3)[:, 0]
        found_levels = [own.pairs[number].level for own in judged.values()]
        np.testing.assert_allclose(found_levels, levels / 2)  # of the sequence over all periods
    assert 2 < sure < 16


def test_holms_procedure_finds_more_leads_than_bonferroni():
    """And none without a lead: the gain of Holm's procedure is on true leads."""
    rng, alpha = np.random.default_rng(61), 0.05
    more = 0
    for _ in range(20):
        found = {}
        for place in range(8):
            own = loses(0.4 - 0.002 * place, 0.06, int(rng.integers(1 << 30)), 12)
            found[f"segment {place}"] = ({"a": own}, loses(0.4, periods=12))
        judged = judge_made_segments(found, alpha)
        for name, (scores, null) in found.items():
            [pair] = judged[name].pairs
            difference = (null.log_loss - scores["a"].log_loss)[None]
            sequences = restarted(difference, null.landmarks, alpha / len(found))
            bonferroni = sequences.signs(alpha / len(found))[0]
            assert (pair.signs[bonferroni != 0] == bonferroni[bonferroni != 0]).all()
            more += bool(pair.signs[-1] and not bonferroni[-1])
        assert not judged["segment 0"].pairs[0].signs.any()
    assert more > 0
