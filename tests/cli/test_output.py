"""Results on standard output."""

import json

import polars as pl

from lydite.cli.output import show_comparison, show_credit
from lydite.results import Credit
from tests.helpers.made_comparisons import make_comparison

TABLE = pl.DataFrame(
    {
        "model": ["linear"], "channel": ["été"], "conversions": [3.0], "conversions_low": [2.0],
        "conversions_high": [4.0], "value": [None], "share": [1.0], "removal_effect": [None],
    }
)  # fmt: skip
CREDIT = Credit(TABLE, pl.DataFrame({"model": ["markov_1"]}), {})


def test_a_comparison_as_json_is_its_plain_data(capsys):
    comparison = make_comparison()
    show_comparison(comparison, "json")
    assert json.loads(capsys.readouterr().out) == comparison.to_dict()


def test_a_comparison_as_a_table_has_its_verdict(capsys):
    show_comparison(make_comparison(), "table")
    assert "Linear explains purchase best." in capsys.readouterr().out


def test_credit_as_json_keeps_names_readable(capsys):
    show_credit(CREDIT, "json")
    text = capsys.readouterr().out
    assert json.loads(text) == CREDIT.to_dict()
    assert "été" in text


def test_credit_as_a_table_has_its_models(capsys):
    show_credit(CREDIT, "table")
    text = capsys.readouterr().out
    assert "Credit according to linear" in text
    assert "2.0 to 4.0" in " ".join(text.split())
