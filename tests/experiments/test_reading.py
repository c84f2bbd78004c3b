"""All experiments of a project, from input tables to the readout."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.experiments.reading import CHECKS, READOUT, read_experiments
from lydite.settings import Completeness
from tests.experiments.conftest import START, plan_of
from tests.helpers.input_tables import make_inputs

pytest.importorskip("tea_tasting")

USERS = 1_000


@pytest.fixture
def engine():
    """Yield an engine with 1,000 users of a holdout: 10 % of control buy, and 25 % of treated."""
    rng = np.random.default_rng(1)
    arms = rng.permutation(["control", "treated"] * (USERS // 2))
    assigned, touches, conversions = [], [("tv fan", START - timedelta(days=9), "tv")], []
    for i, arm in enumerate(arms):
        user, at = f"u{i}", START + timedelta(minutes=i)
        assigned.append(("email", user, str(arm), at))
        if arm == "treated":
            touches.append((user, at, "email"))
        if rng.random() < (0.25 if arm == "treated" else 0.1):
            conversions.append((user, at + timedelta(days=3), "purchase", 20.0))
        if rng.random() < 0.3:
            conversions.append((user, at - timedelta(days=3), "purchase", 20.0))
    end = START + timedelta(days=20)
    touches.append(("tv fan", end, "tv"))
    conversions.append(("tv fan", end, "lead"))
    with DuckDBEngine() as engine:
        make_inputs(engine, touches, conversions, experiments=assigned)
        yield engine


def read(engine, plan=None, **end):
    plans = {"email": plan or plan_of(planned_users=USERS)}
    read_experiments(engine, plans, ends={"purchase": Completeness(**end)})
    return engine.frame(f"from {READOUT}"), engine.frame(f"from {CHECKS}")


def test_an_experiment_is_read(engine):
    rows, checks = read(engine)
    assert rows.select("outcome", "metric", "arm").rows() == [
        (outcome, metric, arm)
        for outcome, metric in (("purchase", "rate"), ("purchase", "value"), ("lead", "rate"))
        for arm in ("control", "treated")
    ]
    primary = rows.filter("is_primary", arm="treated").row(0, named=True)
    assert primary["verdict"] == "higher"
    assert primary["difference_low"] < 0.15 < primary["difference_high"]
    assert set(checks["status"]) == {"passed"}
    assert len(checks) == 12


def test_only_the_outcomes_that_are_declared_are_read(engine):
    rows, _ = read(engine, plan_of(planned_users=USERS, outcomes=("purchase",)))
    assert rows["outcome"].unique().to_list() == ["purchase"]


def test_a_failed_check_says_that_nothing_may_be_read(engine):
    rows, checks = read(engine, plan_of(planned_users=USERS, arms={"control": 1, "treated": 2}))
    assert checks.filter(status="failed")["check_name"].to_list() == ["sample_ratio"]
    assert rows["may_read"].unique().to_list() == ["none"]
    assert rows.drop_nulls("verdict")["verdict"].unique().to_list() == ["not_readable"]
    assert rows["difference"].drop_nulls().len() == 3


def test_the_data_may_end_earlier_by_declaration(engine):
    rows, _ = read(engine, delivery_delay=timedelta(days=18))
    assert rows["users"].sum() == 0
    assert rows["may_read"][0] == "none"
    assert rows["readable_on"][0] == START + timedelta(minutes=USERS - 1, days=7)
    rows, _ = read(engine, as_of=START + timedelta(days=7, minutes=599))
    assert rows.filter(outcome="purchase", metric="rate")["users"].sum() == 600
    assert rows["may_read"][0] == "always_valid"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"channel": "e-mail"},
            "email.channel: there is no channel 'e-mail'.*Did you mean 'email'",
        ),
        ({"outcome": "sale"}, "email.outcome: there is no outcome 'sale' in the data.*lead"),
        ({"outcomes": ("sale",)}, "email.outcomes: there is no outcome 'sale'"),
        ({"arms": ["control", "b"]}, "users are in the arm 'treated', which is not declared"),
        ({"metric": "value", "outcome": "lead"}, "email.metric: no lead has a value"),
        (
            {"arms": ["c", "treated", "control"], "control": "c"},
            "no user is in the control arm 'c'",
        ),
    ],
)
def test_what_does_not_fit_the_data_is_refused(engine, changes, says):
    with pytest.raises(InputError, match=says):
        read(engine, plan_of(**changes))


def add_opens(engine):
    """Let everybody open the e-mail in the treated arm, and a tenth click on it."""
    engine.run("update inputs.touchpoints set interaction = 'open' where channel = 'email'")
    engine.run(
        "insert into inputs.touchpoints by name select user_id, touched_at, channel,"
        " 'click' as interaction from inputs.touchpoints where channel = 'email'"
        " and user_id like '%7'"
    )


def test_steps_of_a_message_are_read_in_the_declared_order(engine):
    add_opens(engine)
    steps = ("open", "click", "lead", "purchase")
    plan = plan_of(planned_users=USERS, varies="message", outcome="click", outcomes=steps)
    rows, checks = read(engine, plan)
    assert rows["outcome"].unique(maintain_order=True).to_list() == [
        "click", "open", "lead", "purchase",
    ]  # fmt: skip
    clicks = rows.filter("is_primary", arm="treated").row(0, named=True)
    touches, assigned = (
        engine.connection.sql(f"from inputs.{name}").df() for name in ("touchpoints", "experiments")
    )
    clicked = set(touches.loc[touches["interaction"] == "click", "user_id"])
    treated = assigned[assigned["arm"] == "treated"]
    assert clicks["converted"] == treated["user_id"].isin(clicked).sum() > 0
    assert clicks["mean"] == pytest.approx(treated["user_id"].isin(clicked).mean())
    assert (clicks["verdict"], clicks["metric"], clicks["value"]) == ("higher", "rate", 0)
    assert rows.filter("is_interaction")["outcome"].unique().sort().to_list() == ["click", "open"]
    assert rows.filter(outcome="open", arm="treated")["mean"].to_list() == [1.0]
    assert "failed" not in checks["status"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"outcomes": ("opens",)},
            r"outcomes: .*'opens'.* lead, purchase; .* of email: click, open. Did you mean 'open'",
        ),
        ({"outcome": "open", "varies": "channel"}, "'open' is an interaction of email, which the"),
        ({"outcome": "open", "metric": "value"}, "email.metric: no open has a value"),
        ({"outcome": "open", "channel": "tv"}, "no outcome 'open' in the data.*: lead, purchase."),
        ({"outcome": "open", "channel": None}, "no outcome 'open' in the data.*: lead, purchase."),
    ],
)
def test_steps_that_cannot_be_read_are_refused(engine, changes, says):
    add_opens(engine)
    with pytest.raises(InputError, match=says):
        read(engine, plan_of(**{"varies": "message", **changes}))


def test_a_planned_experiment_waits_and_one_that_is_not_declared_is_named(engine):
    read_experiments(engine, {"next": plan_of()})
    checks = engine.rows(f"select experiment, check_name, status, users from {CHECKS}")
    assert checks == [
        ("next", "assignments", "waiting", 0),
        ("email", "declaration", "warning", USERS),
    ]
    assert engine.scalar(f"select count(*) from {READOUT}") == 0


def test_without_experiments_the_tables_are_empty():
    with DuckDBEngine() as engine:
        make_inputs(engine)
        read_experiments(engine, {})
        assert engine.scalar(f"select count(*) from {READOUT}") == 0
        assert engine.scalar(f"select count(*) from {CHECKS}") == 0


def test_without_data_before_the_assignment_nothing_is_compared_there(engine):
    engine.run("delete from inputs.touchpoints where channel = 'tv' and touched_at < $at",
               {"at": START})  # fmt: skip
    engine.run("delete from inputs.conversions where converted_at < $at", {"at": START})
    rows, checks = read(engine)
    assert checks.filter(check_name="pre_period")["status"].to_list() == ["not_checked"]
    assert rows["adjusted_difference"].null_count() == len(rows)


def test_an_experiment_with_earlier_conversions_has_an_adjusted_estimate(engine):
    rows, _ = read(engine)
    purchases = rows.filter(pl.col("arm") == "treated", outcome="purchase")
    assert purchases["adjusted_difference"].null_count() == 0
