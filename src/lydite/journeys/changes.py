"""Which users the last build of the journeys changed, for tables that are computed from them.

A table with rows by user that is as of the build before follows the last one by recomputing the
rows of these users. As of an earlier build, or after all users were rebuilt, it is computed again.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lydite.engine import DuckDBEngine, Engine

#: The ``user_key`` of the users that the last build changed, added or removed.
CHANGED_USERS = "journeys.changed_users"
_LAST_BUILD = "journeys.last_build"


class Build(NamedTuple):
    """The last build of the journeys.

    Attributes
    ----------
    build
        A random id.
    before
        The build before, of which `CHANGED_USERS` were changed; None if all users were.
    """

    build: str
    before: str | None


def last_build(engine: Engine) -> Build | None:
    """Return the last build; None where nothing is kept between runs."""
    if not engine.exists(_LAST_BUILD):
        return None
    [row] = engine.rows(f"select build, before from {_LAST_BUILD}")
    return Build(*row)


def forget_builds(engine: DuckDBEngine) -> None:
    """Drop the record: while all users are rebuilt, and where nothing is kept."""
    for table in (_LAST_BUILD, CHANGED_USERS):
        engine.drop(table)


def record_full_build(engine: DuckDBEngine) -> None:
    """Write down that all users were rebuilt."""
    _record(engine, None)


def record_changes(engine: DuckDBEngine, users: str) -> None:
    """Write down that some users are rebuilt, in the transaction that does so.

    Parameters
    ----------
    users
        A select of the ``user_key`` of the users that are changed, added or removed.
    """
    last = last_build(engine)
    engine.create(CHANGED_USERS, users)
    _record(engine, last.build if last else None)


def _record(engine: DuckDBEngine, before: str | None) -> None:
    row = {"build": str(uuid.uuid4()), "before": before}
    engine.create(_LAST_BUILD, "select $build::varchar as build, $before::varchar as before", row)
