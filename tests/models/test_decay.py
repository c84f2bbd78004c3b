"""Weights that halve: told without SQL, they are what SQL makes of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.engine import DuckDBEngine
from lydite.models.decay import HALF_LIVES_HOURS, decay, half_life


@pytest.mark.parametrize("hours", [*HALF_LIVES_HOURS, 0.5, 1 / 3])
def test_the_half_life_is_read_from_what_was_written(hours):
    assert half_life(decay(hours)) == hours


@pytest.mark.parametrize(
    "expression", ["1.0", "2 * power(0.5, hours_before_end / 6.0)", "power(0.5, position / 6.0)"]
)
def test_other_weights_have_none(expression):
    assert half_life(expression) is None


@given(st.floats(0.01, 1e4), st.floats(0, 1e5))
def test_what_is_left_is_what_sql_says(hours, before_end):
    known = half_life(decay(hours))
    left = float(np.exp2(before_end / -known))
    assert left == pytest.approx(ENGINE.scalar(f"select {decay(hours)} from {moment(before_end)}"))


ENGINE = DuckDBEngine()


def moment(before_end: float) -> str:
    return f"(select cast('{before_end!r}' as double) as hours_before_end)"
