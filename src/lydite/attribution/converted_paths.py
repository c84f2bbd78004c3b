"""The converted paths of one outcome: laid out in tables for SQL, and counted for models."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lydite.attribution.credit_sql import numbered_sets
from lydite.engine.duckdb import quote_identifier
from lydite.models.base import weight_columns
from lydite.paths.landmarks import N_BUCKETS, PathChannels, Paths, first_buckets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lydite.engine import Engine
    from lydite.models import Model

#: A model that looks at every touch draws its intervals from so many paths at most.
MOST_PATHS = 5_000_000
_LAID_OUT = ("credit.paths", "credit.met", "credit.sets")


@contextmanager
def path_tables(engine: Engine, outcome: str, channels: int) -> Iterator[None]:
    """Keep the converted paths of one outcome in tables while the block divides them.

    ``credit.paths`` has a row for each touch, ``credit.met`` for each channel on a path, and
    ``credit.sets`` for each conversion, with the number of the set of channels on its path.
    """
    try:
        engine.create("credit.paths", "credit/conversion_paths", {"outcome": outcome})
        engine.create("credit.met", "credit/channels_met")
        engine.create("credit.sets", numbered_sets(channels))
        yield
    finally:
        for table in _LAID_OUT:
            engine.drop(table)


@dataclass(frozen=True)
class ConvertedSets:
    """The sets of channels that are met on converted paths.

    Attributes
    ----------
    sets : Paths
        Each set as a path, in the order of the sets' numbers.
    counted : Paths
        Each set in each bucket as a path, with the conversions and the value that it stands for.
    """

    sets: Paths
    counted: Paths


def load_sets(engine: Engine, channels: Sequence[str]) -> ConvertedSets:
    """Load the sets of channels on the paths that are laid out, with what they have earned."""
    met = engine.fetch_numpy("credit/set_channels")
    counts = engine.fetch_numpy("credit/set_counts")
    size = int(met["set_key"].max(initial=-1)) + 1
    ones = np.ones(len(met["set_key"]))
    path = PathChannels(met["set_key"], met["channel_key"], ones.astype(np.intp))
    again = path.matrix(ones, size, len(channels))[counts["set_key"]]
    row = np.repeat(np.arange(again.shape[0]), np.diff(again.indptr))
    once = np.ones(size)
    return ConvertedSets(
        Paths(tuple(channels), np.zeros(size, dtype=np.intp), once, once, path),
        Paths(
            tuple(channels),
            counts["bucket"],
            counts["conversions"].astype(float),
            _rounded(counts["value"]),
            PathChannels(row, again.indices, np.ones(len(row), dtype=np.intp)),
        ),
    )


def buckets_of_paths(engine: Engine) -> int:
    """Return how many buckets, from 0 on, hold at most `MOST_PATHS` of the paths laid out."""
    counts = engine.fetch_numpy(
        "select bucket, count(*) as n from credit.paths where position = 1 group by bucket"
    )
    return first_buckets(counts["bucket"], counts["n"], MOST_PATHS)


def load_paths(
    engine: Engine, channels: Sequence[str], model: Model, buckets: int = N_BUCKETS
) -> Paths:
    """Load the paths that are laid out, a row each, with the weights that a model looks at.

    Only so many buckets are loaded, from 0 on: intervals from fewer users are wider, if anything.
    """
    columns = weight_columns([model])
    sums = "".join(
        f", sum(coalesce(cast(({weight}) as double), 0)) as {quote_identifier(name)}"
        for name, weight in columns.items()
    )
    entries = engine.fetch_numpy(
        "select conversion_key, bucket, coalesce(value, 0) as value, channel_key,"
        f" count(*) as touches{sums}\nfrom credit.paths where bucket < $buckets\n"
        "group by conversion_key, bucket, coalesce(value, 0), channel_key\n"
        "order by conversion_key, channel_key",
        {"buckets": buckets},
    )
    keys = entries["conversion_key"]
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
    row = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(keys))))
    weights = {name: _rounded(entries[name]) for name in columns}
    path = PathChannels(row, entries["channel_key"], entries["touches"], weights)
    unit, value = entries["bucket"][first], entries["value"][first].astype(float)
    return Paths(tuple(channels), unit, np.ones(len(first)), value, path)


def _rounded(sums: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return sums rounded far below what matters.

    The order of adding shows in the last digits of floating point, and it is the threads' own.
    """
    return np.round(sums.astype(float), 9)
