"""The evaluation sample: mature landmarks of one outcome, as whole buckets of users."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa

from lydite.evaluation import drawn_samples
from lydite.inputs.slices import slice_starts
from lydite.journeys import LONGEST_PATH, direct_channels
from lydite.journeys.changes import last_build
from lydite.journeys.interactions import has_listed_paths
from lydite.models.base import weight_columns
from lydite.paths.arrays import factorize, scatter
from lydite.paths.columns import MILESTONE_POSITION
from lydite.paths.landmarks import Landmarks, first_buckets
from lydite.paths.path_slices import PathSlices, TouchArrays, distinct_paths
from lydite.paths.rule_weights import LandmarkPaths, describe_paths
from lydite.paths.shares import MAX_KEPT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from lydite.engine import DuckDBEngine, Engine
    from lydite.models import Model
    from lydite.paths.columns import WeightColumns
    from lydite.paths.rule_weights import DescribedPaths

MAX_LANDMARKS = 5_000_000
_Given: TypeAlias = (
    "tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]] | None, tuple[str, ...],"
    " NDArray[np.bool_], WeightColumns, WeightColumns]"
)
_NAMES = frozenset({"campaign", "interaction"})


def count_sample_buckets(
    engine: Engine, outcome: str, mature_until: datetime, max_landmarks: int
) -> int:
    """Return how many of the first buckets hold at most `max_landmarks` mature landmarks."""
    counts = engine.fetch_numpy(
        "select bucket, count(*) as n from journeys.path_events where outcome = $outcome"
        " and not is_conversion and happened_at <= $mature_until"
        " and user_key not in (select user_key from journeys.bot_like_users) group by bucket",
        {"outcome": outcome, "mature_until": mature_until},
    )
    return first_buckets(counts["bucket"], counts["n"], max_landmarks)


def build_sample(
    engine: Engine,
    outcome: str,
    mature_until: datetime,
    max_landmarks: int = MAX_LANDMARKS,
) -> int:
    """Write the sample of one outcome to the table ``evaluation.landmarks``.

    The landmarks of bot-like users go to ``evaluation.set_aside``. If a run before has drawn the
    sample and none of its landmarks has changed, only later landmarks are added, if there are any.

    Parameters
    ----------
    engine
        Has the path events.
    mature_until
        The sample has landmarks up to this instant, which are mature.
    max_landmarks
        The sample is as many whole buckets as hold at most so many landmarks.

    Returns
    -------
    The number of buckets in the sample; `N_BUCKETS` when it holds every landmark.
    """
    buckets = count_sample_buckets(engine, outcome, mature_until, max_landmarks)
    parameters = {"outcome": outcome, "mature_until": mature_until, "buckets": buckets}
    if last_build(engine) is None or engine.local is not engine:  # nothing is kept between runs
        for name in ("landmarks", "set_aside"):
            _append_rows(engine, name, parameters)
        return buckets
    kept = drawn_samples.find_unchanged(engine.local, outcome, mature_until, buckets)
    drawn_samples.forget(engine.local, outcome)  # until all landmarks are written
    _append_rows(engine, "set_aside", parameters)
    if kept is None:
        _append_rows(engine, "landmarks", parameters)
        drawn = None
    else:
        drawn = drawn_samples.add_later_landmarks(engine.local, kept, parameters)
    drawn_samples.write(engine.local, outcome, mature_until, buckets, drawn)
    return buckets


def _append_rows(engine: Engine, name: str, parameters: Mapping[str, object]) -> None:
    """Replace the rows of one outcome in a table of the sample."""
    table, local = f"evaluation.{name}", engine.local
    if local.exists(table):
        local.run(f"delete from {table} where outcome = $outcome", parameters)
    engine.append_local(table, f"evaluation/{name}", parameters)


_TABLES_OF_USERS = {
    "journeys.channels": "from journeys.channels",
    "journeys.interactions": "from journeys.interactions",
    "journeys.outcome_channels": "from journeys.outcome_channels",
    "journeys.path_members": """
select * from journeys.path_members where bucket < $buckets and not is_conversion
""",
    "journeys.users": "from journeys.users where bucket < $buckets",
    "people.users": """
select users.*
from people.users as users
inner join journeys.users as people on users.user_id = people.user_id
where people.bucket < $buckets
""",
    "journeys.touches": """
select user_key, touch, touched_at, channel_key, campaign, interaction
from journeys.touches
where bucket < $buckets
""",
    "journeys.history": """
select history.*
from journeys.history as history
inner join journeys.users as people on history.user_key = people.user_key
where people.bucket < $buckets
""",
    "journeys.milestones": """
