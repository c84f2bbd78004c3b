"""Where SQL runs: the engines, and the reader of the project's `.sql` files."""

from lydite.engine.base import Engine
from lydite.engine.duckdb import DuckDBEngine
from lydite.engine.factory import open_engine, open_temporary_engine
from lydite.engine.spark import SparkEngine
from lydite.engine.sql_files import load_sql, sql_directory

__all__ = [
    "DuckDBEngine",
    "Engine",
    "SparkEngine",
    "load_sql",
    "open_engine",
    "open_temporary_engine",
    "sql_directory",
]
