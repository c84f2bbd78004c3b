"""Results on standard output."""

import json

import polars as pl

from lydite import pipeline
from lydite.cli.output import show_comparison, show_credit
from lydite.engine import DuckDBEngine
from lydite.models import make_models
from lydite.results import Credit, read_comparison
from lydite.settings import make_settings
from lydite.simulation import simulate
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


def test_what_is_printed_needs_no_more_marts_than_are_built_for_it(capsys):
    world = simulate("linear", users=2_000, seed=1)
    names = ("touchpoints", "conversions", "spend", "users")
    sources = {name: getattr(world, name) for name in names}
    settings = make_settings(lookback=["30d", "7d"], customer_segment=True)
    rivals = make_models(["linear", "last_touch", "markov_1"])
    printed = []
    for marts in (pipeline.PRINTED_MARTS, pipeline.MARTS):
        with DuckDBEngine() as engine:
            pipeline.run(engine, sources, settings, rivals=rivals, marts=marts)
            comparison = read_comparison(engine, touches=False)
        assert ("paths" in comparison.marts) == (marts is pipeline.MARTS)
        for output in ("json", "table"):
            show_comparison(comparison, output)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "linear" in printed[0].lower()
