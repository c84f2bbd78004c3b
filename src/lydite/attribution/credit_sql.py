"""SQL statements that attribute conversions, with a column per model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.engine.duckdb import quote_identifier, quote_literal
from lydite.models.registry import TOUCH_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lydite.models import Model

#: The columns of ``credit.touch_credit`` before those of the models. A conversion is known by its
#: number among those of the user and outcome, which changes only with rows of the user.
TOUCH_KEYS = (
    "outcome", "user_key", "conversion", "bucket", "converted_at", "converted_on", "value",
    "touch", "touched_at", "channel_key", "campaign",
)  # fmt: skip
_CHANNELS_PER_WORD = 60  # bits of a BIGINT that stay positive


def channel_sets_sql(channels: int) -> str:
    """Return the statement that numbers the sets of channels on paths, a row per conversion.

    A set is represented by its bits, in as many words as the channels need.
    """
    words = {
        f"word_{low}": " ".join(
            f"when {key} then {1 << key - low}"
            for key in range(low, min(low + _CHANNELS_PER_WORD, channels))
        )
        for low in range(0, max(channels, 1), _CHANNELS_PER_WORD)
    }
    bits = ", ".join(
        f"cast(sum(case channel_key {cases or 'when 0 then 1'} else 0 end) as bigint) as {word}"
        for word, cases in words.items()
    )
    same = " and ".join(f"encoded.{word} = numbered.{word}" for word in words)
    columns = ", ".join(words)
    return f"""
with encoded as (
    select conversion_key, {bits} from credit.path_channels group by conversion_key
),
numbered as (
    select *, row_number() over (order by {columns}) - 1 as set_key
    from (select distinct {columns} from encoded)
)
select encoded.conversion_key, numbered.set_key
from encoded
inner join numbered on {same}
"""


def touch_credit_sql(models: Sequence[Model]) -> str:
    """Return the statement that attributes conversions to touches, with a column per model.

    The credit of a rule is its normalised touch weight, times a rate where the model has rates.
    Other models have a share for each channel of a set (``credit.set_shares``), which the touches
    of the channel split equally.
    """
    weights = {model.name: model.touch_weight for model in models if model.weights_touches}
    rates = {model.name: model.touch_rate for model in models if model.touch_rate is not None}
    shares = "".join(
        f",\n        set_shares.{quote_identifier(model.name)} / path_channels.channel_touches"
        f" as {_part(model.name)}"
        for model in models
        if not model.weights_touches
    )
    keys = ", ".join(f"weighted.{name}" for name in TOUCH_KEYS)
    credit = ", ".join(f"{_credit(model)} as {quote_identifier(model.name)}" for model in models)
    return f"""
with {_weighted(weights, rates)},
shared as (
    select path_channels.conversion_key, path_channels.channel_key{shares}
    from credit.path_channels as path_channels
    inner join credit.channel_sets as channel_sets
        on path_channels.conversion_key = channel_sets.conversion_key
    inner join credit.set_shares as set_shares
        on channel_sets.set_key = set_shares.set_key
        and path_channels.channel_key = set_shares.channel_key
)
select {keys}, {credit}
from weighted
inner join shared
    on weighted.conversion_key = shared.conversion_key
    and weighted.channel_key = shared.channel_key
window path as (partition by weighted.conversion_key)
"""


def _credit(model: Model) -> str:
    """Return the credit of a touch by a model, from the columns of `touch_credit_sql`."""
    if not model.weights_touches:
        return f"shared.{_part(model.name)}"
    return _normalised(model.name, has_rate=model.touch_rate is not None)


def bucket_credit_sql(weights: Mapping[str, str]) -> str:
    """Return the statement that sums the credit of touch weights by bucket and channel.

    Conversions up to the parameter ``$until`` count.

    Parameters
    ----------
    weights
        SQL expressions by name. For each there is a column of conversions with its name, and a
        column of value named ``value of ...``.
    """
    credit = ", ".join(f"{_normalised(name)} as {quote_identifier(name)}" for name in weights)
    return f"""
