"""Touches of paths as columns, and their weights by SQL expressions."""

from __future__ import annotations

import contextlib
import itertools
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.inputs.slices import slice_positions, slice_starts
from lydite.paths.columns import (
    MILESTONE_POSITION,
    MOST_WEIGHT,
    PATH_COLUMNS,
    ExponentialDecay,
    UserWeight,
    columns_used,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from lydite.engine import Engine
    from lydite.paths.columns import Weight
    from lydite.paths.path_slices import PathSlices

_US_PER_HOUR = 3.6e9
_MAX_TOUCHES = 250_000  # per query, so that columns stay in the processor's cache


def chunks(size: NDArray[np.integer]) -> Iterator[slice]:
    """Split paths of the given sizes into runs of about `_MAX_TOUCHES` touches, at least one."""
    part = slice_starts(size) // _MAX_TOUCHES
    edges = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), len(size)]
    yield from itertools.starmap(slice, itertools.pairwise(edges))


class PathTouches:
    """The touches that count on paths, path after path, as columns of length m.

    Parameters
    ----------
    slices
        The paths.
    """

    def __init__(self, slices: PathSlices) -> None:
        self.slices = slices

    def __len__(self) -> int:
        """Return the number of touches."""
        return int(self.slices.kept.sum())

    @cached_property
    def path(self) -> NDArray[np.intp]:
        """The number of the path, from 0."""
        return np.repeat(np.arange(len(self.slices)), self.slices.kept)

    @cached_property
    def touch(self) -> NDArray[np.intp]:
        """The position of the touch in the array of touches."""
        first, length, kept = self.slices.first, self.slices.length, self.slices.kept
        touch = slice_positions(first + length - kept, kept)
        touch[slice_starts(kept)] = first  # the first touch always counts
        return touch

    @cached_property
    def channel(self) -> NDArray[np.integer]:
        """The number of the channel."""
        return self.slices.touches.channel[self.touch]

    @cached_property
    def order(self) -> dict[str, NDArray[np.integer]]:
        """The columns that depend on the order of channels; 0 stands for null."""
        kept = self.slices.kept
        begin = slice_starts(kept)
        position = np.arange(1, len(self.path) + 1) - np.repeat(begin, kept)
        known = np.where(self.slices.touches.is_direct[self.channel], 0, position)
        last = np.maximum.reduceat(known, begin) if len(kept) else known
        path_length = np.repeat(kept, kept)
        return {
            "position": position,
            "path_length": path_length,
            "position_from_end": path_length - position + 1,
            "last_non_direct_position": np.repeat(last, kept),
        }

    @cached_property
    def milestone_position(self) -> NDArray[np.integer]:
        """The position of the path's last touch before a milestone; 0 stands for null.

        At the last touch of a path its milestone is not known yet.
        """
        flags = self.slices.touches.milestone
        kept = self.slices.kept
        if flags is None or not len(kept):
            return np.zeros(len(self.path), dtype=np.intp)
        position = self.order["position"]
        known = flags[self.touch] & (self.order["position_from_end"] > 1)
        last = np.maximum.reduceat(np.where(known, position, 0), slice_starts(kept))
        return np.repeat(last, kept)

    @property
    def hours_before_end(self) -> NDArray[np.float64]:
        """Hours from the touch to the end of its path.

        Raises
        ------
        ValueError
            When the touches have no times.
        """
        at_us, slices = self.slices.touches.at_us, self.slices
        if at_us is None:
            raise ValueError("the touches of a path table have no times")
        end = at_us[slices.first + slices.length - 1]
        return (np.repeat(end, slices.kept) - at_us[self.touch]) / _US_PER_HOUR

    @property
    def hours_after_start(self) -> NDArray[np.float64]:
        """Hours from the start of the path to the touch; the touches must have times."""
        before_end, kept = self.hours_before_end, self.slices.kept
        return np.repeat(before_end[slice_starts(kept)], kept) - before_end

    def columns(self, rows: NDArray[np.intp] | slice, used: Container[str]) -> dict[str, Any]:
        """Return the used ones of `PATH_COLUMNS` and ``path``; 0 stands for a null position."""
        columns: dict[str, Any] = {}
        for name, values in (*self._numbers(used), *self._texts(rows, used)):
            columns[name] = values if isinstance(values, pa.Array) else values[rows]
        if "path" in used or not columns:  # a table needs at least one column
            columns["path"] = self.path[rows]
        return columns

    def table(self, rows: NDArray[np.intp] | slice, used: Container[str]) -> pa.Table:
        """Return these columns as an Arrow table."""
        columns = self.columns(rows, used)
        for name in ("last_non_direct_position", MILESTONE_POSITION):
            last = columns.get(name)
            if last is not None:
                columns[name] = pa.array(last, mask=last == 0)
        return pa.table(columns)

    def _numbers(self, used: Container[str]) -> Iterator[tuple[str, NDArray[Any]]]:
        if any(name in used for name in _ORDER):
            yield from ((name, values) for name, values in self.order.items() if name in used)
        if MILESTONE_POSITION in used:
            yield MILESTONE_POSITION, self.milestone_position
        if self.slices.touches.at_us is not None:
            yield from ((name, getattr(self, name)) for name in _HOURS if name in used)

    def _texts(
        self, rows: NDArray[np.intp] | slice, used: Container[str]
    ) -> Iterator[tuple[str, pa.Array]]:
        if "channel" in used:
            channel = self.channel[rows].astype(np.int32)
            names = list(self.slices.touches.channels)
            yield "channel", pa.DictionaryArray.from_arrays(channel, names)
        for name in ("campaign", "interaction"):
            if name in used:
                text: pa.Array | None = getattr(self.slices.touches, name)
                touch = self.touch[rows]
                nulls = pa.nulls(len(touch), pa.string())
                yield name, nulls if text is None else text.take(touch)


