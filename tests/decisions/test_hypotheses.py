"""The record of tested hypotheses: changes are kept, and what is tested again is named."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from lydite.decisions.champions import CHAMPIONS
from lydite.decisions.evidence import EXPERIMENT_COLUMNS, EXPERIMENT_VERDICTS
from lydite.decisions.hypotheses import (
    DEFINITION,
    DEFINITIONS,
    VERDICTS,
    definition_row,
    normal_form,
    record_verdicts,
    repeated_hypotheses,
)
from lydite.decisions.log import log_table
from lydite.engine import DuckDBEngine
from lydite.models import make_model, make_rule
from tests.helpers.made_rows import EVIDENCE, MODEL

CLAIM = "every touch equally, and e-mail twice"
TWICE = make_rule("twice", "case when channel = 'email' then 2 else 1 end", CLAIM)
LAST = make_model("last_touch")
CHAMPION_CHANGES = {"number": pl.Int64, "recorded_at": pl.Datetime("us"), **CHAMPIONS}


@pytest.fixture
def engine():
    with DuckDBEngine() as engine:
        yield engine


def compare(engine, verdicts, periods=3, models=(TWICE, LAST), scored_as="s"):
    """Write the tables of a comparison with these verdicts by model, and record them."""
    own = [model for model in models if model.name in verdicts]
    rows = [
        {
            "outcome": "purchase", "segment": "all", "model": model.name, "claim": model.claim,
            "primary": False, "verdict": verdicts[model.name], "periods": periods,
            "stands": verdicts[model.name] != "refuted", "conversions": 100 * periods,
            "refuted_by": "linear" if verdicts[model.name] == "refuted" else None,
            "refuted_in": date(2026, 3, 2) if verdicts[model.name] == "refuted" else None,
        }
        for model in own
    ]  # fmt: skip
    engine.store("evaluation.model_comparison", pl.DataFrame(rows, schema=MODEL))
    engine.store("evaluation.evidence", pl.DataFrame(schema=EVIDENCE))
    definitions = [definition_row("purchase", model, f"{scored_as} {model.name}") for model in own]
    engine.store(DEFINITIONS, pl.DataFrame(definitions, schema=DEFINITION))
    record_verdicts(engine)


def recorded(engine):
    return engine.rows(f"select number, model, verdict, is_compared from {VERDICTS} order by 1")


def named(engine, *models, scored_as="s"):
    keys = {model.name: f"{scored_as} {model.name}" for model in models}
    return repeated_hypotheses(engine, "purchase", models, keys)


def test_a_row_is_added_where_something_changed(engine):
    compare(engine, {"twice": "too_early", "last_touch": "best"})
    compare(engine, {"twice": "too_early", "last_touch": "best"})
    compare(engine, {"twice": "refuted", "last_touch": "best"})
    assert recorded(engine) == [
        (1, "last_touch", "best", True), (2, "twice", "too_early", True),
        (3, "twice", "refuted", True),
    ]  # fmt: skip


def test_a_model_that_is_left_out_stays_with_what_refuted_it(engine):
    compare(engine, {"twice": "refuted", "last_touch": "best"})
    compare(engine, {"last_touch": "best"})
    compare(engine, {"last_touch": "best"})
    assert recorded(engine)[2:] == [(3, "twice", "refuted", False)]
    row = engine.frame(f"from {VERDICTS} where number = 3").row(0, named=True)
    assert (row["refuted_by"], row["refuted_in"]) == ("linear", date(2026, 3, 2))
    assert (row["claim"], row["rule"]) == (CLAIM, TWICE.expression)


def test_a_rule_that_is_written_again_is_another_hypothesis_of_that_name(engine):
    other = make_rule("twice", "case when channel = 'email' then 3 else 1 end", CLAIM)
    compare(engine, {"twice": "refuted"})
    compare(engine, {"twice": "too_early"}, models=(other,))
    found = engine.rows(f"select distinct definition, model from {VERDICTS}")
    assert len(found) == 2


SAME = [
    make_rule("mine", "CASE WHEN Channel = 'email' /* twice */ THEN 2 ELSE 1 END"),
    make_rule("mine", "(case when (channel = 'email') then (2) else 1 end)"),
]
OTHER = [
    make_rule("mine", "case when channel = 'Email' then 2 else 1 end"),
    make_rule("mine", "case when channel = 'email' then 2.5 else 1 end"),
    make_rule("mine", "1.0 / position"),
]


@pytest.mark.parametrize("is_compared", [True, False])
@pytest.mark.parametrize("model", SAME, ids=lambda model: str(model.expression))
def test_the_same_rule_under_another_name_is_named(engine, model, is_compared):
    compare(engine, {"twice": "refuted", "last_touch": "best"})
    if not is_compared:
        compare(engine, {"last_touch": "best"})
    [(kind, text)] = named(engine, model, LAST)
    assert kind == "tested_before"
    assert text == (
        "mine has the same rule as twice, which linear refuted in the period from 2026-03-02"
    )


@pytest.mark.parametrize("model", OTHER, ids=lambda model: str(model.expression))
def test_another_rule_is_not(engine, model):
    compare(engine, {"twice": "refuted"})
    assert named(engine, model) == []


def test_the_same_claim_in_other_letters_is_named(engine):
    compare(engine, {"twice": "refuted"})
    other = make_rule("mine", "1.0 / position", f"{CLAIM.upper()} .")
    [(_, text)] = named(engine, other)
    assert text.startswith("mine has the same claim as twice")


def test_a_claim_that_differs_by_a_sign_is_another(engine):
    first, second = make_rule("a", "1.0 * position"), make_rule("b", "1.0 / position")
    compare(engine, {"a": "refuted"}, models=(first,))
    assert named(engine, second) == []


def test_a_hypothesis_that_stands_is_not_named(engine):
    compare(engine, {"twice": "contender"})
    assert named(engine, SAME[0]) == []


def test_a_refuted_model_that_comes_back_is_named_once(engine):
    compare(engine, {"twice": "refuted", "last_touch": "best"})
    assert named(engine, TWICE, LAST) == []
    compare(engine, {"last_touch": "best"})
    assert named(engine, TWICE, LAST) == [
        ("tested_before", "twice is tested again: linear refuted it in the period from 2026-03-02")
    ]
    compare(engine, {"twice": "refuted", "last_touch": "best"})
    assert recorded(engine)[-1] == (4, "twice", "refuted", True)
    assert named(engine, TWICE, LAST) == []


def test_a_refuted_rule_that_is_written_in_another_way_is_named_under_its_name(engine):
    compare(engine, {"twice": "refuted"})
    again = make_rule("twice", "(CASE WHEN channel = 'email' THEN 2 ELSE 1 END)", CLAIM)
    [(_, text)] = named(engine, again)
    assert text.startswith("twice is tested again: linear refuted it")
    other = make_rule("twice", "case when channel = 'email' then 3 else 1 end", CLAIM)
    assert named(engine, other) == []


@pytest.mark.parametrize(("factor", "said"), [(1.0, ["forecasts"]), (1.01, [])])
def test_the_same_forecasts_as_a_model_of_the_past_are_named(engine, factor, said):
    compare(engine, {"twice": "refuted", "last_touch": "best"})
    compare(engine, {"last_touch": "best"})
    scores = [
        ("purchase", "all", model, f"s {model}", date(2026, 1, 5 + 7 * week), bucket, loss * own)
        for model, own in (("twice", 1.0), ("mine", factor))
        for week, bucket, loss in ((0, 0, 3.0), (0, 1, 2.0), (1, 0, 4.0))
    ]
    names = ["outcome", "segment", "model", "fingerprint", "period_start", "bucket", "log_loss"]
    engine.store("ledger.scores", pl.DataFrame(scores, schema=names, orient="row"))
    mine = make_rule("mine", "case when channel = 'email' then 4 else 2 end")
    assert [text.split()[4] for _, text in named(engine, mine)] == said


def test_a_model_that_an_experiment_contradicts_no_longer_stands(engine):
    compare(engine, {"twice": "best", "last_touch": "best"})
    rows = [("purchase", "twice", "contradicted", "holdout", date(2026, 4, 1))]
    verdicts = pl.DataFrame(rows, schema=EXPERIMENT_COLUMNS, orient="row")
    engine.store(f"mart.{EXPERIMENT_VERDICTS}", verdicts)
    compare(engine, {"twice": "best", "last_touch": "best"})
    compare(engine, {"twice": "best", "last_touch": "best"})
    row = engine.frame(f"from {VERDICTS} where number = 3").row(0, named=True)
    assert (row["model"], row["stands"], row["refuted_by_experiment"]) == (
        "twice", False, "holdout"
    )  # fmt: skip
    assert len(recorded(engine)) == 3
    [(_, text)] = named(engine, SAME[0])
    assert text == "mine has the same rule as twice, which the experiment holdout contradicted"
    engine.store("decisions.champions", pl.DataFrame(schema=CHAMPION_CHANGES))
    engine.store("decisions.log", log_table([]))
    events = engine.frame("marts/timeline").select("event", "model", "caused_by").rows()
    assert ("contradicted", "twice", "holdout") in events


def test_a_model_whose_expectation_an_experiment_contradicts_no_longer_stands(engine):
    rows = [
        ("purchase", "twice", "agrees", None, None),
        ("purchase", "other", "agrees", None, None),
    ]
    verdicts = pl.DataFrame(rows, schema=EXPERIMENT_COLUMNS, orient="row").with_columns(
        hypothesis_verdict=pl.Series(["contradicted", "uninformative"]),
        hypothesis_experiment=pl.Series(["holdout", None]),
    )
    engine.store(f"mart.{EXPERIMENT_VERDICTS}", verdicts)
    compare(engine, {"twice": "best", "last_touch": "best"})
    found = engine.frame("marts/hypotheses").select("model", "stands", "refuted_by_experiment")
    assert found.rows() == [("last_touch", True, None), ("twice", False, "holdout")]


def test_a_record_of_an_earlier_version_gets_new_columns(engine):
    compare(engine, {"twice": "best"})
    engine.run(f"alter table {VERDICTS} drop column refuted_by_experiment")
    compare(engine, {"twice": "refuted"})
    assert [row[2] for row in recorded(engine)] == ["best", "refuted"]


def test_without_a_record_nothing_is_named(engine):
    assert named(engine, TWICE) == []


def test_a_rule_that_cannot_be_parsed_is_compared_as_text():
    assert normal_form("1 +  ( ") == normal_form("1 + (")
