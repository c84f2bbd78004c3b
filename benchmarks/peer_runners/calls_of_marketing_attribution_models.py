"""Calls marketing-attribution-models, which works on polars frames."""

from __future__ import annotations

from typing import Any

import polars as pl
from mam.core import MAM  # type: ignore[import-not-found]

Credit = dict[str, dict[str, float]]
HEURISTICS = ("first_touch", "last_touch", "linear")


def form(file: str, call: str) -> pl.DataFrame:
    """Return two rows for each path: how many journeys converted, and how many did not."""
    del call
    table = pl.read_csv(file)
    parts = (
        table.select("path", journeys=count, converted=pl.lit(count == "conversions"))
        for count in ("conversions", "nulls")
    )
    return pl.concat(parts).filter(pl.col("journeys") > 0)


def begin(table: pl.DataFrame) -> Any:  # noqa: ANN401
    """Hand the table over; paths are split here."""
    return MAM(table, "grouped_journey", "path", "converted", occurrences_colname="journeys")


def heuristics(tool: Any) -> Credit:  # noqa: ANN401
    """Return the credit of first touch, last touch and linear."""
    found = (tool.run_first_click(), tool.run_last_click(), tool.run_linear())
    return {name: _by_channel(own) for name, own in zip(HEURISTICS, found, strict=True)}


def markov(tool: Any) -> Credit:  # noqa: ANN401
    """Return the credit of the Markov chain of order 1."""
    return {"markov_1": _by_channel(tool.run_markov())}


def shapley(tool: Any) -> Credit:  # noqa: ANN401
    """Return the credit of the Shapley values."""
    return {"shapley": _by_channel(tool.run_shapley())}


def _by_channel(result: Any) -> dict[str, float]:  # noqa: ANN401
    rows = result.to_polars()
    return dict(zip(rows["channels"], rows["attribution"], strict=True))


CALLS = {"heuristics": heuristics, "markov_1": markov, "shapley": shapley}
