"""Credit of models against holdouts, from journeys to the tables."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.experiments.agreement import MARGIN
from lydite.settings import parse_settings
from tests.helpers.holdout import PLAN, START

pytest.importorskip("tea_tasting")

USERS = 6_000


def world(effect, seed=0):
    """Return a holdout of e-mail: a tenth of the users buy, and more with it by the effect."""
    rng = np.random.default_rng(seed)
    treated = rng.permutation(np.arange(USERS) % 2).astype(bool)
    at = [START + timedelta(minutes=5 * i) for i in range(USERS)]
    buys = rng.random(USERS) < 0.1 + effect * treated
    ids = [f"u{i}" for i in range(USERS)]
    hours = timedelta(hours=1)
    touches = [(ids[i], at[i] + hours, "tv") for i in range(USERS)]
    touches += [(ids[i], at[i] + 2 * hours, "email") for i in range(USERS) if treated[i]]
    end = at[-1] + timedelta(days=40)
    touches.append(("end", end, "tv"))
    orders = [(ids[i], at[i] + 30 * hours, "purchase") for i in range(USERS) if buys[i]]
    orders.append(("end", end, "purchase"))
    arms = np.where(treated, "treated", "control")
    return {
        "touchpoints": pl.DataFrame(touches, ["user_id", "touched_at", "channel"], orient="row"),
        "conversions": pl.DataFrame(orders, ["user_id", "converted_at", "outcome"], orient="row"),
        "experiments": pl.DataFrame(
            {"experiment": "email", "user_id": ids, "arm": arms, "assigned_at": at}
        ),
    }


def settings_of(**changes):
    plan = PLAN | {"planned_users": USERS} | changes
    return parse_settings(
        {
            "sources": {"touchpoints": "t.csv", "conversions": "c.csv"},
            "models": ["last_touch", "linear", "first_touch"],
            "evaluation": {"period": "week", "lookback": "7d"},
            "experiments": {"email": plan},
        },
        "test",
    )


def compared(sources, settings):
    with DuckDBEngine() as engine:
        pipeline.run(engine, sources, settings)
        rows = engine.frame("from mart.experiment_agreement")
        verdicts = engine.frame("from mart.experiment_verdicts")
    return {row["model"]: row for row in rows.iter_rows(named=True)}, verdicts


def test_credit_for_what_comes_anyway_is_contradicted_and_the_right_credit_is_not():
    found, verdicts = compared(world(0.0), settings_of())
    assert set(found) == {"last_touch", "linear", "first_touch"}
    last = found["last_touch"]
    assert last["credited"] == pytest.approx(0.1 * USERS / 2, rel=0.15)
    assert found["linear"]["credited"] == pytest.approx(last["credited"] / 2)
    assert found["first_touch"]["credited"] == 0
    assert (last["status"], found["linear"]["status"]) == ("overstates", "overstates")
    assert last["incrementality_high"] < 1 - MARGIN
    judged = dict(verdicts.select("model", "verdict").iter_rows())
    assert judged == {
        "last_touch": "contradicted", "linear": "contradicted", "first_touch": "uninformative",
    }  # fmt: skip
    by = verdicts.filter(model="last_touch").row(0, named=True)
    assert (by["experiment"], by["experiments"]) == ("email", 1)


def test_an_experiment_that_goes_on_says_nothing_about_models():
    found, verdicts = compared(world(0.0), settings_of(planned_users=10 * USERS))
    assert found == {}
    assert verdicts.is_empty()
