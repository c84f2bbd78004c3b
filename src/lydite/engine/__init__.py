"""Where SQL runs: the engines, and the reader of the project's `.sql` files."""

from lydite.engine.duckdb import DuckDBEngine
from lydite.engine.files import load_sql, sql_directory

__all__ = ["DuckDBEngine", "load_sql", "sql_directory"]
