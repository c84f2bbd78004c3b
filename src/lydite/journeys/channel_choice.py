"""Channels that are left out or merged on the paths of one outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lydite.engine import Engine
    from lydite.settings import PathOptions

TABLE = "journeys.outcome_channels"
_SCHEMA: dict[str, Any] = {
    "outcome": pl.String,
    "channel": pl.String,
    "channel_key": pl.Int16,  # null where no touch has the channel
    "is_excluded": pl.Boolean,
    "into_channel": pl.String,  # null where the channel is excluded
    "into_key": pl.Int16,
    "into_is_direct": pl.Boolean,
}


def write_outcome_channels(engine: Engine, options: Mapping[str, PathOptions]) -> None:
    """Write ``journeys.outcome_channels``: the channels that an outcome leaves out or merges.

    Names are compared without case and the blanks around them.

    Parameters
    ----------
    engine
        Holds the channels.
    options
        What is on the paths of each outcome.

    Raises
    ------
    InputError
        When channels are merged into one that no touch has, or all channels are excluded.
    """
    known: dict[str, list[tuple[str, int, bool]]] = {}
    for channel, key, is_direct in engine.rows(_CHANNELS):
        known.setdefault(_compact(channel), []).append((channel, key, is_direct))
    rows = [row for outcome, chosen in options.items() for row in _rows(outcome, chosen, known)]
    engine.store(TABLE, pl.DataFrame(rows, schema=_SCHEMA, orient="row"))


_CHANNELS = "select channel, channel_key, is_direct from journeys.channels order by channel_key"


def _compact(name: str) -> str:
    return name.strip().lower()


def _rows(
    outcome: str, chosen: PathOptions, known: Mapping[str, list[tuple[str, int, bool]]]
) -> list[tuple[Any, ...]]:
    excluded = {_compact(name): name for name in chosen.exclude_channels}
    if excluded and known.keys() <= excluded.keys():
        raise InputError(
            f"outcomes.{outcome}.exclude_channels: all channels are excluded, so that no touch is"
            " left on any path"
        )
    rows: list[tuple[Any, ...]] = []
    for compact, name in excluded.items():
        for channel, key, _ in known.get(compact, [(name, None, None)]):
            rows.append((outcome, channel, key, True, None, None, None))
    for target, names in chosen.merge_channels:
        if _compact(target) not in known:
            raise InputError(
                f"outcomes.{outcome}.merge_channels: no touch has the channel {target!r}; merge"
                f" into one of {', '.join(repr(own[0][0]) for own in known.values())}"
            )
        into = known[_compact(target)][0]
        sources = {_compact(name): name for name in (*names, target)}
        for compact, name in sources.items():
            for channel, key, _ in known.get(compact, [(name, None, None)]):
                if key != into[1]:
                    rows.append((outcome, channel, key, False, *into))
    return rows


def notes_on_channels(engine: Engine, outcome: str) -> list[str]:
    """Return notes on the touches that are not on the paths of an outcome, or merged."""
    if not engine.exists(TABLE):
        return []
    rows = engine.rows(_TOUCHES, {"outcome": outcome})
    texts = []
    excluded = [(name, n) for name, n, into in rows if into is None and n is not None]
    if excluded:
        parts = ", ".join(f"{name} ({n:,})" for name, n in excluded)
        total = sum(n for _, n in excluded)
        texts.append(f"{total:,} touches are on no path, as exclude_channels says: {parts}")
    merged: dict[str, list[str]] = {}
    for name, n, into in rows:
        if into is not None and n is not None:
            merged.setdefault(into, []).append(f"{name} ({n:,})")
    texts += [
        f"touches of {', '.join(parts)} count as {into!r}, as merge_channels says"
        for into, parts in merged.items()
    ]
    unknown = [repr(name) for name, n, _ in rows if n is None]
    if unknown:
        texts.append(
            f"no touch has the channel {', '.join(unknown)} that exclude_channels or merge_channels"
            " names"
        )
    return texts


_TOUCHES = """
select
    chosen.channel,
    case when chosen.channel_key is not null then count(touches.touch) end as touches,
    chosen.into_channel
from journeys.outcome_channels as chosen
left join journeys.touches as touches on chosen.channel_key = touches.channel_key
where chosen.outcome = $outcome
group by chosen.channel, chosen.channel_key, chosen.into_channel
order by touches desc, chosen.channel
"""
