"""Shifted times: found where touchpoints are hours off, and only there."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite import compare, credit, pipeline
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.journeys import find_outcomes
from lydite.quality.time_shift import (
    Lags,
    Shift,
    count_lags,
    find_shift,
    is_aligned,
    read_zones,
    time_findings,
    write_zones,
)
from lydite.simulation import simulate
from tests.helpers.examples import examples

ZERO = 60  # the row of lag zero; a row is a quarter of an hour
WORLDS = {
    "linear": simulate("linear", users=3000, seed=1, weeks=12),
    "storefront": simulate("storefront", users=3000, seed=2, weeks=12),
}


def tables(world: str, hours: float = 0) -> dict[str, pl.DataFrame]:
    """Return the tables of a world with touchpoints so many hours ahead."""
    made = WORLDS[world]
    touched_at = pl.col("touched_at") + timedelta(hours=hours)
    return {
        "touchpoints": made.touchpoints.with_columns(touched_at),
        "conversions": made.conversions,
    }


def lags(data: dict[str, pl.DataFrame]) -> Lags:
    with DuckDBEngine() as engine:
        pipeline.load_inputs(engine, data)
        outcomes = find_outcomes(engine)
        pipeline.build_journeys(engine, dict.fromkeys(outcomes, timedelta(days=14)), "week")
        return count_lags(engine)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("hours", [-11, -8, -5.5, -1, 1, 2, 5.5, 9, 14])
def test_shifted_touchpoints_are_found(world, hours):
    shift = find_shift(lags(tables(world, hours)))
    assert shift is not None
    assert abs(shift.hours - hours) <= 0.25
    assert shift.conversions > 3 * shift.at_zero


@pytest.mark.parametrize("world", WORLDS)
def test_right_times_are_aligned(world):
    counts = lags(tables(world))
    assert find_shift(counts) is None
    assert is_aligned(counts)


def unequal(counts: np.ndarray) -> Lags:
    """Return conversions of which no two have the same delay."""
    return Lags(counts, np.minimum(counts.sum(axis=1), 1))


def spread(by_lag: dict[int, int], level: int = 2) -> Lags:
    """Return counts at some lags, in quarters of an hour, over the hours of the day."""
    counts = np.full((121, 24), level)
    for lag, n in by_lag.items():
        counts[ZERO + lag] += n // 24
    return unequal(counts)


#: Most conversions come about six hours after a touch, give or take three.
HUMP = {lag: float(np.exp(-(((lag - 24) / 12) ** 2) / 2)) / 30 for lag in range(-60, 61)}


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("no relation in time", spread({})),
        ("nothing at all", unequal(np.zeros((121, 24), dtype=int))),
        ("a page that is recorded after the conversion", spread({-1: 960, 0: 240})),
        ("only pages that are recorded after the conversion", spread({-1: 960})),
        ("conversions half an hour later", spread({2: 960, 3: 480})),
        ("slow conversions", spread({lag: round(2e4 * HUMP[lag]) for lag in range(-60, 61)})),
        ("a delay that some have", spread({0: 480, 8: 960})),
        ("a least delay of two hours", spread(dict.fromkeys(range(8, 61), 480))),
    ],
)
def test_other_patterns_are_no_shift(name, counts):
    assert find_shift(counts) is None, name


def test_conversions_of_a_nightly_batch_are_no_shift():
    """Mails at eight in the morning, conversions booked at two at night."""
    counts = np.full((121, 24), 2)
    counts[ZERO - 24, 2] = 900
    assert find_shift(unequal(counts)) is None


def test_summer_time_leaves_two_jumps():
    assert find_shift(spread({-4: 960, -8: 1200})) == Shift(2.0, 1248, 48)


@examples(100)
@given(st.integers(0, 100_000), st.floats(0, 300))
def test_noise_is_no_shift(seed, mean):
    counts = np.random.default_rng(seed).poisson(mean / 24, (121, 24))
    assert find_shift(unequal(counts)) is None


MADE_DELAYS = {
    "one delay": lambda rng, n: np.full(n, 90 * 60),
    "one of some delays": lambda rng, n: 3600 * rng.choice([1, 2, 5, 24], n),
    "whole hours": lambda rng, n: 3600 * rng.integers(1, 48, n),
    "between one and three hours": lambda rng, n: rng.integers(3600, 3 * 3600, n),
    "at least two hours": lambda rng, n: (7200 + rng.exponential(86_400, n)).astype(int),
    "days": lambda rng, n: 86_400 * rng.integers(0, 5, n),
}


@pytest.mark.parametrize("delays", MADE_DELAYS.values(), ids=list(MADE_DELAYS))
def test_delays_of_made_data_are_no_shift(delays):
    rng = np.random.default_rng(3)
    n = 4000
    at = np.datetime64("2026-01-01", "ms") + 1000 * rng.integers(0, 90 * 86_400, n).astype(
        "timedelta64[ms]"
    )
    after = at + (1000 * delays(rng, n)).astype("timedelta64[ms]")
    user = [f"u{number}" for number in range(n)]
    data = {
        "touchpoints": pl.DataFrame({"user_id": user, "touched_at": at, "channel": ["mail"] * n}),
        "conversions": pl.DataFrame({"user_id": user, "converted_at": after}),
    }
    assert find_shift(lags(data)) is None


def zoned(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    return frame.with_columns(pl.col(column).dt.replace_time_zone("UTC"))


def test_local_times_are_an_error_that_names_both_columns_and_the_fix():
    data = tables("linear", 9)
    data["conversions"] = zoned(data["conversions"], "converted_at")
    with pytest.raises(InputError) as error:
        compare(**data, lookback="7d", models=["linear", "last_touch"])
    text = str(error.value)
    assert "touchpoints.touched_at (without a zone, read as UTC) is about 9 hours ahead of" in text
    assert "conversions.converted_at (with a zone)" in text
    assert "touched_at at time zone 'Asia/Tokyo'" in text
    assert "--accept shifted_times" in text


def test_accepted_shifts_run():
    result = compare(
        **tables("linear", 9), lookback="7d", models=["linear"], accept=["shifted_times"]
    )
    [finding] = result.findings
    assert finding.kind == "shifted_times"
    assert not finding.blocking


def kinds(data: dict[str, pl.DataFrame], accept: tuple[str, ...] = ()) -> list[str]:
    result = compare(**data, lookback="7d", models=["linear"], accept=accept)
    return [finding.kind for finding in result.findings]


def test_mixed_zones_are_found_where_the_data_does_not_show_that_they_fit():
    data = tables("linear")
    data["touchpoints"] = zoned(data["touchpoints"], "touched_at")
    assert kinds(data) == []  # the jump at lag zero shows it
    later = pl.col("converted_at") + pl.duration(hours=20 + pl.int_range(pl.len()) % 90)
    data["conversions"] = data["conversions"].with_columns(later)
    with pytest.raises(InputError) as error:
        compare(**data, lookback="7d", models=["linear"])
    text = str(error.value)
    assert "touchpoints.touched_at (with a zone)" in text
    assert "conversions.converted_at (without a zone, read as UTC)" in text
    assert kinds(data, accept=("mixed_zones",)) == ["mixed_zones"]
    epochs = pl.col("touched_at").dt.epoch("us")
    numbers = {**data, "touchpoints": data["touchpoints"].with_columns(epochs)}
    assert kinds(numbers) == ["mixed_zones"]  # a warning only
    data["conversions"] = zoned(data["conversions"], "converted_at")
    assert kinds(data) == []


def test_whether_times_had_zones_is_stored_by_table():
    with DuckDBEngine() as engine:
        assert read_zones(engine) == {}
        write_zones(engine, ["touchpoints", "conversions"], {"touchpoints": "given"})
        write_zones(engine, ["conversions"], {"conversions": "none"})
        assert read_zones(engine) == {"touchpoints": "given", "conversions": "none"}
        write_zones(engine, ["touchpoints"], {})
        assert read_zones(engine) == {"conversions": "none"}


def test_without_rows_there_is_no_finding():
    with DuckDBEngine() as engine:
        for table, column in (("conversions", "converted_at"), ("touches", "touched_at")):
            engine.create(
                f"journeys.{table}",
                "select 1 as user_key, 1 as conversion_key, 1 as bucket,"
                f" timestamp '2026-01-01' as {column} where false",
            )
        assert time_findings(engine, {}) == []


def test_credit_without_verdicts_checks_the_times_too():
    with pytest.raises(InputError, match="hours behind conversions.converted_at"):
        credit(**tables("linear", -5), models=["linear"], intervals=False)
    found = credit(
        **tables("linear", -5), models=["linear"], intervals=False, accept=["shifted_times"]
    )
    assert "shifted_times" in found.warnings["kind"].to_list()
