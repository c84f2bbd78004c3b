"""Whether the verdict holds in the segments."""

import pytest

from lydite.reporting.segments import compared_segments, segment_rows, segment_summary
from tests.helpers.made_comparisons import (
    ALL_REFUTED,
    BEST,
    CONTENDERS,
    MANY,
    NO_BETTER,
    SEGMENTS,
    TOO_EARLY,
    make_comparison,
    make_empty,
    make_path_comparison,
)

_AGREES = {"a = x": BEST, "a = y": CONTENDERS}
_WEST = SEGMENTS["region = west"]


def _said(rivals, segments):
    comparison = make_comparison(("purchase", rivals), segments=segments)
    return segment_summary(comparison, "purchase")


def test_agreeing_differing_and_small_segments_are_counted():
    assert _said(BEST, SEGMENTS) == (
        "The verdict holds in 3 of 5 segments; in region = west, time decay is best; 1 has too"
        " little data to say."
    )


def test_a_segment_agrees_disagrees_or_is_open():
    comparison = make_comparison(("purchase", BEST), segments=SEGMENTS)
    agrees = [own.agrees for own in compared_segments(comparison, "purchase")]
    assert agrees == [True, True, True, None, False]


@pytest.mark.parametrize(
    ("segments", "words"),
    [
        ({}, ""),
        ({"a = x": BEST}, "The verdict holds in the only segment."),
        (_AGREES, "The verdict holds in both segments."),
        ({**_AGREES, "a = z": BEST}, "The verdict holds in all 3 segments."),
        ({"a = x": TOO_EARLY}, "The only segment has too little data to say."),
        ({"a = x": TOO_EARLY, "a = y": TOO_EARLY}, "Both segments have too little data to say."),
        ({f"a = {i}": TOO_EARLY for i in range(4)}, "All 4 segments have too little data to say."),
        (
            {"a = x": _WEST, "a = y": TOO_EARLY},
            (
                "The verdict holds in none of 2 segments; in a = x, time decay is best; 1 has too"
                " little data to say."
            ),
        ),
        (
            {"a = x": ALL_REFUTED, "a = y": NO_BETTER},
            (
                "The verdict holds in none of 2 segments; in a = x, it is refuted; in a = y, it is"
                " no better than a baseline."
            ),
        ),
    ],
)
def test_how_many_segments_agree(segments, words):
    assert _said(BEST, segments) == words


def test_all_or_some_of_several_leaders_lead_in_the_segments():
    assert _said(CONTENDERS, {"a = x": CONTENDERS}) == ("These models lead in the only segment.")
    assert _said(CONTENDERS, {"a = x": CONTENDERS, "a = y": BEST}) == (
        "At least one of these models leads in both segments."
    )
    against = tuple((model, "refuted", 0.01, "other", same) for model, *_, same in CONTENDERS)
    assert _said(CONTENDERS, {"a = x": CONTENDERS, "a = y": against}) == (
        "These models lead in 1 of 2 segments; in a = y, each of them is refuted."
    )


def test_many_that_disagree_are_counted():
    said = _said(BEST, {f"a = {i}": _WEST for i in range(5)})
    assert said.count("time decay is best") == 3
    assert said.endswith("; 2 more disagree.")


def test_without_a_leader_the_segments_that_have_one_are_named():
    segments = {"a = x": BEST, "a = y": TOO_EARLY}
    assert _said(TOO_EARLY, segments) == (
        "In 1 of 2 segments a model leads: in a = x, linear is best."
    )
    assert _said(TOO_EARLY, {"a = y": TOO_EARLY}) == ""
    many = _said(NO_BETTER, {f"a = {i}": BEST for i in range(5)})
    assert many.startswith("In 5 of 5 segments a model leads, among them: in a = 0, linear")
    assert many.count("linear is best") == 3


def test_rows_have_the_first_leader_with_its_bounds():
    segments = {**SEGMENTS, "x = many": MANY}
    rows, more = segment_rows(make_comparison(("purchase", BEST), segments=segments), "purchase", 9)
    assert more == 0
    assert [row.segment for row in rows] == list(segments)
    west, many = rows[4], rows[5]
    assert (west.standing, west.improvement, west.bounds, west.by, west.agrees) == (
        "time decay is best", "5.0%", "4.2% to 5.8%", "", "no",
    )  # fmt: skip
    assert (west.landmarks, west.conversions) == ("5,013", "213")
    assert (many.standing, many.by) == ("6 of 18 still stand", "Position-based, fitted")
    assert (rows[3].by, rows[3].agrees) == ("Linear", "not known yet")
    assert rows[0].agrees == "yes"


def test_without_a_leader_rows_neither_agree_nor_disagree():
    comparison = make_comparison(("purchase", TOO_EARLY), segments=SEGMENTS)
    rows, _ = segment_rows(comparison, "purchase", 9)
    assert {row.agrees for row in rows} == {""}


def test_of_many_segments_the_differing_and_the_largest_are_shown():
    segments = {f"a = {'x' * i}": BEST for i in range(20)} | {"b = small": _WEST}
    comparison = make_comparison(("purchase", BEST), segments=segments)
    rows, more = segment_rows(comparison, "purchase", 3)
    shown = [f"a = {'x' * 18}", f"a = {'x' * 19}", "b = small"]
    assert [row.segment for row in rows] == shown
    assert more == 18


def test_no_rows_without_segments():
    for comparison in (make_comparison(), make_path_comparison(), make_empty()):
        outcome = comparison.outcomes[0]["outcome"]
        assert segment_rows(comparison, outcome, 12) == ([], 0)
        assert segment_summary(comparison, outcome) == ""
