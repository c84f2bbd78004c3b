"""The evaluation sample: mature landmarks of one outcome, drawn as whole buckets of users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lydite.engine import load_sql
from lydite.engine.duckdb import quoted_name
from lydite.models.base import weight_columns, weight_sums
from lydite.models.landmarks import N_BUCKETS, Landmarks, PathChannels
from lydite.models.rules import weights_explained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lydite.engine import DuckDBEngine
    from lydite.models import Model

#: The columns of `sql/journeys/path_touches.sql` that tell paths apart.
TOLD_APART = "outcome, user_key, happened_at, is_conversion, coalesce(moment_touch, 0)"
MAX_LANDMARKS = 5_000_000


def buckets_within(
    engine: DuckDBEngine, outcome: str, mature_until: datetime, max_landmarks: int
) -> int:
    """Return how many buckets, from 0 on, hold at most `max_landmarks` mature landmarks."""
    counts = engine.arrays(
        "select bucket, count(*) as n from journeys.moments where outcome = $outcome"
        " and not is_conversion and happened_at <= $mature_until group by bucket",
        {"outcome": outcome, "mature_until": mature_until},
    )
    per_bucket = np.bincount(counts["bucket"], counts["n"], minlength=N_BUCKETS)
    return max(1, int(np.searchsorted(per_bucket.cumsum(), max_landmarks, side="right")))


def build_sample(
    engine: DuckDBEngine,
    outcome: str,
    mature_until: datetime,
    models: Sequence[Model],
    max_landmarks: int = MAX_LANDMARKS,
) -> int:
    """Build the sample of one outcome, with the weight of every rule on every path.

    Parameters
    ----------
    engine
        Holds the moments.
    mature_until
        Landmarks up to this instant are mature.
    models
        The weights of touches that they look at are summed here, all in one pass.

    Returns
    -------
    The number of buckets in the sample; `N_BUCKETS` when it holds every landmark.
    """
    buckets = buckets_within(engine, outcome, mature_until, max_landmarks)
    parameters = {"outcome": outcome, "mature_until": mature_until, "buckets": buckets}
    for table in ("evaluation.landmarks", "evaluation.path_channels"):
        if engine.exists(table):
            engine.run(f"delete from {table} where outcome = $outcome", parameters)
    engine.append("evaluation.landmarks", "evaluation/landmarks", parameters)
    with weights_explained(engine, models, "journeys.path_touches", TOLD_APART):
        engine.append(
            "evaluation.path_channels", _path_channels(weight_columns(models)), parameters
        )
    return buckets


def load_sample(
    engine: DuckDBEngine, outcome: str, channels: Sequence[str], models: Sequence[Model]
) -> Landmarks:
    """Load the sample of one outcome, with the weights of the given models only."""
    columns = engine.arrays(
        "select bucket, happened_at, converted, channel_key, previous_1, previous_2, previous_3,"
        " next_channel_key, path_length, hours_since_previous, hours_since_first, hours_to_next"
        " from evaluation.landmarks where outcome = $outcome order by landmark",
        {"outcome": outcome},
    )
    since_previous = columns["hours_since_previous"]
    return Landmarks(
        channels=tuple(channels),
        happened_at=columns["happened_at"],
        bucket=columns["bucket"],
        converted=columns["converted"],
        history=np.column_stack(
            [columns[name] for name in ("channel_key", "previous_1", "previous_2", "previous_3")]
        ),
        next_channel=columns["next_channel_key"],
        path_length=columns["path_length"],
        hours_since_previous=np.where(since_previous < 0, np.nan, since_previous),
        hours_since_first=columns["hours_since_first"],
        hours_to_next=columns["hours_to_next"],
        count=np.ones(len(since_previous)),
        path=_load_path(engine, outcome, list(weight_columns(models))),
    )


def _load_path(engine: DuckDBEngine, outcome: str, weights: list[str]) -> PathChannels:
    columns = engine.arrays(
        "select landmark, channel_key, touches"
        + "".join(f", {quoted_name(name)}" for name in weights)
        + " from evaluation.path_channels where outcome = $outcome"
        " order by landmark, channel_key",
        {"outcome": outcome},
    )
    return PathChannels(
        row=columns["landmark"],
        channel=columns["channel_key"],
        touches=columns["touches"],
        weights={name: columns[name] for name in weights},
    )


def _path_channels(weights: Mapping[str, str]) -> str:
    """Return the statement that sums every weight by landmark and channel, in one pass."""
    return (
        "select $outcome as outcome, landmark, channel_key,"
        f" cast(count(*) as smallint) as touches{weight_sums(weights, 'float')}\n"
        f"from (\n{load_sql('evaluation/path_touches')}\n)\n"
        "group by landmark, channel_key"
    )
