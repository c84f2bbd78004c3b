"""The verdict in plain words."""

import dataclasses
import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.errors import InputError
from lydite.reporting.display_names import model_word
from lydite.reporting.narrative import NOT_CAUSE, headline, reasons, verdict_in_words
from lydite.results import Comparison
from tests.helpers.examples import examples
from tests.helpers.made_comparisons import (
    AFTER_A_CHANGE,
    ALL_REFUTED,
    BEST,
    BEST_OF_PRIMARY,
    CHANGED,
    CONTENDERS,
    EVERY_KIND,
    MANY,
    NO_BETTER,
    SEGMENTS,
    TOO_EARLY,
    make_comparison,
    make_empty,
    make_path_comparison,
)

_RISK = "the risk of any wrong verdict in this report is 5%"
_SAFE = f"Safe to check every week: {_RISK}."
_CHALLENGED = f"{_SAFE[:-1]}; of it, 60% on the primary models and 40% on the secondary ones."
_SEGMENTED = (
    f"{_SAFE[:-1]}; of it, 60% on the primary models, 20% on the secondary ones and 20% on the"
    " segments."
)


def _said(rivals, **options):
    comparison = make_comparison(("purchase", rivals), **options)
    return headline(comparison, "purchase"), verdict_in_words(comparison, "purchase")


@pytest.mark.parametrize("rivals", EVERY_KIND.values(), ids=EVERY_KIND)
def test_every_verdict_names_all_rivals_and_the_outcome_and_ends_with_the_caution(rivals):
    short, full = _said(rivals)
    assert all(model_word(model).lower() in full.lower() for model, *_ in rivals)
    assert "purchase" in short
    assert "purchase" in full
    assert full.startswith(short)
    assert full.endswith(NOT_CAUSE)
    assert "None" not in full
    assert "nan" not in full


def test_one_best_model_with_its_gain_its_share_and_whom_it_refutes():
    short, full = _said(BEST)
    assert short == "Linear explains purchase best."
    assert "Beyond what activity alone predicts, it improves the forecast by 3.4%" in full
    assert "2.6% to 4.2%" in full
    assert "76% of the best achieved" in full
    assert (
        "Refuted: time decay, 2-step Markov chain, last touch, 1-step Markov chain, last non-direct"
        in full
    )
    assert "position-based by time decay" in full
    assert "Last touch and 1-step Markov chain make the same forecast" in full


def test_several_that_stand_name_the_same_forecast_once():
    short, full = _said(CONTENDERS)
    assert short == (
        "Too early to choose a model for purchase: 2 of 2 primary models still stand (linear and"
        " last touch / 1-step Markov chain)."
    )
    assert "does not separate them" in full


def test_the_best_of_the_primary_models_and_the_secondary_models_that_stand():
    short, full = _said(BEST_OF_PRIMARY)
    assert short == "Linear explains purchase best of the three primary models."
    assert "The secondary models Shapley value, first touch and W-shaped also stand." in full
    assert "Surely better than activity alone: linear and Shapley value." in full
    assert "For W-shaped it is too early to say." in full
    assert "First touch is no better than activity alone." in full


def test_a_primary_model_that_only_a_secondary_model_refuted_leaves_no_best_one():
    comparison = make_comparison(("purchase", BEST_OF_PRIMARY))
    pairs = comparison.marts["pairs"]
    open_pair = (pl.col("ahead") == "linear") & (pl.col("behind") == "time_decay")
    pairs = pairs.with_columns(separated=pl.col("separated") & ~open_pair)
    other = Comparison({**comparison.marts, "pairs": pairs}, comparison.outcomes, {})
    assert headline(other, "purchase") == (
        "Too early to choose a model for purchase: 1 of 3 primary models still stands (linear)."
    )


def test_where_all_primary_models_are_refuted_the_secondary_models_are_named():
    refuted = tuple((name, "refuted", 0.01, "shapley", "") for name in ("linear", "last_touch"))
    short, full = _said((("shapley", "best", 0.03, None, ""), *refuted))
    assert short == "Shapley value explains purchase best."
    several = (("shapley", "contender", 0.03, None, ""), ("mine", "too_early", 0.02, None, ""))
    short, full = _said((*several, *refuted))
    assert (
        short
        == "Too early to choose a model for purchase: 2 of 4 still stand (Shapley value and mine)."
    )
    assert "All two primary models are refuted." in full


