"""Where SQL runs: the engines, and the reader of the project's `.sql` files."""

from lydite.engine.base import Engine
from lydite.engine.duckdb import DuckDBEngine
from lydite.engine.files import load_sql, sql_directory
from lydite.engine.opening import engine_for, open_engine
from lydite.engine.spark import SparkEngine

__all__ = [
    "DuckDBEngine",
    "Engine",
    "SparkEngine",
    "engine_for",
    "load_sql",
    "open_engine",
    "sql_directory",
]
