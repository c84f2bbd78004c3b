"""Compute credit with 95 % intervals from a table of paths."""

import polars as pl

import lydite

paths = pl.DataFrame(
    {
        "path": ["search", "social > search", "video > social > search", "email > search", "video"],
        "conversions": [40, 25, 10, 15, 2],  # users that converted after this path
        "nulls": [300, 240, 180, 90, 400],  # users that did not
    }
)
result = lydite.credit(paths, models=["last_touch", "linear", "markov_1", "shapley"])

print(result.table.select("model", "channel", "conversions", "conversions_low", "conversions_high"))
