"""The protocol that all engines implement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    import numpy as np
    import polars as pl

    from lydite.engine.duckdb import DuckDBEngine

    Parameters = Mapping[str, object]


class Engine(Protocol):
    """Runs SQL written for DuckDB: `DuckDBEngine`, or `SparkEngine` on a cluster.

    Wherever a method takes SQL, it also takes the name of a file such as ``journeys/touches``. A
    table is named ``schema.name``. Parameters are the values of ``$names`` in the statement.
    """

    @property
    def error(self) -> type[Exception] | tuple[type[Exception], ...]:
        """The exceptions that failing statements raise."""

    @property
    def threads(self) -> int:
        """How many threads Python code may use on this machine."""

    @property
    def local(self) -> DuckDBEngine:
        """The DuckDB engine on this machine that holds the sample, the scores and the marts.

        A `DuckDBEngine` returns itself; on Spark it runs on the driver.
        """

    def __enter__(self) -> Self:
        """Return the engine; leaving the block closes it."""

    def __exit__(self, *_: object) -> None:
        """Close the engine."""

    def close(self) -> None:
        """Release all resources."""

    def create(self, table: str, select: str, parameters: Parameters | None = None) -> None:
        """Create or replace `table` with the rows of `select`."""

    def create_view(self, name: str, select: str) -> None:
        """Create or replace the view `name`; `select` has no parameters."""

    def append(self, table: str, select: str, parameters: Parameters | None = None) -> None:
        """Append the rows of `select` to `table` by column name, or create the table from them."""

    def store(self, table: str, frame: pl.DataFrame) -> None:
        """Create or replace `table` with the rows of a frame."""

    def append_local(self, table: str, select: str, parameters: Parameters | None = None) -> None:
        """Append the rows of `select`, in their order, to a `table` of `local`."""

    def copy_from_local(self, table: str) -> None:
        """Copy a `table` of `local` to this engine; DuckDB has nothing to do."""

    def comment(self, table: str, file: str) -> None:
        """Set the comments of `table` and its columns to those of a SQL file."""

    def drop(self, table: str) -> None:
        """Drop the table or view `table` if it exists."""

    def exists(self, table: str) -> bool:
        """Return whether the table or view `table` exists."""

    def columns(self, relation: str) -> dict[str, str]:
        """Return the DuckDB types of the columns of a relation, by name."""

    def comments(self, table: str) -> dict[str, str]:
        """Return the comments of the columns of a table, by name."""

    def translation_error(self, expression: str) -> str | None:
        """Return why the engine cannot run an expression, None if it can."""

    def transaction(self) -> AbstractContextManager[None]:
        """Make all writes of the block visible at its end, or none of them after an error."""

    def run(self, sql: str, parameters: Parameters | None = None) -> None:
        """Execute a statement."""

    def scalar(self, sql: str, parameters: Parameters | None = None) -> Any:  # noqa: ANN401
        """Return the first value of the first row, None if there are no rows."""

    def rows(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """Return all rows as tuples; for small results."""

    def frame(self, sql: str, parameters: Parameters | None = None) -> pl.DataFrame:
        """Return the result as a polars frame."""

    def fetch_numpy(self, sql: str, parameters: Parameters | None = None) -> dict[str, np.ndarray]:
        """Return the result as numpy arrays by column; columns must not hold nulls."""

    def registered(self, frame: object) -> AbstractContextManager[str]:
        """Register a frame as a view in the block; yield its name."""
