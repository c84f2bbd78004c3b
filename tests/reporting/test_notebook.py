"""The comparison in a notebook."""

from html.parser import HTMLParser

import pytest

from lydite.reporting.display_names import model_label
from lydite.reporting.narrative import headline, reasons
from lydite.reporting.notebook import notebook_html
from lydite.results import Comparison
from tests.helpers.made_comparisons import (
    BEST,
    EVERY_KIND,
    SEGMENTS,
    TOO_EARLY,
    make_comparison,
    make_empty,
    make_path_comparison,
)


@pytest.mark.parametrize("rivals", EVERY_KIND.values(), ids=EVERY_KIND)
def test_headline_and_all_models(rivals):
    comparison = make_comparison(("purchase", rivals))
    text = notebook_html(comparison)
    assert headline(comparison, "purchase") in text
    assert all(f">{model_label(model)}<" in text for model, *_ in rivals)


def test_the_verdict_in_words():
    comparison = make_comparison(("purchase", BEST), segments=SEGMENTS)
    assert reasons(comparison, "purchase") in notebook_html(comparison)


def test_every_outcome_has_its_headline():
    text = notebook_html(make_comparison(("purchase", BEST), ("lead", TOO_EARLY)))
    assert text.count("<table") == 2


def test_a_path_table_says_how_it_was_compared():
    assert "not forward in time" in notebook_html(make_path_comparison())
    assert "not forward in time" not in notebook_html(make_comparison())


def test_names_are_escaped():
    text = notebook_html(make_comparison(("<b>&", (("<i>x", "best", 0.03, None, ""),))))
    tags = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.add(tag)
    parser.feed(text)
    assert "i" not in tags
    assert "&lt;b&gt;&amp;" in text


def test_an_empty_comparison():
    assert "Nothing was compared" in notebook_html(Comparison({}, [], {}))
    assert "No model was compared" in notebook_html(make_empty())
