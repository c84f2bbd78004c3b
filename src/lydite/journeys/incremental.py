"""Lays out anew the journeys of those users alone whose rows have changed since the last time.

What is laid out of a user depends on the user's own rows, on the numbers of the channels and on the
definitions. So the users whose rows have changed are laid out by the same SQL in a database beside,
and take the place of what they were. Where anything else has changed, all users are laid out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from lydite import journeys
from lydite.engine import DuckDBEngine, load_sql, sql_directory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from lydite.engine import Engine
    from lydite.journeys import JourneySummary

    Lookbacks = Mapping[str, timedelta]

MOST_CHANGED = 0.25  # of all users: beyond, little is gained and much is held in memory
_DEFINITIONS = "journeys.definitions"  # written last: where it stands, all other tables are whole
_STATES = "journeys.states"
_PER_USER = ("touches", "path_events", "users")  # users last: they tell the keys of the others


@dataclass(frozen=True)
class JourneyBuild:
    """What was laid out, and how many users were recomputed for it.

    Attributes
    ----------
    journeys
        What now stands, of all users.
    users, recomputed
        How many users there are, and how many were laid out or removed by this run.
    why_all
        Why all users were laid out, None where only those were who have changed.
    """

    summary: JourneySummary
    users: int
    rebuilt: int
    full_reason: str | None = None

    def __str__(self) -> str:
        """Say it in words."""
        if self.full_reason is None:
            return f"{self.rebuilt:,} of {self.users:,} users"
        return f"all {self.users:,} users: {self.full_reason}"


def build_journeys(engine: Engine, lookbacks: Lookbacks, *, full: bool = False) -> JourneyBuild:
    """Lay out journeys, in a DuckDB file only of users who have changed since the last time.

    Parameters
    ----------
    engine
        Holds the input tables.
    lookbacks
        The lookback of each outcome.
    full
        Whether to lay out all users in any case.
    """
    if isinstance(engine, DuckDBEngine) and engine.is_persistent:
        return refresh(engine, lookbacks, full=full)
    engine.local.drop(_DEFINITIONS)  # beside Spark, a file keeps no more than the sample's users
    return _all_of(engine, lookbacks, "nothing is kept from run to run")


def refresh(engine: DuckDBEngine, lookbacks: Lookbacks, *, full: bool = False) -> JourneyBuild:
    """Lay out the users who have changed, or all, and keep the state that they were laid out from.

    Either way the tables are the same. A run that is broken off leaves the tables of before, or
    none that a later run would go on from.
    """
    definitions = _definitions(engine, lookbacks)
    with engine.staging_database() as beside:
        why_all = "it was asked for" if full else _why_all(engine, beside, definitions)
        if why_all is None:
            _lay_out_beside(engine, beside, lookbacks)
            _put_in_place(engine, beside)
            changed = engine.scalar(f"select count(*) from {beside}.changed")
            return JourneyBuild(journeys.survey(engine), _count_users(engine), changed)
    engine.drop(_DEFINITIONS)
    build = _all_of(engine, lookbacks, why_all)
    engine.create(_STATES, "incremental/states")
    engine.store(_DEFINITIONS, pl.DataFrame(list(definitions.items()), _NAMES, orient="row"))
    return build


_NAMES = ["definition", "fingerprint"]


def _all_of(engine: Engine, lookbacks: Lookbacks, why: str) -> JourneyBuild:
    """Lay out all users."""
    built = journeys.build_touches(engine)
    journeys.build_path_events_and_conversions(engine, lookbacks)
    users = _count_users(engine)
    return JourneyBuild(built, users, users, why)


def _count_users(engine: Engine) -> int:
    return int(engine.scalar("select count(*) from journeys.users"))


def _definitions(engine: DuckDBEngine, lookbacks: Lookbacks) -> dict[str, str]:
    """Return a fingerprint of each thing beside the rows that journeys depend on, by its name."""
    files = sorted(f"journeys/{file.stem}" for file in sql_directory().glob("journeys/*.sql"))
    text = "\n".join(map(load_sql, (*files, "incremental/states")))
    return {
        "the SQL": hashlib.sha256(text.encode()).hexdigest(),
        "the lookbacks": str(sorted(lookbacks.items())),
        "DuckDB's version": engine.scalar("select version()"),
    }


# --- what has changed -----------------------------------------------------------------------------


def _why_all(engine: DuckDBEngine, beside: str, definitions: Mapping[str, str]) -> str | None:
    """Return why all users must be laid out; else make the tables of who has changed beside.

    These are ``changed``, of their ids, ``channels`` as they are now, and, as far as the changed
    users go, the input tables and ``journeys.users``.
    """
    if not engine.exists(_DEFINITIONS):
        return "no whole journeys of an earlier run stand here"
    before = dict(engine.rows(f"from {_DEFINITIONS}"))
    other = [name for name, now in definitions.items() if before.get(name) != now]
    if other:
        return f"{' and '.join(other)} changed"
    engine.run(f"create table {beside}.channels as\n{load_sql('journeys/channels')}")
    if engine.scalar(_RENUMBERED.format(beside=beside)):
        return "channels were renumbered"
    states = load_sql("incremental/states")
    engine.run(f"create table {beside}.changed as\n{_CHANGED.format(states=states)}")
    changed = engine.scalar(f"select count(*) from {beside}.changed")
    if changed > MOST_CHANGED * _count_users(engine):
        return f"{changed:,} of them changed, which are too many to be laid out beside"
    _copy(engine, beside)
    if engine.scalar(_SHARED.format(beside=beside)):
        return "some share the digest that their keys are made of"
    return None


# A channel that was not there before concerns only users who have changed.
_RENUMBERED = """
select count(*) > 0
from {beside}.channels as now
inner join journeys.channels as before on now.channel = before.channel
where now.channel_key <> before.channel_key or now.is_direct <> before.is_direct
"""
_CHANGED = """
with now as (
{states}
)

