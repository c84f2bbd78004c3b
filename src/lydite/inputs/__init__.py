"""The input tables: their schema, and how sources are read, cast, checked and loaded."""

from lydite.inputs.load_options import LoadOptions
from lydite.inputs.loading import load, load_table
from lydite.inputs.path_table import PathTable, read_path_table
from lydite.inputs.reports import Quarantine, TableReport
from lydite.inputs.schema import CHOSEN_REASONS, REASONS, TABLES, Column, Kind, Table
from lydite.inputs.sources import Source
from lydite.inputs.timezones import Zone
from lydite.settings import DatabaseSource

__all__ = [
    "CHOSEN_REASONS",
    "REASONS",
    "TABLES",
    "Column",
    "DatabaseSource",
    "Kind",
    "LoadOptions",
    "PathTable",
    "Quarantine",
    "Source",
    "Table",
    "TableReport",
    "Zone",
    "load",
    "load_table",
    "read_path_table",
]
