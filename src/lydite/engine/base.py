"""What the steps that touch every row ask of an engine, whichever it is."""

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
    """Runs the project's SQL: `DuckDBEngine`, or `SparkEngine` for more than one machine holds."""

    @property
    def error(self) -> type[Exception] | tuple[type[Exception], ...]:
        """Raised by statements that fail, whatever the reason."""

    @property
    def threads(self) -> int:
        """How many threads the caller may use beside."""

    @property
    def local(self) -> DuckDBEngine:
        """The DuckDB on this machine that holds the sample, the scores and the marts.

        On DuckDB it is the engine itself; on Spark, a file or memory of the driver.
        """

    def __enter__(self) -> Self:
        """Return the engine itself; leaving the block closes it."""

    def __exit__(self, *_: object) -> None:
        """Close the engine."""

    def close(self) -> None:
        """Let go of what the engine holds."""

    def create(self, table: str, select: str, parameters: Parameters | None = None) -> None:
        """Replace `table` (``schema.name``) by the rows of `select`, SQL or the name of a file."""

    def create_view(self, name: str, select: str) -> None:
        """Replace the view `name` by `select`, a statement without parameters or a file's name."""

    def append(self, table: str, select: str, parameters: Parameters | None = None) -> None:
        """Add the rows of `select` to `table` by column name; make the table if need be."""

    def store(self, table: str, frame: pl.DataFrame) -> None:
        """Replace `table` by the rows of a frame."""

    def append_local(self, table: str, select: str, parameters: Parameters | None = None) -> None:
        """Add the rows of `select`, in their order, to a `table` of `local`; make it if need be."""

    def copy_from_local(self, table: str) -> None:
        """Make a `table` of `local` known where all rows are; nothing to do on DuckDB."""

    def comment(self, table: str, file: str) -> None:
        """Write what a SQL file says of its result onto `table` and its columns."""

    def drop(self, table: str) -> None:
        """Drop the table or view `table` where there is one."""

    def exists(self, table: str) -> bool:
        """Tell whether there is a table or view `table` (``schema.name``)."""

    def columns(self, relation: str) -> dict[str, str]:
        """Return the types of a relation's columns by name, in DuckDB's words."""

    def comments(self, table: str) -> dict[str, str]:
        """Return what is said of a table's columns, by name (`comment`)."""

    def translation_error(self, expression: str) -> str | None:
        """Return why an expression of DuckDB's SQL cannot be run here, None where it can."""

    def transaction(self) -> AbstractContextManager[None]:
        """Show what the block writes when all of it is written, or none of it."""

    def run(self, sql: str, parameters: Parameters | None = None) -> None:
        """Execute a statement, or a file named like ``journeys/touches``, with its parameters."""

    def scalar(self, sql: str, parameters: Parameters | None = None) -> Any:  # noqa: ANN401
        """Return the first value of the first row, None where there is no row."""

    def rows(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """Return all rows; for small results only."""

    def frame(self, sql: str, parameters: Parameters | None = None) -> pl.DataFrame:
        """Return the result as a polars frame."""

    def fetch_numpy(self, sql: str, parameters: Parameters | None = None) -> dict[str, np.ndarray]:
        """Return the result as numpy arrays by column; columns hold no nulls."""

    def registered(self, frame: object) -> AbstractContextManager[str]:
        """Register a frame as a view in the block; yield its name."""
