"""How many rows of the input tables were accepted, set aside and merged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lydite.inputs.schema import CHOSEN_REASONS

if TYPE_CHECKING:
    from lydite.inputs.timezones import Zone


@dataclass(frozen=True)
class TableReport:
    """Number of rows of one table that were accepted, set aside and merged.

    Parameters
    ----------
    table
        Name of the input table.
    rows
        Rows accepted.
    bad
        Rows set aside in ``quarantine.<table>``, by reason; the most frequent first.
    duplicates
        Further copies of accepted rows, which are counted once. Equal touchpoints are merged later,
        when journeys are built.
    refunds
        Rows whose value was subtracted from the conversion with the same id.
    zone
        What the times say about their zone; None if unknown.
    erased
        Rows of users who were erased after an earlier run had loaded them.
    files
        Which files were read, in words; None for a table that is not loaded by file.
    """

    table: str
    rows: int
    bad: dict[str, int]
    duplicates: int = 0
    refunds: int = 0
    zone: Zone | None = None
    erased: int = 0
    files: str | None = None

    @property
    def read(self) -> int:
        """Rows of the source."""
        aside = sum(self.bad.values())
        return self.rows + aside + self.duplicates + self.refunds + self.erased

    @property
    def bad_share(self) -> float:
        """Share of the source's rows that cannot be used; 0 for an empty table.

        Nothing is wrong with rows in `lydite.inputs.schema.CHOSEN_REASONS`, such as rows after a
        declared end of the data, and rows that break a rule that the settings chose.
        """
        bad = sum(n for reason, n in self.bad.items() if reason not in CHOSEN_REASONS)
        return bad / self.read if self.read else 0.0


@dataclass(frozen=True)
class Quarantine:
    """Number of rows that were accepted, set aside and merged, by table.

    Parameters
    ----------
    tables
        The report of each input table, by name.
    """

    tables: dict[str, TableReport]

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Rows set aside, by table and reason; only tables that have any."""
        return {name: report.bad for name, report in self.tables.items() if report.bad}
