"""The largest comparison that has a report: six outcomes, forty channels, eighteen models."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from tests.helpers.made_comparisons import MANY, make_comparison
from tests.helpers.made_marts import LAGS, LENGTHS, PATHS, segment_credit, with_all_marts
from tests.helpers.made_rows import EVIDENCE, evidence_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.results import Comparison

OUTCOMES = tuple(f"outcome_{number}" for number in range(6))
CHANNELS = tuple(f"paid_social_country_{number}" for number in range(40))
SEGMENTS = tuple(f"region = {number}" for number in range(12))
WEEKS = 52


def make_largest() -> Comparison:
    """Return a comparison with every table that grows with outcomes, channels and models."""
    rivals = [(outcome, MANY) for outcome in OUTCOMES]
    made = make_comparison(*rivals, channels=CHANNELS, segments=dict.fromkeys(SEGMENTS, MANY))
    made = replace(made, marts={**made.marts, "channel_credit": _uneven(made)})
    made = with_all_marts(made)
    evidence = [row for name, own in rivals for row in evidence_rows(name, "all", own, {}, WEEKS)]
    marts = {
        "paths": _each(PATHS.with_columns(pl.lit(" > ".join(CHANNELS[:4])).alias("path"))),
        "path_lengths": _each(LENGTHS),
        "time_lags": _each(LAGS),
        "channel_roles": _each(_roles()),
        "channel_transitions": _each(_transitions()),
        "segment_credit": segment_credit(made, SEGMENTS),
        "evidence": pl.DataFrame(evidence, schema=EVIDENCE),
    }
    return replace(made, marts={**made.marts, **marts})


def _uneven(made: Comparison) -> pl.DataFrame:
    """Return credit whose figures have all their digits."""
    chance, credit = random.Random(1), made.marts["channel_credit"]
    factor = pl.Series([chance.uniform(0.5, 1.7) for _ in range(len(credit))])
    numbers = [name for name, kind in credit.schema.items() if kind == pl.Float64]
    return credit.with_columns(pl.col(name) * factor for name in numbers)


def _each(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows for every outcome."""
    return pl.concat(rows.with_columns(pl.lit(name).alias("outcome")) for name in OUTCOMES)


def _roles() -> pl.DataFrame:
    numbers = {"on_path": 1_000, "first": 300, "last": 200, "assisted": 500, "alone": 40}
    return pl.DataFrame({"channel": CHANNELS}).with_columns(
        pl.lit(number).alias(name) for name, number in numbers.items()
    )


def _transitions() -> pl.DataFrame:
    chance = random.Random(2)
    columns = ("from_channel", "to_channel", "transitions", "probability")
    starts: Sequence[str] = ("(start)", *CHANNELS)
    rows = [
        (start, end, chance.randint(1, 5_000), 0.02)
        for start in starts
        for end in (*CHANNELS, "(conversion)")
    ]
    return pl.DataFrame(rows, columns, orient="row")
