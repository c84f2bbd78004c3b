"""Geo holdouts from input tables, with a known effect."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.experiments.reading import CHECKS, READOUT, read_experiments
from lydite.settings import ExperimentSettings
from tests.experiments.conftest import START
from tests.helpers.input_tables import make_inputs

pytest.importorskip("tea_tasting")

DAYS = 28
NAMES = [f"r{i:02}" for i in range(16)]


def plan_of(names=NAMES, *, paired=True, **changes):
    values = {
        "channel": "radio", "hypothesis": "Radio brings purchases.", "outcome": "purchase",
        "unit": "region", "metric": "value",
        "arms": {"control": names[1::2], "treated": names[::2]},
        "pairs": list(zip(names[::2], names[1::2], strict=True)) if paired else [],
        "start": START, "end": START + timedelta(days=DAYS),
    }  # fmt: skip
    return ExperimentSettings(**{**values, **changes})


def fill(engine, names=NAMES, lift=0.5, cost=40.0, seed=0, unknown=0):
    """Make a region per user, with about 4 conversions a day, and touches that cost something.

    A user without a region has so many conversions a day.
    """
    rng = np.random.default_rng(seed)
    conversions, touches = [], []
    for i, name in enumerate(names):
        level = 3 + 0.25 * (i // 2)
        for day in range(-DAYS - 1, DAYS):
            is_treated = i % 2 == 0 and day >= 0
            at = START + timedelta(days=day, hours=12)
            n = rng.poisson(level * (1 + lift * is_treated))
            conversions += [(name, at, "purchase", 10.0, f"{name} {day} {k}") for k in range(n)]
            if is_treated:
                touches.append((name, at, "radio", None, None, cost))
    touches.append(("nowhere", START + timedelta(days=DAYS), "radio"))
    conversions.append(("nowhere", START + timedelta(days=DAYS), "purchase", 1.0))
    for day in range(-2, DAYS + 1):
        at = START + timedelta(days=day, hours=12)
        conversions += [("else", at, "purchase", 10.0, f"else {day} {k}") for k in range(unknown)]
    make_inputs(engine, touches, conversions)
    engine.store("inputs.users", pl.DataFrame({"user_id": names, "region": names}))


@pytest.fixture
def engine():
    with DuckDBEngine() as engine:
        yield engine


def read(engine, plan):
    read_experiments(engine, {"radio": plan})
    rows = engine.frame(f"from {READOUT}").filter(pl.col("arm") == "treated")
    checks = dict(engine.rows(f"select check_name, status from {CHECKS}"))
    return {row["metric"]: row for row in rows.iter_rows(named=True)}, checks


@pytest.mark.parametrize("paired", [True, False])
def test_the_effect_and_the_return_on_spend_are_covered(engine, paired):
    fill(engine)
    rows, checks = read(engine, plan_of(paired=paired))
    value = rows["value"]
    true = 0.5 * 10 * sum(3 + 0.25 * k for k in range(8)) * DAYS
    assert value["difference_low"] < true < value["difference_high"]
    assert value["difference_low"] > 0
    assert value["spend"] == pytest.approx(8 * DAYS * 40)
    assert value["return_low"] < true / (8 * DAYS * 40) < value["return_high"]
    assert (value["may_read"], value["verdict"]) == ("fixed", "higher")
    assert value["is_primary"]
    assert not rows["conversions"]["is_primary"]
    assert value["mean"] - value["control_mean"] == pytest.approx(value["difference"])
    assert set(checks.values()) == {"passed"}


def test_a_declared_spend_scales_the_interval(engine):
    fill(engine)
    value = read(engine, plan_of(spend=1_000.0))[0]["value"]
    assert value["return_low"] == pytest.approx(value["difference_low"] / 1_000)
    assert value["return_on_spend"] == pytest.approx(value["difference"] / 1_000)


def test_few_regions_say_that_they_cannot_decide(engine):
    fill(engine, NAMES[:8])
    rows, checks = read(engine, plan_of(NAMES[:8]))
    assert checks["regions"] == "failed"
    assert rows["value"]["difference"] > 0
    found = rows["value"]
    assert (found["difference_low"], found["p_value"], found["verdict"]) == (
        None,
        None,
        "not_readable",
    )


def test_five_pairs_cannot_decide_either(engine):
    fill(engine, NAMES[:10])
    rows, checks = read(engine, plan_of(NAMES[:10]))
    assert checks["regions"] == "failed"
    assert rows["value"]["verdict"] == "not_readable"
    unpaired, checks = read(engine, plan_of(NAMES[:10], paired=False))
    assert checks["regions"] == "passed"
    assert unpaired["value"]["verdict"] == "higher"


def test_a_test_that_is_not_over_is_not_read_and_names_the_date(engine):
    fill(engine)
    rows, checks = read(engine, plan_of(window="7d"))
    assert checks["windows"] == "waiting"
    [row] = rows.values()
    assert (row["difference"], row["verdict"]) == (None, "not_readable")
    assert row["readable_on"] == START + timedelta(days=DAYS + 7)


def test_touches_in_control_regions_warn(engine):
    fill(engine)
    engine.run(
        "insert into inputs.touchpoints by name select 'r01' as user_id, touched_at, channel"
        " from inputs.touchpoints where user_id = 'r00'"
    )
    assert read(engine, plan_of())[1]["control_exposed"] == "warning"


@pytest.mark.parametrize(("unknown", "status"), [(0, "passed"), (2, "warning")])
def test_conversions_of_users_without_a_region_are_counted(engine, unknown, status):
    fill(engine)
    before = read(engine, plan_of())[0]["value"]
    fill(engine, unknown=unknown)
    after, checks = read(engine, plan_of())
    assert after["value"] == before
    assert checks["unknown_regions"] == status
    [(text,)] = engine.rows(f"select text from {CHECKS} where check_name = 'unknown_regions'")
    assert text.startswith(f"{unknown * DAYS} of ")


def test_a_region_without_users_is_refused(engine):
    fill(engine, NAMES[:14])
    with pytest.raises(
        InputError, match=r"experiments\.radio\.arms: no user has region = 'r1[45]'"
    ):
        read(engine, plan_of())


def test_too_few_days_before_the_test_are_not_enough(engine):
    fill(engine)
    engine.run("delete from inputs.conversions where converted_at < timestamp '2026-02-25'")
    rows, checks = read(engine, plan_of())
    assert checks["pre_period"] == "failed"
    assert [row["verdict"] for row in rows.values()] == ["not_readable"]
