"""Kinds of contacts, such as clicks and impressions, with separate lookbacks."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.durations import format_duration
from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lydite.engine import DuckDBEngine, Engine
    from lydite.settings import InteractionLookbacks, PathOptions

CLICK, ENGAGED_VIEW, IMPRESSION = "click", "engaged_view", "impression"
#: With click priority, a touch is on a path only if no touch of a kind before it is. Kinds that are
#: not listed are like clicks.
_PRIORITIES = {ENGAGED_VIEW: 1, IMPRESSION: 2}
#: Other names of these kinds, without case, blanks and punctuation.
_ALIASES = {
    "engagedview": ENGAGED_VIEW,
    "engagedviews": ENGAGED_VIEW,
    "engagedviewthrough": ENGAGED_VIEW,
    "impression": IMPRESSION,
    "impressions": IMPRESSION,
    "adimpression": IMPRESSION,
    "view": IMPRESSION,
    "views": IMPRESSION,
    "viewthrough": IMPRESSION,
    "click": CLICK,
    "clicks": CLICK,
    "clickthrough": CLICK,
    "adclick": CLICK,
}

TABLE = "journeys.interactions"
_SCHEMA: dict[str, Any] = {
    "outcome": pl.String,
    "interaction": pl.String,
    "kind": pl.String,
    "class": pl.Int32,
    "lookback_us": pl.Int64,
    "priority": pl.Int32,
}
_FOUND = "select interaction, count(*) from journeys.touches group by interaction order by 2 desc"


def kind_of(interaction: str | None) -> str:
    """Return the kind of a contact; a contact without one is a click.

    Examples
    --------
    >>> [kind_of(name) for name in ("View", "Engaged View", "E-mail open", None)]
    ['impression', 'engaged_view', 'emailopen', 'click']
    """
    compact = re.sub(r"[\W_]+", "", (interaction or "").lower())
    return _ALIASES.get(compact, compact or CLICK)


def has_interactions(options: Mapping[str, PathOptions] | None) -> bool:
    """Return whether any outcome has lookbacks by kind of contact."""
    return any(chosen.by_interaction is not None for chosen in (options or {}).values())


def refuse_joins_over_time(joins: bool) -> None:
    """Raise an error where ids are joined over time: touches of the time before have no list.

    Raises
    ------
    InputError
        The message names the settings.
    """
    if joins:
        raise InputError(
            "lookback_by_interaction and click_priority cannot be combined with identities that"
            " are joined over time, and neither can exclude_channels and merge_channels"
            ': leave them out, or set people.identities = "always"'
        )


def write_interactions(engine: Engine, options: Mapping[str, PathOptions]) -> None:
    """Write ``journeys.interactions``: the class, lookback and priority of each kind of contact.

    Kinds without a separate lookback are in class 0, with that of the outcome. There is no such
    table if no outcome has lookbacks by kind of contact.

    Parameters
    ----------
    engine
        Holds the touches.
    options
        What is on the paths of each outcome.
    """
    if not has_interactions(options):
        return
    found = [interaction for interaction, _ in engine.rows(_FOUND)]
    rows = [
        row
        for outcome, chosen in options.items()
        if chosen.by_interaction is not None
        for row in _rows(outcome, chosen.by_interaction, found)
    ]
    engine.store(TABLE, pl.DataFrame(rows, schema=_SCHEMA, orient="row"))


def _rows(
    outcome: str, own: InteractionLookbacks, found: Iterable[str | None]
) -> list[tuple[object, ...]]:
    """Return the rows of one outcome; kinds of the settings have one, found or not."""
    lookbacks = _lookbacks_by_kind(own)
    classes = {kind: number for number, kind in enumerate(sorted(lookbacks), 1)}
    if own.click_priority:
        # Views differ from clicks in priority, also with the same lookback.
        for kind in _PRIORITIES:
            classes.setdefault(kind, len(classes) + 1)
    rows: list[tuple[object, ...]] = []
    for interaction in dict.fromkeys([None, *classes, *found]):
        kind = kind_of(interaction)
        lookback = lookbacks.get(kind, own.default)
        priority = _PRIORITIES.get(kind, 0) if own.click_priority else 0
        lookback_us = lookback // timedelta(microseconds=1)
        rows.append((outcome, interaction, kind, classes.get(kind, 0), lookback_us, priority))
    return rows


def _lookbacks_by_kind(own: InteractionLookbacks) -> dict[str, timedelta]:
    return {kind_of(name): lookback for name, lookback in own.lookbacks.items()}


def describe_lookback(lookback: timedelta, own: InteractionLookbacks | None) -> str:
    """Return the lookback of an outcome as text, with those of kinds of contacts.

    Examples
    --------
    >>> describe_lookback(timedelta(days=30), None)
    '30d'
    """
    if own is None:
        return format_duration(lookback)
    by_kind = _lookbacks_by_kind(own)
    parts = [f"{kind} {format_duration(own_lookback)}" for kind, own_lookback in by_kind.items()]
    parts += ["clicks before views"] if own.click_priority else []
    if not parts:
        return format_duration(own.default)
    return f"{format_duration(own.default)} ({', '.join(parts)})"


def has_listed_paths(engine: DuckDBEngine, outcome: str) -> bool:
    """Return whether the paths of an outcome are listed touch by touch."""
    sql = f"select exists (select 1 from {TABLE} where outcome = $outcome)"
    return engine.exists(TABLE) and bool(engine.scalar(sql, {"outcome": outcome}))


def note_on_interactions(engine: Engine) -> str | None:
    """Return a note on how long the touches of each kind count; None if no setting says so."""
    if not engine.exists(TABLE):
        return None
    outcomes: dict[str, list[str]] = {}
    unused: dict[str, None] = {}
    for outcome, kind, lookback_us, is_known, touches in engine.rows(_NOTE):
        lookback = format_duration(timedelta(microseconds=lookback_us))
        if touches:
            outcomes.setdefault(outcome, []).append(f"{kind} {lookback} ({touches:,} touches)")
        elif is_known:
            unused[kind] = None
    if not outcomes and not unused:
        return None
    text = "; ".join(f"{outcome}: {', '.join(parts)}" for outcome, parts in outcomes.items())
    missing = f". No touch is of the kind {', '.join(map(repr, unused))}" if unused else ""
    return f"how long before a conversion a touch counts, by its interaction: {text}{missing}"


_NOTE = """
select
    interactions.outcome,
    interactions.kind,
    any_value(interactions.lookback_us) as lookback_us,
    any_value(interactions.class) > 0 as is_known,
    coalesce(sum(found.touches), 0) as touches
from journeys.interactions as interactions
left join (
    select interaction, count(*) as touches from journeys.touches group by interaction
) as found on interactions.interaction is not distinct from found.interaction
where interactions.outcome in (
    select outcome from journeys.interactions where class > 0 or priority > 0
)
group by interactions.outcome, interactions.kind
order by interactions.outcome, touches desc, interactions.kind
"""
