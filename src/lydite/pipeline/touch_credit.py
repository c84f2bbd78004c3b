"""The credit of single touches, with ids and names, for the published file and for results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.attribution.credit_sql import named_touches_sql

if TYPE_CHECKING:
    from lydite.engine import DuckDBEngine, Engine

#: The table, or view, with a row per credited touch and a column per model.
NAMED = "credit.named_touches"
#: The file whose select has a row per touch, conversion and model.
SELECT = "marts/touch_credit"
#: The most credited touches that are copied from Spark, held in a result, or put into the file.
MOST_GATHERED, MOST_IN_RESULT, MOST_IN_FILE = 2_000_000, 500_000, 50_000

_CREDIT = "credit.touch_credit"


def name_touches(engine: Engine) -> None:
    """Create ``credit.named_touches`` in the local database, from the credit of the last run.

    On DuckDB it is a view. From Spark the rows are copied, if they are at most `MOST_GATHERED`.
    """
    local = engine.local
    local.drop(NAMED)
    select = named_touches_sql(engine.columns(_CREDIT))
    if engine is local:
        local.create_view(NAMED, select)
    elif engine.scalar(f"select count(*) from {_CREDIT}") <= MOST_GATHERED:
        engine.append_local(NAMED, select)


def count_touches(engine: DuckDBEngine) -> int | None:
    """Return how many credited touches there are; None where they are not in this database."""
    if not engine.exists(NAMED):
        return None
    place = _CREDIT if engine.exists(_CREDIT) else NAMED  # without the joins of the view
    return int(engine.scalar(f"select count(*) from {place}"))
