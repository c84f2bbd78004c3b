"""Rebuilds journeys of changed users only.

The journeys of a user depend on the user's rows and cluster, the channel numbers and the
definitions (SQL, lookbacks, cluster column, DuckDB version). So the changed users are rebuilt by
the same SQL in a staging database, and replace their old rows. When anything else has changed, all
users are rebuilt.

Where the touchpoints are loaded by file, loading notes the users whose rows may have changed
(`lydite.inputs.changed_files.CHANGED_USERS`). Otherwise, they are found by digests of all rows.

The changed users are recorded for the steps after this one (`lydite.journeys.changes`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from lydite import journeys
from lydite.engine import DuckDBEngine, load_sql, sql_directory
from lydite.inputs.changed_files import CHANGED_USERS, reset_changed_users
from lydite.journeys.activity import record_changed_days
from lydite.journeys.bots import find_bot_like_users
from lydite.journeys.changes import forget_builds, record_changes, record_full_build
from lydite.journeys.channel_choice import write_outcome_channels
from lydite.journeys.clusters import build_clusters
from lydite.journeys.direct import sql_parameters
from lydite.journeys.interactions import (
    has_interactions,
    refuse_joins_over_time,
    write_interactions,
)
from lydite.journeys.people import build_people, joins_ids, joins_over_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from lydite.engine import Engine
    from lydite.journeys import JourneySummary
    from lydite.settings import PathOptions, PeopleSettings

    Lookbacks = Mapping[str, timedelta]
    Options = Mapping[str, PathOptions] | None

#: Share of changed users above which all are rebuilt: staging would hold too much in memory.
MAX_CHANGED_SHARE = 0.25
_DEFINITIONS = "journeys.definitions"  # written last: if it exists, all other tables are complete
_STATES = "journeys.states"
_USER_TABLES = ("touches", "path_events", "users")  # users last: it holds the keys of the others
_DEFINITION_COLUMNS = ["definition", "fingerprint"]


@dataclass(frozen=True)
class JourneyBuild:
    """The result of a build.

    Attributes
    ----------
    summary
        Totals of all journeys.
    users
        Number of users.
    rebuilt
        Number of users whose journeys were built or removed by this run.
    full_reason
        Why all users were rebuilt, None where only changed users were.
    """

    summary: JourneySummary
    users: int
    rebuilt: int
    full_reason: str | None = None

    def __str__(self) -> str:
        """Describe the build in words."""
        if self.full_reason is None:
            return f"{self.rebuilt:,} of {self.users:,} users"
        return f"all {self.users:,} users: {self.full_reason}"


def build_journeys(
    engine: Engine,
    lookbacks: Lookbacks,
    options: Options = None,
    *,
    full: bool = False,
    cluster: str | None = None,
    keep_duplicates: bool = False,
    direct: Sequence[str] = (),
    people: PeopleSettings | None = None,
) -> JourneyBuild:
    """Build journeys; in a DuckDB file, only of users whose rows have changed since the last run.

    Parameters
    ----------
    engine
        Holds the input tables.
    lookbacks
        The lookback of each outcome.
    options
        What is on the paths of an outcome; the defaults for outcomes without options.
    full
        Rebuild all users.
    cluster
        The column of `users` whose values are clusters (`journeys.clusters.build_clusters`).
    keep_duplicates
        Whether equal touchpoints without an id are kept; otherwise they are counted once.
    direct
        More names of direct traffic.
    people
        Which rows belong to one person (`journeys.people.build_people`).

    Raises
    ------
    InputError
        When there is no such column, or the engine cannot build the paths.
    """
    if has_interactions(options):
        refuse_joins_over_time(joins_over_time(engine, people))
    if isinstance(engine, DuckDBEngine) and engine.is_persistent:
        return refresh(
            engine,
            lookbacks,
            options,
            full=full,
            cluster=cluster,
            keep_duplicates=keep_duplicates,
            direct=direct,
            people=people,
        )
    # With Spark, the local file holds only users of the sample: a later run must not reuse it.
    engine.local.drop(_DEFINITIONS)
    return _build_all(
        engine,
        lookbacks,
        options,
        "nothing is kept between runs",
        cluster,
        keep_duplicates,
        direct,
        people,
    )


def refresh(
    engine: DuckDBEngine,
    lookbacks: Lookbacks,
    options: Options = None,
    *,
    full: bool = False,
    cluster: str | None = None,
    keep_duplicates: bool = False,
    direct: Sequence[str] = (),
    people: PeopleSettings | None = None,
) -> JourneyBuild:
    """Rebuild the changed users, or all, and store the state for the next run.

    The tables are the same either way. After an interrupted run, the tables are those of the run
    before, or the next run rebuilds all users.
    """
    if joins_over_time(engine, people):
        reason = "identities join them over time"
        engine.drop(_DEFINITIONS)
        engine.drop(_STATES)
        forget_builds(engine)
        return _build_all(
            engine, lookbacks, options, reason, cluster, keep_duplicates, direct, people
        )
    build_people(engine, people, max(lookbacks.values()))
    column = build_clusters(engine, cluster)
    definitions = _definitions(engine, lookbacks, options, column, keep_duplicates)
    with engine.staging_database() as staging:
        full_reason: str | None = "requested"
        if not full:
            by_row = column is not None or joins_ids(engine, people)
            full_reason = _stage_changed_users(engine, staging, definitions, direct, by_row=by_row)
        if full_reason is None:
            _rebuild_staged(engine, staging, lookbacks, options, keep_duplicates)
            _replace_changed(engine, staging, options)
            journeys.build_milestones(engine, options or {})
            journeys.build_spend(engine)
            find_bot_like_users(engine)
            changed = engine.scalar(f"select count(*) from {staging}.changed")
            return JourneyBuild(journeys.summarise(engine), _count_users(engine), changed)
    engine.drop(_DEFINITIONS)
    forget_builds(engine)
    build = _build_all(
        engine, lookbacks, options, full_reason, cluster, keep_duplicates, direct, people
    )
    engine.create(_STATES, "incremental/states")
    reset_changed_users(engine)
    rows = list(definitions.items())
    engine.store(_DEFINITIONS, pl.DataFrame(rows, _DEFINITION_COLUMNS, orient="row"))
    record_full_build(engine)
    return build


def _build_all(
    engine: Engine,
    lookbacks: Lookbacks,
    options: Options,
    reason: str,
    cluster: str | None,
    keep_duplicates: bool,
    direct: Sequence[str],
    people: PeopleSettings | None,
) -> JourneyBuild:
    """Build the journeys of all users."""
    summary = journeys.build_touches(
        engine,
        cluster=cluster,
        keep_duplicates=keep_duplicates,
        direct=direct,
        people=people,
        lookback=max(lookbacks.values()),
    )
    journeys.build_path_events_and_conversions(engine, lookbacks, options)
    users = _count_users(engine)
    return JourneyBuild(summary, users, users, reason)


def _count_users(engine: Engine) -> int:
    return int(engine.scalar("select count(*) from journeys.users"))


def _definitions(
    engine: DuckDBEngine,
    lookbacks: Lookbacks,
    options: Options,
    cluster: str | None,
    keep_duplicates: bool,
) -> dict[str, str]:
    """Return the fingerprint of everything but rows that journeys depend on, by name."""
    files = sorted(f"journeys/{file.stem}" for file in sql_directory().glob("journeys/*.sql"))
    text = "\n".join(map(load_sql, (*files, "incremental/states")))
    return {
        "the SQL": hashlib.sha256(text.encode()).hexdigest(),
        "the lookbacks": str(sorted(lookbacks.items())),
        "what is on paths": str(sorted((options or {}).items())),
        "the cluster column": str(cluster),
        "keep_duplicates": str(keep_duplicates),
        "DuckDB's version": engine.scalar("select version()"),
    }


# --- find changed users ---------------------------------------------------------------------------


def _stage_changed_users(
    engine: DuckDBEngine,
    staging: str,
    definitions: Mapping[str, str],
    direct: Sequence[str],
    *,
    by_row: bool,
) -> str | None:
    """Copy the rows of changed users to the staging database.

    Staging gets the tables ``changed`` (ids of changed users) and ``changed_keys`` (the keys that
    they had), ``channels``, and the input tables and ``journeys.users`` of the changed users.
    With `by_row`, the changed users are found by digests of all rows: users may change with the
    rows of others.

    Returns
    -------
    str or None
        Why all users must be rebuilt instead.
    """
    if not engine.exists(_DEFINITIONS):
        return "there are no complete journeys of an earlier run"
    before = dict(engine.rows(f"from {_DEFINITIONS}"))
    changed_definitions = [name for name, now in definitions.items() if before.get(name) != now]
    if changed_definitions:
        return f"{' and '.join(changed_definitions)} changed"
    select = load_sql("journeys/channels")
    engine.run(f"create table {staging}.channels as\n{select}", sql_parameters(direct))
    if engine.scalar(_RENUMBERED.format(staging=staging)):
        return "channels were renumbered"
    noted = engine.exists(CHANGED_USERS) and not by_row
    states = load_sql("incremental/states")
    select = _NOTED if noted else _CHANGED.format(states=states)
    engine.run(f"create table {staging}.changed as\n{select}")
    changed = engine.scalar(f"select count(*) from {staging}.changed")
    if changed > MAX_CHANGED_SHARE * _count_users(engine):
        return f"{changed:,} of them changed, too many for an incremental build"
    engine.run(f"create table {staging}.changed_keys as {_KEYS.format(staging=staging)}")
    _copy_changed_rows(engine, staging)
    if engine.scalar(_DIGEST_COLLISION.format(staging=staging)):
        return "some share the digest that their keys are made of"
    return None


# New channels are fine: they only concern users who have changed.
_RENUMBERED = """
select count(*) > 0
from {staging}.channels as now
inner join journeys.channels as before on now.channel = before.channel
where now.channel_key <> before.channel_key or now.is_direct <> before.is_direct
"""
_KEYS = "select user_key from journeys.users where user_id in (from {staging}.changed)"
_NOTED = f"select distinct user_id from {CHANGED_USERS}"
_CHANGED = """
with now as (
{states}
)

