"""Calls do-attribution, whose Markov chains are solved exactly; it has no heuristics."""

from __future__ import annotations

from functools import partial

import pandas as pd
from do_attribution import (  # type: ignore[import-not-found]
    MarkovAttribution,
    ShapleyAttribution,
)

Credit = dict[str, dict[str, float]]


def form(file: str, call: str) -> pd.DataFrame:
    """Return two rows for each path, with weights; for Shapley values, a row for each journey."""
    table = pd.read_csv(file)
    parts = [
        pd.DataFrame({"path": table["path"], "converted": converted, "journeys": table[count]})
        for converted, count in ((1, "conversions"), (0, "nulls"))
    ]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[rows["journeys"] > 0]
    if call == "shapley":
        rows = rows.loc[rows.index.repeat(rows["journeys"])]
    return rows.reset_index(drop=True)


def markov(order: int, rows: pd.DataFrame) -> Credit:
    """Return the credit of a Markov chain whose removed channels lead to no conversion."""
    model = MarkovAttribution(order=order, removal_strategy="redirect_to_null")
    found = model.fit(rows["path"], rows["converted"], rows["journeys"])
    return {f"markov_{order}": found["attribution"]}


def shapley(rows: pd.DataFrame) -> Credit:
    """Return the credit of the Shapley values, none where the tool finds no shares."""
    found = ShapleyAttribution().fit(rows["path"], rows["converted"])
    return {"shapley": found["attribution"] or {}}


CALLS = {"markov_1": partial(markov, 1), "markov_3": partial(markov, 3), "shapley": shapley}