select milestones.*
from journeys.milestones as milestones
inner join journeys.users as people on milestones.user_key = people.user_key
where people.bucket < $buckets
""",
}


def copy_users_to_local(engine: Engine, buckets: int) -> None:
    """Copy the tables about users of the samples to the local engine, if it is another.

    Parameters
    ----------
    buckets
        Number of buckets of the largest sample.
    """
    if engine.local is engine:
        return
    for table, select in _TABLES_OF_USERS.items():
        engine.local.drop(table)
        if engine.exists(table):
            engine.append_local(table, select, {"buckets": buckets})


def load_sample(
    engine: DuckDBEngine,
    outcome: str,
    channels: Sequence[str],
    models: Sequence[Model],
    last: LastSample | None = None,
) -> Landmarks:
    """Load the sample of one outcome, with the paths as the given models need them.

    Parameters
    ----------
    engine
        Has the sample.
    outcome
        Name of the outcome.
    channels
        Names of the channels.
    models
        Their weights are computed for the paths.
    last
        The sample that was loaded before this one; it becomes this one. Paths that are the same
        are not built again.

    Raises
    ------
    InputError
        When a rule's weight is negative or too large, or cannot be computed.
    """
    by_order = weight_columns(model for model in models if model.uses_order_only)
    by_landmark = [model for model in models if not model.uses_order_only]
    needs_names = any(_NAMES & model.columns_used for model in by_landmark)
    direct, columns = _direct(engine, channels), _load_columns(engine, outcome, _PATH_COLUMNS)
    listed, history = has_listed_paths(engine, outcome), _load_history(engine, outcome)
    with ThreadPoolExecutor(1) as pool:  # paths are built while the other columns are read
        other_columns = pool.submit(_load_columns, engine, outcome, _LANDMARK_COLUMNS)
        if not listed:
            weights = by_order, weight_columns(by_landmark)
            given = dict(columns), history, tuple(channels), direct, *weights
            known = None if last is None else last.paths_of(given)
            sample = known or _SamplePaths.from_columns(*given[:-1])
        columns |= other_columns.result()
    if listed:
        sample = _load_listed_paths(engine, outcome, channels, direct, by_order)
    elif needs_names:
        names = _load_names(engine, outcome, sample.position)
        sample = sample.with_touches(replace(sample.paths.touches, **names))
    milestones = any(MILESTONE_POSITION in model.columns_used for model in by_landmark)
    if not listed and milestones:
        milestone = _load_milestones(engine, outcome, sample.position)
        sample = sample.with_touches(replace(sample.paths.touches, milestone=milestone))
    landmark_paths = None
    if by_landmark:
        landmark_paths = LandmarkPaths(
            sample.paths, sample.path, sample.features, weight_columns(by_landmark)
        )
    since_previous = columns["hours_since_previous"]
    since_previous[since_previous < 0] = np.nan
    landmarks = Landmarks(
        channels=tuple(channels),
        happened_at=columns["happened_at"],
        bucket=columns["bucket"],
        converted=columns["converted"],
        next_channel=columns["next_channel_key"],
        hours_since_previous=since_previous,
        hours_since_first=columns["hours_since_first"],
        hours_to_next=columns["hours_to_next"],
        count=np.broadcast_to(1.0, len(sample.path)),
        path=sample.path,
        paths=sample.features.paths,
        landmark_paths=landmark_paths,
        timezone=engine.timezone,
    )
    if last is not None:
        own_paths = listed or needs_names or milestones
        last.replace(None if own_paths else given, sample, landmarks)
    return landmarks


def _direct(engine: DuckDBEngine, channels: Sequence[str]) -> NDArray[np.bool_]:
    """Return which channels are direct traffic."""
    found = direct_channels(engine)
    return np.array([name in found for name in channels], dtype=bool)


class LastSample:
    """The sample that was loaded last, whose paths those of the next outcome often are.

    Only small samples without columns that differ between outcomes are kept.
    """

    def __init__(self) -> None:
        self._known: tuple[_Given, _SamplePaths, Landmarks] | None = None

    def replace(self, given: _Given | None, sample: _SamplePaths, landmarks: Landmarks) -> None:
        """Keep a sample instead, and give it what was computed of the same paths.

        Parameters
        ----------
        given
            What its paths are built from; None where they depend on more.
        sample
        landmarks
        """
        known = self._known
        if known is not None and known[1] is sample:
            landmarks.shares.update(known[2].shares)
        keep = given is not None and len(landmarks) <= MAX_KEPT
        self._known = (given, sample, landmarks) if given is not None and keep else None

    def paths_of(self, given: _Given) -> _SamplePaths | None:
        """Return the paths that are built from the same columns and weights, if they are known."""
        if self._known is None or not _equal(given, self._known[0]):
            return None
        return self._known[1]


def _equal(one: object, other: object) -> bool:
    """Return whether arrays, and dictionaries and tuples of them, are equal."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return str(one) == str(other)


