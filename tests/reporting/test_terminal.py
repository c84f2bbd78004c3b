"""The comparison on a terminal."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from lydite.reporting.display_names import channel_label, model_label
from lydite.reporting.terminal import print_comparison
from lydite.results import Comparison
from lydite.settings import ReportSettings
from tests.helpers.made_comparisons import (
    BEST,
    BEST_OF_PRIMARY,
    CHANNELS,
    CONTENDERS,
    EVERY_KIND,
    MANY,
    SEGMENTS,
    make_comparison,
    make_empty,
    make_path_comparison,
)

_STAND = "2 of 2 primary models still stand (linear and last touch / 1-step Markov chain)"


def _printed(comparison, width):
    stream = io.StringIO()
    print_comparison(comparison, Console(file=stream, width=width, color_system=None))
    return stream.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 120])
@pytest.mark.parametrize("rivals", EVERY_KIND.values(), ids=EVERY_KIND)
def test_all_models_and_references_are_whole_at_any_width(rivals, width):
    text = _printed(make_comparison(("purchase", rivals)), width)
    assert max(len(line) for line in text.splitlines()) <= width
    for name in [*(model for model, *_ in rivals), "touch_volume", "base_rate", "ceiling"]:
        if width >= 80:
            assert any(model_label(name) in line for line in text.splitlines())
        assert all(word in text.split() for word in model_label(name).split())


@pytest.mark.parametrize("width", [80, 100, 120])
def test_many_models_of_long_names_are_whole_on_a_usual_terminal(width):
    text = _printed(make_comparison(("purchase", MANY)), width)
    assert max(len(line) for line in text.splitlines()) <= width
    for name in (model for model, *_ in MANY):
        assert any(model_label(name) in line for line in text.splitlines())
    table = text[: text.index("still stand")]
    assert table.count("Position-based, fitted") == 1
    words = " ".join(table.split())
    assert words.count("fitted position-based") == sum(m[3] is not None for m in MANY)
    assert "…" not in table
    assert ("loss, bits" in table) == (width == 120)


def test_primary_models_are_marked_where_there_are_others():
    text = _printed(make_comparison(("purchase", BEST_OF_PRIMARY)), 100)
    marked = [line.split(" • ")[0].strip(" 0123456789") for line in text.splitlines()]
    assert [name for name in marked if name in {"Linear", "Time decay", "Last touch"}] == [
        "Linear", "Time decay", "Last touch",
    ]  # fmt: skip
    assert "• primary model: the verdict speaks of these first" in text
    assert "•" not in _printed(make_comparison(("purchase", EVERY_KIND["too_early"])), 100)


def test_credit_of_all_models_of_the_headline_where_one_is_ahead():
    rivals = (("last_touch", "too_early", 0.03, None, ""), ("linear", "contender", 0.02, None, ""))
    text = _printed(make_comparison(("purchase", rivals)), 100)
    assert "Too early to choose a model for purchase: 2 of 2 still stand" in text
    assert ["channel", "Last", "touch", "Linear"] in [line.split() for line in text.splitlines()]


def test_credit_of_the_best_model_by_channel():
    text = _printed(make_comparison(), 100)
    assert "Credit according to linear" in text
    assert all(channel_label(channel) in text for channel in [*CHANNELS, "(unattributed)"])


def test_intervals_of_credit_where_there_is_room():
    row = next(r for r in _printed(make_comparison(), 100).splitlines() if "Paid search" in r)
    assert row.split()[:7] == ["Paid", "search", "52.5", "47", "to", "58", "2.5%"]
    assert "95% interval" in _printed(make_comparison(), 96)
    assert "95% interval" not in _printed(make_comparison(), 95)


def test_every_segment_has_a_line_after_the_verdict():
    text = _printed(make_comparison(("purchase", BEST), segments=SEGMENTS), 100)
    verdict, segments = text.split("By segment\n")
    assert "only an experiment shows what a channel adds." in " ".join(verdict.split())
    lines = [
        f"customer_type = new: {_STAND}",
        f"customer_type = returning: {_STAND}",
        "region = east: linear is best",
        "region = north: too early to say",
        "region = west: time decay is best (differs from all users)",
    ]
    assert " ".join(segments.split()).startswith(" ".join(lines))


def test_segments_of_long_names_keep_to_the_width():
    segments = {"customer_type = " + "long " * 20: CONTENDERS, "region = " + "x" * 90: BEST}
    text = _printed(make_comparison(("purchase", BEST), segments=segments), 60)
    assert max(len(line) for line in text.splitlines()) <= 60


def test_no_segments_and_many_segments():
    assert "By segment" not in _printed(make_comparison(), 100)
    many = {f"region = {number}": BEST for number in range(30)}
    text = _printed(make_comparison(("purchase", BEST), segments=many), 100)
    assert text.count("linear is best") == 12
    assert "and 18 more in the tables" in text


def test_a_path_table_has_folds_and_no_lookback():
    text = _printed(make_path_comparison(), 120)
    used, total = (line for line in text.splitlines() if "landmarks" in line)
    assert used.startswith("path table · cross-validation over 5 folds: 30,000 landmarks with")
    assert total.startswith("in the data: 48,210 landmarks · 2,311 conversions")
    assert "not forward in time" in " ".join(text.split())
    assert "! Time decay was left out: it needs to know" in text
    assert "None" not in text


def test_channels_have_the_names_of_the_settings():
    settings = ReportSettings(channel_names={"paid_search": "Google Ads"})
    for comparison in (make_comparison(), make_comparison(("purchase", CONTENDERS))):
        text = _printed(replace(comparison, report_settings=settings), 100)
        assert "Google Ads" in text
        assert "Paid search" not in text


def test_no_credit_where_no_model_is_ahead():
    text = _printed(make_comparison(("purchase", EVERY_KIND["too_early"])), 100)
    assert "Credit" not in text


def test_counts_of_the_verdict_then_of_the_data_and_rows_that_could_not_be_used():
    comparison = make_comparison(quarantined={"touchpoints": {"no channel": 1_234}})
    text = _printed(comparison, 100)
    assert "16 periods forecast: 30,000 landmarks with 1,200 conversions\n" in text
    assert "in the data: 48,210 landmarks · 2,311 conversions (2,100 attributed, 211" in text
    assert "touchpoints: 1,234 × no channel" in text


def test_names_are_neither_markup_nor_control_codes():
    comparison = make_comparison(
        ("[red]buy[/red]", BEST),
        channels=("[bold]a[/bold]", "\x1b[2Jb"),
        segments={"[blue]c = \x1b[2J": BEST},
        warnings=((None, "restated", "[i]w[/i]\x1b[2J"),),
    )
    text = _printed(comparison, 100)
    assert "[blue]c" in text
    assert "! [i]w[/i]" in text
    assert "[bold]a[/bold]" in text
    assert "[red]buy[/red]" in text
    assert "\x1b" not in text


def test_an_outcome_that_was_not_judged_and_an_empty_comparison():
    assert "Short." in _printed(make_comparison(("lead", ()), note="Short"), 80)
    assert "No model was compared" in _printed(make_empty(), 80)
    assert _printed(Comparison({}, [], {}), 80) == ""
