"""Calls ChannelAttribution, written in C++: heuristics, and Markov chains that it simulates."""

from __future__ import annotations

import os
from functools import partial

import ChannelAttribution  # type: ignore[import-not-found]
import pandas as pd

Credit = dict[str, dict[str, float]]
HEURISTICS = ("first_touch", "last_touch", "linear")
_QUIET = {"sep": ">", "flg_pro": False}


def form(file: str, call: str) -> pd.DataFrame:
    """Return the path table as it is."""
    del call
    return pd.read_csv(file)


def heuristics(table: pd.DataFrame) -> Credit:
    """Return the credit of first touch, last touch and linear, which are one call."""
    found = ChannelAttribution.heuristic_models(table, "path", "conversions", **_QUIET)
    columns = ("first_touch", "last_touch", "linear_touch")
    return {
        name: dict(zip(found["channel_name"], found[column], strict=True))
        for name, column in zip(HEURISTICS, columns, strict=True)
    }


def markov(order: int, table: pd.DataFrame) -> Credit:
    """Return the credit of a Markov chain, on all cores."""
    found = ChannelAttribution.markov_model(
        table,
        "path",
        "conversions",
        var_null="nulls",
        order=order,
        ncore=os.cpu_count(),
        verbose=False,
        **_QUIET,
    )
    credit = dict(zip(found["channel_name"], found["total_conversions"], strict=True))
    return {f"markov_{order}": credit}


CALLS = {"heuristics": heuristics, "markov_1": partial(markov, 1), "markov_3": partial(markov, 3)}
