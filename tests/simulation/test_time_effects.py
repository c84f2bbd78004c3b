"""Effects of the calendar: their size, and that channels have none once the time is known."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy import stats

from lydite.simulation import _time_effects as time_effects
from lydite.simulation import simulate

START = date(2025, 1, 6)
#: By variant, the strata within which the rates are constant.
STRATA = {
    "season": pl.col("touched_at").dt.truncate("1d"),
    "random_walk": pl.col("touched_at").dt.truncate("1w"),
    "shocks": pl.col("touched_at").dt.truncate("1w"),
    "weekday": pl.col("touched_at").dt.weekday(),
    "hours": pl.col("touched_at").dt.hour(),
    "sale": pl.col("touched_at").dt.truncate("1d"),
}


def touches_with_outcomes(world):
    """Return touches with the columns `converted` and `following` (one of the channels)."""
    touches = world.touchpoints.select("user_id", "touched_at", "channel").sort("touched_at")
    deciding = world.conversions.sort("converted_at").join_asof(
        touches.rename({"channel": "last"}),
        left_on="converted_at",
        right_on="touched_at",
        by="user_id",
        check_sortedness=False,
    )
    return touches.join(
        deciding.select("user_id", "touched_at", converted=pl.lit(1)).unique(),
        on=["user_id", "touched_at"],
        how="left",
    ).with_columns(
        pl.col("converted").fill_null(0), following=pl.col("channel").is_in(time_effects.FOLLOWING)
    )


def z_within(touches, stratum):
    """Return the z-value of Cochran, Mantel and Haenszel for conversions of following channels."""
    table = touches.group_by(stratum=stratum).agg(
        n=pl.len(),
        following=pl.col("following").sum(),
        converted=pl.col("converted").sum(),
        both=(pl.col("converted") * pl.col("following")).sum(),
    )
    n, following, converted, both = (
        table[name].to_numpy().astype(float) for name in ("n", "following", "converted", "both")
    )
    variance = following * (n - following) * converted * (n - converted) / n**2 / (n - 1).clip(1)
    return (both - following * converted / n).sum() / np.sqrt(variance.sum())


@pytest.mark.parametrize("world", ["null", "activity"])
@pytest.mark.parametrize("variant", STRATA)
def test_channels_have_an_effect_only_as_long_as_time_is_ignored(world, variant):
    touches = touches_with_outcomes(simulate(world, users=60_000, seed=61, variant=variant))
    assert abs(z_within(touches, STRATA[variant])) < 3.3
    assert z_within(touches, pl.lit(0)) > 4


@pytest.mark.parametrize("variant", STRATA)
def test_rates_and_mix_change_together_over_time(variant):
    touches = touches_with_outcomes(simulate("null", users=60_000, seed=62, variant=variant))
    by_time = (
        touches.group_by(stratum=STRATA[variant])
        .agg(pl.len(), pl.col("converted").mean(), pl.col("following").mean())
        .filter(pl.col("len") > 200)
        .sort("following")
    )
    assert by_time.height >= 7
    share = by_time["following"]
    assert 2.3 < share[-1] / share[0] < 5
    rate = by_time["converted"]
    assert stats.spearmanr(share, rate).pvalue < 0.01
    expected = 0.06 * np.array([3**-0.5, 3**0.5])
    low, high = (rate[rows].mean() for rows in (slice(0, 2), slice(by_time.height - 2, None)))
    np.testing.assert_allclose([low, high], expected, rtol=0.35)


@pytest.mark.parametrize("variant", STRATA)
def test_factors_have_their_range(variant):
    effects = getattr(time_effects, variant)(3, 40, START)
    assert effects.rate.shape == effects.following.shape == effects.volume.shape == (40 * 168,)
    assert effects.rate.max() / effects.rate.min() == pytest.approx(time_effects.RATIO)
    order = np.argsort(effects.rate)
    assert (np.diff(effects.following[order]) >= -1e-12).all()


@pytest.mark.parametrize("variant", ["season", "random_walk", "shocks", "sale"])
def test_histories_differ_by_seed(variant):
    make = getattr(time_effects, variant)
    assert np.array_equal(make(1, 30, START).rate, make(1, 30, START).rate)
    assert not np.array_equal(make(1, 30, START).rate, make(2, 30, START).rate)


def test_weekdays_are_those_of_the_calendar():
    monday, thursday = (
        time_effects.weekday(1, 2, day).rate[::24] for day in (START, date(2025, 1, 9))
    )
    assert np.array_equal(monday[3:10], thursday[:7])
    assert monday.argmax() == 5


def test_more_users_arrive_during_sales():
    effects = time_effects.sale(4, 40, START)
    on_sale = effects.rate > 1
    assert 0.02 < on_sale.mean() < 0.2
    assert set(effects.volume[on_sale]) == {1.8}
    uniform = (np.arange(100_000) + 0.5) / 100_000
    arrivals = on_sale[effects.arrival(uniform) // 3600]
    expected = effects.volume[on_sale].sum() / effects.volume.sum()
    assert arrivals.mean() == pytest.approx(expected, rel=0.01)


def test_probabilities_of_channels_follow_the_weights():
    effects = time_effects.TimeEffects(np.ones(2), np.array([1.0, 3.0]), np.ones(2))
    plain = np.cumsum(np.tile([0.2, 0.1, 0.1, 0.2, 0.1, 0.1, 0.1, 0.1], (2, 1)), axis=1)
    tilted = np.diff(effects.tilt(plain, np.array([0, 3600])), axis=1, prepend=0)
    np.testing.assert_allclose(tilted[0], np.diff(plain[0], prepend=0))
    expected = np.array([0.2, 0.3, 0.3, 0.2, 0.1, 0.1, 0.1, 0.1]) / 1.4
    np.testing.assert_allclose(tilted[1], expected)
    assert (effects.tilt(plain, np.array([0, 3600]))[:, -1] == 1).all()
