"""Engines that run the SQL files: DuckDB, and Spark for more rows than one machine holds."""

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
