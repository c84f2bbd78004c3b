"""What every asset says of itself: key, group, owner, kinds, description, dependencies."""

from collections.abc import Iterable, Sequence

import dagster as dg

from lydite.engine.sql_files import read_comments

OWNERS = ("team:data",)
POOL = "duckdb_writer"


def key_of(table: str) -> dg.AssetKey:
    """Return the key of the asset that is a table of the warehouse (``schema.name``)."""
    return dg.AssetKey(table.split("."))


def table_spec(
    table: str,
    description: str,
    *,
    group: str,
    kinds: Sequence[str] = ("duckdb", "sql"),
    deps: Iterable[str] = (),
    code_version: str | None = None,
) -> dg.AssetSpec:
    """Return the spec of a table.

    Parameters
    ----------
    table, deps
        Tables by name (``schema.name``).
    description
        One sentence, or the name of a SQL file (``folder/name``) whose first line is one.
    """
    return dg.AssetSpec(
        key_of(table),
        description=description_of(description),
        group_name=group,
        owners=OWNERS,
        kinds=set(kinds),
        deps=[key_of(dep) for dep in deps],
        code_version=code_version,
    )


def description_of(text: str) -> str:
    """Return the sentence itself, or the first line of the SQL file that it names."""
    return text if " " in text else read_comments(text)[0]
