"""Voids: scores that come from wrong data are set aside, and their periods are scored again.

Nothing is deleted. ``ledger.voided`` records who voided the scores of a period, when and why. The
column ``generation`` of the ledger says how often a period had been voided when it was scored; only
the latest generation counts.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from lydite.errors import InputError
from lydite.evaluation.segments import ALL

if TYPE_CHECKING:
    from datetime import date

    from lydite.engine import DuckDBEngine

_VOIDED = "ledger.voided"
_GENERATIONS = f"""
select outcome, period_start, cast(count(*) as smallint) as generation
from {_VOIDED}
group by outcome, period_start
"""
# Of several versions of a model, or lengths of the periods, the largest counts are shown.
_LIST = """
with scored as (
    select
        outcome, period_start, generation, model, fingerprint,
        sum(landmarks) as landmarks, sum(conversions) as conversions
    from ledger.scores
    where segment = $all
    group by all
),

periods as (
    select
        outcome, period_start, generation,
        count(distinct model) as models,
        max(landmarks) as landmarks,
        max(conversions) as conversions
    from scored
    group by all
),

voids as (
    select
        *,
        row_number() over (partition by outcome, period_start order by voided_at) - 1 as generation
    from {voided}
)

select
    periods.outcome,
    cast(periods.period_start as date) as first_day,
    models,
    cast(landmarks as bigint) as landmarks,
    cast(conversions as bigint) as conversions,
    case when voids.reason is null then 'scored' else 'voided' end as status,
    voids.voided_at,
    voids.voided_by,
    voids.reason
from periods
left join voids
    on periods.outcome = voids.outcome
    and periods.period_start = voids.period_start
    and periods.generation = voids.generation
where periods.outcome = coalesce($outcome, periods.outcome)
order by periods.outcome, periods.period_start, periods.generation
"""
_NO_VOIDS = """(
    select
        cast(null as varchar) as outcome, cast(null as timestamp) as period_start,
        cast(null as timestamp) as voided_at, cast(null as varchar) as voided_by,
        cast(null as varchar) as reason
    where false
)"""


def add_generation(engine: DuckDBEngine, table: str) -> None:
    """Add the column ``generation`` to a table that a version without voids wrote."""
    if "generation" not in engine.columns(table):
        engine.run(f"alter table {table} add column generation smallint default 0")


def generations(engine: DuckDBEngine) -> pl.DataFrame:
    """Return how often each period has been voided: outcome, period_start, generation."""
    if engine.exists(_VOIDED):
        return engine.frame(_GENERATIONS)
    return pl.DataFrame(
        schema={"outcome": pl.String, "period_start": pl.Datetime("us"), "generation": pl.Int16}
    )


def current(engine: DuckDBEngine, table: str) -> str:
    """Return a relation with the rows of a table that are not voided."""
    add_generation(engine, table)
    if not engine.exists(_VOIDED):
        return table
    return (
        f"(select scores.* from {table} as scores left join ({_GENERATIONS}) as voided"
        " using (outcome, period_start)"
        " where scores.generation = coalesce(voided.generation, 0))"
    )


def list_periods(engine: DuckDBEngine, outcome: str | None = None) -> pl.DataFrame:
    """Return a row for each time that a period was scored.

    Parameters
    ----------
    outcome
        Only of this one; None for all.

    Returns
    -------
    polars.DataFrame
        ``outcome, first_day, models, landmarks, conversions, status`` (scored or voided),
        ``voided_at, voided_by, reason``.

    Raises
    ------
    InputError
        When no period has been scored, or none of the outcome.
    """
    if not engine.exists("ledger.scores"):
        raise InputError("no period has been scored yet")
    add_generation(engine, "ledger.scores")
    voided = _VOIDED if engine.exists(_VOIDED) else _NO_VOIDS
    found = engine.frame(_LIST.format(voided=voided), {"outcome": outcome, "all": ALL})
    if found.is_empty():
        names = [name for (name,) in engine.rows("select distinct outcome from ledger.scores")]
        raise InputError(
            f"no period of the outcome {outcome!r} has been scored; the ledger has:"
            f" {', '.join(sorted(names))}"
        )
    return found


def void(
    engine: DuckDBEngine, outcome: str, first: date, last: date, *, reason: str, by: str
) -> list[date]:
    """Set the scores of some periods aside; the next run scores these periods again.

    Nothing is deleted. ``ledger.voided`` gets a row for each period.

    Parameters
    ----------
    outcome
        Name of the outcome.
    first, last
        The periods whose first day is from `first` to `last`, both included.
    reason, by
        Why, and who.

    Returns
    -------
    list of date
        The first day of each period that was voided.

    Raises
    ------
    InputError
        When the reason is blank, or there are no scores to void; the message has the scored days.
    """
    if not reason.strip():
        raise InputError("give a reason: it is kept with the scores that are voided")
    periods = list_periods(engine, outcome)
    days = periods.filter(status="scored")["first_day"].unique().sort()
    chosen = days.filter(days.is_between(first, last))
    if chosen.is_empty():
        others = f"; the others start from {days[0]} to {days[-1]}" if len(days) else ""
        raise InputError(
            f"no scored period of {outcome!r} starts from {first} to {last}, or all of them are"
            f" voided already{others}"
        )
    rows = pl.DataFrame(
        {
            "outcome": outcome,
            "period_start": chosen.cast(pl.Datetime("us")),
            "voided_at": datetime.now(UTC).replace(tzinfo=None),
            "voided_by": by,
            "reason": reason.strip(),
        }
    )
    with engine.registered(rows) as frame:
        engine.append(_VOIDED, f"from {frame}")
    return chosen.to_list()


def void_notes(engine: DuckDBEngine, outcome: str) -> list[str]:
    """Return a sentence for each time that periods of an outcome were voided."""
    if not engine.exists(_VOIDED):
        return []
    rows = engine.rows(
        "select count(*), cast(min(period_start) as date), cast(max(period_start) as date),"
        f" cast(voided_at as date), voided_by, reason from {_VOIDED} where outcome = $outcome"
        " group by voided_at, voided_by, reason order by voided_at",
        {"outcome": outcome},
    )
    return [
        f"the scores of {n} period{'' if n == 1 else 's'} that start from {first} to {last} were"
        f" set aside on {day} by {who} ({reason}); they are scored again"
        for n, first, last, day, who, reason in rows
    ]
