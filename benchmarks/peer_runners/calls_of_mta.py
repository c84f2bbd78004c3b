"""Calls mta, in plain Python."""

from __future__ import annotations

from typing import Any

import pandas as pd
from mta import MTA  # type: ignore[import-not-found]

Credit = dict[str, dict[str, float]]
HEURISTICS = ("first_touch", "last_touch", "linear")


def form(file: str, call: str) -> pd.DataFrame:
    """Return the path table with the column names that the tool looks for."""
    del call
    names = {"conversions": "total_conversions", "nulls": "total_null"}
    return pd.read_csv(file).rename(columns=names)


def begin(table: pd.DataFrame) -> Any:  # noqa: ANN401
    """Hand the table over; paths are split here, and repeated touches kept."""
    return MTA(table, allow_loops=True, add_timepoints=False)


def heuristics(tool: Any) -> Credit:  # noqa: ANN401
    """Return the credit of first touch, last touch, and linear by touches."""
    tool.first_touch().last_touch().linear(share="proportional")
    return {name: tool.attribution[name] for name in HEURISTICS}


def markov(tool: Any) -> Credit:  # noqa: ANN401
    """Return the credit of the Markov chain of order 1, without simulation."""
    return {"markov_1": tool.markov(sim=False).attribution["markov"]}


def shapley(tool: Any) -> Credit:  # noqa: ANN401
    """Return the credit of the Shapley values."""
    return {"shapley": tool.shapley().attribution["shapley"]}


CALLS = {"heuristics": heuristics, "markov_1": markov, "shapley": shapley}
