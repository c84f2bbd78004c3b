"""Tests of the warning about users who share touches while no clusters are known."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.evaluation import shared_touches
from lydite.evaluation.shared_touches import cluster_warnings, share_of_users_sharing
from lydite.journeys.clusters import build_clusters
from lydite.journeys.people import create_counted_touches_view
from lydite.simulation import simulate

WORLD = simulate("null", users=1500, seed=3)
START = datetime(2025, 1, 6)


def with_partners(share: float, size: int = 2, part: float = 1.0) -> pl.DataFrame:
    """Return the touchpoints of the world; some users have partners with part of their touches."""
    touchpoints = WORLD.touchpoints
    users = touchpoints["user_id"].unique(maintain_order=True)
    chosen = users.head(int(share * len(users)))
    shared = touchpoints.filter(pl.col("user_id").is_in(chosen.implode()))
    parts = [touchpoints]
    for number in range(1, size):
        some = shared.sample(fraction=part, seed=number)
        parts.append(some.with_columns(pl.col("user_id") + f" partner {number}"))
    return pl.concat(parts)


def share_of(touchpoints: pl.DataFrame) -> float:
    with DuckDBEngine() as engine:
        return fill(engine, touchpoints)


def fill(engine: DuckDBEngine, touchpoints: pl.DataFrame) -> float:
    """Make ``journeys.touches``, and return the share of users who share touches."""
    rows = touchpoints.select(
        pl.col("user_id").rank("dense").cast(pl.Int64).alias("user_key"),
        "touched_at",
        pl.col("channel").rank("dense").cast(pl.Int16).alias("channel_key"),
        pl.col("campaign") if "campaign" in touchpoints.columns else pl.lit("").alias("campaign"),
    )
    engine.store("journeys.touches", rows)
    create_counted_touches_view(engine)
    return share_of_users_sharing(engine)


@pytest.mark.parametrize("size", [2, 5, 10])
def test_users_of_an_account_are_found(size):
    assert share_of(with_partners(0.3, size)) > 0.3


def test_users_who_share_some_of_their_touches_are_found():
    assert share_of(with_partners(0.5, 2, part=0.6)) > 0.15


def test_independent_users_are_not_found():
    assert share_of(WORLD.touchpoints) == 0
    assert share_of(with_partners(0.02)) < shared_touches.MIN_SHARE


@pytest.mark.parametrize("every", ["1d", "1h"])
def test_coarse_times_are_not_compared(every):
    assert share_of(with_partners(1.0).with_columns(pl.col("touched_at").dt.truncate(every))) == 0


@pytest.mark.parametrize("every", ["1m", "10m"])
def test_minutes_of_independent_users_coincide_rarely(every):
    touchpoints = WORLD.touchpoints.with_columns(pl.col("touched_at").dt.truncate(every))
    assert share_of(touchpoints) < 0.01


def mailings(recipients: int, batch: int) -> pl.DataFrame:
    """Return ten mailings, sent in the same batches at one instant each."""
    user = np.arange(recipients)
    sent = [
        START + timedelta(days=7 * week, hours=9, seconds=3 + int(number) // batch)
        for week in range(10)
        for number in user
    ]
    return pl.DataFrame(
        {
            "user_id": np.tile(user, 10).astype(str),
            "touched_at": sent,
            "channel": "email",
            "campaign": np.repeat([f"week {week}" for week in range(10)], recipients),
        }
    )


@pytest.mark.parametrize("batch", [5, 500])
def test_recipients_of_one_mailing_do_not_belong_together(batch):
    touchpoints = WORLD.touchpoints.select("user_id", "touched_at", "channel", "campaign")
    assert share_of(pl.concat([touchpoints, mailings(1000, batch)], how="vertical_relaxed")) == 0


def test_only_the_latest_touches_are_searched(monkeypatch):
    touchpoints = with_partners(1.0)
    later = WORLD.touchpoints.with_columns(
        pl.col("touched_at") + timedelta(days=400), pl.col("user_id") + " later"
    )
    monkeypatch.setattr(shared_touches, "MOST_TOUCHES", later.height // 2)
    assert share_of(pl.concat([touchpoints, later])) == 0


def test_no_touches_share_nothing():
    assert share_of(WORLD.touchpoints.clear()) == 0


def test_the_warning_is_given_without_clusters_only():
    accounts = [f"account {number}" for number in range(20)]
    with DuckDBEngine() as engine:
        fill(engine, with_partners(0.4))
        build_clusters(engine)
        [(kind, text)] = cluster_warnings(engine)
        assert kind == "shared_touches"
        assert "of the users repeatedly have touches at the same instant" in text
        engine.store("people.users", pl.DataFrame({"user_id": accounts, "account_id": accounts}))
        build_clusters(engine)
        assert cluster_warnings(engine) == []


def test_an_account_id_of_few_values_is_pointed_out():
    with DuckDBEngine() as engine:
        fill(engine, WORLD.touchpoints)
        engine.store("people.users", pl.DataFrame({"user_id": ["a", "b"], "account_id": "one"}))
        build_clusters(engine)
        [(kind, text)] = cluster_warnings(engine)
    assert kind == "unused_cluster"
    assert "'account_id' of users has fewer than 16 values" in text
