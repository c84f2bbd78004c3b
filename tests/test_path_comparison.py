"""Comparison of models on a path table."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import lydite

TABLE = pl.DataFrame(
    {
        "path": ["a > b > c", "a", "b > b", "c > a", "b > c > a > a"],
        "conversions": [30, 5, 12, 3, 8],
        "value": [300.0, 5.0, 60.0, 3.0, 80.0],
        "nulls": [70, 200, 40, 90, 10],
    }
)


def test_the_true_model_comes_first():
    rng = np.random.default_rng(3)
    rate = {"a": 0.02, "b": 0.3, "c": 0.1}
    paths, hits = [], []
    for _ in range(6000):
        path = [str(rng.choice(["a", "b", "c"]))]
        while (hit := rng.random() < rate[path[-1]]) is False and rng.random() < 0.6:
            path.append(str(rng.choice(["a", "b", "c"])))
        paths.append(" > ".join(path))
        hits.append(int(hit))
    table = pl.DataFrame({"path": paths, "conversions": hits, "nulls": [1 - h for h in hits]})
    result = lydite.compare(paths=table, models=["first_touch", "last_touch", "linear"])
    assert result.table["model"][0] == "last_touch"
    assert result.table["verdict"][0] == "best"
    assert "not forward in time" in result.verdict()


def test_too_few_conversions_and_wrong_arguments_are_errors():
    with pytest.raises(lydite.InputError, match="58 conversions are too few"):
        lydite.compare(paths=TABLE)
    with pytest.raises(lydite.InputError, match="cannot be combined"):
        lydite.compare(TABLE, paths=TABLE)
    with pytest.raises(lydite.InputError, match="touchpoints and conversions, or paths"):
        lydite.compare()
