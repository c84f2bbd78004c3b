"""Since when the verdict has stood, and whether it has changed."""

from datetime import date, timedelta

import polars as pl
import pytest

from lydite.reporting.history import verdict_history
from lydite.results import Comparison
from tests.helpers.made_comparisons import (
    AFTER_A_CHANGE,
    BEST,
    CHANGED,
    CONTENDERS,
    MANY,
    NO_BETTER,
    TOO_EARLY,
    make_comparison,
    make_path_comparison,
)

_MAY = "What drives conversions may have changed."


def _said(rivals, **options):
    return verdict_history(make_comparison(("purchase", rivals), **options), "purchase")


def _changed(comparison, mart, frame):
    return Comparison({**comparison.marts, mart: frame}, comparison.outcomes, {})


def test_since_when_one_is_best_or_several_are_ahead():
    assert _said(BEST) == ["It has been best since the week of 2025-03-17."]
    state = "have been better than activity alone and not refuted since the week of 2025-03-17."
    assert _said(CONTENDERS) == [f"Both {state}"]
    assert _said(MANY) == [f"All {state}"]
    assert _said(TOO_EARLY) == _said(NO_BETTER) == []


def test_two_names_of_one_best_forecast_have_been_best():
    rivals = (("a", "best", 0.03, None, "b"), ("b", "best", 0.03, None, "a"))
    assert _said(rivals) == ["They have been best since the week of 2025-03-17."]


def test_an_interruption_restarts_the_time():
    comparison = make_comparison(("purchase", CONTENDERS))
    frame = comparison.marts["evidence"]
    gap = (pl.col("model") == "linear") & (pl.col("period_start") == date(2025, 4, 28))
    late = frame.with_columns(
        pl.when(gap).then(pl.lit("too_early")).otherwise("verdict").alias("verdict")
    )
    said = verdict_history(_changed(comparison, "evidence", late), "purchase")
    assert said[0].endswith("not refuted since the week of 2025-05-05.")


def test_a_change_names_the_best_model_before_and_since():
    assert _said(AFTER_A_CHANGE, changed=CHANGED) == [
        (
            "Until the week of 2025-05-05 first touch was best; since the week of 2025-06-02 it has"
            " been last touch."
        ),
        _MAY,
        "Over all weeks together, first touch still forecasts best.",
    ]


def test_a_change_from_one_week_to_the_next():
    changed = {"first_touch": ("best", 9), "last_touch": ("refuted", 9)}
    said = _said(AFTER_A_CHANGE[1:] + AFTER_A_CHANGE[:1], changed=changed)
    assert said == [
        "Until the week of 2025-05-05 first touch was best; since then it has been last touch.",
        _MAY,
    ]


def test_several_that_were_best_one_after_the_other():
    rivals = (*AFTER_A_CHANGE[:2], ("linear", "refuted", 0.001, "last_touch", ""))
    changed = {"linear": ("best", 5), "first_touch": ("best", 9), "last_touch": ("refuted", 9)}
    assert _said(rivals, changed=changed)[0] == (
        "Until the week of 2025-04-07 linear was best, until the week of 2025-05-05 first touch;"
        " since then it has been last touch."
    )


def test_a_change_to_several_leaders_says_since_when_they_lead():
    rivals = (*CONTENDERS[:3], ("first_touch", "refuted", 0.001, "linear", ""))
    said = _said(rivals, changed={"first_touch": ("contender", 9), "linear": ("refuted", 9)})
    assert said == [
        "Until the week of 2025-05-05 first touch was ahead; now it is refuted.",
        _MAY,
        "Both have been better than activity alone and not refuted since the week of 2025-05-05.",
    ]


def test_models_that_lost_their_lead_together_are_named_together():
    rivals = (BEST[0], *((f"m{i}", "refuted", 0.01, "linear", "") for i in range(4)))
    changed = {f"m{i}": ("contender", 5) for i in range(4)}
    assert _said(rivals, changed=changed)[0].startswith(
        "Until the week of 2025-04-07 4 other models"
    )
    changed["m3"] = ("contender", 4)
    assert "m0, m1 and m2 were ahead; since the week of" in _said(rivals, changed=changed)[0]


def test_a_change_after_which_nothing_leads():
    said = _said(TOO_EARLY, changed={"linear": ("best", 9)})
    assert said == [
        "Until the week of 2025-05-05 linear was best; now it is too early to say.",
        _MAY,
    ]


def test_a_reversed_lead_names_the_models_concerned():
    said = _said(CONTENDERS, changed={"linear": ("refuted", 6), "last_touch": ("contender", 6)})
    assert said[0] == (
        "In the week of 2025-04-14 a lead was reversed (linear and last touch are concerned); what"
        " drives conversions may have changed."
    )


def test_a_change_among_models_that_never_led_is_left_out():
    assert _said(BEST, changed={"markov_2": ("too_early", 9)}) == _said(BEST)


@pytest.mark.parametrize("lost", ["moved_in", "verdict"])
def test_the_warning_is_used_if_the_change_is_not_known(lost):
    text = "a lead turned in the week of 2025-05-05: linear was refuted before and is best now"
    comparison = make_comparison(("purchase", BEST), warnings=(("linear", "drift", text),))
    mart = "evidence" if lost == "verdict" else "model_comparison"
    said = verdict_history(
        _changed(comparison, mart, comparison.marts[mart].drop(lost)), "purchase"
    )
    assert said[0] == f"A{text[1:]}."


@pytest.mark.parametrize(
    ("step", "words"), [(1, "since 2025-01-03."), (31, "since the month of 2025-03.")]
)
def test_periods_of_other_lengths(step, words):
    comparison = make_comparison(("purchase", BEST))
    frame = comparison.marts["evidence"]
    number = (pl.col("period_start") - pl.lit(date(2025, 3, 3))).dt.total_days() // 7
    days = [date(2025, 1, 1) + timedelta(days=step * n) for n in range(16)]
    if step == 31:
        days = [date(2025 + n // 12, 1 + n % 12, 1) for n in range(16)]
    other = frame.with_columns(number.replace_strict(range(16), days).alias("period_start"))
    (said,) = verdict_history(_changed(comparison, "evidence", other), "purchase")
    assert said.endswith(words)


def test_a_path_table_has_no_history():
    full = make_path_comparison()
    evidence = make_comparison(("conversion", BEST)).marts["evidence"]
    assert verdict_history(_changed(full, "evidence", evidence), "conversion") == []
