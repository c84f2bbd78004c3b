"""Persons: the input tables by person or account, joined by pairs of ids that belong together.

``people.touchpoints``, ``people.conversions`` and ``people.users`` are the input tables with the
person as ``user_id``. Without pairs and accounts they are views of the input tables.

By default, a row belongs to the person that is known by its time. So a person changes when ids
join: from then on it has a new key, and the rows of the joined ids within the lookback, its
history, are repeated under that key. Landmarks and conversions of the history stay where they are.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.engine.duckdb import quote_identifier
from lydite.errors import InputError
from lydite.inputs.files import FILE_COLUMN
from lydite.journeys.merges import (
    ALWAYS,
    NEVER,
    Pairs,
    count_partners,
    find_components,
    find_members,
    find_roots,
    merge_over_time,
    without_hubs,
)
from lydite.settings import PeopleSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.engine import DuckDBEngine, Engine

#: The column of `users` with the account of a user.
ACCOUNT_COLUMN = "account_id"
_TABLES = ("touchpoints", "conversions", "users")
_OTHERS = (
    "ids", "accounts", "members", "nodes", "persons", "hub_ids", "counted_conversions",
    "repeated_conversions", "components",
)  # fmt: skip
_MODE = "people.mode"
_LONG_US = 2**62
_MOST_NAMED = 5

#: A select without rows, for ``people.accounts`` where no user has an account.
NO_ACCOUNTS = "select cast(null as varchar) as user_id, cast(null as varchar) as account limit 0"
# The separator keeps accounts apart from users with the same id, and versions from other ids.
_IDS = """
select id, row_number() over (order by is_account, id) - 1 as number, is_account
from (
    select anonymous_id as id, false as is_account from inputs.identities
    union
    select user_id, false from inputs.identities
    union
    select user_id, false from people.accounts
    union
    select account, true from people.accounts
)
"""
_PAIRS = """
with pairs as (
    select anonymous_id as one, user_id as other, min(epoch_us(seen_at)) as seen_us
    from inputs.identities
    group by anonymous_id, user_id
    union all
    select user_id, account, $always from people.accounts
)
select one.number as first, other.number as second, pairs.seen_us
from pairs
inner join people.ids as one on pairs.one = one.id and not one.is_account
inner join people.ids as other
    on pairs.other = other.id and other.is_account = (pairs.seen_us = $always)
