"""The evaluation sample: mature landmarks of one outcome, drawn as whole buckets of users."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from lydite.inputs.slices import slice_starts
from lydite.journeys import LONGEST_PATH
from lydite.paths.grouping import counted, distinct, placed, taken
from lydite.paths.landmarks import Landmarks, first_buckets
from lydite.paths.path_slices import PathSlices, TouchArrays, distinct_paths
from lydite.paths.rule_weights import LandmarkPaths, describe_paths

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from lydite.engine import DuckDBEngine, Engine
    from lydite.models import Model
    from lydite.paths.rule_weights import OrderFeatures

MAX_LANDMARKS = 5_000_000
_NAMES = frozenset({"campaign", "interaction"})


def count_sample_buckets(
    engine: Engine, outcome: str, mature_until: datetime, max_landmarks: int
) -> int:
    """Return how many buckets, from 0 on, hold at most `max_landmarks` mature landmarks."""
    counts = engine.fetch_numpy(
        "select bucket, count(*) as n from journeys.path_events where outcome = $outcome"
        " and not is_conversion and happened_at <= $mature_until group by bucket",
        {"outcome": outcome, "mature_until": mature_until},
    )
    return first_buckets(counts["bucket"], counts["n"], max_landmarks)


def build_sample(
    engine: Engine,
    outcome: str,
    mature_until: datetime,
    max_landmarks: int = MAX_LANDMARKS,
) -> int:
    """Build the sample of one outcome.

    Parameters
    ----------
    engine
        Holds the path_events.
    mature_until
        Landmarks up to this instant are mature.

    Returns
    -------
    The number of buckets in the sample; `N_BUCKETS` when it holds every landmark.
    """
    buckets = count_sample_buckets(engine, outcome, mature_until, max_landmarks)
    parameters = {"outcome": outcome, "mature_until": mature_until, "buckets": buckets}
    local = engine.local
    if local.exists("evaluation.landmarks"):
        local.run("delete from evaluation.landmarks where outcome = $outcome", parameters)
    engine.append_local("evaluation.landmarks", "evaluation/landmarks", parameters)
    return buckets


_SAMPLED = {
    "journeys.channels": "from journeys.channels",
    "journeys.users": "from journeys.users where bucket < $buckets",
    "inputs.users": """
select users.*
from inputs.users as users
inner join journeys.users as people on users.user_id = people.user_id
where people.bucket < $buckets
""",
    "journeys.touches": """
select user_key, touch, campaign, interaction from journeys.touches where bucket < $buckets
""",
}


def gather_users(engine: Engine, buckets: int) -> None:
    """Gather what is known of the users of the samples, where it is not on this machine.

    Parameters
    ----------
    buckets
        How many buckets the largest sample has.
    """
    if engine.local is engine:
        return
    for table, select in _SAMPLED.items():
        engine.local.drop(table)
        engine.append_local(table, select, {"buckets": buckets})


def load_sample(
    engine: DuckDBEngine, outcome: str, channels: Sequence[str], models: Sequence[Model]
) -> Landmarks:
    """Load the sample of one outcome, with what the given models see of paths.

    Raises
    ------
    InputError
        When a rule's weight is negative or huge, or cannot be computed.
    """
    ordered = [model for model in models if model.uses_order_only]
    beyond = [model for model in models if not model.uses_order_only]
    columns = _columns(engine, outcome, _OF_PATHS)
    with ThreadPoolExecutor(1) as aside:  # the paths are laid out while the others are read
        others = aside.submit(_columns, engine, outcome, _OF_LANDMARKS)
        laid = _SampleRows.of(columns, channels, ordered)
        columns |= others.result()
    touch_arrays = laid.touch_arrays
    if any(_NAMES & model.columns_used for model in beyond):
        touch_arrays = replace(touch_arrays, **_named(engine, outcome, laid.place))
    path = taken(laid.path, laid.place)
    slices = _ending_at(laid.place, columns["touch"] - columns["first_touch"])
    since_previous = columns["hours_since_previous"]
    since_previous[since_previous < 0] = np.nan
    return Landmarks(
        channels=tuple(channels),
        happened_at=columns["happened_at"],
        bucket=columns["bucket"],
        converted=columns["converted"],
        next_channel=columns["next_channel_key"],
        hours_since_previous=since_previous,
        hours_since_first=columns["hours_since_first"],
        hours_to_next=columns["hours_to_next"],
        count=np.broadcast_to(1.0, len(path)),
        path=path,
        paths=laid.described.paths,
        landmark_paths=LandmarkPaths(touch_arrays, slices, path, laid.described, beyond)
        if beyond
        else None,
    )


_OF_PATHS = ("user_key", "touch", "first_touch", "happened_at", "channel_key")
# Hours are told to a fifth of a second in a month: narrow columns are gone through faster.
_OF_LANDMARKS = (
    "bucket", "converted", "next_channel_key",
    "cast(hours_since_previous as float) as hours_since_previous",
    "cast(hours_since_first as float) as hours_since_first",
    "cast(hours_to_next as float) as hours_to_next",
)  # fmt: skip


def _columns(engine: DuckDBEngine, outcome: str, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return columns of the sample in the order of its landmarks."""
    of_outcome, own = "from evaluation.landmarks where outcome = $outcome", {"outcome": outcome}
    columns = engine.fetch_numpy(
        f"select landmark, {', '.join(names)} {of_outcome}",
        own,
        rows=engine.scalar(f"select count(*) {of_outcome}", own),
    )
    # They were written in that order: to sort them, as a rule, is not needed.
    landmark = columns.pop("landmark")
    if (landmark[1:] > landmark[:-1]).all():
        return columns
    order = np.argsort(landmark)
    return {name: values[order] for name, values in columns.items()}


