"""Models compared with holdouts, from journeys to marts, against loops in plain Python."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from lydite import pipeline
from tests.helpers.small_holdout import WINDOW, read_world, settings_of, small_world

pytest.importorskip("tea_tasting")
MODELS = ["last_touch", "linear", "markov_2"]
LOOKBACK = timedelta(days=5)


def compare(sources, settings, *tables):
    with read_world(sources, settings) as (engine, models):
        pipeline.compare_with_experiments(engine, settings, models)
        return [engine.frame(f"from mart.{table}") for table in tables]


def rates_of(sources, users):
    """Return the rate of each channel, shrunk to the base rate by one conversion's worth."""
    hits, trials = {}, {}
    for user in users:
        for path, converts in landmarks_of(sources, user):
            channel = path[-1][1]
            trials[channel] = trials.get(channel, 0) + 1
            hits[channel] = hits.get(channel, 0) + converts
    base = sum(hits.values()) / sum(trials.values())
    return {name: (hits[name] + 1) / (trials[name] + 1 / base) for name in trials}


def events_of(sources, user):
    touches = sources["touchpoints"].filter(user_id=user).select("touched_at", "channel").rows()
    orders = sources["conversions"].filter(user_id=user)["converted_at"].to_list()
    return sorted(touches), sorted(orders)


def landmarks_of(sources, user):
    """Return the path of each touch, and whether a conversion comes next."""
    touches, orders = events_of(sources, user)
    found = []
    for i, (at, _) in enumerate(touches):
        start = max([at - LOOKBACK, *(order for order in orders if order < at)])
        path = [touch for touch in touches[: i + 1] if touch[0] > start]
        until = touches[i + 1][0] if i + 1 < len(touches) else at + LOOKBACK
        found.append((path, any(at <= order < until for order in orders)))
    return found


@pytest.fixture(scope="module")
def world():
    return small_world(users=600, assigned=200)


def test_what_last_touch_expects_is_a_sum_over_landmarks(world):
    """Last touch looks at the last channel alone: only the touches of e-mail and weights count."""
    [rows, verdicts] = compare(
        world, settings_of(MODELS, users=200), "experiment_hypotheses", "experiment_verdicts"
    )
    row = rows.filter(model="last_touch").row(0, named=True)
    assert row["fitted_on"] == "other users"
    assigned = {user: (arm, at) for _, user, arm, at in world["experiments"].rows()}
    others = [u for u in world["touchpoints"]["user_id"].unique() if u not in assigned]
    rates = rates_of(world, [u for u in others if u != "end"])
    sums, size = {"treated": 0.0, "control": 0.0}, {"treated": 0, "control": 0}
    for user, (arm, since) in assigned.items():
        weight, size[arm] = 1.0, size[arm] + 1
        for path, converts in landmarks_of(world, user):
            at, channel = path[-1]
            if not since <= at < since + WINDOW:
                continue
            # Conversions come half an hour after the touch: nearly all are in the window.
            p = rates[channel]
            q = 0.0 if channel == "email" else p
            sums[arm] += p - weight * q
            weight *= q / p if converts else (1 - q) / (1 - p)
    expected = (sums["treated"] / size["treated"] - sums["control"] / size["control"]) * size[
        "treated"
    ]
    # The last landmark counts as a share: its window ends before all conversions could come.
    assert row["expected"] == pytest.approx(expected, rel=0.03)
    assert verdicts["hypothesis_verdict"].to_list() == ["uninformative"] * 3


def test_measured_is_the_same_for_both_questions_and_all_models(world):
    [rows, credit] = compare(
        world, settings_of(MODELS, users=200), "experiment_hypotheses", "experiment_agreement"
    )
    assert rows["measured"].n_unique() == 1
    assert rows["measured"][0] == pytest.approx(credit["measured"][0])
    assert rows["measured_variance"][0] == pytest.approx(credit["measured_variance"][0], rel=0.5)
    assert rows["users"].to_list() == credit["users"].to_list() == [200] * 3


def test_an_experiment_with_all_users_fits_models_on_the_other_half():
    [rows, credit] = compare(
        small_world(), settings_of(MODELS), "experiment_hypotheses", "experiment_agreement"
    )
    assert set(rows["fitted_on"]) == {"halves"}
    found = dict(credit.select("model", "fitted_on").iter_rows())
    assert found == {"last_touch": "not fitted", "linear": "not fitted", "markov_2": "halves"}
    assert (rows["expected_variance"] > 0).all()


