"""Credit within the segments that verdicts are given on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.attribution.credit_sql import credit_sums_sql
from lydite.engine.duckdb import quote_identifier, quote_literal
from lydite.evaluation.segments import CUSTOMER, OTHER, UNKNOWN, segment_columns, segment_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.engine import Engine
    from lydite.models import Model

TABLE = "credit.by_segment"
_SCHEMA: dict[str, Any] = {
    "outcome": pl.String,
    "segment": pl.String,
    "channel_key": pl.Int64,
    "model": pl.String,
    "conversions": pl.Float64,
    "value": pl.Float64,
}


def reset_segment_credit(engine: Engine) -> None:
    """Create the table ``credit.by_segment`` without rows."""
    engine.local.store(TABLE, pl.DataFrame(schema=_SCHEMA))


def append_segment_credit(
    engine: Engine, outcome: str, models: Sequence[Model], *, customer: bool = False
) -> None:
    """Sum ``credit.touch_credit`` of one outcome by segment, channel and model.

    The models are fitted on all users. The segments are those of the evaluation sample.

    Parameters
    ----------
    engine
        Holds the credit of touches and, locally, the evaluation sample.
    outcome
        Name of the outcome.
    models
        The models that credit.
    customer
        Whether to add the segments of new and returning users: whether the user had converted
        before the conversion.
    """
    columns = [
        (name, segment_values(engine.local, outcome, name))
        for name in segment_columns(engine.local)
    ]
    labelled_by = [_labelled_sql(name, values) for name, values in columns if values]
    for labelled in [*labelled_by, *([_CUSTOMERS] if customer else [])]:
        select = credit_sums_sql(models, "outcome, segment, channel_key", f"({labelled})")
        engine.append_local(TABLE, select, {"outcome": outcome})


_CUSTOMERS = f"""
    select
        credit.*,
        case
            when path_events.has_converted then '{CUSTOMER} = returning' else '{CUSTOMER} = new'
        end as segment
    from credit.touch_credit as credit
    inner join journeys.path_events as path_events
        on credit.outcome = path_events.outcome
        and credit.user_key = path_events.user_key
        and credit.converted_at = path_events.happened_at
    where path_events.is_conversion
"""


def _labelled_sql(name: str, values: Sequence[str]) -> str:
    """Return the select of the credit of touches with the user's segment."""
    value = f"coalesce(cast(users.{quote_identifier(name)} as varchar), {quote_literal(UNKNOWN)})"
    if OTHER in values:
        known = ", ".join(quote_literal(one) for one in values)
        value = f"case when {value} in ({known}) then {value} else {quote_literal(OTHER)} end"
    return f"""
    select credit.*, {quote_literal(f"{name} = ")} || {value} as segment
    from credit.touch_credit as credit
    inner join journeys.users as people on credit.user_key = people.user_key
    left join people.users as users on people.user_id = users.user_id
    """
