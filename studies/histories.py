"""Simulated histories of the study of verdicts: worlds and variants, with new users in each."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
import polars as pl

from lydite.simulation import VARIANTS, simulate, single_truth

if TYPE_CHECKING:
    from collections.abc import Callable

    from studies.backtests import Tables

#: All histories end in the past: rows of the future would be set aside.
START = date(2021, 1, 4)
#: So many weeks leave about 26 that are scored, after what the first fit needs and the lookback.
WEEKS = 40
#: With one conversion a week, the first fit needs two years.
SPARSE_WEEKS = 150
#: The world before and after the truth has changed half-way.
BEFORE, AFTER = "first_touch", "last_touch"
#: The columns of the table of users, in the variants where it is one of the inputs.
_USER_COLUMNS = {"accounts": "account_id", "countries": "country"}


def simulate_history(variant: str, world: str, users: int, seed: int) -> Tables:
    """Return the input tables of one history, by name.

    Parameters
    ----------
    variant : str
        One of `HISTORIES`.
    world, users, seed
        As for `lydite.simulate`.
    """
    return HISTORIES[variant](world, users, seed)


def _plain(
    world: str,
    users: int,
    seed: int,
    weeks: int = WEEKS,
    start: date = START,
    variant: str | None = None,
) -> Tables:
    made = simulate(world, users=users, seed=seed, weeks=weeks, start=start, variant=variant)
    # Other names in each history, so that users are in other buckets.
    named = [pl.format("{}-{}", pl.lit(seed), "user_id").alias("user_id")]
    tables = {
        "touchpoints": made.touchpoints.with_columns(named).drop("touchpoint_id"),
        "conversions": made.conversions.with_columns(named).drop("conversion_id"),
    }
    if variant in _USER_COLUMNS:
        column = _USER_COLUMNS[variant]
        if column == "account_id":
            named.append(pl.format("{}-{}", pl.lit(seed), column).alias(column))
        tables["users"] = made.users.with_columns(named).select("user_id", column)
    return tables


def _of_variant(variant: str) -> Callable[[str, int, int], Tables]:
    """Return a function that simulates a variant of `lydite.simulate`."""
    weeks = SPARSE_WEEKS if variant == "sparse" else WEEKS
    return lambda world, users, seed: _plain(world, users, seed, weeks, variant=variant)


def _returning(world: str, users: int, seed: int) -> Tables:
    """Let nearly all users come back, again and again over the whole history."""
    with (
        patch.object(single_truth, "_RETURN_AFTER_CONVERSION", 0.95),
        patch.object(single_truth, "_RETURN_AFTER_PAUSE", 0.95),
    ):
        return _plain(world, users, seed)


def _fragmented(world: str, users: int, seed: int) -> Tables:
    """Let three touches in ten be on a second device, and know users by device only."""
    tables = _plain(world, users, seed)
    touchpoints, conversions = tables["touchpoints"], tables["conversions"]
    device = np.random.default_rng(seed).random(touchpoints.height) < 0.3
    touchpoints = touchpoints.with_columns(
        device=pl.format("{}-{}", "user_id", pl.Series(device.astype(int)))
    )
    # A conversion happens on the device of the touch before it.
    conversions = conversions.sort("converted_at").join_asof(
        touchpoints.select("user_id", "touched_at", "device").sort("touched_at"),
        left_on="converted_at",
        right_on="touched_at",
        by="user_id",
        check_sortedness=False,
    )
    by_device = pl.col("device").alias("user_id")
    return {
        "touchpoints": touchpoints.with_columns(by_device).drop("device"),
        "conversions": conversions.with_columns(by_device).drop("device", "touched_at"),
    }


def _late(world: str, users: int, seed: int) -> Tables:
    """Let every tenth conversion be reported too late for its period's score."""
    tables = _plain(world, users, seed)
    known = np.random.default_rng(seed).random(tables["conversions"].height) < 0.9
    return {**tables, "conversions": tables["conversions"].filter(pl.Series(known))}


def _drift(world: str, users: int, seed: int) -> Tables:
    """Make another model true for users who arrive in the second half."""
    half = WEEKS // 2
    before = _plain(world, users // 2, seed, half)
    after = _plain(AFTER, users // 2, seed + 500_000, half, START + timedelta(weeks=half))
    return {name: pl.concat([before[name], after[name]]) for name in before}


HISTORIES: dict[str, Callable[[str, int, int], Tables]] = {
    "plain": _plain,
    "returning": _returning,
    "fragmented": _fragmented,
    "late": _late,
    "drift": _drift,
    **{variant: _of_variant(variant) for variant in VARIANTS},
}