def test_a_null_hypothesis_of_a_constant_rate_is_named():
    comparison = make_comparison(("purchase", NO_BETTER))
    frame = comparison.marts["model_comparison"]
    swapped = pl.col("model").replace({"base_rate": "touch_volume", "touch_volume": "base_rate"})
    marts = {**comparison.marts, "model_comparison": frame.with_columns(model=swapped)}
    said = headline(Comparison(marts, comparison.outcomes, {}), "purchase")
    assert said == "No model explains purchase better than a constant rate."


def test_many_that_stand_are_counted_in_the_headline_and_named_below():
    rivals = tuple((f"m{i}", "contender", 0.03 - i / 1000, None, "") for i in range(5))
    short, full = _said(rivals)
    assert short == "Too early to choose a model for purchase: 5 of 5 still stand."
    assert "All of them are surely better than activity alone: m0, m1, m2, m3 and m4." in full
    assert "m0 improves the forecast by 3.0%" in full
    assert "m4, the last of them, by 2.6%" in full


def test_two_names_of_one_best_forecast():
    rivals = (
        ("last_touch", "best", 0.03, None, "markov_1"),
        ("markov_1", "best", 0.03, None, "last_touch"),
    )
    short, full = _said(rivals)
    assert short == "Last touch and 1-step Markov chain explain purchase best."
    assert "they improve the forecast by 3.0%" in full


@pytest.mark.parametrize(
    ("rivals", "words"),
    [
        (TOO_EARLY, "not surely better than activity alone either, which is normal"),
        (NO_BETTER, "no better than activity alone"),
        (ALL_REFUTED, "another model is surely better"),
    ],
)
def test_no_leader_is_a_normal_result(rivals, words):
    assert words in _said(rivals)[1]


def test_too_short_a_history_has_its_reason():
    short, full = _said((), note="the history is too short: at most 12d would work")
    assert short == "Too little history to judge purchase."
    assert "at most 12d would work." in full


@pytest.mark.parametrize("verdict", ["best", "contender", "too_early"])
def test_bounds_and_shares_that_are_missing_are_left_out(verdict):
    comparison = make_comparison(("purchase", (("linear", verdict, 0.02, None, ""),)))
    frame = comparison.marts["model_comparison"]
    columns = ["explained_low", "explained_high", "share_of_ceiling"]
    bare = frame.with_columns(frame[name].clear(len(frame)) for name in columns)
    comparison = Comparison({"model_comparison": bare}, comparison.outcomes, {})
    full = verdict_in_words(comparison, "purchase")
    assert "2.00%" in full
    assert "bounds" not in full
    assert "–" not in full


@pytest.mark.parametrize("rivals", EVERY_KIND.values(), ids=EVERY_KIND)
def test_a_path_table_ends_with_the_method(rivals):
    why = reasons(make_path_comparison(rivals), "conversion")
    assert why.endswith(
        "A path table has no times: this is a cross-validation over 5 folds of its journeys, not"
        " forward in time."
    )
    assert "cross-validation" not in reasons(make_comparison(("purchase", rivals)), "purchase")


def test_empty_frames_are_no_error():
    for comparison in (make_empty(), Comparison({}, make_empty().outcomes, {})):
        assert headline(comparison, "purchase") == "No model was compared for purchase."
        assert verdict_in_words(comparison, "purchase").endswith(NOT_CAUSE)


@pytest.mark.parametrize("say", [headline, verdict_in_words])
def test_an_unknown_outcome_names_those_that_exist(say):
    comparison = make_comparison(("purchase", BEST), ("lead", TOO_EARLY))
    with pytest.raises(InputError, match="'purchase', 'lead'"):
        say(comparison, "purchases")


