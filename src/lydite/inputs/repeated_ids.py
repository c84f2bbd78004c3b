"""Conversions with the same id are one; of some outcomes only the first of a user counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from lydite.inputs.casting import day_of
from lydite.inputs.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from lydite.engine import Engine

_KEYS = ("user_id", "outcome", "converted_at")
_OF_ONE_ROW = " and ".join(
    [*(f"found.{key} = repeated.{key}" for key in _KEYS),
     "found.conversion_id is not distinct from repeated.conversion_id",
     "found.value is not distinct from repeated.row_value"]
)  # fmt: skip
_MERGED = f"""
select
    found.user_id, found.converted_at, found.outcome,
    case when repeated.user_id is null then found.value else repeated.value end as value,
    found.conversion_id
from inputs.conversions as found
left join inputs.repeated_ids as repeated on {_OF_ONE_ROW}
where repeated.reason is null
"""
_REPEATS = """
select source_row.*, repeated.reason
from (select *
{accepted}) as found
inner join inputs.repeated_ids as repeated on {of_one_row}
where repeated.reason <> 'refund'
"""


def merge_repeated_ids(
    engine: Engine, accepted: str, now: Mapping[str, object], first_only: Collection[str]
) -> dict[date | None, int]:
    """Keep one conversion per id, and the first where only it counts.

    The other rows go to quarantine, except refunds.

    Returns
    -------
    dict
        The number of refunds by local day.
    """
    repeated, merged, first = (
        f"inputs.{name}" for name in ("repeated_ids", "merged_conversions", "first_only")
    )
    engine.store(
        first, pl.DataFrame({"outcome": sorted(first_only)}, schema={"outcome": pl.String})
    )
    engine.create(repeated, "inputs/repeated_ids")
    engine.drop(first)
    refunds: dict[date | None, int] = dict(
        engine.rows(
            f"select {day_of(TABLES['conversions'])} as day, count(*) from {repeated}"
            " where reason = 'refund' group by all"
        )
    )
    if engine.scalar(f"select count(*) from {repeated}"):
        repeats = _REPEATS.format(accepted=accepted, of_one_row=_OF_ONE_ROW)
        engine.append("quarantine.conversions", repeats, now)
        engine.create(merged, _MERGED)
        engine.create("inputs.conversions", f"select * from {merged}")
        engine.comment("inputs.conversions", TABLES["conversions"].sql)
        engine.drop(merged)
    engine.drop(repeated)
    return refunds
