"""Table of pairs: every comparison once, which model is ahead, and how much data decides it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from lydite.evaluation.pairs import MAX_YEARS, pairs_table
from lydite.evaluation.sample_size import required_sample_factor
from lydite.evaluation.scores import Scores
from lydite.evaluation.warnings import DataSize
from tests.helpers.made_scores import loses, only_in_buckets
from tests.helpers.made_verdicts import judge_made
from tests.helpers.random_landmarks import weekly

if TYPE_CHECKING:
    from lydite.evaluation.verdicts import SegmentVerdicts

WEEKS = 12
CALENDAR = weekly(4, WEEKS)
NULL = loses(0.4, periods=WEEKS)
SIZE = DataSize(users=3_000, landmarks=400_000, immature=10_000)
NEVER = "not at any realistic size"


def judged(scores: dict[str, Scores], null: Scores = NULL) -> SegmentVerdicts:
    return judge_made(scores, null)


def table(scores, null=NULL, calendar=CALENDAR, size=SIZE) -> pl.DataFrame:
    by_name = {**scores, "touch_volume": null}
    return pairs_table("lead", "all", judged(scores, null), by_name, calendar, size)


def row(frame: pl.DataFrame, *names: str) -> dict:
    """Return the row of two models, in any order."""
    own = pl.col("ahead").is_in(names) & pl.col("behind").is_in(names)
    return frame.row(by_predicate=own, named=True)


RIVALS = {
    "a": loses(0.35, 0.02, 1, WEEKS),
    "b": loses(0.37, 0.02, 2, WEEKS),
    "c": loses(0.3705, 0.1, 3, WEEKS),
}


def test_bounds_of_a_lead_stay_within_what_is_possible():
    few = {"a": loses(0.001, 0.5, 1, 2), "b": loses(0.3, 0.5, 2, 2)}
    null = loses(0.4, periods=2)
    found = row(table(few, null, weekly(4, 2)), "a", "b")
    behind = few[found["behind"]].log_loss.sum() / null.log_loss.sum()
    ahead = few[found["ahead"]].log_loss.sum() / null.log_loss.sum()
    assert -ahead <= found["lead_low"] < found["lead"] < found["lead_high"] <= behind


def test_there_are_no_leads_where_nothing_is_to_be_explained():
    null = replace(NULL, log_loss=np.zeros_like(NULL.log_loss))
    found = row(table({"a": NULL, "b": loses(0.39, 0.02, 1, WEEKS)}, null), "a", "b")
    assert found["lead"] is found["lead_low"] is found["lead_high"] is None


def test_every_pair_has_one_row_and_each_model_one_with_touch_volume():
    found = table({**RIVALS, "twin": RIVALS["b"]})
    names = sorted(tuple(sorted(pair)) for pair in found.select("ahead", "behind").rows())
    assert names == [
        ("a", "b"), ("a", "c"), ("a", "touch_volume"), ("b", "c"), ("b", "touch_volume"),
        ("c", "touch_volume"),
    ]  # fmt: skip
    assert set(found.select("outcome", "segment").rows()) == {("lead", "all")}


def test_the_model_ahead_comes_first_in_any_order_of_models():
    for names in ("abc", "cba"):
        found = table({name: RIVALS[name] for name in names})
        one = row(found, "a", "b")
        assert (one["ahead"], one["behind"], one["separated"]) == ("a", "b", True)
        assert (found["lead"] > 0).all()


def test_leads_and_bounds_are_shares_of_the_loss_of_touch_volume():
    found = table(RIVALS)
    null = NULL.log_loss.sum() / NULL.landmarks.sum()
    for one in found.iter_rows(named=True):
        loss = {**RIVALS, "touch_volume": NULL}
        lead = loss[one["behind"]].log_loss_bits - loss[one["ahead"]].log_loss_bits
        assert one["lead"] == pytest.approx(lead / null)
        assert one["lead_high"] - one["lead"] == pytest.approx(one["lead"] - one["lead_low"])
    [pair] = [own for own in judged(RIVALS).pairs if (own.first, own.second) == ("a", "b")]
    assert row(found, "a", "b")["lead_low"] == pytest.approx(pair.sequence.low[-1] / null)


def test_since_is_the_first_period_of_the_present_separation():
    bits = np.where(np.arange(WEEKS) < 5, 0.37, 0.34)
    found = row(table({"a": loses(bits, 0.01, 1, WEEKS), "b": RIVALS["b"]}), "a", "b")
    pair = judged({"a": loses(bits, 0.01, 1, WEEKS), "b": RIVALS["b"]}).pairs[0]
    first = int(np.flatnonzero(pair.signs == 1)[0])
    assert first >= 5
    assert (pair.signs[first:] == 1).all()
    assert found["since"] == CALENDAR.starts[first].astype("datetime64[D]").item()
    assert isinstance(found["since"], date)
    assert found["projection"] is None
    assert found["more_landmarks"] is None


def test_since_is_later_than_a_turn():
    now = np.where(np.arange(WEEKS) < 6, 0, 0.05)
    scores = {"a": loses(0.35 + now, 0.01, 1, WEEKS), "b": loses(0.4 - now, 0.01, 2, WEEKS)}
    found = row(table(scores), "a", "b")
    assert (found["ahead"], found["separated"]) == ("b", True)
    turn = judged(scores).verdicts["a"].moved_in
    assert found["since"] == CALENDAR.starts[turn].astype("datetime64[D]").item()


def test_open_pairs_are_projected_at_the_present_rate():
    # Later periods have more landmarks: the last eight determine the rate.
    faster = np.where(np.arange(WEEKS) < 4, 1.0, 3.0)[:, None]
    null, rival = (scaled(own, faster) for own in (NULL, RIVALS["c"]))
    scores = {"c": rival, "d": scaled(loses(0.372, 0.1, 4, WEEKS), faster)}
    found = row(table(scores, null), "c", "d")
    assert not found["separated"]
    assert found["since"] is None
    pair = judged(scores, null).pairs[0]
    times = required_sample_factor(pair.sequence, pair.level)
    more = null.landmarks.sum() * (times - 1)
    rate = null.landmarks.sum(axis=1)[-8:].mean()
    assert rate == 3 * 100 * 256
    assert found["more_landmarks"] == ceil(more)
    assert found["more_users"] == ceil(SIZE.users * more / SIZE.landmarks)
    assert found["more_periods"] == ceil(more / rate) > 1
    assert found["projection"] == f"{found['more_periods']} more weeks"


def scaled(scores: Scores, factor: np.ndarray) -> Scores:
    """Return scores of so many times the landmarks."""
    result = Scores.empty(len(scores.landmarks))
    for name in ("landmarks", "conversions", "log_loss", "brier"):
        getattr(result, name)[:] = getattr(scores, name) * factor
    return result


def almost(more: float) -> tuple[dict[str, Scores], Scores]:
    """Return a model that takes about so many more weeks until it is ahead of touch volume."""
    lead = 0.002
    for _ in range(40):
        scores = {"a": loses(0.4 - lead, 0.05, 7, WEEKS)}
        pair = judged(scores).pairs[0]
        weeks = WEEKS * (required_sample_factor(pair.sequence, pair.level) - 1)
        if more * 0.9 <= weeks <= more:
            return scores, NULL
        lead *= 1.02 if weeks > more else 0.985
    raise AssertionError(weeks)


def test_one_more_week_is_singular():
    scores, null = almost(0.9)
    found = row(table(scores, null), "a", "touch_volume")
    assert found["more_periods"] == 1
    assert found["projection"] == "1 more week"


def test_projections_name_the_period():
    scores, null = almost(5)
    month = replace(CALENDAR, period="month")
    found = row(table(scores, null, month), "a", "touch_volume")
    assert found["projection"] == f"{found['more_periods']} more months"


def test_more_than_ten_years_is_not_at_any_realistic_size():
    scores, null = almost(40)
    near = row(table(scores, null), "a", "touch_volume")
    assert near["projection"].endswith(" more weeks")
    # The same periods, each as long as half a year.
    slow = replace(
        CALENDAR,
        starts=CALENDAR.starts[0] + np.arange(WEEKS) * np.timedelta64(182, "D"),
        end=CALENDAR.starts[0] + WEEKS * np.timedelta64(182, "D"),
    )
    assert near["more_periods"] * 182 > MAX_YEARS * 365
    far = row(table(scores, null, slow), "a", "touch_volume")
    assert far["projection"] == NEVER
    assert far["more_periods"] is None


def test_models_without_a_difference_are_never_separated():
    same = loses(0.37, 0.02, 2, WEEKS)
    same.log_loss[:, :2] += [1.0, -1.0]
    found = row(table({"b": RIVALS["b"], "same": same}), "b", "same")
    assert found["lead"] == pytest.approx(0, abs=1e-12)
    assert found["projection"] == NEVER
    assert found["more_landmarks"] is None


def test_a_small_segment_has_no_bounds():
    few = {name: only_in_buckets(own, 12) for name, own in RIVALS.items()}
    found = table(few, only_in_buckets(NULL, 12))
    assert found["lead_low"].is_null().all()
    assert found["lead_high"].is_null().all()
    assert not found["separated"].any()
    assert set(found["projection"]) == {NEVER}


def test_without_periods_the_projection_is_in_journeys():
    scores, null = almost(5)
    found = row(table(scores, null, calendar=None, size=None), "a", "touch_volume")
    times = 1 + found["more_landmarks"] / null.landmarks.sum()
    assert found["projection"] == f"{times:.1f} times as many journeys"
    assert found["more_periods"] is None
    assert found["more_users"] is None
    sure = row(table(RIVALS, calendar=None), "a", "b")
    assert sure["separated"]
    assert sure["since"] is None


def test_without_models_the_table_is_empty():
    found = table({})
    assert len(found) == 0
    assert found.columns == table(RIVALS).columns
    assert found.schema == table(RIVALS).schema


def test_a_turned_lead_uses_the_periods_since():
    weeks, turn = 26, 16
    null = loses(0.4, periods=weeks)
    early, late = loses(0.30, 0.02, 1, weeks), loses(0.39, 0.02, 2, weeks)
    first = np.arange(weeks)[:, None] < turn
    one = replace(early, log_loss=np.where(first, early.log_loss, late.log_loss))
    other = replace(early, log_loss=np.where(first, late.log_loss, early.log_loss))
    calendar = weekly(4, weeks)
    scores = {"one": one, "other": other}
    found = row(table(scores, null, calendar), *scores)
    # Over all periods `one` loses less.
    assert one.log_loss.sum() < other.log_loss.sum()
    assert (found["ahead"], found["separated"]) == ("other", True)
    assert 0 < found["lead_low"] < found["lead"]
    counted = int(np.flatnonzero(calendar.starts == np.datetime64(found["counted_from"], "us"))[0])
    assert counted >= turn
    lead = (one.log_loss - other.log_loss)[counted:].sum() / null.log_loss[counted:].sum()
    assert found["lead"] == pytest.approx(lead)
    # A lead that has not turned uses all periods.
    steady = row(table(RIVALS), "a", "b")
    assert steady["counted_from"] == CALENDAR.starts[0].astype("datetime64[D]").item()
