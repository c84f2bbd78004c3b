"""The statements that divide conversions: SQL with a column for each model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.engine.duckdb import quote_identifier, quote_literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.models import Model

_CHANNELS_PER_WORD = 60  # bits of a whole number


def numbered_sets(channels: int) -> str:
    """Return the statement that numbers the sets of channels on paths, a row per conversion.

    A set is known by its bits, as many words as they need.
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
    same = " and ".join(f"own.{word} = numbered.{word}" for word in words)
    listed = ", ".join(words)
    return f"""
with own as (
    select conversion_key, {bits} from credit.met group by conversion_key
),
numbered as (
    select *, row_number() over (order by {listed}) - 1 as set_key
    from (select distinct {listed} from own)
)
select own.conversion_key, numbered.set_key
from own
inner join numbered on {same}
"""


def touch_credit(models: Sequence[Model]) -> str:
    """Return the statement that divides conversions touch by touch, with a column per model.

    What a rule weighs is the division itself. Other models have shares for the channels of each
    set (``credit.set_shares``), and the touches of a channel share alike.
    """
    weights = {model.name: model.touch_weight for model in models if model.weights_touches}
    shares = "".join(
        f",\n        set_shares.{quote_identifier(model.name)} / met.channel_touches"
        f" as {_part(model.name)}"
        for model in models
        if not model.weights_touches
    )
    credit = ", ".join(
        f"{_divided(model.name) if model.weights_touches else f'shared.{_part(model.name)}'}"
        f" as {quote_identifier(model.name)}"
        for model in models
    )
    return f"""
with {_weighed(weights)},
shared as (
    select met.conversion_key, met.channel_key{shares}
    from credit.met as met
    inner join credit.sets as sets on met.conversion_key = sets.conversion_key
    inner join credit.set_shares as set_shares
        on sets.set_key = set_shares.set_key and met.channel_key = set_shares.channel_key
)
select
    weighed.conversion_key, outcome, user_key, bucket, converted_on, value, touch, touched_at,
    weighed.channel_key, campaign, {credit}
from weighed
inner join shared
    on weighed.conversion_key = shared.conversion_key
    and weighed.channel_key = shared.channel_key
window path as (partition by weighed.conversion_key)
"""


def credit_by_bucket(weights: Mapping[str, str]) -> str:
    """Return the statement that sums up, by bucket and channel, what weights of touches credit.

    Parameters
    ----------
    weights
        SQL expressions by name; for each there is a column of conversions with that name, and one
        of value, named ``value of ...``.
    """
    divided = ", ".join(f"{_divided(name)} as {quote_identifier(name)}" for name in weights)
    return f"""
with {_weighed(weights)},
divided as (
    select bucket, channel_key, coalesce(value, 0) as value, {divided}
    from weighed
    window path as (partition by conversion_key)
)
select bucket, channel_key, {_sums(list(weights))}
from divided
group by bucket, channel_key
"""


def summed(models: Sequence[Model], columns: str) -> str:
    """Return the statement that sums the touches' credit up, with a row per model.

    Parameters
    ----------
    models
        Columns of ``credit.touch_credit``.
    columns
        What the sums are grouped by, separated by commas.
    """
    per_model = "\nunion all\n".join(
        f"select {columns}, {quote_literal(model.name)} as model,"
        f" {quote_identifier(model.name)} as conversions, {_value(model.name)} as value from summed"
        for model in models
    )
    return f"""
with summed as (
    select {columns}, {_sums([model.name for model in models])}
    from credit.touch_credit
    where outcome = $outcome
    group by {columns}
)
{per_model}
"""


def _weighed(weights: Mapping[str, str]) -> str:
    """Return the touches with the weights that they have, as a part of a statement."""
    columns = "".join(
        f",\n        coalesce(cast(({weight}) as double), 0) as {_part(name)}"
        for name, weight in weights.items()
    )
    return f"weighed as (\n    select paths.*{columns}\n    from credit.paths as paths\n)"


def _divided(name: str) -> str:
    """Return a touch's part of its path's weight; without any, the touches of a path are alike."""
    part = f"weighed.{_part(name)}"
    return (
        f"case when sum({part}) over path > 0 then {part} / sum({part}) over path"
        " else 1.0 / path_length end"
    )


def _sums(names: Sequence[str]) -> str:
    return ", ".join(
        f"sum({quote_identifier(name)}) as {quote_identifier(name)},"
        f" sum({quote_identifier(name)} * value) as {_value(name)}"
        for name in names
    )


def _part(name: str) -> str:
    return quote_identifier(f"part of {name}")


def _value(name: str) -> str:
    return quote_identifier(f"value of {name}")
