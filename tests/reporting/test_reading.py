"""What the faces read off a comparison."""

from datetime import date

from hand_made import BEST, CONTENDERS, NO_BETTER, TOO_EARLY, make_comparison, make_empty

from lydite.comparison import Comparison
from lydite.reporting import reading


def test_rivals_come_by_rank_and_references_apart():
    comparison = make_comparison()
    assert [r["model"] for r in reading.rivals_of(comparison, "purchase")] == [b[0] for b in BEST]
    references = [r["model"] for r in reading.references_of(comparison, "purchase")]
    assert references == ["base_rate", "touch_volume", "ceiling"]


def test_a_small_chart_shows_leaders_else_survivors_else_the_first():
    shown = {
        kind: reading.shown_first(
            reading.rivals_of(make_comparison(("purchase", rivals)), "purchase"), 5
        )
        for kind, rivals in {"one": BEST, "some": CONTENDERS, "early": TOO_EARLY}.items()
    }
    assert shown == {
        "one": ["linear"],
        "some": ["linear", "last_touch"],
        "early": ["linear", "first_touch"],
    }
    rivals = reading.rivals_of(make_comparison(("purchase", NO_BETTER)), "purchase")
    assert reading.shown_first(rivals, 1) == ["linear"]


def test_unattributed_conversions_come_last():
    credit = reading.credit_of(make_comparison(), "purchase", "linear")
    assert credit[-1]["channel"] == reading.UNATTRIBUTED
    sizes = [row["conversions"] for row in credit[:-1]]
    assert sizes == sorted(sizes, reverse=True)


def test_empty_and_missing_tables_read_as_nothing():
    for comparison in (make_empty(), Comparison({}, make_empty().outcomes, {})):
        assert reading.rivals_of(comparison, "purchase") == []
        assert reading.conversion_dates(comparison) is None
        assert reading.credit_of(comparison, "purchase", "linear") == []


def test_dates_of_the_conversions():
    first, last = reading.conversion_dates(make_comparison())
    assert first == date(2025, 1, 6) < last


def test_a_sample_and_a_models_warning_are_told():
    comparison = make_comparison()
    comparison.outcomes[0]["sampled_landmarks"] = 10_000
    assert "10,000 of 48,210" in " ".join(reading.warnings_of(comparison, "purchase"))


def test_what_was_set_aside_comes_by_table_the_most_first():
    comparison = make_comparison(quarantined={"touchpoints": {"a": 1, "b": 7, "none": 0}})
    assert reading.set_aside(comparison) == [("touchpoints", "b", 7), ("touchpoints", "a", 1)]
