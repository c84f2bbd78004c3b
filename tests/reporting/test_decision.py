"""The sentence that decides, against the tables."""

from __future__ import annotations

import dataclasses
import re

import polars as pl
import pytest

from lydite.quality import Finding
from lydite.reporting.channel_money import channel_money
from lydite.reporting.decision import agreement, decide
from lydite.results import Comparison
from tests.helpers.made_comparisons import (
    BEST,
    BEST_OF_PRIMARY,
    CONTENDERS,
    EVERY_KIND,
    TOO_EARLY,
    make_comparison,
    make_path_comparison,
)
from tests.helpers.made_decisions import compare_with_decisions
from tests.helpers.made_experiments import VERDICT, compare_with_experiments


def without(comparison: Comparison, *prefixes: str) -> Comparison:
    """Return a comparison in which some figures of the credit are not known."""
    credit = comparison.marts["channel_credit"]
    names = [name for name in credit.columns if name.split("_")[0] in prefixes]
    nothing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in names]
    marts = {**comparison.marts, "channel_credit": credit.with_columns(nothing)}
    return Comparison(marts, comparison.outcomes, {}, alpha=0.05)


@pytest.mark.parametrize("rivals", EVERY_KIND.values(), ids=EVERY_KIND)
def test_ranges_in_the_sentence_are_those_of_the_table(rivals):
    comparison = make_comparison(("purchase", rivals))
    text = agreement(comparison, "purchase")
    rows = channel_money(comparison, "purchase", rivals[0][0])
    for low, high in re.findall(r"returned ([\d.]+) to ([\d.]+)", text):
        decimals = len(low.partition(".")[2])
        assert (float(low), float(high)) in {
            (round(row.standing_return[0], decimals), round(row.standing_return[1], decimals))
            for row in rows if row.standing_return
        }  # fmt: skip


def test_with_several_models_the_sentence_says_what_they_agree_on():
    found = decide(make_comparison(("purchase", CONTENDERS)), "purchase")
    assert re.fullmatch(
        r"Display returned 10 to 26 per 1 spent under every model still standing\."
        r" \w+, 11% of spend, returned [\d.]+ to [\d.]+\.",
        found.text,
    )
    assert "3 of 4 still stand, first touch is ruled out." in found.detail
    assert found.detail.endswith("In use until then: last touch.")
    assert [chip.about for chip in found.chips] == ["Verdict", "Data", "Experiments"]
    assert found.chips[0].state == "too early"


def test_a_winner_is_named_first():
    found = decide(make_comparison(("purchase", BEST)), "purchase")
    assert found.text.startswith("Budget purchases by Linear. ")
    assert "under every model" not in found.text
    assert found.detail.endswith("Every other model is ruled out.")
    assert (found.chips[0].state, found.chips[0].more) == ("decided", "Linear")


def test_secondary_models_that_stand_are_counted_beside_a_winner():
    found = decide(make_comparison(("purchase", BEST_OF_PRIMARY)), "purchase")
    assert "The other primary models are ruled out; 3 secondary models still stand." in found.detail


def test_without_value_the_sentence_is_about_cost():
    comparison = without(make_comparison(("lead", CONTENDERS)), "value", "roas")
    assert re.match(
        r"\w+ cost [\d.]+ to [\d.]+ per lead under every", agreement(comparison, "lead")
    )


def test_without_spend_the_sentence_is_about_shares():
    comparison = without(make_comparison(("lead", CONTENDERS)), "value", "roas", "cost", "cpa")
    assert re.match(
        r"\w+ earned \d+% to \d+% of the credit for leads under every",
        agreement(comparison, "lead"),
    )
    assert "earned" in decide(make_path_comparison(CONTENDERS), "conversion").text


def test_a_note_stands_before_everything_else():
    found = decide(make_comparison(("lead", ()), note="the history is short"), "lead")
    assert found.text.endswith("Too little history to judge lead.")
    assert found.detail == "The history is short."
    assert found.chips[0].state == "none"


def test_a_far_decision_has_no_number():
    comparison = make_comparison(
        ("purchase", TOO_EARLY), projections={("linear", "first_touch"): (400, 10_000)}
    )
    assert "Expect the next decision in more than a year." in decide(comparison, "purchase").detail


def test_findings_that_block_are_named_in_the_chip():
    full = make_comparison(("purchase", BEST))
    finding = Finding("stray_rows", "touchpoints", None, "two rows are far ahead")
    blocked = Comparison(full.marts, full.outcomes, {}, findings=[finding])
    chip = decide(blocked, "purchase").chips[1]
    assert (chip.state, chip.tone) == ("incomplete", "bad")
    assert decide(full, "purchase").chips[1].tone == "good"


@pytest.mark.parametrize("rivals", EVERY_KIND.values(), ids=EVERY_KIND)
def test_no_sentence_for_leaders_has_a_word_of_the_method(rivals):
    found = decide(make_comparison(("purchase", rivals)), "purchase")
    words = f"{found.text} {found.detail}".lower()
    assert not re.search(r"landmark|log loss|refuted|null|_", words)


@pytest.mark.parametrize(
    ("rivals", "contradicted", "text", "detail"),
    [
        (BEST, [], "Budget purchases by Linear.", ""),
        (BEST, ["time_decay"], "Budget purchases by Linear.", ""),
        (BEST, ["linear"], "Linear forecasts purchases best, but experiments contradict it", ""),
        (CONTENDERS, ["first_touch"], "", ""),
        (CONTENDERS, ["linear"], "", "Experiments contradict 1 of the 3 that stand."),
        (
            CONTENDERS,
            ["linear", "last_touch", "markov_1"],
            "",
            "Experiments contradict all 3 that stand.",
        ),
    ],
)
def test_no_model_that_experiments_contradict_is_recommended(rivals, contradicted, text, detail):
    verdicts = [VERDICT | {"model": model} for model in contradicted]
    found = decide(compare_with_experiments(rivals=rivals, verdicts=verdicts), "purchase")
    assert found.text.startswith(text)
    assert found.detail.endswith(detail)
    said = f"{found.text} {found.detail}"
    assert ("xperiments contradict" in said) == bool(text.endswith("it") or detail)


@pytest.mark.parametrize(
    ("may_read", "verdict", "chip"),
    [
        (None, None, ("none yet", "", "plain")),
        ("none", None, ("1 not readable yet", "", "plain")),
        ("fixed", None, ("1 read", "", "plain")),
        ("fixed", "contradicted", ("contradict", "last touch", "bad")),
        ("fixed", "agrees", ("agree", "with last touch", "good")),
        ("fixed", "uninformative", ("undecided", "on last touch", "open")),
    ],
)
def test_the_chip_of_experiments_is_about_the_model_in_use(may_read, verdict, chip):
    made = compare_with_decisions(CONTENDERS)
    experiments = [{"experiment": "brand", "outcome": "purchase", "may_read": may_read}]
    verdicts = [
        {"outcome": "purchase", "model": "last_touch", "verdict": verdict},
        {"outcome": "purchase", "model": "linear", "verdict": "agrees"},
    ]
    marts = made.marts | {
        "experiments": pl.DataFrame(experiments).head(0 if may_read is None else 1),
        "experiment_verdicts": pl.DataFrame(verdicts).head(0 if verdict is None else 2),
    }
    found = decide(dataclasses.replace(made, marts=marts), "purchase").chips[2]
    assert (found.state, found.more, found.tone) == chip
