"""Tests of credit that is kept between runs: after any change it equals that of a new warehouse."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lydite import pipeline, simulate
from lydite.attribution import credit
from lydite.engine import DuckDBEngine
from lydite.models import make_models
from lydite.pipeline import kept_credit

LOOKBACKS = {"conversion": timedelta(days=7)}
MODELS = ("last_touch", "time_decay_fitted", "markov_1", "additive_hazard", "decision_tree")
KEYS = {
    "touch_credit": ["outcome", "user_key", "conversion", "touch"],
    "statistics": ["outcome", "model", "bucket", "channel_key", "is_after_fit"],
    "daily": ["outcome", "model", "converted_on", "channel_key", "campaign"],
    "intervals": ["outcome", "model", "channel"],
    "differences": ["outcome", "model", "channel"],
    "removal_effects": ["outcome", "model", "channel"],
    "kinds": ["outcome", "model"],
}


@pytest.fixture(scope="module")
def world():
    world = simulate("last_touch", users=1500, seed=1, weeks=10)
    conversions = world.conversions.with_columns(
        value=(pl.col("converted_at").dt.second() + 1).cast(pl.Float64)
    )
    return world.touchpoints, conversions


@pytest.fixture
def fitted(monkeypatch):
    """Return the list to which each fit adds an entry; there are few replicates."""
    calls = []
    draw = credit.draw_buckets
    monkeypatch.setattr(credit, "draw_buckets", lambda units, seed: draw(units, seed, 10))
    fit = credit.fit_models

    def counting(*args):
        calls.append(1)
        return fit(*args)

    monkeypatch.setattr(credit, "fit_models", counting)
    return calls


def attribute(engine, rows, names=MODELS, seed=1, **build):
    touchpoints, conversions = rows
    pipeline.load_inputs(engine, {"touchpoints": touchpoints, "conversions": conversions})
    built = pipeline.build_journeys(engine, LOOKBACKS, "week", **build)
    pipeline.build_samples(engine, 1_000_000)
    pipeline.attribute_conversions(engine, make_models(names), seed)
    return built


def tables(engine):
    return {
        name: engine.frame(f"from credit.{name}").sort(keys, nulls_last=True)
        for name, keys in KEYS.items()
    }


def check(engine, rows, names=MODELS, seed=1):
    """Compare the tables of credit with those of a new database."""
    with DuckDBEngine(threads=1) as new:
        attribute(new, rows, names, seed)
        expected = tables(new)
    found = tables(engine)
    for name, frame in expected.items():
        assert_frame_equal(found[name], frame, abs_tol=1e-9, rel_tol=1e-12)


def until(world, day):
    touchpoints, conversions = world
    end = touchpoints["touched_at"].min().replace(hour=0, minute=0, second=0, microsecond=0)
    end += timedelta(days=day)
    return (
        touchpoints.filter(pl.col("touched_at") < end),
        conversions.filter(pl.col("converted_at") < end),
    )


def test_within_a_period_models_are_fitted_once_and_credit_follows_the_days(
    tmp_path, world, fitted
):
    with DuckDBEngine(tmp_path / "w.duckdb", threads=1) as engine:
        fits = []
        for day in range(52, 60):
            rows = until(world, day)
            built = attribute(engine, rows)
            assert (built.full_reason is None) == (day > 52)
            fits.append(len(fitted))
            if day in {54, 59}:
                check(engine, rows)
            fitted.clear()
    assert fits[0] == 1
    assert sum(fits[1:]) == 1  # of any seven days one completes a week


def change_value(touchpoints, conversions, row):
    changed = pl.when(pl.int_range(pl.len()) == row).then(777.0).otherwise(pl.col("value"))
    return touchpoints, conversions.with_columns(value=changed)


def remove_user(touchpoints, conversions, row):
    user = conversions["user_id"][row]
    return touchpoints.filter(pl.col("user_id") != user), conversions.filter(
        pl.col("user_id") != user
    )


def add_touch(touchpoints, conversions, row):
    late = conversions.select(
        "user_id",
        touched_at=pl.col("converted_at") - timedelta(hours=1),
        channel=pl.lit(touchpoints["channel"][0]),
    )[row : row + 1]
    return pl.concat([touchpoints, late], how="diagonal"), conversions


def nothing(touchpoints, conversions, row):
    del row
    return touchpoints[::-1], conversions


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (change_value, "early"),
        (change_value, "late"),
        (add_touch, "early"),
        (add_touch, "late"),
        (remove_user, "early"),
        (nothing, "late"),
    ],
)
def test_after_changes_of_old_or_new_rows_credit_equals_that_of_a_new_warehouse(
    tmp_path, world, fitted, change, place
):
    touchpoints, conversions = until(world, 58)
    conversions = conversions.sort("converted_at")
    row = 5 if place == "early" else len(conversions) - 2
    with DuckDBEngine(tmp_path / "w.duckdb", threads=1) as engine:
        attribute(engine, (touchpoints, conversions))
        fitted.clear()
        rows = change(touchpoints, conversions, row)
        assert attribute(engine, rows).full_reason is None
        assert bool(fitted) == (place == "early")
        check(engine, rows)


def test_other_models_or_another_seed_are_fitted_again(tmp_path, world, fitted):
    rows = until(world, 58)
    with DuckDBEngine(tmp_path / "w.duckdb", threads=1) as engine:
        for names, seed, fits in [
            (MODELS[:3], 1, 1), (MODELS[:3], 1, 0), (MODELS[:3], 2, 1), (MODELS[:4], 2, 1),
            (MODELS[:4], None, 1),
        ]:  # fmt: skip
            attribute(engine, rows, names, seed)
            assert len(fitted) == fits
            check(engine, rows, names, seed)
            fitted.clear()


def test_after_a_run_that_failed_or_a_full_build_all_touches_are_credited_again(
    tmp_path, world, fitted, monkeypatch
):
    names = MODELS[:3]
    with DuckDBEngine(tmp_path / "w.duckdb", threads=1) as engine:
        attribute(engine, until(world, 57), names)
        with monkeypatch.context() as patch:
            patch.setattr(credit, "_write_sums", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                attribute(engine, until(world, 58), names)
        attribute(engine, until(world, 58), names)
        check(engine, until(world, 58), names)
        pipeline.build_journeys(engine, LOOKBACKS, "week")  # a build that credit does not follow
        attribute(engine, until(world, 58), names)
        attribute(engine, until(world, 58), names, full=True)
        check(engine, until(world, 58), names)
        engine.run(f"update {kept_credit.TABLE} set fingerprint = 'other'")
        fitted.clear()
        attribute(engine, until(world, 58), names)
        assert len(fitted) == 1