select coalesce(now.user_id, before.user_id) as user_id
from now
full join journeys.states as before on now.user_id = before.user_id
where now.digest is distinct from before.digest
"""
# The key of a user who has a digest alone is a multiple of 8 (sql/journeys/users.sql). Who shares
# one has a key that depends on others; it takes a billion users to happen.
_SHARED = """
select
    exists (select 1 from journeys.users where user_key % 8 > 0)
    or exists (
        select 1
        from {beside}.journeys.users as now
        inner join journeys.users as before on now.user_key = before.user_key
        where now.user_id <> before.user_id
    )
"""


def _copy(engine: DuckDBEngine, beside: str) -> None:
    """Copy the rows of the users who have changed, and number these users."""
    with engine.use_database(beside) as own:
        for table in ("touchpoints", "conversions"):
            engine.create(
                f"inputs.{table}",
                f"select * from {own}.inputs.{table} where user_id in (from main.changed)",
            )
        engine.create("journeys.users", "journeys/users")


# --- what is done about it ------------------------------------------------------------------------


def _lay_out_beside(engine: DuckDBEngine, beside: str, lookbacks: Lookbacks) -> None:
    """Lay out the users who have changed."""
    with engine.use_database(beside):
        engine.create("journeys.channels", "from main.channels")
        engine.create("journeys.touches", "journeys/touches")
        journeys.build_path_events(engine, lookbacks)
        engine.create(_STATES, "incremental/states")


def _put_in_place(engine: DuckDBEngine, beside: str) -> None:
    """Put what was laid out beside in the place of what it was, all of it or nothing."""
    changed = f"user_id in (from {beside}.changed)"
    with engine.transaction():
        for table in _PER_USER:
            engine.run(
                f"delete from journeys.{table} where user_key in"
                f" (select user_key from journeys.users where {changed})"
            )
        engine.run(f"delete from {_STATES} where {changed}")
        for table in (*_PER_USER, "states"):
            engine.append(f"journeys.{table}", f"from {beside}.journeys.{table}")
        engine.create("journeys.channels", f"from {beside}.journeys.channels")
        # Conversions are numbered over all of them.
        engine.create("journeys.conversions", "journeys/conversions")
