"""Which samples were drawn, so that a later run draws again only what has changed.

Landmarks of the sample are mature: new rows after them change none of them. Late, corrected and
deleted rows may, so the landmarks of changed users are compared. If any differs, the whole sample
is drawn again, because landmarks are numbered by time.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import polars as pl

from lydite.engine import load_sql
from lydite.journeys.changes import CHANGED_USERS, last_build

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lydite.engine import DuckDBEngine

TABLE = "evaluation.drawn_samples"
_LANDMARKS = "evaluation.landmarks"
_SCHEMA: dict[str, Any] = {
    "outcome": pl.String,
    "drawn": pl.String,
    "build": pl.String,
    "until": pl.Datetime("us"),
    "buckets": pl.Int64,
    "bots": pl.String,
    "definition": pl.String,
}
_DIFFERS = f"""
with now as (
    select * exclude (landmark)
    from (
{{select}}
    and user_key in (select user_key from {CHANGED_USERS})
    )
),

before as (
    select * exclude (landmark)
    from {_LANDMARKS}
    where outcome = $outcome and user_key in (select user_key from {CHANGED_USERS})
)

select
    exists (from (from now except all from before))
    or exists (from (from before except all from now))
"""
_LATER = """
select * replace (cast(landmark + $first as integer) as landmark)
from (
{select}
    and happened_at > $after
)
"""


class Drawn(NamedTuple):
    """A sample that was drawn.

    Attributes
    ----------
    outcome
        The outcome.
    drawn
        A random id of its landmarks: the same as long as none changes.
    build
        The build of the journeys that it is of (`lydite.journeys.changes`).
    until
        It has landmarks up to this instant.
    buckets
        The number of its buckets.
    bots
        A digest of the bot-like users, whose landmarks it leaves out.
    definition
        A digest of the SQL that drew it.
    """

    outcome: str
    drawn: str
    build: str
    until: datetime
    buckets: int
    bots: str
    definition: str


def keep(engine: DuckDBEngine, outcomes: Sequence[str]) -> None:
    """Drop samples that cannot be kept: of other outcomes, or drawn by other SQL."""
    tables = (_LANDMARKS, "evaluation.set_aside", TABLE)
    known = engine.rows(f"select definition from {TABLE}") if engine.exists(TABLE) else []
    usable = last_build(engine) is not None and {(_definition(),)} == set(known)
    for table in tables:
        if not usable:
            engine.drop(table)
        elif engine.exists(table):
            engine.run(
                f"delete from {table} where not list_contains($outcomes, outcome)",
                {"outcomes": list(outcomes)},
            )


def read(engine: DuckDBEngine, outcome: str) -> Drawn | None:
    """Return the sample of an outcome that was drawn last; None where it is not known."""
    if not engine.exists(TABLE):
        return None
    rows = engine.rows(f"from {TABLE} where outcome = $outcome", {"outcome": outcome})
    return Drawn(*rows[0]) if rows else None


def find_unchanged(
    engine: DuckDBEngine, outcome: str, until: datetime, buckets: int
) -> Drawn | None:
    """Return the sample of the run before, if all its landmarks are as they would be drawn now.

    Parameters
    ----------
    engine
        Holds the journeys and the sample.
    outcome
        The outcome.
    until, buckets
        The end of the sample to draw, and the number of its buckets.
    """
    last, before = last_build(engine), read(engine, outcome)
    if last is None or before is None or not engine.exists(_LANDMARKS):
        return None
    is_same = (
        before.build in {last.build, last.before}
        and before.until <= until
        and (before.buckets, before.bots) == (buckets, _bots(engine))
    )
    if not is_same:
        return None
    if before.build != last.build:
        parameters = {"outcome": outcome, "mature_until": before.until, "buckets": buckets}
        select = load_sql("evaluation/landmarks")
        if engine.scalar(_DIFFERS.format(select=select), parameters):
            return None
    return before


def add_later_landmarks(
    engine: DuckDBEngine, kept: Drawn, parameters: Mapping[str, object]
) -> str | None:
    """Add the landmarks after the end of a sample.

    Returns
    -------
    The id of the landmarks if there are none to add, else None.
    """
    first = _count(engine, kept.outcome)
    select = _LATER.format(select=load_sql("evaluation/landmarks"))
    engine.append(_LANDMARKS, select, {**parameters, "first": first, "after": kept.until})
    return kept.drawn if _count(engine, kept.outcome) == first else None


def forget(engine: DuckDBEngine, outcome: str) -> None:
    """Forget that the sample of an outcome was drawn."""
    if engine.exists(TABLE):
        engine.run(f"delete from {TABLE} where outcome = $outcome", {"outcome": outcome})


def write(
    engine: DuckDBEngine, outcome: str, until: datetime, buckets: int, drawn: str | None
) -> None:
    """Write down that a sample was drawn: the same landmarks as before, or others (None)."""
    last = last_build(engine)
    if last is None:
        return
    row = Drawn(
        outcome, drawn or str(uuid.uuid4()), last.build, until, buckets, _bots(engine),
        _definition(),
    )  # fmt: skip
    with engine.registered(pl.DataFrame([row], schema=_SCHEMA, orient="row")) as frame:
        engine.append(TABLE, f"from {frame}")


def _count(engine: DuckDBEngine, outcome: str) -> int:
    return int(
        engine.scalar(
            f"select count(*) from {_LANDMARKS} where outcome = $outcome", {"outcome": outcome}
        )
    )


def _bots(engine: DuckDBEngine) -> str:
    """Return a digest of the bot-like users."""
    keys = engine.fetch_numpy("select user_key from journeys.bot_like_users order by user_key")
    return hashlib.sha256(keys["user_key"].tobytes()).hexdigest()


def _definition() -> str:
    text = f"{duckdb.__version__}\n{load_sql('evaluation/landmarks')}"
    return hashlib.sha256(text.encode()).hexdigest()
