"""Segments: groups of users by the values of each column of `users`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lydite.engine.duckdb import quote_identifier
from lydite.errors import InputError
from lydite.journeys.clusters import cluster_column, unused_cluster_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lydite.engine import DuckDBEngine, Engine

#: The name of the segment of all users.
ALL = "all"
#: Columns with more values have one segment for all rarer ones.
MAX_VALUES = 30
#: The name of the segments of new and returning users.
CUSTOMER = "customer"
#: Users without a value, and users with a rarer one.
UNKNOWN, OTHER = "(unknown)", "(other)"


@dataclass(frozen=True)
class SegmentColumn:
    """One column of `users` for the n landmarks of a sample.

    Attributes
    ----------
    labels
        Names of the segments, such as ``customer_type = new``.
    code : (n,) integers
        The index of each landmark's segment.
    """

    labels: tuple[str, ...]
    code: NDArray[np.integer]

    def split(self, rows: NDArray[np.integer] | slice) -> Iterator[tuple[str, NDArray[np.intp]]]:
        """Yield each segment that is not empty, with the positions of its landmarks in `rows`."""
        code = self.code[rows]
        for number, label in enumerate(self.labels):
            positions = np.flatnonzero(code == number)
            if len(positions):
                yield label, positions


def load_segments(
    engine: DuckDBEngine, outcome: str, *, customer: bool = False
) -> tuple[SegmentColumn, ...]:
    """Load the segments of the sample of one outcome.

    Parameters
    ----------
    engine
        Holds the sample.
    outcome
        Name of the outcome.
    customer
        Whether to add the segments of new and returning users: whether the user of a landmark had
        converted before it.
    """
    columns = [_load_column(engine, outcome, name) for name in segment_columns(engine)]
    return (*columns, _load_customers(engine, outcome)) if customer else tuple(columns)


def _load_customers(engine: DuckDBEngine, outcome: str) -> SegmentColumn:
    code = engine.fetch_numpy(
        "select cast(has_converted as smallint) as code from evaluation.landmarks"
        " where outcome = $outcome order by landmark",
        {"outcome": outcome},
    )["code"]
    return SegmentColumn((f"{CUSTOMER} = new", f"{CUSTOMER} = returning"), code)


def refuse_other_customers(engine: Engine) -> None:
    """Raise where a column of `users` has the name of the segment of new and returning users."""
    columns = engine.columns("inputs.users") if engine.exists("inputs.users") else {}
    for name in columns:
        if name.strip().lower() == CUSTOMER:
            raise InputError(
                f"customer_segment: the table users has a column {name!r}, which would have the"
                " same name. Rename the column, or leave out customer_segment."
            )


def segment_columns(engine: DuckDBEngine) -> list[str]:
    """Return the columns of `users` that are segments; none where there are no users.

    The key is none, and neither is the column of clusters.
    """
    if not engine.exists("people.users"):
        return []
    if not engine.scalar("select count(*) from people.users"):
        return []
    others = {"user_id", cluster_column(engine), unused_cluster_column(engine)}
    return [
        name
        for (name,) in engine.rows(
            "select column_name from information_schema.columns where table_schema = 'people'"
            " and table_name = 'users' and table_catalog = current_database()"
            " order by column_name"
        )
        if name not in others
    ]


def _load_column(engine: DuckDBEngine, outcome: str, name: str) -> SegmentColumn:
    """Load one column; users without a value are a segment of unknown ones."""
    order = segment_values(engine, outcome, name)
    code = engine.fetch_numpy(
        "select cast(coalesce(list_position($values, value), list_position($values, $other)) - 1"
        f" as smallint) as code from ({_values_sql(name)}) order by landmark",
        {"outcome": outcome, "values": order, "other": OTHER},
    )["code"]
    return SegmentColumn(tuple(f"{name} = {value}" for value in order), code)


def segment_values(engine: DuckDBEngine, outcome: str, name: str) -> list[str]:
    """Return the values of one column of `users` that are segments of an outcome.

    Of more than `MAX_VALUES`, the rarer ones are `OTHER`; users without a value are `UNKNOWN`.
    """
    kept = [
        value
        for (value,) in engine.rows(
            f"select value from ({_values_sql(name)}) group by value"
            f" order by count(*) desc, value limit {MAX_VALUES + 1}",
            {"outcome": outcome},
        )
    ]
    if len(kept) > MAX_VALUES:
        kept[MAX_VALUES - 1 :] = [OTHER]
    return sorted(kept, key=lambda value: (value.startswith("("), value))


def _values_sql(name: str) -> str:
    """Return the select of the value of one column for each landmark of the sample."""
    return f"""
select
    landmarks.landmark,
    coalesce(cast(users.{quote_identifier(name)} as varchar), '{UNKNOWN}') as value
from evaluation.landmarks as landmarks
inner join journeys.users as people on landmarks.user_key = people.user_key
left join people.users as users on people.user_id = users.user_id
where landmarks.outcome = $outcome
"""
