"""The landmarks in the windows of an experiment, with and without the touches of its channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.experiments.counterfactual import WindowLandmarks
from lydite.models.base import weight_columns
from lydite.paths.landmarks import Landmarks
from lydite.paths.path_slices import PathSlices, TouchArrays, distinct_paths
from lydite.paths.rule_weights import LandmarkPaths, describe_paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lydite.engine import Engine
    from lydite.models import Model

_HOUR_US = 3.6e9
_LANDMARK = ("person", "user_key", "event_touch", "happened_at", "converted", "window_end_us")


@dataclass(frozen=True)
class WindowPaths:
    """The landmarks of an experiment from each user's first touch of the channel on.

    Attributes
    ----------
    landmarks
        Their users and outcomes; users are numbered as in the experiment.
    with_channel : Landmarks
        n landmarks with the paths as they were.
    without_channel : Landmarks
        Those that stay, with the paths without the touches of the channel after the assignment.
        The other touches keep their times.
    """

    landmarks: WindowLandmarks
    with_channel: Landmarks
    without_channel: Landmarks


def load_window_paths(
    engine: Engine,
    experiment: str,
    outcome: str,
    persons: Sequence[str],
    sample: Landmarks,
    models: Sequence[Model],
    direct: NDArray[np.bool_],
) -> WindowPaths:
    """Load the landmarks of an experiment.

    Parameters
    ----------
    engine
        Holds the journeys and the tables of the experiments.
    experiment, outcome
        Their names.
    persons
        The users who count, in the order of their numbers.
    sample
        The evaluation sample: it has the channels, and how long conversions take.
    models
        The paths have the weights that these models need.
    direct : (channels,) bool
        Which channels are direct traffic.
    """
    rows = engine.frame(
        "experiments/window_touches", {"experiment": experiment, "outcome": outcome}
    )
    numbers = pl.DataFrame({"person": persons}, schema={"person": pl.String}).with_row_index("user")
    rows = rows.join(numbers, on="person", how="inner", maintain_order="left")
    key = ["user", "user_key", "event_touch"]
    rows = rows.with_columns(landmark=pl.struct(key).rle_id())
    rows = rows.with_columns(gone=pl.col("is_removed").last().over("landmark"))
    heads = rows.unique("landmark", keep="first", maintain_order=True)
    at_us = _microseconds(heads["happened_at"])
    share = _share_in_time(sample, (heads["window_end_us"].to_numpy() - at_us) / _HOUR_US)
    landmarks = WindowLandmarks(
        user=heads["user"].to_numpy().astype(np.intp),
        is_removed=heads["gone"].to_numpy(),
        converted=heads["converted"].to_numpy(),
        in_window=share,
    )
    stays = rows.filter(~pl.col("gone") & ~pl.col("is_removed"))
    return WindowPaths(
        landmarks,
        _build(rows, sample, models, direct),
        _build(stays, sample, models, direct),
    )


def _share_in_time(sample: Landmarks, hours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the sample's conversions that come within so many hours of the touch."""
    delays = np.sort(np.asarray(sample.hours_to_next[sample.converted], dtype=np.float64))
    if not len(delays):
        return np.ones(len(hours))
    return np.asarray(np.searchsorted(delays, hours, side="left") / len(delays))


def _microseconds(times: pl.Series) -> NDArray[np.int64]:
    return times.cast(pl.Datetime("us")).to_physical().to_numpy().astype(np.int64)


def _build(
    rows: pl.DataFrame, sample: Landmarks, models: Sequence[Model], direct: NDArray[np.bool_]
) -> Landmarks:
    """Return landmarks whose paths are listed touch by touch."""
    at_us = _microseconds(rows["touched_at"])
    touches = TouchArrays(
        sample.channels,
        rows["channel_key"].to_numpy(),
        at_us,
        rows["campaign"].to_arrow(),
        rows["interaction"].to_arrow(),
        direct=direct,
        milestone=rows["milestone"].to_numpy(),
    )
    landmark = rows["landmark"].to_numpy()
    first = np.flatnonzero(np.diff(landmark, prepend=-1)).astype(np.int32)
    length = np.diff(first, append=len(rows)).astype(np.int32)
    slices = PathSlices(touches, first, length, length.astype(np.int16))
    path, example = distinct_paths(slices)
    by_order = weight_columns(model for model in models if model.uses_order_only)
    by_landmark = weight_columns(model for model in models if not model.uses_order_only)
    described = describe_paths(slices.take(example), by_order)
    last = first + length - 1
    before = np.where(length > 1, last - 1, last)
    since_previous = (at_us[last] - at_us[before]) / _HOUR_US
    n = len(first)
    return Landmarks(
        channels=sample.channels,
        happened_at=rows["happened_at"].to_numpy().astype("datetime64[us]")[last],
        bucket=np.zeros(n, dtype=np.int16),
        converted=np.zeros(n, dtype=bool),
        next_channel=np.full(n, -1),
        hours_since_previous=np.where(length > 1, since_previous, np.nan),
        hours_since_first=(at_us[last] - at_us[first]) / _HOUR_US,
        hours_to_next=np.zeros(n),
        count=np.ones(n),
        path=path,
        paths=described.paths,
        landmark_paths=LandmarkPaths(slices, path, described, by_landmark) if by_landmark else None,
        timezone=sample.timezone,
    )
