"""Tests of clusters: users who belong together share a bucket."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.journeys import build_path_events_and_conversions, build_touches
from lydite.journeys.clusters import MIN_CLUSTERS, cluster_column, unused_cluster_column
from lydite.journeys.incremental import build_journeys, refresh
from tests.helpers.input_tables import make_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USERS = [f"user {n}" for n in range(3 * MIN_CLUSTERS)]
START = datetime(2026, 1, 1)
LOOKBACKS = {"conversion": timedelta(days=30)}


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine() as engine:
        yield engine


def fill(engine: DuckDBEngine, **columns: list[str | None]) -> None:
    """Make the input tables, with these columns of users."""
    touchpoints = [(user, START + timedelta(hours=n), "tv") for n, user in enumerate(USERS)]
    make_inputs(engine, touchpoints, [(user, START + timedelta(days=9)) for user in USERS])
    if columns:
        engine.store("inputs.users", pl.DataFrame({"user_id": USERS, **columns}))


def buckets(engine: DuckDBEngine, table: str = "users") -> dict[str, int]:
    return dict(
        engine.rows(
            f"select users.user_id, own.bucket from journeys.{table} as own"
            " inner join journeys.users as users on own.user_key = users.user_key"
        )
    )


def bucket_of(text: str) -> int:
    """Return the bucket of a user or cluster: the first byte of the MD5 digest."""
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()[0]


def by_account(values: list[str | None]) -> dict[str, int]:
    return {user: bucket_of(value or user) for user, value in zip(USERS, values, strict=True)}


def accounts(clusters: int = MIN_CLUSTERS) -> list[str | None]:
    """Return accounts in turn; the last users have none."""
    return [f"account {n % clusters}" for n in range(len(USERS) - 4)] + [None] * 4


def test_without_clusters_each_user_has_a_bucket_of_the_id(engine):
    fill(engine)
    build_touches(engine)
    assert buckets(engine) == {user: bucket_of(user) for user in USERS}
    assert cluster_column(engine) is None


@pytest.mark.parametrize("name", ["account_id", "Account_ID"])
def test_accounts_share_a_bucket_by_default(engine, name):
    fill(engine, **{name: accounts()})
    build_touches(engine)
    build_path_events_and_conversions(engine, LOOKBACKS)
    for table in ("users", "touches", "path_events", "conversions"):
        assert buckets(engine, table) == by_account(accounts()), table
    assert cluster_column(engine) == name


def test_the_settings_name_another_column(engine):
    households = [f"household {n // 2}" for n in range(len(USERS))]
    fill(engine, account_id=accounts(), household=households)
    build_touches(engine, cluster="household")
    assert buckets(engine) == by_account(households)
    build_touches(engine, cluster="user_id")
    assert buckets(engine) == {user: bucket_of(user) for user in USERS}
    assert cluster_column(engine) is None


def test_keys_do_not_depend_on_clusters(engine):
    keys = "select user_id, user_key from journeys.users order by user_id"
    fill(engine)
    build_touches(engine)
    before = engine.rows(keys)
    fill(engine, account_id=accounts())
    build_touches(engine)
    assert engine.rows(keys) == before


def test_an_account_id_with_few_values_is_used_only_where_it_is_named(engine):
    few = accounts(MIN_CLUSTERS - 1)
    fill(engine, account_id=few)
    build_touches(engine)
    assert buckets(engine) == {user: bucket_of(user) for user in USERS}
    assert (cluster_column(engine), unused_cluster_column(engine)) == (None, "account_id")
    build_touches(engine, cluster="account_id")
    assert buckets(engine) == by_account(few)
    assert (cluster_column(engine), unused_cluster_column(engine)) == ("account_id", None)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "'company': the table users has no column of that name; it has no such columns"),
        ({"region": accounts()}, "'company': the table users has no column .*; it has region"),
    ],
)
def test_an_unknown_column_is_refused(engine, columns, message):
    fill(engine, **columns)
    with pytest.raises(InputError, match=message):
        build_touches(engine, cluster="company")


def test_a_user_who_changes_the_account_moves_to_its_bucket(tmp_path: Path):
    values = accounts()
    with DuckDBEngine(tmp_path / "warehouse.duckdb") as engine:
        fill(engine, account_id=values)
        assert build_journeys(engine, LOOKBACKS).rebuilt == len(USERS)
        assert build_journeys(engine, LOOKBACKS).rebuilt == 0
        values[3], values[5], values[-1] = "account 9", None, "account 0"
        fill(engine, account_id=values)
        build = build_journeys(engine, LOOKBACKS)
        assert (build.rebuilt, build.full_reason) == (3, None)
        for table in ("users", "touches", "path_events", "conversions"):
            assert buckets(engine, table) == by_account(values), table


def test_another_cluster_column_rebuilds_all_users(engine):
    fill(engine, account_id=accounts(), household=accounts()[::-1])
    refresh(engine, LOOKBACKS)
    assert refresh(engine, LOOKBACKS).rebuilt == 0
    build = refresh(engine, LOOKBACKS, cluster="household")
    assert build.full_reason == "the cluster column changed"
    assert buckets(engine) == by_account(accounts()[::-1])
    assert refresh(engine, LOOKBACKS, cluster="household").rebuilt == 0
