"""align_scores: all models are compared on the same landmarks and outcomes."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from lydite.evaluation.align_scores import align_scores
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from tests.helpers.made_scores import only_in_buckets
from tests.helpers.made_verdicts import verdicts_on

PERIODS, N = 6, 3000
NORTH = "region = north"
LATE = [1, 4]  # periods with conversions that arrived later


def world(late: bool) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return bucket, outcome and true probability of landmarks by period, with late data or not."""
    found = []
    for period in range(PERIODS):
        rng = np.random.default_rng(period)
        bucket, p = rng.integers(0, 256, N), rng.beta(1, 6, N)
        converted = rng.random(N) < p
        if not late and period in LATE:
            converted &= rng.random(N) < 0.7
        found.append((bucket, converted, p))
    return found


def scored(power: float, *, late: bool, north: int = 3) -> dict[str, Scores]:
    """Score forecasts that are the true probability to some power, on all users and a region."""
    result = {ALL: Scores.empty(PERIODS), NORTH: Scores.empty(PERIODS)}
    for period, (bucket, converted, p) in enumerate(world(late)):
        forecast = p**power
        result[ALL].add(period, bucket, converted, forecast)
        own = bucket % north == 0
        result[NORTH].add(period, bucket[own], converted[own], forecast[own])
    return result


POWERS = {"touch_volume": 1.3, "old": 1.1}


def first(**new: dict[str, Scores]) -> dict[str, dict[str, Scores]]:
    return {name: scored(power, late=False) for name, power in POWERS.items()} | new


def restated(**new: dict[str, Scores]) -> dict[str, dict[str, Scores]]:
    return {name: scored(power, late=True) for name, power in POWERS.items()} | new


def same(a: Scores, b: Scores, but: tuple[str, ...] = ()) -> bool:
    names = [field.name for field in fields(Scores) if not field.name.startswith(but or ("-",))]
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


def test_models_that_were_scored_together_keep_their_first_scores():
    one, other = align_scores(first(), restated())
    for name in POWERS:
        for segment in (ALL, NORTH):
            assert same(one[name][segment], first()[name][segment])
            assert same(other[name][segment], restated()[name][segment])
    one, other = align_scores(first(), None)
    assert other is None
    assert all(same(one[name][ALL], first()[name][ALL]) for name in POWERS)


def test_first_scores_are_replaced_when_a_model_is_added_later():
    new = scored(1.1, late=True)
    one, other = align_scores(first(new=new), restated(new=new))
    assert other is None  # nothing has changed since
    for name in (*POWERS, "new"):
        for segment in (ALL, NORTH):
            assert same(one[name][segment], restated(new=new)[name][segment])


def test_only_periods_with_different_data_are_replaced():
    """The new model was added after the first late conversions, and before the second."""
    new, now = scored(1.1, late=False), scored(1.1, late=True)
    for segment, own in new.items():
        for field in fields(Scores):
            getattr(own, field.name)[1] = getattr(now[segment], field.name)[1]
    one, other = align_scores(first(new=new), restated(new=now))
    assert other is not None
    for name in (*POWERS, "new"):
        then, late = first(new=new)[name][ALL], restated(new=now)[name][ALL]
        assert same(other[name][ALL], late)
        for field in fields(Scores):
            found = getattr(one[name][ALL], field.name)
            np.testing.assert_array_equal(found[1], getattr(late, field.name)[1])
            rest = [0, 2, 3, 4, 5]
            np.testing.assert_array_equal(found[rest], getattr(then, field.name)[rest])


@pytest.mark.parametrize("power", [1.1, 1.0])
def test_late_conversions_do_not_decide_between_old_and_new_models(power):
    """The same forecast, or the true one, scored with more conversions than the others."""
    new = scored(power, late=True)
    unlike = verdicts_on(
        {"old": first()["old"][ALL], "new": new[ALL]}, first()["touch_volume"][ALL]
    )
    assert unlike["new"].verdict == "refuted"  # only because its outcomes differ
    one, _ = align_scores(first(new=new), restated(new=new))
    judged = verdicts_on(
        {name: one[name][ALL] for name in ("old", "new")}, one["touch_volume"][ALL]
    )
    assert judged["new"].verdict in {"best", "contender"}
    assert (judged["new"].same_forecast_as == ("old",)) == (power == 1.1)


def test_buckets_that_left_the_sample_are_dropped_for_all_models():
    small = {segment: only_in_buckets(own, 100) for segment, own in scored(1.1, late=False).items()}
    one, other = align_scores(first(new=small), None)
    assert other is None
    for name in (*POWERS, "new"):
        for segment in (ALL, NORTH):
            expected = only_in_buckets(first(new=small)[name][segment], 100)
            assert same(one[name][segment], expected, but=("grid",))
    judged = verdicts_on({"old": one["old"][ALL], "new": one["new"][ALL]}, one["touch_volume"][ALL])
    assert judged["new"].same_forecast_as == ("old",)


def test_users_who_changed_segment_are_dropped_for_all_models():
    new = scored(1.1, late=False, north=6)  # half of the buckets are in another segment now
    one, _ = align_scores(first(new=new), None)
    for name in (*POWERS, "new"):
        own = one[name][NORTH]
        assert (own.landmarks.any(axis=0) == (np.arange(256) % 6 == 0)).all()
        assert same(one[name][ALL], first(new=new)[name][ALL])
    np.testing.assert_array_equal(one["old"][NORTH].log_loss, one["new"][NORTH].log_loss)


def test_a_ceiling_with_fewer_landmarks_drops_none_of_the_models():
    small = {segment: only_in_buckets(own, 50) for segment, own in scored(1.0, late=False).items()}
    one, other = align_scores(first(ceiling=small), restated(ceiling=small))
    for name in POWERS:
        for segment in (ALL, NORTH):
            assert same(one[name][segment], first()[name][segment])
            assert same(other[name][segment], restated()[name][segment])
    for segment in (ALL, NORTH):
        assert same(one["ceiling"][segment], small[segment])


def test_buckets_of_the_ceiling_with_other_data_are_dropped():
    """The ceiling was scored before late conversions arrived, the models after."""
    then = {segment: only_in_buckets(own, 50) for segment, own in scored(1.0, late=False).items()}
    models = restated()
    one, _ = align_scores(models | {"ceiling": then}, None)
    seen, known = one["ceiling"][ALL], models["old"][ALL]
    assert seen.cells[[0, 2, 3, 5], :50].any()
    assert not seen.cells[:, 50:].any()
    for counts in ("landmarks", "conversions"):
        of_both = getattr(seen, counts)[seen.cells], getattr(known, counts)[seen.cells]
        np.testing.assert_array_equal(*of_both)
    assert (seen.landmarks.sum(axis=1) < then[ALL].landmarks.sum(axis=1))[LATE].all()
    assert same(one["old"][ALL], known)


def test_a_segment_of_only_some_models_is_kept_for_them():
    new = {ALL: scored(1.1, late=False)[ALL]}
    one, _ = align_scores(first(new=new), None)
    assert set(one["new"]) == {ALL}
    assert same(one["old"][NORTH], first()["old"][NORTH])


def test_inputs_are_not_modified():
    given, again = first(new=scored(1.1, late=True)), restated(new=scored(1.1, late=True))
    align_scores(given, again)
    small = {ALL: only_in_buckets(scored(1.1, late=False)[ALL], 50)}
    align_scores(first(new=small), None)
    assert same(given["old"][ALL], first()["old"][ALL])
    assert same(again["old"][ALL], restated()["old"][ALL])