with {_weighted(weights)},
credited as (
    select bucket, channel_key, coalesce(value, 0) as value, {credit}
    from weighted
    where converted_at <= $until
    window path as (partition by conversion_key)
)
select bucket, channel_key, {_sums(list(weights))}
from credited
group by bucket, channel_key
"""


def named_touches_sql(columns: Iterable[str]) -> str:
    """Return the statement that lists credited touches with ids and names instead of keys.

    Parameters
    ----------
    columns
        The columns of ``credit.touch_credit``: those that are no keys are models.
    """
    models = "".join(
        f",\n    credit.{quote_identifier(name)}" for name in columns if name not in TOUCH_COLUMNS
    )
    return f"""
select
    credit.outcome,
    users.user_id,
    credit.conversion,
    conversions.conversion_id,
    credit.converted_at,
    credit.value,
    -- A conversion has one time: with it, a filter by time is applied before the window.
    row_number() over (
        partition by credit.outcome, credit.user_key, credit.conversion, credit.converted_at
        order by credit.touch
    ) as position,
    credit.touched_at,
    channels.channel,
    credit.campaign{models}
from credit.touch_credit as credit
inner join journeys.conversions as conversions
    on credit.outcome = conversions.outcome
    and credit.user_key = conversions.user_key
    and credit.conversion = conversions.conversion
inner join journeys.users as users on credit.user_key = users.user_key
inner join journeys.channels as channels on credit.channel_key = channels.channel_key
"""


def credit_sums_sql(
    models: Sequence[Model], columns: str, source: str = "credit.touch_credit"
) -> str:
    """Return the statement that sums the credit of touches, with a row per group and model.

    Parameters
    ----------
    models
        Columns of ``credit.touch_credit``.
    columns
        The columns to group by, separated by commas.
    source
        A relation with the columns of ``credit.touch_credit``.
    """
    per_model = "\nunion all\n".join(
        f"select {columns}, {quote_literal(model.name)} as model,"
        f" {quote_identifier(model.name)} as conversions, {_value(model.name)} as value from summed"
        for model in models
    )
    return f"""
with summed as (
    select {columns}, {_sums([model.name for model in models])}
    from {source}
    where outcome = $outcome
    group by {columns}
)
{per_model}
"""


def _weighted(weights: Mapping[str, str], rates: Mapping[str, str] | None = None) -> str:
    """Return a common table expression of the touches with their weights and rates."""
    columns = "".join(
        f",\n        coalesce(cast(({weight}) as double), 0) as {_part(name)}"
        for name, weight in weights.items()
    )
    columns += "".join(
        f",\n        cast(({rate}) as double) as {_rate(name)}"
        for name, rate in (rates or {}).items()
    )
    return f"weighted as (\n    select paths.*{columns}\n    from credit.paths as paths\n)"


def _normalised(name: str, *, has_rate: bool = False) -> str:
    """Return a touch's share of the weight of its path, or of weight times rate.

    Touches have equal weights where no touch has any.
    """
    part = f"weighted.{_part(name)}"
    if not has_rate:
        return (
            f"case when sum({part}) over path > 0 then {part} / sum({part}) over path"
            " else 1.0 / path_length end"
        )
    rate = f"weighted.{_rate(name)}"
    return (
        f"case when sum({part}) over path > 0"
        f" then {part} * {rate} / sum({part} * {rate}) over path"
        f" else {rate} / sum({rate}) over path end"
    )


def _sums(names: Sequence[str]) -> str:
    return ", ".join(
        f"sum({quote_identifier(name)}) as {quote_identifier(name)},"
        f" sum({quote_identifier(name)} * value) as {_value(name)}"
        for name in names
    )


def _part(name: str) -> str:
    return quote_identifier(f"part of {name}")


def _rate(name: str) -> str:
    return quote_identifier(f"rate of {name}")


def _value(name: str) -> str:
    return quote_identifier(f"value of {name}")
