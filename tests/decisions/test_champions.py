"""The model in use and its challenger."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from lydite.decisions.champions import (
    CHANGES,
    IN_USE,
    find_challenger,
    make_champions,
    write_champions,
)
from lydite.decisions.evidence import EXPERIMENT_COLUMNS, EXPERIMENT_VERDICTS
from lydite.engine import DuckDBEngine
from tests.helpers.made_comparisons import (
    ALL_REFUTED,
    BEST,
    BEST_OF_PRIMARY,
    CONTENDERS,
    NO_BETTER,
    TOO_EARLY,
    make_comparison,
)
from tests.helpers.made_decisions import DECISION


def marts_of(*outcomes):
    made = make_comparison(*outcomes)
    return {**made.marts, "outcomes": pl.DataFrame(made.outcomes)}


def test_without_a_decision_last_touch_is_in_use_and_says_so():
    [row] = make_champions(marts_of(("purchase", BEST)), []).to_dicts()
    assert (row["model"], row["status"]) == ("last_touch", IN_USE)
    assert IN_USE == "in use until somebody decides"
    assert (row["verdict"], row["is_refuted"], row["refuted_by"]) == ("refuted", True, "linear")
    assert (row["challenger"], row["challenger_verdict"]) == ("linear", "best")
    assert row["decided_at"] is None


def test_the_last_decision_on_each_outcome_holds():
    marts = marts_of(("purchase", BEST), ("lead", CONTENDERS))
    log = [DECISION, replace(DECISION, outcome="other", to_model="shapley"),
           replace(DECISION, to_model="markov_2", decided_by="bob", despite="linear")]  # fmt: skip
    purchase, lead = make_champions(marts, log).to_dicts()
    assert (purchase["model"], purchase["decided_by"]) == ("markov_2", "bob")
    assert (purchase["status"], purchase["despite"]) == ("decided", "linear")
    assert (lead["model"], lead["status"]) == ("last_touch", IN_USE)


def test_a_champion_that_was_not_compared_has_no_verdict():
    log = [replace(DECISION, to_model="gone")]
    [row] = make_champions(marts_of(("purchase", BEST)), log).to_dicts()
    assert (row["model"], row["verdict"], row["is_refuted"]) == ("gone", None, False)
    assert row["challenger"] == "linear"


@pytest.mark.parametrize(
    ("rivals", "champion", "challenger"),
    [
        (BEST, "last_touch", "linear"),
        (BEST, "linear", None),
        (BEST_OF_PRIMARY, "last_touch", "linear"),  # primary, though shapley has a higher rank
        (CONTENDERS, "last_touch", "linear"),
        (CONTENDERS, "markov_1", "linear"),
        (TOO_EARLY, "last_touch", "linear"),
        (NO_BETTER, "linear", None),
        (ALL_REFUTED, "linear", None),
    ],
)
def test_the_challenger_is_the_first_that_stands(rivals, champion, challenger):
    assert find_challenger(marts_of(("purchase", rivals)), "purchase", champion) == challenger


def test_a_model_with_the_forecasts_of_the_champion_is_no_challenger():
    rivals = (("markov_1", "best", 0.03, None, "last_touch"),
              ("last_touch", "best", 0.03, None, "markov_1"))  # fmt: skip
    assert find_challenger(marts_of(("purchase", rivals)), "purchase", "last_touch") is None


def test_the_challenger_is_replaced_when_it_is_refuted():
    before = (("linear", "best", 0.03, None, ""), ("time_decay", "contender", 0.02, None, ""))
    after = (("time_decay", "best", 0.03, None, ""), ("linear", "refuted", 0.01, "time_decay", ""))
    first = find_challenger(marts_of(("purchase", before)), "purchase", "last_touch")
    then = find_challenger(marts_of(("purchase", after)), "purchase", "last_touch")
    assert (first, then) == ("linear", "time_decay")


def test_only_changes_are_appended():
    with DuckDBEngine() as engine:
        for rivals, log in ((TOO_EARLY, []), (TOO_EARLY, []), (BEST, []), (BEST, [DECISION])):
            write_champions(engine, make_champions(marts_of(("purchase", rivals)), log))
        rows = engine.rows(f"select number, model, challenger, is_refuted from {CHANGES}")
    assert rows == [
        (1, "last_touch", "linear", False), (2, "last_touch", "linear", True),
        (3, "linear", None, False),
    ]  # fmt: skip


def test_a_champion_that_an_experiment_contradicts_is_refuted_and_no_challenger():
    rows = [("purchase", "linear", "contradicted", "holdout", date(2026, 4, 1))]
    verdicts = pl.DataFrame(rows, schema=EXPERIMENT_COLUMNS, orient="row")
    marts = {**marts_of(("purchase", CONTENDERS)), EXPERIMENT_VERDICTS: verdicts}
    [row] = make_champions(marts, [DECISION]).to_dicts()
    assert (row["is_refuted"], row["refuted_by"]) == (True, None)
    assert (row["refuted_by_experiment"], row["refuted_in"]) == ("holdout", date(2026, 4, 1))
    assert row["challenger"] == "last_touch"
