"""Marts and journeys, made by hand, of which the next experiments are proposed."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from lydite.pipeline.next_experiments import CLUSTER_TOTALS, build_next_experiments
from tests.helpers.made_comparisons import CONTENDERS
from tests.helpers.made_decisions import compare_with_decisions

WEEKS = 20


def marts_of(rivals=CONTENDERS, *log, regions=0, without=()):
    """Return marts in which every channel reaches 1,000 users a week for 20 weeks."""
    marts = dict(compare_with_decisions(rivals, *log).marts)
    channels = [name for name in marts["channel_credit"]["channel"].unique().sort()
                if name != "(unattributed)" and name not in without]  # fmt: skip
    weeks = [date(2026, 1, 5) + timedelta(weeks=n) for n in range(WEEKS)]
    marts["weekly_reach"] = pl.DataFrame(
        [(week, channel, 1_000) for week in weeks for channel in channels],
        schema={"week": pl.Date, "channel": pl.String, "users": pl.Int64}, orient="row",
    )  # fmt: skip
    marts["channel_roles"] = pl.DataFrame(
        {"outcome": "purchase", "channel": channels, "on_path": 600}
    )
    marts["segment_credit"] = pl.DataFrame(
        [("purchase", f"region = {n}") for n in [*range(regions), "(unknown)"]],
        schema=["outcome", "segment"], orient="row",
    )  # fmt: skip
    return marts


def journeys_with_accounts(accounts=40, seed=1):
    """Return touches, users, clusters and credit in which every third user has no account."""
    rng = np.random.default_rng(seed)
    users = pl.DataFrame({"user_key": np.arange(5 * accounts)}).with_columns(
        user_id="u" + pl.col("user_key").cast(pl.String)
    )
    clusters = users.filter(pl.col("user_key") % 3 > 0).select(
        "user_id", cluster="a" + (pl.col("user_key") // 5).cast(pl.String)
    )
    n = 4_000
    touches = pl.DataFrame(
        {
            "user_key": rng.integers(0, len(users), n),
            "channel_key": rng.integers(0, 3, n),
            "touched_at": [
                datetime(2026, 1, 5) + timedelta(minutes=int(m))
                for m in rng.integers(0, WEEKS * 7 * 24 * 60, n)
            ],
        }
    ).with_columns(pl.col("channel_key").cast(pl.Int16))
    credit = touches.sample(600, seed=seed).select(
        "user_key", "channel_key", outcome=pl.lit("purchase"), conversion=pl.col("user_key") % 7
    )
    return users, clusters, touches, credit


NAMES = ["email", "social", "direct"]  # the last one costs nothing


def propose(engine, column="account_id"):
    """Build the mart from journeys with accounts; return the sums by cluster and the mart."""
    users, clusters, touches, credit = journeys_with_accounts()
    for name, table in marts_of().items():
        engine.local.store(f"mart.{name}", table)
    engine.copy_from_local("mart.channel_credit")
    engine.store("journeys.users", users)
    engine.store("journeys.clusters", clusters)
    engine.store("journeys.channels", pl.DataFrame({"channel_key": [0, 1, 2], "channel": NAMES}))
    engine.store("journeys.counted_touches", touches)
    engine.store("credit.touch_credit", pl.concat([credit, credit]))  # several touches count once
    used = pl.DataFrame({"column_name": [column], "is_used": [True]})
    engine.local.store("journeys.cluster_column", used)
    build_next_experiments(engine, None)
    sums = (
        engine.local.frame(f"from {CLUSTER_TOTALS}")
        if engine.local.exists(CLUSTER_TOTALS)
        else None
    )
    return sums, engine.local.frame("from mart.next_experiments")
