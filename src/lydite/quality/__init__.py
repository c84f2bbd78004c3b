"""Checks of the data before models are scored: whether it is complete, and what has changed."""

from lydite.quality.feeds import Extent, measure_feeds, read_feeds, read_holes, write_holes
from lydite.quality.findings import Finding, read_findings, with_advice, write_findings

__all__ = [
    "Extent",
    "Finding",
    "measure_feeds",
    "read_feeds",
    "read_findings",
    "read_holes",
    "with_advice",
    "write_findings",
    "write_holes",
]
