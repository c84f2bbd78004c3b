"""What refutes a model, read from the tables of a comparison."""

from __future__ import annotations

from datetime import date

import polars as pl

from lydite.decisions.evidence import (
    CONTRADICTED,
    EXPERIMENT_COLUMNS,
    EXPERIMENT_VERDICTS,
    Refutation,
    read_refutations,
    rivals_of,
)
from tests.helpers.made_comparisons import BEST, CONTENDERS, make_comparison


def test_refuted_models_have_what_refuted_them_by_outcome():
    marts = make_comparison(("purchase", BEST), ("lead", CONTENDERS)).marts
    found = read_refutations(marts)
    assert found["purchase", "position_based"].by == "time_decay"
    assert ("lead", "last_touch") not in found
    assert set(found) == {
        (outcome, row[0])
        for outcome, rivals in (("purchase", BEST), ("lead", CONTENDERS))
        for row in rivals
        if row[1] == "refuted"
    }


def test_baselines_and_segments_are_no_rivals():
    made = make_comparison(("purchase", BEST), segments={"region = north": CONTENDERS})
    assert set(rivals_of(made.marts, "purchase")["model"]) == {row[0] for row in BEST}


def test_a_refutation_in_words():
    assert str(Refutation("linear", date(2026, 3, 2))) == "linear, in the period from 2026-03-02"
    assert str(Refutation(None, None)) == "another model"
    read = Refutation("linear", date(2026, 4, 1), "holdout")
    assert str(read) == "the experiment holdout, read on 2026-04-01"


def test_an_experiment_outranks_the_forecast():
    rows = [
        ("purchase", "linear", CONTRADICTED, "holdout", date(2026, 4, 1)),
        ("purchase", "last_touch", CONTRADICTED, "holdout", date(2026, 4, 1)),
        ("purchase", "time_decay", "uninformative", "holdout", date(2026, 4, 1)),
    ]
    verdicts = pl.DataFrame(rows, schema=EXPERIMENT_COLUMNS, orient="row")
    marts = {**make_comparison(("purchase", BEST)).marts, EXPERIMENT_VERDICTS: verdicts}
    found = read_refutations(marts)
    assert found["purchase", "linear"] == Refutation(None, date(2026, 4, 1), "holdout")
    assert found["purchase", "last_touch"] == Refutation("linear", date(2026, 4, 1), "holdout")
    assert found["purchase", "time_decay"].experiment is None


def test_an_experiment_may_contradict_what_a_model_expects_and_not_its_credit():
    more = {
        "hypothesis_verdict": pl.String, "hypothesis_experiment": pl.String,
        "hypothesis_read_on": pl.Date,
    }  # fmt: skip
    day, late = date(2026, 4, 1), date(2026, 5, 1)
    rows = [
        ("purchase", "linear", "agrees", None, None, CONTRADICTED, "second", late),
        ("purchase", "time_decay", CONTRADICTED, "first", day, CONTRADICTED, "second", late),
    ]
    verdicts = pl.DataFrame(rows, schema=EXPERIMENT_COLUMNS | more, orient="row")
    marts = {**make_comparison(("purchase", BEST)).marts, EXPERIMENT_VERDICTS: verdicts}
    found = read_refutations(marts)
    assert found["purchase", "linear"] == Refutation(None, late, "second")
    credit = found["purchase", "time_decay"]
    assert (credit.experiment, credit.since) == ("first", day)
