"""The benchmark of growth: data of every shape, its settings, and what the section says."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from benchmarks import growth, whole_run
from benchmarks.growth import DIRECTIONS, Shape
from lydite.models import DEFAULT_MODELS, make_models, models_from_settings

EDGES = [
    replace(Shape(), **{name: value})
    for name, values in DIRECTIONS.items()
    for value in (values[0], values[-1])
]


@pytest.mark.parametrize("shape", EDGES, ids=str)
def test_data_have_the_requested_shape(shape):
    touchpoints, conversions = growth.make_touches(50_000, shape)
    assert touchpoints.height == pytest.approx(50_000, rel=0.02)
    assert touchpoints["channel"].n_unique() == shape.channels
    of_user = touchpoints.group_by("user_id").len()["len"]
    assert of_user.mean() == pytest.approx(shape.length, rel=0.05)
    assert conversions["outcome"].n_unique() == shape.outcomes
    assert 0.01 * 50_000 < conversions.height < 0.12 * 50_000
    weeks = (touchpoints["touched_at"].max() - touchpoints["touched_at"].min()).days / 7
    assert 0.8 <= weeks / (shape.periods + 3) <= 1.8


def test_data_are_reproducible():
    one, two = (growth.make_touches(5_000, Shape()) for _ in range(2))
    for first, second in zip(one, two, strict=True):
        assert first.equals(second)


@pytest.mark.parametrize("models", [5, len(DEFAULT_MODELS), len(DEFAULT_MODELS) + 3])
def test_settings_have_the_requested_number_of_models(models):
    names = [model.name for model in models_from_settings(growth.settings(Shape(models=models)))]
    assert len(names) == len(set(names)) == models
    defaults = [model.name for model in make_models()]
    assert names[: len(defaults)] == defaults[:models]


def test_a_run_of_a_shape_goes_from_files_to_report():
    shape = {"channels": 3, "length": 3, "outcomes": 2, "periods": 6, "models": 2}
    found = growth.run(30_000, shape)
    assert found["touches"] == pytest.approx(30_000, rel=0.05)
    assert found["seconds_cpu"] > 0


def test_the_section_has_the_power_of_growth_between_rows():
    def measured(direction, value, seconds):
        names = [f"{part}_cpu" for part in ("seconds", *whole_run.PARTS)]
        figures = {**dict.fromkeys(names, seconds), "peak_mb": 5.0}
        spread = {name: dict.fromkeys(("min", "median", "max"), v) for name, v in figures.items()}
        return {"direction": direction, "value": value, "run": spread}

    runs = [
        measured(name, value, float(value) ** 0.5)
        for name, values in DIRECTIONS.items()
        for value in values
    ]
    text = growth.section({"plan": {"touches": 100}, "runs": runs})
    assert text.count("| 0.50 |") == sum(len(values) - 1 for values in DIRECTIONS.values())
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + sum(map(len, DIRECTIONS.values()))


def test_touches_of_a_user_are_in_order():
    touchpoints, conversions = growth.make_touches(5_000, Shape(length=12))
    ordered = touchpoints.with_columns(pl.col("touched_at").diff().over("user_id").alias("gap"))
    assert ordered["gap"].drop_nulls().min().total_seconds() >= 0
    last = touchpoints.group_by("user_id").agg(pl.col("touched_at").max())
    both = conversions.join(last, on="user_id")
    assert both.height == conversions.height
    delay = (both["converted_at"] - both["touched_at"]).dt.total_minutes()
    assert delay.min() >= 0
    assert 15 < delay.mean() < 45
