"""The input contract: which tables come in, their rules, and how they are loaded and cleaned."""

from lydite.contract.loading import Quarantine, TableReport, load, load_table
from lydite.contract.path_table import PathTable, read_path_table
from lydite.contract.sources import Source
from lydite.contract.tables import REASONS, TABLES, Column, Kind, Table

__all__ = [
    "REASONS",
    "TABLES",
    "Column",
    "Kind",
    "PathTable",
    "Quarantine",
    "Source",
    "Table",
    "TableReport",
    "load",
    "load_table",
    "read_path_table",
]
