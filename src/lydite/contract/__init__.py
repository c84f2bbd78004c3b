"""The input contract: which tables come in, their rules, and how they are loaded and cleaned."""

from lydite.contract.loading import Quarantine, TableReport, load, load_table
from lydite.contract.sources import Source
from lydite.contract.tables import REASONS, TABLES, Column, Kind, Table

__all__ = [
    "REASONS",
    "TABLES",
    "Column",
    "Kind",
    "Quarantine",
    "Source",
    "Table",
    "TableReport",
    "load",
    "load_table",
]
