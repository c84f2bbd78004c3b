"""Weights of touches: what their SQL says, and what numpy computes of it."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.engine import DuckDBEngine
from lydite.models import DEFAULT_MODELS, make_model
from lydite.models.fitted_rules import HALF_LIVES_HOURS
from lydite.paths.columns import ExponentialDecay, UserWeight, columns_used
from lydite.paths.expressions import columns_of

ENGINE = DuckDBEngine()


@given(st.floats(0.01, 1e4) | st.sampled_from(HALF_LIVES_HOURS), st.floats(0, 1e5))
def test_exponential_decay_is_what_its_sql_says(hours, before_end):
    weight = ExponentialDecay(hours)
    touch = f"(select cast('{before_end!r}' as double) as hours_before_end)"
    [value] = weight.values(np.array([before_end]))
    assert value == pytest.approx(ENGINE.scalar(f"select {weight} from {touch}"))


def test_values_do_not_change_the_hours():
    hours = np.array([0.0, 24.0, 48.0])
    assert ExponentialDecay(24).values(hours).tolist() == [1.0, 0.5, 0.25]
    assert hours.tolist() == [0.0, 24.0, 48.0]


def test_a_weight_is_its_sql_in_json():
    weights = {"decay": ExponentialDecay(6), "mine": UserWeight("mine", "1", "1")}
    assert json.loads(json.dumps(weights, default=str)) == {
        name: str(weight) for name, weight in weights.items()
    }


def test_the_value_of_a_user_weight_is_checked():
    weight = UserWeight("mine", "position - 2", "position - 2")
    touch = "(select {} as position, 5 as path_length, 'tv' as channel)"
    assert ENGINE.scalar(f"select {weight} from {touch.format(3)}") == 1
    message = "the rule 'mine' gives the weight -1.0 to touch 1 of 5 on a path, of channel tv"
    with pytest.raises(ENGINE.error, match=message):
        ENGINE.scalar(f"select {weight} from {touch.format(1)}")


def test_columns_used_by_weights():
    assert columns_used("1.0") == set()
    assert columns_used(ExponentialDecay(24)) == {"hours_before_end"}
    assert columns_used("1.0 / POSITION + effect") == {"position"}
    literal = UserWeight.checked("mine", "case when channel = 'campaign' then 2 else 1 end")
    assert columns_used(literal) == {"channel", "position", "path_length"}  # two in its message


@pytest.mark.parametrize("name", DEFAULT_MODELS)
def test_words_of_built_in_weights_are_the_columns_that_a_parser_finds(name):
    for weight in make_model(name).weight_columns.values():
        assert columns_used(weight) == columns_of(str(weight))


def test_neither_parser_nor_graphs_are_imported_for_built_in_models():
    code = (
        "import sys, polars as pl, lydite;"
        "lydite.credit(pl.DataFrame({'path': ['a > b'], 'conversions': [2]}), intervals=False);"
        "assert not {'sqlglot', 'networkx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
