"""The converted paths of one outcome, in tables for SQL and in arrays for models."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from lydite.attribution.credit_sql import channel_sets_sql
from lydite.engine import load_sql
from lydite.engine.duckdb import quote_identifier
from lydite.journeys import select_path_touches
from lydite.models.base import weight_columns
from lydite.paths.landmarks import N_BUCKETS, PathChannels, Paths, first_buckets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lydite.engine import Engine
    from lydite.models import Model

#: The most paths from which a model with touch weights draws its intervals.
MAX_PATHS = 5_000_000
#: After all conversions.
FOREVER = datetime(9999, 12, 31)  # noqa: DTZ001 - times of DuckDB are naive, in UTC
_TABLES = ("credit.conversions", "credit.paths", "credit.path_channels", "credit.channel_sets")


@contextmanager
def converted_path_tables(
    engine: Engine, outcome: str, channels: int, users: str | None = None
) -> Iterator[None]:
    """Create tables of the converted paths of one outcome, and drop them after the block.

    ``credit.conversions`` and ``credit.channel_sets`` have a row per conversion, the latter with
    the number of the set of channels on its path; ``credit.paths`` has a row per touch, and
    ``credit.path_channels`` a row per channel on a path.

    Parameters
    ----------
    engine
        Holds the journeys.
    outcome
        Name of the outcome.
    channels
        The number of channels.
    users
        A table with the ``user_key`` of users: only their paths; None for those of all users.
    """
    of_users = f" and user_key in (select user_key from {users})" if users else ""
    try:
        engine.create(
            "credit.conversions",
            f"select * from journeys.conversions where outcome = $outcome{of_users}",
            {"outcome": outcome},
        )
        paths = select_path_touches(engine, users)
        select = load_sql("credit/conversion_paths").replace("journeys.path_touches", f"({paths})")
        engine.create("credit.paths", select, {"outcome": outcome})
        engine.create("credit.path_channels", "credit/path_channels")
        engine.create("credit.channel_sets", channel_sets_sql(channels))
        yield
    finally:
        for table in _TABLES:
            engine.drop(table)


@dataclass(frozen=True)
class ChannelSets:
    """The sets of channels on converted paths.

    Attributes
    ----------
    sets : Paths
        Each set as a path, in the order of the set numbers.
    counted : Paths
        Each set in each bucket as a path, with its number of conversions and their value.
    """

    sets: Paths
    counted: Paths


def load_channel_sets(
    engine: Engine, channels: Sequence[str], until: datetime = FOREVER
) -> ChannelSets:
    """Load the sets of channels on the converted paths.

    Conversions up to an instant are counted; sets may have none.
    """
    members = engine.fetch_numpy("credit/set_channels")
    counts = engine.fetch_numpy("credit/set_counts", {"until": until})
    size = int(members["set_key"].max(initial=-1)) + 1
    ones = np.ones(len(members["set_key"]))
    path = PathChannels(members["set_key"], members["channel_key"], ones.astype(np.intp))
    counted = path.matrix(ones, size, len(channels))[counts["set_key"]]
    row = np.repeat(np.arange(counted.shape[0]), np.diff(counted.indptr))
    per_set = np.ones(size)
    return ChannelSets(
        Paths(tuple(channels), np.zeros(size, dtype=np.intp), per_set, per_set, path),
        Paths(
            tuple(channels),
            counts["bucket"],
            counts["conversions"].astype(float),
            _rounded(counts["value"]),
            PathChannels(row, counted.indices, np.ones(len(row), dtype=np.intp)),
        ),
    )


def buckets_within_limit(engine: Engine, until: datetime) -> int:
    """Return how many buckets, from 0 on, hold at most `MAX_PATHS` converted paths.

    Conversions up to an instant count.
    """
    counts = engine.fetch_numpy(
        "select bucket, count(*) as n from credit.paths"
        " where position = 1 and converted_at <= $until group by bucket",
        {"until": until},
    )
    return first_buckets(counts["bucket"], counts["n"], MAX_PATHS)


def load_paths(
    engine: Engine,
    channels: Sequence[str],
    model: Model,
    buckets: int = N_BUCKETS,
    until: datetime = FOREVER,
) -> Paths:
    """Load the converted paths, with the touch weights that a model needs.

    Parameters
    ----------
    engine
        Holds the tables of `converted_path_tables`.
    channels
        Names of the channels in the order of their numbers.
    model
        The sums of its weight columns are loaded.
    buckets
        Load so many buckets, from 0 on. Fewer users make wider intervals.
    until
        Load the paths of conversions up to this instant.
    """
    columns = weight_columns([model])
    sums = "".join(
        f", sum(coalesce(cast(({weight}) as double), 0)) as {quote_identifier(name)}"
        for name, weight in columns.items()
    )
    entries = engine.fetch_numpy(
        "select conversion_key, bucket, coalesce(value, 0) as value, channel_key,"
        f" count(*) as touches{sums}\nfrom credit.paths"
        " where bucket < $buckets and converted_at <= $until\n"
        "group by conversion_key, bucket, coalesce(value, 0), channel_key\n"
        "order by conversion_key, channel_key",
        {"buckets": buckets, "until": until},
    )
    _, first, row = np.unique(entries["conversion_key"], return_index=True, return_inverse=True)
    weights = {name: _rounded(entries[name]) for name in columns}
    path = PathChannels(row, entries["channel_key"], entries["touches"], weights)
    unit, value = entries["bucket"][first], entries["value"][first].astype(float)
    return Paths(tuple(channels), unit, np.ones(len(first)), value, path)


def _rounded(sums: NDArray[np.floating]) -> NDArray[np.float64]:
    """Round sums to 9 digits: the last bits depend on the order in which threads add."""
    return np.round(sums.astype(float), 9)
