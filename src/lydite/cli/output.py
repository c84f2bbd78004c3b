"""Results on standard output: JSON for programs, tables for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lydite.records import ComparisonRecord, CreditRecord
    from lydite.results import Comparison, Credit


def show_comparison(comparison: Comparison, output: str) -> None:
    """Print a comparison as ``"json"`` or as a table."""
    if output == "json":
        _print_json(comparison.to_dict())
        return
    from rich.console import Console  # noqa: PLC0415

    from lydite.reporting.terminal import print_comparison  # noqa: PLC0415

    print_comparison(comparison, Console())


def show_credit(credit: Credit, output: str, channels: Mapping[str, str] | None = None) -> None:
    """Print credit as ``"json"``, or as a table with the names of channels from the settings."""
    if output == "json":
        _print_json(credit.to_dict())
        return
    from rich.console import Console  # noqa: PLC0415

    from lydite.reporting.terminal import print_credit  # noqa: PLC0415

    print_credit(credit, Console(), channels)


def _print_json(result: ComparisonRecord | CreditRecord) -> None:
    print(json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False))