def test_credit_of_fitted_models_does_not_depend_on_the_users_that_get_it(world):
    """The purchases of a treated user change, and the credit of the others stays."""
    settings = settings_of(["linear"], users=200, credit="posterior")
    [before] = compare(world, settings, "experiment_agreement")
    assert before["fitted_on"].to_list() == ["other users"]
    user = world["experiments"].filter(arm="control")["user_id"][0]
    bought = pl.DataFrame(
        {"user_id": user, "converted_at": world["experiments"]["assigned_at"].max() + 2 * WINDOW,
         "outcome": "purchase"}
    )  # fmt: skip
    changed = {**world, "conversions": pl.concat([world["conversions"], bought])}
    [after] = compare(changed, settings, "experiment_agreement")
    assert after["credited"][0] == pytest.approx(before["credited"][0], abs=1e-9)


def test_an_experiment_that_goes_on_registers_predictions_and_is_not_judged(world):
    tables = ("experiment_hypotheses", "registered_predictions", "experiment_pairs")
    [rows, registered, pairs] = compare(world, settings_of(MODELS, users=9_000), *tables)
    assert rows.is_empty()
    assert pairs.is_empty()
    assert registered["model"].to_list() == sorted(MODELS)
    assert not registered["is_over"].any()


def test_a_prediction_from_before_the_reading_counts_and_one_from_after_does_not(world):
    going_on, over = settings_of(MODELS, users=9_000), settings_of(MODELS, users=200)
    with read_world(world, going_on) as (engine, models):
        pipeline.compare_with_experiments(engine, going_on, models[:2])
        pipeline.read_experiments(engine, over)
        for _ in range(2):
            pipeline.compare_with_experiments(engine, over, models)
        rows = engine.frame("from mart.experiment_hypotheses order by model")
        pairs = engine.frame("from mart.experiment_pairs")
        registered = engine.frame("from mart.registered_predictions")
    assert rows["registered"].is_null().to_list() == [False, False, True]  # markov_2 came later
    assert rows["log_score"].is_null().to_list() == [False, False, True]
    np.testing.assert_allclose(rows["registered"][:2], rows["expected"][:2])
    assert pairs["experiments"].to_list() == [1]
    assert registered.group_by("is_over").len().sort("is_over")["len"].to_list() == [2, 3]


def test_accounts_are_the_units_where_they_have_the_journeys():
    world = small_world(users=300, assigned=300)
    # Three ids of an account, which are in the arm of the first of them.
    number = pl.col("user_id").str.slice(1).cast(pl.Int64, strict=False)
    account = pl.format("a{}", number // 3)
    users = world["experiments"].select("user_id", account_id=account)
    first = world["experiments"].with_columns(account_id=account).sort("assigned_at")
    arms = first.with_columns(arm=pl.col("arm").first().over("account_id"))
    barred = arms.filter(arm="control")["user_id"].to_list()
    is_barred = (pl.col("channel") == "email") & pl.col("user_id").is_in(barred)
    sources = {
        "touchpoints": world["touchpoints"].filter(~is_barred),
        "conversions": world["conversions"],
        "users": users,
        "experiments": arms.drop("account_id"),
    }
    settings = settings_of(MODELS, users=100, people={"unit": "account"})
    [rows, credit] = compare(sources, settings, "experiment_hypotheses", "experiment_agreement")
    assert rows["users"].to_list() == [100] * 3
    assert (credit.filter(model="last_touch")["credited"] > 0).all()
    assert (rows["expected"] > 0).all()
    by_hand = last_touch_credit(sources, arms)
    # What was known of the accounts before is accounted for, which changes the figure a little.
    assert credit.filter(model="last_touch")["credited"][0] == pytest.approx(by_hand, rel=0.03)


def last_touch_credit(sources, arms):
    """Return the purchases of treated accounts in their windows whose last touch is an e-mail."""
    accounts = arms.group_by("account_id").agg(
        pl.col("arm").first(), pl.col("assigned_at").min(), pl.col("user_id")
    )
    credit = 0
    for arm, since, members in accounts.select("arm", "assigned_at", "user_id").rows():
        events = [events_of(sources, user) for user in members]
        touches = sorted(touch for own, _ in events for touch in own)
        for order in sorted(at for _, own in events for at in own):
            path = [touch for touch in touches if order - LOOKBACK < touch[0] <= order]
            if arm == "treated" and since <= order < since + WINDOW and path:
                credit += path[-1][1] == "email" and path[-1][0] >= since
    return credit