class _SampleRows(NamedTuple):
    """The touches of the sample in the order of users, and the paths that end in them.

    Attributes
    ----------
    place
        The place of each landmark in that order.
    touch_arrays
        The touches.
    path
        The number of the path that ends in each touch, among the distinct ones.
    described
        The distinct paths.
    """

    place: NDArray[np.int32]
    touch_arrays: TouchArrays
    path: NDArray[np.integer]
    described: OrderFeatures

    @classmethod
    def of(
        cls, columns: dict[str, NDArray[Any]], channels: Sequence[str], models: Sequence[Model]
    ) -> _SampleRows:
        """Lay out the columns `_OF_PATHS`, with what models see of the order of channels."""
        # The touches on the path of a mature landmark are mature landmarks too, right before it.
        place = _place_by_user(columns["user_key"], columns["touch"])
        happened_at = columns["happened_at"].astype("datetime64[us]", copy=False)
        touch_arrays = TouchArrays(
            channels,
            placed(place, columns["channel_key"]),
            placed(place, happened_at.view(np.int64)),
        )
        before = placed(place, columns["touch"] - columns["first_touch"])
        slices = _ending_at(np.arange(len(place), dtype=np.int32), before)
        path, first = distinct_paths(touch_arrays, slices)
        described = describe_paths(touch_arrays, slices.take(first), models)
        return cls(place, touch_arrays, path, described)


def _place_by_user(user: NDArray[np.integer], touch: NDArray[np.integer]) -> NDArray[np.int32]:
    """Return the place of each landmark in the order of users and their touches, from 0.

    A user's touches are numbered without a gap, and the landmarks are in the order of time.
    """
    number, first = distinct(user)
    size = counted(number, np.broadcast_to(1.0, len(number)), len(first)).astype(np.int32)
    begin = slice_starts(size).astype(np.int32) - touch[first]
    place: NDArray[np.int32] = taken(begin, number)
    place += touch
    return place


def _ending_at(place: NDArray[np.int32], before: NDArray[np.int32]) -> PathSlices:
    """Return paths by the place of their last touch, and how many touches come before it."""
    length = before + np.int32(1)
    return PathSlices(place - before, length, np.minimum(length, LONGEST_PATH).astype(np.int16))


def _named(engine: DuckDBEngine, outcome: str, place: NDArray[np.integer]) -> dict[str, pa.Array]:
    """Return campaign and interaction of every touch."""
    names = engine.frame(
        "select touches.campaign, touches.interaction from evaluation.landmarks as landmarks"
        " inner join journeys.touches as touches on landmarks.user_key = touches.user_key"
        " and landmarks.touch = touches.touch where landmarks.outcome = $outcome"
        " order by landmarks.landmark",
        {"outcome": outcome},
    )
    by_user = pa.array(placed(place, np.arange(len(place))))
    return {name: names[name].to_arrow().take(by_user) for name in names.columns}
