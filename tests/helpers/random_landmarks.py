"""Landmarks drawn at random, with the weights of a few rules, without any SQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl

from lydite.evaluation.calendar import Calendar
from lydite.models import Landmarks, Model, PathChannels
from lydite.paths.landmarks import DistinctPaths

START = np.datetime64("2025-01-06", "us")
DAY = np.timedelta64(1, "D")


def draw_landmarks(
    rng: np.random.Generator,
    n: int = 3000,
    channels: int = 4,
    longest: int = 6,
    days: int = 84,
    rates: np.ndarray | None = None,
) -> Landmarks:
    """Draw landmarks that convert at the rate of their last channel."""
    rates = np.linspace(0.03, 0.25, channels) if rates is None else rates
    length = rng.integers(1, longest + 1, n)
    touched = rng.integers(0, channels, (n, longest))
    on_path = np.arange(longest) < length[:, None]
    row = np.arange(n)
    last = touched[row, length - 1]
    touches = np.zeros((n, channels))
    np.add.at(touches, (np.repeat(row, length), touched[on_path]), 1)
    landmark, channel = np.nonzero(touches)
    weights = {
        "linear": touches,
        "first_touch": np.eye(channels)[touched[:, 0]],
        "last_touch": np.eye(channels)[last],
    }
    history = np.full((n, 4), -1)
    for back in range(4):
        there = length > back
        history[there, back] = touched[row[there], length[there] - 1 - back]
    since_previous = np.where(length > 1, rng.exponential(40, n), np.nan)
    return Landmarks(
        channels=tuple(f"channel {i}" for i in range(channels)),
        happened_at=START + rng.integers(0, days * 86_400, n) * np.timedelta64(1, "s"),
        bucket=rng.integers(0, 256, n),
        converted=rng.random(n) < rates[last],
        next_channel=np.full(n, -1),
        hours_since_previous=since_previous,
        hours_since_first=np.where(
            length > 1, np.nan_to_num(since_previous) + rng.exponential(90, n), 0.0
        ),
        hours_to_next=rng.exponential(60, n),
        count=np.ones(n),
        path=np.arange(n),
        paths=DistinctPaths(
            history,
            length,
            PathChannels(
                landmark,
                channel,
                touches[landmark, channel].astype(int),
                {name: values[landmark, channel] for name, values in weights.items()},
            ),
        ),
    )


def reordered(landmarks: Landmarks, order: np.ndarray) -> Landmarks:
    """Return the same landmarks in another order, and their paths in that order too."""
    columns = (
        "happened_at", "bucket", "converted", "next_channel", "hours_since_previous",
        "hours_since_first", "hours_to_next", "count",
    )  # fmt: skip
    own = landmarks.landmark_paths
    return replace(
        landmarks,
        **{name: getattr(landmarks, name)[order] for name in columns},
        path=np.arange(len(order)),
        paths=landmarks.paths.take(landmarks.path[order]),
        landmark_paths=None if own is None else own.take(order),
    )


def with_paths(landmarks: Landmarks, touched: PathChannels, **columns: np.ndarray) -> Landmarks:
    """Return landmarks with other channels on their paths, of which each has its own."""
    paths = DistinctPaths(landmarks.history, landmarks.path_length, touched)
    return replace(landmarks, path=np.arange(len(landmarks)), paths=paths, **columns)


def weekly(first: int, periods: int, lookback: timedelta = timedelta(days=10)) -> Calendar:
    """Return a calendar of `periods` weeks, of which the first is week number `first`."""
    starts = START + np.arange(first, first + periods) * 7 * DAY
    return Calendar(starts, starts[-1] + 7 * DAY, lookback)


def random_paths(seed: int, n: int, names: tuple[str, ...] = ("a", "b", "direct")) -> pl.DataFrame:
    """Draw n paths, touch by touch, their rows in no order."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        channels = rng.choice(names, rng.integers(1, 9)).tolist()
        hours = np.sort(rng.exponential(200, len(channels)))
        known = [i + 1 for i, name in enumerate(channels) if name != "direct"]
        rows += [
            {
                "path": number,
                "position": i + 1,
                "path_length": len(channels),
                "position_from_end": len(channels) - i,
                "last_non_direct_position": max(known, default=None),
                "hours_before_end": hours[-1] - hours[i],
                "hours_after_start": hours[i] - hours[0],
                "channel": name,
                "campaign": None if i % 2 else "spring",
                "interaction": "click",
            }
            for i, name in enumerate(channels)
        ]
    frame = pl.DataFrame(rows, infer_schema_length=None)
    return frame[rng.permutation(len(frame))]


def with_weights(landmarks: Landmarks, model: Model) -> Landmarks:
    """Add made-up touch weights for the weight columns of a model."""
    paths = landmarks.paths
    weights = dict.fromkeys(model.weight_columns, paths.path_channels.touches * 0.7)
    return replace(
        landmarks, paths=replace(paths, path_channels=replace(paths.path_channels, weights=weights))
    )