select coalesce(now.user_id, before.user_id) as user_id
from now
full join journeys.states as before on now.user_id = before.user_id
where now.digest is distinct from before.digest
"""
# A key is a multiple of 8, unless several users share a digest (sql/journeys/users.sql): then keys
# depend on other users. That takes about a billion users.
_DIGEST_COLLISION = """
select
    exists (select 1 from journeys.users where user_key % 8 > 0)
    or exists (
        select 1
        from {staging}.journeys.users as now
        inner join journeys.users as before on now.user_key = before.user_key
        where now.user_id <> before.user_id
    )
"""


def _copy_changed_rows(engine: DuckDBEngine, staging: str) -> None:
    """Copy the input rows of the changed users to staging, and number these users."""
    with engine.use_database(staging) as main:
        for table in ("people.touchpoints", "people.conversions", "journeys.clusters"):
            engine.create(
                table, f"select * from {main}.{table} where user_id in (from main.changed)"
            )
        engine.create("journeys.users", "journeys/users")


# --- rebuild them ---------------------------------------------------------------------------------


def _rebuild_staged(
    engine: DuckDBEngine,
    staging: str,
    lookbacks: Lookbacks,
    options: Options,
    keep_duplicates: bool,
) -> None:
    """Build the journeys of the changed users in staging."""
    with engine.use_database(staging):
        engine.create("journeys.channels", "from main.channels")
        engine.create("journeys.positions", "journeys/positions")
        engine.create("journeys.touches", "journeys/touches", {"keep_duplicates": keep_duplicates})
        journeys.build_path_events(engine, lookbacks, options)
        engine.create("journeys.positions", "journeys/positions")
        journeys.build_ended_paths(engine)
        engine.create("journeys.conversions", "journeys/conversions")
        engine.create(_STATES, "incremental/states")


def _replace_changed(engine: DuckDBEngine, staging: str, options: Options) -> None:
    """Replace the rows of changed users by those in staging, in one transaction."""
    more: tuple[str, ...] = ("path_members",) if has_interactions(options) else ()
    if engine.exists(journeys.ENDED_PATHS):
        more += ("ended_paths",)
    tables = (*more, *_USER_TABLES)
    with engine.transaction():
        record_changes(
            engine,
            f"from {staging}.changed_keys union select user_key from {staging}.journeys.users",
        )
        record_changed_days(
            engine,
            f"from journeys.touches where user_key in (from {staging}.changed_keys)",
            f"from {staging}.journeys.touches",
        )
        for table in tables:
            engine.run(
                f"delete from journeys.{table} where user_key in (from {staging}.changed_keys)"
            )
        engine.run(f"delete from {_STATES} where user_id in (from {staging}.changed)")
        for table in (*tables, "states"):
            engine.append(f"journeys.{table}", f"from {staging}.journeys.{table}")
        engine.create("journeys.channels", f"from {staging}.journeys.channels")
        write_interactions(engine, options or {})
        write_outcome_channels(engine, options or {})
        engine.create("journeys.conversions", _RENUMBERED_CONVERSIONS.format(staging=staging))
        reset_changed_users(engine)


# Keys of conversions are numbered across all users, as in sql/journeys/conversions.sql.
_RENUMBERED_CONVERSIONS = """
with conversions as (
    select * from journeys.conversions where user_key not in (from {staging}.changed_keys)
    union all by name
    select * from {staging}.journeys.conversions
),

buckets as (
    select
        outcome,
        bucket,
        sum(count(*)) over (order by outcome, bucket) - count(*) as conversions_before
    from conversions
    group by outcome, bucket
)

select
    conversions.* replace (
        cast(buckets.conversions_before + row_number() over (
            partition by conversions.outcome, conversions.bucket
            order by conversions.user_key, conversions.conversion
        ) as integer) as conversion_key
    )
from conversions
inner join buckets
    on conversions.outcome = buckets.outcome and conversions.bucket = buckets.bucket
"""
