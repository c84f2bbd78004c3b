"""The comparison table as text."""

from lydite.reporting.table_rows import model_rows
from tests.helpers.made_comparisons import BEST, make_comparison, make_empty


def _lines(rivals=BEST):
    return {
        line.model: line for line in model_rows(make_comparison(("purchase", rivals)), "purchase")
    }


def test_rivals_first_then_references_without_verdict():
    lines = _lines()
    assert [*lines][:2] == ["linear", "time_decay"]
    assert [name for name, line in lines.items() if line.is_reference] == [
        "base_rate", "touch_volume", "ceiling",
    ]  # fmt: skip
    assert not lines["ceiling"].verdict


def test_numbers_are_rounded_by_their_error():
    line = _lines()["linear"]
    assert (line.improvement, line.bounds, line.loss) == ("3.4%", "2.6% to 4.2%", "0.2029")
    assert _lines()["ceiling"].improvement == "4.5%"


def test_a_verdict_in_one_cell():
    line = _lines()["last_touch"]
    assert (line.refuted_by, line.since) == ("by linear", "since 5 May 2025")
    assert line.short_verdict == "refuted by linear; same forecast as 1-step Markov chain"


def test_an_empty_comparison_has_no_rows():
    assert model_rows(make_empty(), "purchase") == []