def test_the_whole_paragraph_of_one_best_model():
    assert _said(BEST, segments=SEGMENTS)[1] == (
        "Linear explains purchase best. Its claim: what decides is what linear says. Beyond what"
        " activity alone predicts, it improves the forecast by 3.4% (bounds 2.6% to 4.2%), 76% of"
        " the best achieved. It has been best since the week of 2025-03-17. The verdict holds in 3"
        " of 5 segments; in region = west, time decay is best; 1 has too little data to say."
        " Refuted: time decay, 2-step Markov chain, last touch, 1-step Markov chain, last"
        " non-direct touch and first touch by linear; position-based by time decay. Last touch and"
        " 1-step Markov chain make the same forecast, so"
        " that no data separates them; they differ only in how they split credit."
        f" {_SEGMENTED} {NOT_CAUSE}"
    )


def test_the_whole_paragraph_of_several_that_stand():
    rivals = (*CONTENDERS[:1], ("time_decay_fitted", "contender", 0.034, None, ""), CONTENDERS[3])
    projections = {("linear", "time_decay_fitted"): None}
    assert _said(rivals, projections=projections)[1] == (
        "Too early to choose a model for purchase: 2 of 3 still stand (linear and"
        " fitted time decay). The data so far does not separate them, which is normal. Beyond what"
        " activity alone predicts, each of them improves the forecast by 3.4% (bounds 2.6% to"
        " 4.2%), 76% of the best achieved. Both have been better than activity alone and not"
        " refuted since the week of 2025-03-17. All of them are surely better than activity alone."
        " Refuted: first touch by linear. Linear and fitted time decay cannot be separated with any"
        " realistic amount of data."
        f" {_SAFE} {NOT_CAUSE}"
    )


def test_the_whole_paragraph_after_a_change():
    text = "a lead turned in the week of 2025-06-02"
    warnings = (("first_touch", "drift", text), ("last_touch", "drift", text))
    assert _said(AFTER_A_CHANGE, changed=CHANGED, warnings=warnings)[1] == (
        "Last touch explains purchase best. Its claim: what decides is what last_touch says. Beyond"
        " what activity alone predicts, it improves the forecast by 3.0% (bounds 2.2% to 3.8%), 67%"
        " of the best achieved. Until the week of 2025-05-05 first touch was best; since the week"
        " of 2025-06-02 it has been last touch. What drives conversions may have changed. Over all"
        " weeks together, first touch still forecasts best. Refuted: first touch and linear by"
        f" last touch. {_CHALLENGED} {NOT_CAUSE}"
    )


def test_a_model_that_makes_the_forecast_worse_does_not_improve_it():
    full = _said((("linear", "too_early", -0.002, None, ""),))[1]
    assert "linear changes the forecast by −0.2% (bounds −1.0% to 0.6%)" in full
    assert "improves" not in full


def test_the_risk_is_the_alpha_of_the_comparison():
    full = make_comparison()
    for alpha, words in ((0.001, "report is 0.1%;"), (None, "every week. A better")):
        comparison = Comparison(full.marts, full.outcomes, {}, alpha=alpha)
        assert words in verdict_in_words(comparison, "purchase")


def test_a_path_table_has_neither_weeks_nor_segments_nor_repeated_checks():
    full = verdict_in_words(make_path_comparison(CONTENDERS), "conversion")
    assert "times as many journeys" in full
    for absent in ("week", "since", "segment", "Safe to check"):
        assert absent not in full


_NAMES = ("linear", "first_touch", "last_touch", "markov_2", "shapley")
_VERDICTS = ("best", "contender", "too_early", "no_better_than_volume", "refuted")


@st.composite
def _rivals(draw):
    """Rivals with any verdicts; one is best only if all others are refuted."""
    verdicts = draw(st.lists(st.sampled_from(_VERDICTS), min_size=1, max_size=len(_NAMES)))
    if sum(verdict != "refuted" for verdict in verdicts) > 1:
        verdicts = ["contender" if verdict == "best" else verdict for verdict in verdicts]
    gains = draw(st.lists(st.floats(-0.05, 0.09), min_size=len(verdicts), max_size=len(verdicts)))
    return tuple(
        (model, verdict, gain, "shapley" if verdict == "refuted" else None, "")
        for model, verdict, gain in zip(_NAMES, verdicts, sorted(gains, reverse=True), strict=False)
    )