_PATH_COLUMNS = ("user_key", "touch", "first_touch", "happened_at", "channel_key")
# Single precision is exact to a fifth of a second in a month, and is read faster.
_LANDMARK_COLUMNS = (
    "bucket", "converted", "next_channel_key",
    "cast(hours_since_previous as float) as hours_since_previous",
    "cast(hours_since_first as float) as hours_since_first",
    "cast(hours_to_next as float) as hours_to_next",
)  # fmt: skip


def _load_columns(
    engine: DuckDBEngine, outcome: str, names: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """Return columns of the sample in the order of its landmarks."""
    sample, parameters = "from evaluation.landmarks where outcome = $outcome", {"outcome": outcome}
    columns = engine.fetch_numpy(
        f"select landmark, {', '.join(names)} {sample}",
        parameters,
        rows=engine.scalar(f"select count(*) {sample}", parameters),
    )
    # Rows were written in this order, so usually there is nothing to sort.
    landmark = columns.pop("landmark")
    if (landmark[1:] > landmark[:-1]).all():
        return columns
    order = np.argsort(landmark)
    return {name: values[order] for name, values in columns.items()}


#: Touches before ids were joined: they are on paths of the joined user, and no landmarks.
_HISTORY = """
from evaluation.landmarks as landmarks
inner join journeys.history as history on landmarks.user_key = history.user_key
inner join journeys.touches as touches
    on landmarks.user_key = touches.user_key and touches.touch <= history.touches
where landmarks.outcome = $outcome
group by touches.user_key, touches.touch
order by touches.user_key, touches.touch
"""


def _load_history(engine: DuckDBEngine, outcome: str) -> dict[str, NDArray[Any]] | None:
    """Return the touches before the first landmarks of joined users; None where there are none."""
    if not engine.exists("journeys.history"):
        return None
    return engine.fetch_numpy(
        "select touches.user_key, touches.touch, touches.touch as first_touch,"
        " any_value(touches.touched_at) as happened_at,"
        f" any_value(touches.channel_key) as channel_key {_HISTORY}",
        {"outcome": outcome},
    )


class _SamplePaths(NamedTuple):
    """The paths of the landmarks of the sample, in their order.

    Attributes
    ----------
    paths
        The path of each landmark.
    path
        Its number among the distinct paths.
    features
        The distinct paths.
    position
        The position of each touch in the array of touches: of those before the first landmark of a
        joined user, then of the landmarks.
    """

    paths: PathSlices
    path: NDArray[np.integer]
    features: DescribedPaths
    position: NDArray[np.int32]

    @classmethod
    def from_columns(
        cls,
        columns: dict[str, NDArray[Any]],
        history: dict[str, NDArray[Any]] | None,
        channels: Sequence[str],
        direct: NDArray[np.bool_],
        weights: WeightColumns,
    ) -> _SamplePaths:
        """Build the paths from `_PATH_COLUMNS`, with weights by the order of channels."""
        n_history = 0
        if history is not None:
            n_history = len(history["touch"])
            columns = {
                name: np.concatenate([history[name], columns[name]]) for name in _PATH_COLUMNS
            }
        # The touches on the path of a mature landmark are mature landmarks too, right before it, or
        # history.
        position = _position_by_user(columns["user_key"], columns["touch"])
        happened_at = columns["happened_at"].astype("datetime64[us]", copy=False)
        touches = TouchArrays(
            channels,
            scatter(columns["channel_key"], position),
            scatter(happened_at.view(np.int64), position),
            direct=direct,
        )
        before = columns["touch"] - columns["first_touch"]
        landmarks = slice(n_history, None)
        # Distinct paths are numbered in the order of touches, which is that of users.
        in_order = _slices_ending_at(
            touches, np.arange(len(position), dtype=np.int32), scatter(before, position)
        )
        path, first = distinct_paths(in_order)
        features = describe_paths(in_order.take(first), weights)
        paths = _slices_ending_at(touches, position[landmarks], before[landmarks])
        return cls(paths, path[position[landmarks]], features, position)

    def with_touches(self, touches: TouchArrays) -> _SamplePaths:
        """Return the same paths with more columns of touches."""
        return self._replace(paths=replace(self.paths, touches=touches))


def _load_listed_paths(
    engine: DuckDBEngine,
    outcome: str,
    channels: Sequence[str],
    direct: NDArray[np.bool_],
    weights: WeightColumns,
) -> _SamplePaths:
    """Load paths that are listed touch by touch: touches between may not be on them."""
    rows = engine.frame(_LISTED_PATHS, {"outcome": outcome})
    touches = TouchArrays(
        channels,
        rows["channel_key"].to_numpy(),
        rows["touched_at"].to_numpy().astype("datetime64[us]").view(np.int64),
        rows["campaign"].to_arrow(),
        rows["interaction"].to_arrow(),
        direct=direct,
        milestone=rows["milestone"].to_numpy(),
    )
    first = np.flatnonzero(rows["position"].to_numpy() == 1).astype(np.int32)
    length = np.diff(first, append=len(rows)).astype(np.int32)
    paths = PathSlices(touches, first, length, length.astype(np.int16))
    path, example = distinct_paths(paths)
    features = describe_paths(paths.take(example), weights)
    return _SamplePaths(paths, path, features, first + length - np.int32(1))


_LISTED_PATHS = """
select
    coalesce(chosen.into_key, touches.channel_key) as channel_key, members.touched_at,
    members.position, touches.campaign, touches.interaction,
    milestones.touch is not null as milestone
from evaluation.landmarks as landmarks
inner join journeys.path_members as members
    on landmarks.user_key = members.user_key
    and landmarks.touch = members.event_touch
    and members.outcome = landmarks.outcome
inner join journeys.touches as touches
    on members.user_key = touches.user_key and members.touch = touches.touch
left join journeys.outcome_channels as chosen
    on members.outcome = chosen.outcome and touches.channel_key = chosen.channel_key
left join journeys.milestones as milestones
    on members.outcome = milestones.outcome
    and members.user_key = milestones.user_key
    and members.touch = milestones.touch
where landmarks.outcome = $outcome and not members.is_conversion
order by landmarks.landmark, members.position
"""


def _position_by_user(user: NDArray[np.integer], touch: NDArray[np.integer]) -> NDArray[np.int32]:
    """Return the position of each landmark when ordered by user and touch.

    The touches of a user are numbered without gaps, and the landmarks are in order of time.
    """
    number, first = factorize(user)
    begin = slice_starts(np.bincount(number)) - touch[first]
    return np.asarray(begin[number] + touch, dtype=np.int32)


def _slices_ending_at(
    touches: TouchArrays, last: NDArray[np.int32], before: NDArray[np.int32]
) -> PathSlices:
    """Return paths by the position of their last touch and the number of touches before it."""
    length = before + np.int32(1)
    kept = np.minimum(length, LONGEST_PATH).astype(np.int16)
    return PathSlices(touches, last - before, length, kept)


def _load_milestones(
    engine: DuckDBEngine, outcome: str, position: NDArray[np.integer]
) -> NDArray[np.bool_]:
    """Return whether a milestone follows each touch; those before ids were joined have none."""
    flags = engine.fetch_numpy(
        "select milestones.touch is not null as flag from evaluation.landmarks as landmarks"
        " left join journeys.milestones as milestones"
        " on landmarks.outcome = milestones.outcome and landmarks.user_key = milestones.user_key"
        " and landmarks.touch = milestones.touch where landmarks.outcome = $outcome"
        " order by landmarks.landmark",
        {"outcome": outcome},
    )["flag"]
    before = np.zeros(len(position) - len(flags), dtype=bool)
    return scatter(np.concatenate([before, flags]), position)


def _load_names(
    engine: DuckDBEngine, outcome: str, position: NDArray[np.integer]
) -> dict[str, pa.Array]:
    """Return campaign and interaction of every touch."""
    names = engine.frame(
        "select touches.campaign, touches.interaction from evaluation.landmarks as landmarks"
        " inner join journeys.touches as touches on landmarks.user_key = touches.user_key"
        " and landmarks.touch = touches.touch where landmarks.outcome = $outcome"
        " order by landmarks.landmark",
        {"outcome": outcome},
    )
    if engine.exists("journeys.history"):
        history = engine.frame(
            "select any_value(touches.campaign) as campaign,"
            f" any_value(touches.interaction) as interaction {_HISTORY}",
            {"outcome": outcome},
        )
        names = pl.concat([history, names])
    by_user = pa.array(scatter(np.arange(len(position)), position))
    return {name: names[name].to_arrow().take(by_user) for name in names.columns}
