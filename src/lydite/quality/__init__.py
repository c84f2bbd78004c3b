"""Checks of the data before models are scored: whether it is complete, and what has changed."""

from lydite.quality.changes import (
    TableSizes,
    find_losses,
    measure_sizes,
    read_sizes,
    write_sizes,
)
from lydite.quality.feeds import Extent, measure_feeds, read_feeds, read_holes, write_holes
from lydite.quality.findings import (
    Finding,
    read_findings,
    split_advice,
    with_advice,
    write_findings,
)
from lydite.quality.rows import rule_findings, vanished_finding
from lydite.quality.time_shift import read_zones, time_findings, write_zones

__all__ = [
    "Extent",
    "Finding",
    "TableSizes",
    "find_losses",
    "measure_feeds",
    "measure_sizes",
    "read_feeds",
    "read_findings",
    "read_holes",
    "read_sizes",
    "read_zones",
    "rule_findings",
    "split_advice",
    "time_findings",
    "vanished_finding",
    "with_advice",
    "write_findings",
    "write_holes",
    "write_sizes",
    "write_zones",
]
