"""What to do about rows that were set aside; for times, the pattern that reads them."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from lydite.engine import DuckDBEngine
from lydite.engine.duckdb import quote_identifier
from lydite.inputs.schema import MONTH_FIRST, REASONS

if TYPE_CHECKING:
    from lydite.engine import Engine

_DAYS = (
    "%m/%d/%Y", "%d/%m/%Y",
    "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y",
    "%d %b %Y", "%b %d, %Y", "%b %d %Y", "%d-%b-%Y", "%d/%b/%Y", "%d %B %Y", "%B %d, %Y",
    "%Y.%m.%d",
)  # fmt: skip
_TIMES = (
    "", " %H:%M", " %H:%M:%S", " %H:%M:%S.%g", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %H:%M:%S",
    ", %I:%M %p", ", %I:%M:%S %p", ":%H:%M:%S",
)  # fmt: skip
_PATTERNS = [day + time for day, time in product(_DAYS, _TIMES)]


def advise(engine: Engine, table: str, reason: str, column: str | None = None) -> str:
    """Return what to do about the rows of a table that were set aside for a reason.

    Parameters
    ----------
    engine
        Holds the table in the schema ``quarantine``.
    column
        The column of the source with the values that caused it.
    """
    text = REASONS.get(reason, "see the rule of this name in the settings, quality.rules")
    if column is None or MONTH_FIRST not in text or not isinstance(engine, DuckDBEngine):
        return text
    found = _find_patterns(engine, table, reason, column)
    if not found:
        return text
    before = text.partition("strptime(")[0]
    parsed = " or ".join(f"strptime({column}, '{pattern}')" for pattern in found)
    unclear = f": the values fit both, see whether {MONTH_FIRST}" if len(found) > 1 else ""
    return before + parsed + unclear


def example(engine: Engine, table: str, reason: str, column: str) -> str:
    """Return an example of a value of a column that was set aside; empty without a value.

    Parameters
    ----------
    engine, table, reason, column
        As for `advise`.
    """
    value = engine.scalar(
        f"select any_value(cast({quote_identifier(column)} as varchar)) from quarantine.{table}"
        " where reason = $reason",
        {"reason": reason},
    )
    return "" if value is None else f" (such as {column} = {value!r})"


def _find_patterns(engine: DuckDBEngine, table: str, reason: str, column: str) -> list[str]:
    """Return the patterns that read most of the values; several only where days may be months."""
    value = f"trim(cast({quote_identifier(column)} as varchar))"
    # %Y reads a year of two digits, too, as one of antiquity.
    counts = ", ".join(
        f"count(*) filter (try_strptime({value}, '{pattern}') > timestamp '1970-01-01')"
        for pattern in _PATTERNS
    )
    [row] = engine.rows(
        f"select {counts} from quarantine.{table} where reason = $reason", {"reason": reason}
    )
    most = max(row)
    return [pattern for pattern, n in zip(_PATTERNS, row, strict=True) if n == most > 0][:2]
