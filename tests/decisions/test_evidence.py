"""What refutes a model, read from the tables of a comparison."""

from __future__ import annotations

from datetime import date

from lydite.decisions.evidence import Refutation, read_refutations, rivals_of
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
