"""The HTML report."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from lydite.errors import InputError
from lydite.reporting.decision import decide
from lydite.reporting.display_names import model_label
from lydite.reporting.report import report_html, write_report
from lydite.results import Comparison
from tests.helpers.made_comparisons import (
    BEST,
    CONTENDERS,
    EVERY_KIND,
    MANY,
    SEGMENTS,
    TOO_EARLY,
    make_comparison,
    make_empty,
    make_path_comparison,
)

_ATTACK = "</script><script>window.attacked=1</script><img src=x onerror='attacked()'>"


class _Reader(HTMLParser):
    """Collects the elements with their attributes, and the text outside scripts."""

    def __init__(self, report: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(report)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.elements and self.elements[-1][0] not in ("script", "style"):
            self.text.append(data)


@pytest.mark.parametrize("rivals", EVERY_KIND.values(), ids=EVERY_KIND)
def test_the_report_has_the_verdict_and_all_models(rivals):
    comparison = make_comparison(("purchase", rivals))
    text = " ".join(_Reader(report_html(comparison)).text)
    assert decide(comparison, "purchase").text in text
    assert all(model_label(model) in text for model, *_ in rivals)
    assert "not a better cause" in text


def test_the_report_refers_to_nothing_outside():
    for tag, attributes in _Reader(report_html(make_comparison())).elements:
        assert tag not in {"link", "img", "iframe", "base"}
        for name in ("src", "href", "srcset", "action"):
            assert (attributes.get(name) or "#").startswith("#")
    report = report_html(make_comparison())
    assert not re.search(r"https?://|url\((?!#)|@import", report)
    assert len(report) < 1_000_000


def test_credit_has_its_interval_and_its_range_in_words():
    report = report_html(make_comparison(("purchase", CONTENDERS), channels=("ads", "direct")))
    [text] = re.findall(
        r'<th scope="row">Ads</th><td class="plot"><svg[^>]*><title>(.*?)</title>', report
    )
    assert text == (
        "20.0% of credit, 95% interval 18% to 22%, range over the models still standing 20% to"
        " 83%, last touch 33%, 100% of spend"
    )
    assert "users were resampled 200 times" in report


def test_a_path_table_has_folds_instead_of_periods():
    text = " ".join(_Reader(report_html(make_path_comparison())).text)
    assert "not forward in time" in text
    assert "folds" in text
    for absent in ("periods forecast", "lookback", "None", "Evidence over time"):
        assert absent not in text
    assert "Time decay was left out" in text


def _table(report, kind):
    """Return the rows of a table as the texts of their cells."""
    start = report.index(f'<table class="{kind}">')
    rows = re.findall(r"<tr>(.*?)</tr>", report[start : report.index("</table>", start)], re.DOTALL)
    return [
        [" ".join(re.sub("<.*?>", " ", cell).split()) for cell in re.split(r"</t[hd]>", row)[:-1]]
        for row in rows
    ]


def test_segments_with_their_verdicts_and_whether_they_agree():
    report = report_html(make_comparison(("purchase", BEST), segments=SEGMENTS))
    assert "are judged together" in report
    heads, *rows = _table(report, "segments")
    assert heads[-1] == "same as for all users"
    assert [row[0] for row in rows] == list(SEGMENTS)
    assert rows[3] == [
        "region = north", "5,014", "214", "too early to say", "1.0% 0.2% to 1.8% Linear",
        "not known yet",
    ]  # fmt: skip
    assert rows[4][3:] == ["time decay is best", "5.0% 4.2% to 5.8%", "no"]


def test_without_a_leader_no_segment_agrees_or_not():
    report = report_html(make_comparison(("purchase", TOO_EARLY), segments=SEGMENTS))
    assert {len(row) for row in _table(report, "segments")} == {5}


def test_open_pairs_with_the_data_needed():
    projections = {("linear", "last_touch"): (110, 28_488)}
    report = report_html(make_comparison(("purchase", CONTENDERS), projections=projections))
    assert _table(report, "pairs")[1:] == [
        [
            "Linear and last touch / 1-step Markov chain", "linear", "0.4% −0.2% to 1.0%",
            "110 more weeks, or 28,000 more users",
        ]
    ]  # fmt: skip


def test_many_segments_and_pairs_are_counted():
    segments = {f"region = {number}": BEST for number in range(30)}
    report = report_html(make_comparison(("purchase", MANY), segments=segments))
    assert len(_table(report, "segments")) == len(_table(report, "pairs")) == 13
    text = " ".join(_Reader(report).text)
    assert "And 18 more in the tables." in text
    assert "And 3 more in the tables." in text


def test_neither_segments_nor_open_pairs_where_there_are_none():
    report = report_html(make_comparison(("purchase", EVERY_KIND["no_better"])))
    assert "are judged together" not in report
    for absent in ("Segments", "Data needed to decide", "Warnings"):
        assert absent not in _Reader(report).text


def test_warnings_are_in_the_part_on_the_data():
    comparison = make_comparison(warnings=((None, "immature", "41% of the touches are recent"),))
    report = report_html(comparison)
    assert report.index("Data quality") < report.index("41% of the touches are recent")
    assert "1 warning" in report


def test_warnings_of_all_outcomes_are_there_once():
    comparison = make_comparison(
        ("purchase", BEST), ("lead", TOO_EARLY), warnings=((None, "immature", "41% are recent"),)
    )
    schema = comparison.marts["warnings"].schema
    own = pl.DataFrame([("lead", "all", None, "bots", "ten robots")], schema, orient="row")
    more = pl.concat([comparison.marts["warnings"], own])
    report = report_html(replace(comparison, marts={**comparison.marts, "warnings": more}))
    assert report.count("41% are recent") == 1
    assert (
        report.index("All outcomes") < report.index("41% are recent") < report.index("ten robots")
    )


@pytest.mark.parametrize("mart", ["model_comparison", "pairs", "warnings", "evidence"])
def test_missing_and_empty_tables_do_not_break_the_report(mart):
    full = make_comparison(("purchase", BEST), segments=SEGMENTS)
    rest = {name: frame for name, frame in full.marts.items() if name != mart}
    for marts in (rest, rest | {mart: full.marts[mart].clear()}):
        assert "not a better cause" in report_html(Comparison(marts, full.outcomes, {}))


def test_names_from_the_data_are_escaped():
    hostile = make_comparison(
        (
            _ATTACK,
            (
                ("linear" + _ATTACK, "best", 0.03, None, ""),
                ("other" + _ATTACK, "too_early", 0.02, None, ""),
            ),
        ),
        channels=(_ATTACK, "a&b", "\u2028"),
        quarantined={_ATTACK: {_ATTACK: 3}},
        segments={_ATTACK: ((_ATTACK, "best", 0.03, None, ""),)},
        warnings=((_ATTACK, "model", _ATTACK), (None, "drift", _ATTACK)),
    )
    report = report_html(hostile)
    reader = _Reader(report)
    assert "img" not in {tag for tag, _ in reader.elements}
    assert [tag for tag, _ in reader.elements].count("script") == 2
    assert not any("onerror" in attributes for _, attributes in reader.elements)
    assert _ATTACK not in report
    assert any(_ATTACK in text for text in reader.text)


def test_the_report_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "new" / "report.html"
    write_report(make_comparison(), target)
    before = target.read_text(encoding="utf-8")
    assert before.endswith("</html>\n")
    assert [file.name for file in target.parent.iterdir()] == ["report.html"]

    def fail(self, other):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InputError, match="cannot be written: No space left"):
        write_report(make_empty(), str(target))
    assert target.read_text(encoding="utf-8") == before
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"report\.html cannot be written"):
        write_report(make_comparison(), tmp_path / "file" / "report.html")


def test_empty_comparisons_and_short_histories_have_a_report():
    assert "Nothing was compared" in report_html(Comparison({}, [], {}))
    assert "No model was compared" in report_html(make_empty())
    assert "Short." in report_html(make_comparison(("lead", ()), note="short"))


def _with_transitions(*rows):
    columns = ("outcome", "from_channel", "to_channel", "transitions", "probability")
    comparison = make_comparison(("purchase", BEST))
    frame = pl.DataFrame([("purchase", *row) for row in rows], dict.fromkeys(columns), orient="row")
    return replace(comparison, marts={**comparison.marts, "channel_transitions": frame})


def test_the_report_shows_the_transitions_between_channels_folded():
    rows = [("(start)", "tv", 5, 1.0), ("tv", _ATTACK, 4, 0.8), ("tv", "(conversion)", 1, 0.2)]
    html = report_html(_with_transitions(*rows))
    elements = _Reader(html).elements
    tags = [tag for tag, _ in elements]
    (summary,) = re.findall(r'<details class="fold"><summary><h2>The customer journey', html)
    assert "open" not in summary
    assert "attacked" not in "".join(str(attributes) for _, attributes in elements)
    without = [tag for tag, _ in _Reader(report_html(make_comparison(("purchase", BEST)))).elements]
    assert tags.count("circle") == without.count("circle") + 2


def test_a_channel_with_the_name_of_an_end_leaves_the_diagram_out():
    html = report_html(_with_transitions(("(start)", "(start)", 5, 1.0), ("(start)", "b", 5, 1.0)))
    assert "The customer journey" not in html