_ORDER = ("position", "path_length", "position_from_end", "last_non_direct_position")
_MAX_AS_TEXT = 20_000  # touches; a microsecond for each and column
_HOURS = ("hours_before_end", "hours_after_start")


def weigh(
    touches: PathTouches,
    weights: Sequence[Weight],
    rows: slice | NDArray[np.intp] = slice(None),
) -> list[NDArray[np.float64]]:
    """Return every weight of some touches.

    Raises
    ------
    InputError
        When a weight is negative or huge, or cannot be computed.
    """
    has_clock = touches.slices.touches.at_us is not None
    decays = [w for w in weights if has_clock and isinstance(w, ExponentialDecay)]
    others = [w for w in weights if w not in decays]
    found = dict(zip(others, _weigh_by_sql(touches, others, rows), strict=True))
    if decays:
        hours = touches.hours_before_end[rows]
        found |= {decay: decay.values(hours) for decay in decays}
    return [found[w] for w in weights]


def _weigh_by_sql(
    touches: PathTouches, weights: Sequence[Weight], rows: slice | NDArray[np.intp]
) -> list[NDArray[np.float64]]:
    if not weights:
        return []
    engine = _engine()
    select = ", ".join(
        f"coalesce(cast(({weight}) as double), 0) as weight_{i}" for i, weight in enumerate(weights)
    )
    used = frozenset().union(*(columns_used(weight) for weight in weights))
    try:
        with _readable(engine, touches, rows, used) as name:
            found = engine.fetch_numpy(f"select {select} from {name}")
    except engine.error as error:
        _raise_explained(engine, touches, weights, select)
        raise InputError(f"a model's weights do not fit the touches of a path: {error}") from error
    return list(found.values())


@contextlib.contextmanager
def _readable(
    engine: DuckDBEngine,
    touches: PathTouches,
    rows: slice | NDArray[np.intp],
    used: Container[str],
) -> Iterator[str]:
    """Make columns of touches readable from SQL. If they are few numbers, they are text in it.

    To register a table, DuckDB imports pandas, which takes half a second.
    """
    columns = touches.columns(rows, used)
    are_numbers = all(name in {*_ORDER, "path"} for name in columns)
    if not are_numbers or len(next(iter(columns.values()))) > _MAX_AS_TEXT:
        with engine.registered(touches.table(rows, used)) as name:
            yield name
        return
    lists = ", ".join(
        f"nullif(unnest('{values.tolist()}'::bigint[]), 0) as {name}"
        for name, values in columns.items()
    )
    yield f"(select {lists})"


def _raise_explained(
    engine: DuckDBEngine, touches: PathTouches, weights: Sequence[Weight], select: str
) -> None:
    """Weigh whole paths with all their columns, for an error message that shows the path."""
    with (
        engine.registered(touches.table(slice(None), {*PATH_COLUMNS, "path"})) as name,
        contextlib.suppress(engine.binder_error),
        explain_weight_errors(engine, weights, name, "path"),
    ):
        engine.fetch_numpy(f"select {select} from {name}")


_engines = threading.local()


def _engine() -> DuckDBEngine:
    """Return the engine of the calling thread; opening one takes longer than a query.

    Threads work on different models, so that each engine uses one core.
    """
    if not hasattr(_engines, "engine"):
        _engines.engine = DuckDBEngine(threads=1)
    engine: DuckDBEngine = _engines.engine
    return engine


# --- errors -------------------------------------------------------------------------------------


@contextlib.contextmanager
def explain_weight_errors(
    engine: Engine, weights: Iterable[Weight], touches: str, path: str
) -> Iterator[None]:
    """Raise an error that shows the path when a statement stops at the weight of a user's rule.

    Parameters
    ----------
    engine
        Runs the statement.
    weights
        The weights in the statement.
    touches
        A relation with a row per touch and the columns of a path.
    path
        The columns that identify a path, separated by commas.

    Raises
    ------
    InputError
        When a weight is negative or huge, or cannot be computed.
    """
    try:
        yield
    except engine.error as error:
        rules = [weight for weight in weights if isinstance(weight, UserWeight)]
        refused = [rule for rule in rules if rule.message_start in str(error)]
        if not refused:
            _raise_if_not_computable(engine, rules, touches)
            raise
        _, start, end = str(error).partition(refused[0].message_start)
        raise InputError(
            f"{start}{end.splitlines()[0]}: weights are numbers from 0 to {MOST_WEIGHT}. It happens"
            f" on the path {_example(engine, refused[0], touches, path)}. Correct the expression,"
            " such as with greatest(0, ...)."
        ) from error


def _raise_if_not_computable(engine: Engine, rules: Iterable[UserWeight], touches: str) -> None:
    """Raise an error that names the first rule that cannot be computed on some touch."""
    for rule in rules:
        try:
            engine.scalar(f"select sum(cast(({rule.expression}) as double)) from {touches}")
        except engine.error as error:
            raise InputError(
                f"the rule {rule.name!r}, {rule.written!r}, cannot be computed on some touch:"
                f" {str(error).splitlines()[0]}. Correct it, such as with try(...) or nullif(...)."
            ) from error


def _example(engine: Engine, rule: UserWeight, touches: str, path: str) -> str:
    """Return a path on which the rule gives a refused weight."""
    text: str = engine.scalar(
        f"select string_agg(channel, ' > ' order by position) from {touches}"
        f" where ({path}) = (select ({path}) from {touches} where {rule.is_refused} limit 1)"
    )
    return text