"""
_ACTIVE = """
select ids.number, min(at_us) as first_us, max(at_us) as last_us, bool_or(converts) as converts
from (
    select user_id, epoch_us(touched_at) as at_us, false as converts from inputs.touchpoints
    union all
    select user_id, epoch_us(converted_at), true from inputs.conversions
) as found
inner join people.ids as ids on found.user_id = ids.id and not ids.is_account
group by ids.number
order by ids.number
"""
#: Pairs with the time when they were first seen.
_DISTINCT = """
select anonymous_id, user_id, min(seen_at) as seen_at
from inputs.identities
group by anonymous_id, user_id
"""
#: Conversions with the id of an earlier one of the same person, over all pairs.
_REPEATED = """
select user_id, outcome, conversion_id
from (
    select
        conversions.user_id, conversions.outcome, conversions.conversion_id,
        row_number() over (
            partition by components.component, conversions.outcome, conversions.conversion_id
            order by conversions.converted_at, conversions.user_id
        ) as number
    from inputs.conversions as conversions
    inner join people.components as components on conversions.user_id = components.user_id
    where conversions.conversion_id is not null
) as numbered
where number > 1
"""
_COUNTED_CONVERSIONS = """
select conversions.* from inputs.conversions as conversions
anti join people.repeated_conversions as repeated using (user_id, outcome, conversion_id)
"""
_BY_PERSON = """
select coalesce(persons.person, found.user_id) as user_id, found.* exclude (user_id){more}
from {table} as found
left join people.persons as persons on found.user_id = persons.user_id
"""
#: Equal touches of different ids are different touches of the person.
_JOINED_ID = ", found.user_id as joined_id"
_NO_JOINED_ID = ", cast(null as varchar) as joined_id"
#: Of several users of a person, the row of the one that names it counts, else that of the first.
_USERS_BY_PERSON = """
with chosen as (
    select
        found.user_id as chosen_id,
        coalesce(persons.person, found.user_id) as person,
        row_number() over (
            partition by coalesce(persons.person, found.user_id)
            order by found.user_id <> coalesce(persons.person, found.user_id), found.user_id
        ) as number
    from inputs.users as found
    left join people.persons as persons on found.user_id = persons.user_id
)
select chosen.person as user_id, users.* exclude (user_id)
from inputs.users as users
inner join chosen on users.user_id = chosen.chosen_id and chosen.number = 1
"""


def build_people(engine: Engine, settings: PeopleSettings | None, lookback: timedelta) -> None:
    """Build the tables of the schema ``people``.

    Parameters
    ----------
    engine
        Holds the input tables.
    settings
        How ids are joined; None for the defaults.
    lookback
        The longest lookback of any outcome: history before it is on no path.

    Raises
    ------
    InputError
        When accounts are the unit and there are none.
    """
    settings = settings or PeopleSettings()
    for name in (*_TABLES, *_OTHERS):
        engine.drop(f"people.{name}")
        engine.local.drop(f"people.{name}")
    if not joins_ids(engine, settings):
        create_views(engine)
        _write_mode(engine.local, "")
        return
    _join(engine, settings, lookback)


def create_views(engine: Engine) -> None:
    """Create the tables that do not exist as views of the input tables.

    On Spark, views belong to the session, which may be another than before.
    """
    for name in _TABLES:
        if engine.exists(f"inputs.{name}") and not engine.exists(f"people.{name}"):
            columns = f"{_columns(engine)}{_NO_JOINED_ID}" if name == "touchpoints" else "*"
            engine.create_view(f"people.{name}", f"select {columns} from inputs.{name}")


def _columns(engine: Engine) -> str:
    """Return the columns of the touchpoints as a select list, without the file of a row."""
    has_files = FILE_COLUMN in engine.columns("inputs.touchpoints")
    return f"* exclude ({FILE_COLUMN})" if has_files else "*"


def joins_ids(engine: Engine, settings: PeopleSettings | None) -> bool:
    """Return whether rows of different ids may belong to one person."""
    return (settings is not None and settings.unit == "account") or _has_pairs(engine)


def joins_over_time(engine: Engine, settings: PeopleSettings | None) -> bool:
    """Return whether it depends on the time which ids are joined."""
    mode = (settings or PeopleSettings()).identities
    return mode == "seen_by_then" and _has_pairs(engine)


def _has_pairs(engine: Engine) -> bool:
    name = "inputs.identities"
    return engine.exists(name) and bool(engine.scalar(f"select count(*) from {name}"))


def has_history(engine: Engine) -> bool:
    """Return whether persons were joined over time, so that touches are repeated."""
    return engine.exists("people.nodes")


def _join(engine: Engine, settings: PeopleSettings, lookback: timedelta) -> None:
    """Build the tables where ids are joined; Spark sends the pairs to the driver for that."""
    with_accounts = settings.unit == "account"
    engine.create("people.accounts", _accounts_sql(engine) if with_accounts else NO_ACCOUNTS)
    local = engine.local
    _gather_pairs(engine)
    number_ids(local)
    engine.copy_from_local("people.ids")
    pairs, partners = read_pairs(local, settings.max_partners)
    _write_hubs(local, partners, settings.max_partners)
    _write_counted_conversions(engine, pairs)
    if joins_over_time(engine, settings):
        _write_nodes(engine, pairs, lookback)
        for name in _TABLES:
            if engine.exists(f"inputs.{name}"):
                engine.create(f"people.{name}", f"people/{name}")
    else:
        _write_persons(engine, pairs)
        touchpoints = _BY_PERSON.format(table="inputs.touchpoints", more=_JOINED_ID)
        engine.create("people.touchpoints", touchpoints)
        conversions = _BY_PERSON.format(table="people.counted_conversions", more="")
        engine.create("people.conversions", conversions)
        if engine.exists("inputs.users"):
            engine.create("people.users", _USERS_BY_PERSON)
    joined = settings.identities if _has_pairs(engine) else ""
    _write_mode(local, " ".join(filter(None, [joined, "account" if with_accounts else ""])))


def _gather_pairs(engine: Engine) -> None:
    """Copy the pairs of ids, and the accounts, to the local engine if it is another."""
    if engine.local is engine:
        return
    for table, select in (
        ("inputs.identities", _DISTINCT),
        ("people.accounts", "from people.accounts"),
    ):
        engine.local.drop(table)
        if engine.exists(table):
            engine.append_local(table, select)


def _accounts_sql(engine: Engine) -> str:
    """Return the statement that lists users with their accounts."""
    columns = engine.columns("inputs.users") if engine.exists("inputs.users") else {}
    found = [name for name in columns if name.lower() == ACCOUNT_COLUMN]
    if not found:
        has = ", ".join(name for name in columns if name != "user_id") or "no other columns"
        raise InputError(
            f'unit = "account": the table users has no column {ACCOUNT_COLUMN!r}; it has {has}.'
            ' Add the column, or leave unit = "user".'
        )
    value = quote_identifier(found[0])
    return (
        f"select user_id, 'account' || chr(31) || {value} as account from inputs.users"
        f" where {value} is not null"
    )


def number_ids(engine: DuckDBEngine) -> None:
    """Write ``people.ids``, the ids of pairs and accounts with their numbers."""
    if not engine.exists("inputs.identities"):
        empty = "select '' as anonymous_id, '' as user_id, timestamp '2000-01-01' as seen_at"
        engine.create("inputs.identities", f"{empty} limit 0")
    if not engine.exists("people.accounts"):
        engine.create("people.accounts", NO_ACCOUNTS)
    engine.create("people.ids", _IDS)


def read_pairs(engine: DuckDBEngine, most: int) -> tuple[Pairs, NDArray[np.int64]]:
    """Return the pairs of ``people.ids`` without hub ids, and the partners of each id.

    Parameters
    ----------
    most
        Ids with more partners are hubs.
    """
    ids, accounts = engine.rows(
        "select count(*), count(*) filter (where not is_account) from people.ids"
    )[0]
    columns = engine.fetch_numpy(_PAIRS, {"always": ALWAYS})
    first, second, seen_us = (values.astype(np.int64) for values in columns.values())
    pairs = Pairs(ids, first, second, seen_us, accounts)
    partners = count_partners(pairs)
    return without_hubs(pairs, partners, most), partners


def _write_hubs(engine: DuckDBEngine, partners: NDArray[np.int64], most: int) -> None:
    """Write ``people.hub_ids``: the ids with too many partners, and how many they have."""
    hubs = np.flatnonzero(partners > most)
    frame = pl.DataFrame({"number": hubs, "partners": partners[hubs]})
    with engine.registered(frame) as name:
        engine.create(
            "people.hub_ids",
            f"select ids.id, hubs.partners from {name} as hubs"
            " inner join people.ids as ids on hubs.number = ids.number",
        )


def _write_counted_conversions(engine: Engine, pairs: Pairs) -> None:
    """Create the view of the conversions without those that repeat an id of the same person."""
    frame = pl.DataFrame({"number": np.arange(pairs.ids), "component": find_components(pairs)})
    with engine.local.registered(frame) as name:
        engine.local.create(
            "people.components",
            f"select ids.id as user_id, found.component from {name} as found"
            " inner join people.ids as ids on found.number = ids.number and not ids.is_account",
        )
    engine.copy_from_local("people.components")
    engine.create("people.repeated_conversions", _REPEATED)
    engine.create_view("people.counted_conversions", _COUNTED_CONVERSIONS)


def _write_persons(engine: Engine, pairs: Pairs) -> None:
    """Write ``people.persons``, the person of each id at all times."""
    frame = pl.DataFrame({"number": np.arange(pairs.ids), "root": find_roots(pairs)})
    with engine.local.registered(frame) as name:
        engine.local.create(
            "people.persons",
            f"select ids.id as user_id, roots.id as person from {name} as found"
            " inner join people.ids as ids on found.number = ids.number and not ids.is_account"
            " inner join people.ids as roots on found.root = roots.number",
        )
    engine.copy_from_local("people.persons")


def _write_nodes(engine: Engine, pairs: Pairs, lookback: timedelta) -> None:
    """Write ``people.nodes``, the persons over time, and ``people.members``, their ids.

    Instants are three times the microseconds, so that at one instant touches come first, then
    pairs, then conversions.
    """
    tree = merge_over_time(pairs)
    history_us = lookback // timedelta(microseconds=1)
    active = engine.fetch_numpy(_ACTIVE)
    # Conversions of any time are history: they say who had converted before.
    until = np.where(active["converts"], _LONG_US, history_us)
    members = find_members(tree, active["number"], active["first_us"], active["last_us"], until)
    node = np.unique(members.node)
    component = np.full(len(tree.up), -1)
    top = np.flatnonzero(tree.up < 0)
    position = np.sort(tree.first_leaf[top])
    component = np.searchsorted(position, tree.first_leaf, side="right")
    start_us = tree.start_us[node]
    nodes = pl.DataFrame(
        {
            "node": node,
            "root": tree.root[node],
            "start_us": start_us,
            "start_key": _key(start_us, 1),
            "first_leaf": tree.first_leaf[node],
            "last_leaf": tree.last_leaf[node],
            "component": component[node],
        }
    )
    local = engine.local
    with local.registered(nodes) as name:
        local.create(
            "people.nodes",
            "select nodes.* exclude (root, start_us), roots.id as root,"
            " case when start_us = $always then roots.id"
            " else roots.id || chr(31) || start_us end as person"
            f" from {name} as nodes inner join people.ids as roots on nodes.root = roots.number",
            {"always": ALWAYS},
        )
    start_us, end_us = tree.start_us[members.node], tree.end_us[members.node]
    known = np.where(start_us == ALWAYS, ALWAYS, start_us - history_us)
    frame = pl.DataFrame(
        {
            "number": members.number,
            "node": members.node,
            "from_key": _key(known, 0),
            "until_key": _key(end_us, 1),
        }
    )
    with local.registered(frame) as name:
        local.create(
            "people.members",
            "select ids.id as user_id, nodes.person, members.from_key, members.until_key"
            f" from {name} as members"
            " inner join people.ids as ids on members.number = ids.number"
            " inner join people.nodes as nodes on members.node = nodes.node",
        )
    for table in ("people.nodes", "people.members"):
        engine.copy_from_local(table)


def _key(at_us: NDArray[np.int64], place: int) -> NDArray[np.int64]:
    """Return the place of instants in the order of `_write_nodes`."""
    ends = (at_us == ALWAYS) | (at_us == NEVER)
    return np.where(ends, at_us, 3 * np.where(ends, 0, at_us) + place)


def _write_mode(engine: DuckDBEngine, mode: str) -> None:
    engine.store(_MODE, pl.DataFrame({"mode": [mode]}))


def people_mode(engine: DuckDBEngine) -> str | None:
    """Return how persons were joined, such as ``seen_by_then account``; None if they were not."""
    mode = engine.scalar(f"select mode from {_MODE}") if engine.exists(_MODE) else None
    return mode or None


# --- history --------------------------------------------------------------------------------------

_HISTORY = """
select touches.user_key, count(*) as touches
from journeys.touches as touches
inner join journeys.users as users on touches.user_key = users.user_key
inner join people.nodes as nodes on users.user_id = nodes.person
where 3 * epoch_us(touches.touched_at) < nodes.start_key
group by touches.user_key
"""
_COUNTED_TOUCHES = """
select touches.*
from journeys.touches as touches
left join journeys.history as history on touches.user_key = history.user_key
where touches.touch > coalesce(history.touches, 0)
"""


def count_history(engine: Engine) -> None:
    """Write ``journeys.history``, the number of repeated touches by user, if there are any."""
    engine.drop("journeys.history")
    if has_history(engine):
        engine.create("journeys.history", _HISTORY)


def create_counted_touches_view(engine: Engine) -> None:
    """Create the view of the touches without repeated ones; on Spark it belongs to the session."""
    repeated = engine.exists("journeys.history")
    engine.create_view(
        "journeys.counted_touches",
        _COUNTED_TOUCHES if repeated else "select * from journeys.touches",
    )


def join_path_events(engine: Engine) -> None:
    """Remove the events of the history; connect the last touch of each part with the next event."""
    if has_history(engine):
        engine.create("journeys.next_events", "people/next_events")
        engine.create("journeys.path_events", "people/path_events")
        engine.drop("journeys.next_events")


def count_persons_sql(engine: Engine) -> tuple[str, str]:
    """Return the SQL that counts the persons of path events, and what is to be joined to them."""
    if not has_history(engine):
        chosen = "journeys.outcome_channels"
        if engine.exists(chosen) and engine.scalar(f"select count(*) from {chosen}"):
            # The first touch may be of a channel that the outcome leaves out.
            return "count(distinct path_events.user_key)", ""
        return "count(*) filter (where path_events.touch = 1)", ""
    joined = (
        " left join (select users.user_key, -nodes.component as number"
        " from people.nodes as nodes inner join journeys.users as users"
        " on nodes.person = users.user_id) as persons on path_events.user_key = persons.user_key"
    )
    return "count(distinct coalesce(persons.number, path_events.user_key))", joined


# --- warnings -------------------------------------------------------------------------------------

_UNKNOWN = """
with known as (
    select user_id from inputs.touchpoints
    union
    select user_id from inputs.conversions
)
select count(*), count(*) filter (where one.user_id is null and other.user_id is null)
from inputs.identities as pairs
left join known as one on pairs.anonymous_id = one.user_id
left join known as other on pairs.user_id = other.user_id
"""
#: A warning is given if more than this share of the pairs has two unknown ids.
_MAX_UNKNOWN_SHARE = 0.5
_ALWAYS_TEXT = (
    "ids are joined by all pairs of identities, also by those that are seen later: where ids are"
    " seen together at a conversion, only converters have joined histories, and channels seem to"
    ' matter that do not. Set people.identities = "seen_by_then" for verdicts'
)


def people_warnings(engine: Engine) -> list[tuple[str, str]]:
    """Return kind and text of each warning about joined ids.

    The kinds are ``joined_always``, ids that are joined before they were seen together;
    ``hub_ids``, ids with so many partners that they join nothing; ``repeated_id``, conversions
    that another id of the person has too; and ``unknown_ids``, pairs of ids of which most occur in
    no other table.
    """
    mode = people_mode(engine.local)
    if mode is None:
        return []
    found = [("joined_always", _ALWAYS_TEXT)] if mode.startswith("always") else []
    hubs = engine.local.rows("from people.hub_ids order by partners desc, id")
    if hubs:
        named = [f"{name!r} ({partners:,})" for name, partners in hubs[:_MOST_NAMED]]
        named += [f"{len(hubs) - _MOST_NAMED:,} more"] if len(hubs) > _MOST_NAMED else []
        text = (
            f"{len(hubs):,} ids have so many partners in identities that they join nothing, such as"
            f" the id of a shared terminal: {', '.join(named)}. people.max_partners is the limit"
        )
        found.append(("hub_ids", text))
    repeated = engine.scalar("select count(*) from people.repeated_conversions")
    if repeated:
        text = (
            f"{repeated:,} conversions have the id of an earlier one of another id of the same"
            " person: they are not counted"
        )
        found.append(("repeated_id", text))
    pairs, unknown = engine.rows(_UNKNOWN)[0]
    if unknown > _MAX_UNKNOWN_SHARE * pairs:
        text = (
            f"{unknown:,} of {pairs:,} pairs of identities have two ids without touchpoints and"
            " conversions: compare how ids are written in these tables"
        )
        found.append(("unknown_ids", text))
    return found