@st.composite
def _comparisons(draw):
    changed = st.tuples(st.sampled_from(_VERDICTS), st.integers(3, 15))
    segments = st.dictionaries(st.sampled_from(["a = x", "a = y", "b = z"]), _rivals(), max_size=3)
    size = st.none() | st.tuples(st.integers(1, 500), st.integers(1, 10**7))
    pairs = st.tuples(st.sampled_from(_NAMES), st.sampled_from([*_NAMES, "touch_volume"]))
    return make_comparison(
        ("purchase", draw(_rivals())),
        channels=("ads",),
        segments=draw(segments),
        changed=draw(st.dictionaries(st.sampled_from(_NAMES), changed, max_size=2)),
        projections=draw(st.dictionaries(pairs, size, max_size=6)),
    )


@examples(60)
@given(_comparisons())
def test_every_number_that_is_said_is_in_the_tables(comparison):
    text = verdict_in_words(comparison, "purchase")
    assert "None" not in text
    assert "nan" not in text
    for name in (*_NAMES, "a = x", "a = y", "b = z"):
        text = text.replace(name, "")
    days = set(comparison.marts["evidence"]["period_start"].cast(str).to_list())
    assert set(re.findall(r"\d{4}-\d\d-\d\d", text)) <= days
    text, risk = re.sub(r"\d{4}-\d\d-\d\d", "", text).split("Safe to check every week: ")
    assert risk.startswith(_RISK)
    for number, sign in re.findall(r"(−?\d[\d,]*(?:\.\d+)?)(%?)", text):
        assert _is_known(number, sign, comparison), number


def _is_known(number, sign, comparison):
    """Return whether a number is in the tables, rounded, or a count of models or segments."""
    value = float(number.replace(",", "").replace("−", "-"))
    if sign:
        models = comparison.marts["model_comparison"]
        columns = ["explained", "explained_low", "explained_high", "share_of_ceiling"]
        half = 0.5 * 10.0 ** -len(number.partition(".")[2]) + 1e-9
        return any(
            abs(100 * share - value) <= half
            for name in columns
            for share in models[name].drop_nulls()
        )
    pairs = comparison.marts["pairs"]
    counts = [n for name in ("more_periods", "more_users") for n in pairs[name].drop_nulls()]
    return value <= len(pairs) or any(abs(n - value) <= 0.05 * n for n in counts)


@pytest.mark.parametrize("rivals", [BEST, CONTENDERS, MANY], ids=["best", "contenders", "many"])
def test_missing_or_empty_marts_and_columns_are_left_out(rivals):
    full = make_comparison(("purchase", rivals), segments=SEGMENTS, changed={"linear": ("best", 5)})
    for name, frame in full.marts.items():
        rest = {mart: other for mart, other in full.marts.items() if mart != name}
        bare = [rest, rest | {name: frame.clear()}]
        bare += [rest | {name: frame.drop(column)} for column in frame.columns]
        for marts in bare:
            text = verdict_in_words(Comparison(marts, full.outcomes, {}), "purchase")
            assert text.endswith(NOT_CAUSE)
            assert "None" not in text


@pytest.mark.parametrize(
    ("rivals", "shares"),
    [
        (BEST_OF_PRIMARY, "48% on the primary models, 32% on the secondary ones and 20%"),
        (NO_BETTER, "80% on this lookback and 20%"),
    ],
)
def test_other_lookbacks_have_a_share_of_the_risk(rivals, shares):
    comparison = make_comparison(("purchase", rivals))
    rows = pl.DataFrame({"outcome": ["purchase"] * 2, "is_main": [True, False]})
    marts = {**comparison.marts, "lookback_comparison": rows}
    compared = dataclasses.replace(comparison, marts=marts)
    assert f"{_RISK}; of it, {shares} on the other lookbacks." in verdict_in_words(
        compared, "purchase"
    )
