"""Clusters: users who belong together, such as those of one account, share a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from lydite.engine.duckdb import quote_identifier
from lydite.errors import InputError
from lydite.journeys.people import has_history, people_mode

if TYPE_CHECKING:
    from lydite.engine import DuckDBEngine, Engine

#: The column of `users` that is used where the settings name none.
DEFAULT_COLUMN = "account_id"
#: Give this as the column for buckets by user, whatever columns there are.
BY_USER = "user_id"
#: With fewer values, the default column is not used: such as one account id in all rows.
MIN_CLUSTERS = 16
_TABLE = "journeys.clusters"
_COLUMN = "journeys.cluster_column"
_NO_CLUSTERS = "select cast(null as varchar) as user_id, cast(null as varchar) as cluster limit 0"
#: A person whose ids were joined over time stays in the bucket of the id that names the person.
_ROOTS = """
select coalesce(clusters.user_id, nodes.person) as user_id,
    coalesce(clusters.cluster, nodes.root) as cluster
from (select person, root from people.nodes where person <> root) as nodes
full join ({clusters}) as clusters on nodes.person = clusters.user_id
"""


def build_clusters(engine: Engine, column: str | None = None) -> str | None:
    """Build ``journeys.clusters``, the cluster of each user who has one.

    ``journeys.cluster_column`` has the name of the column and whether it is used; it is empty if
    there is none.

    Parameters
    ----------
    engine
        Holds the input tables.
    column
        A column of `users`; None for `DEFAULT_COLUMN` if there is one with at least `MIN_CLUSTERS`
        values, `BY_USER` for no clusters.

    Returns
    -------
    The name of the column; None without clusters.

    Raises
    ------
    InputError
        When there is no such column.
    """
    name = _find_column(engine, column)
    used = name is not None and (column is not None or _has_enough_values(engine, name))
    rows = [] if name is None else [(name, used)]
    schema = {"column_name": pl.String, "is_used": pl.Boolean}
    engine.local.store(_COLUMN, pl.DataFrame(rows, schema=schema, orient="row"))
    clusters = _clusters_sql(name) if name is not None and used else _NO_CLUSTERS
    engine.create(_TABLE, _ROOTS.format(clusters=clusters) if has_history(engine) else clusters)
    return name if used else None


def _find_column(engine: Engine, column: str | None) -> str | None:
    """Return a column of `users` as the source writes it."""
    if column == BY_USER:
        return None
    columns = engine.columns("people.users") if engine.exists("people.users") else {}
    others = {name.lower(): name for name in columns if name != BY_USER}
    found = others.get((column or DEFAULT_COLUMN).strip().lower())
    if found is None and column is not None:
        has = f"it has {', '.join(others.values())}" if others else "it has no such columns"
        raise InputError(
            f"cluster = {column!r}: the table users has no column of that name; {has}. Correct the"
            f" name, or write {BY_USER!r} if users do not belong together."
        )
    return found


def _has_enough_values(engine: Engine, name: str) -> bool:
    sql = f"select count(distinct {quote_identifier(name)}) from people.users"
    return int(engine.scalar(sql)) >= MIN_CLUSTERS


def _clusters_sql(name: str) -> str:
    """Return the statement that lists users with their clusters."""
    value = quote_identifier(name)
    return (
        f"select user_id, cast({value} as varchar) as cluster from people.users"
        f" where {value} is not null"
    )


def cluster_column(engine: DuckDBEngine) -> str | None:
    """Return the column that users were clustered by; None without clusters."""
    name: str | None = (
        engine.scalar(f"select column_name from {_COLUMN} where is_used")
        if engine.exists(_COLUMN)
        else None
    )
    return name


def resampling_unit(engine: DuckDBEngine) -> str | None:
    """Return what buckets and journeys are made by; None for the users of the input tables."""
    return " ".join(filter(None, (cluster_column(engine), people_mode(engine)))) or None


def unused_cluster_column(engine: DuckDBEngine) -> str | None:
    """Return the default column if it has too few values to be used, else None."""
    name: str | None = (
        engine.scalar(f"select column_name from {_COLUMN} where not is_used")
        if engine.exists(_COLUMN)
        else None
    )
    return name
