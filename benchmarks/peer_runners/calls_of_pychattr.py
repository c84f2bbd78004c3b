"""Calls pychattr, in plain Python: heuristics, and Markov chains that it simulates."""

from __future__ import annotations

from functools import partial

import pandas as pd
from pychattr.channel_attribution import (  # type: ignore[import-not-found]
    HeuristicModel,
    MarkovModel,
)

Credit = dict[str, dict[str, float]]
HEURISTICS = ("first_touch", "last_touch", "linear")


def form(file: str, call: str) -> pd.DataFrame:
    """Return the path table as it is."""
    del call
    return pd.read_csv(file)


def heuristics(table: pd.DataFrame) -> Credit:
    """Return the credit of first touch, last touch and linear, which are one call."""
    model = HeuristicModel("path", "conversions", separator=">", ensemble_results=False)
    found = model.fit(table).attribution_model_
    columns = ("first_touch", "last_touch", "linear_touch")
    return {
        name: dict(zip(found["channel"], found[f"{column}_conversions"], strict=True))
        for name, column in zip(HEURISTICS, columns, strict=True)
    }


def markov(order: int, table: pd.DataFrame) -> Credit:
    """Return the credit of a Markov chain."""
    model = MarkovModel(
        "path", "conversions", null_feature="nulls", separator=">", k_order=order, random_state=1
    )
    found = model.fit(table).attribution_model_
    credit = dict(zip(found["channel_name"], found["total_conversions"], strict=True))
    return {f"markov_{order}": credit}


CALLS = {"heuristics": heuristics, "markov_1": partial(markov, 1), "markov_3": partial(markov, 3)}
