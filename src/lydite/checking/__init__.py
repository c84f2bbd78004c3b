"""Checks settings and data without running models: what ``lydite check`` shows."""

from lydite.checking.check import check_paths, check_tables
from lydite.checking.data_check import (
    ColumnSummary,
    DataCheck,
    DataFinding,
    OutcomeSummary,
    RowsSetAside,
    TableSummary,
)

__all__ = [
    "ColumnSummary",
    "DataCheck",
    "DataFinding",
    "OutcomeSummary",
    "RowsSetAside",
    "TableSummary",
    "check_paths",
    "check_tables",
]
