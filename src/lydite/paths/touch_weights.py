"""Touches laid out path after path, and weighed by the SQL expressions of models."""

from __future__ import annotations

import contextlib
import itertools
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.inputs.slices import slice_starts
from lydite.models.base import PATH_COLUMNS
from lydite.models.decay import half_life
from lydite.models.expression import columns_of
from lydite.models.rules import weights_explained
from lydite.paths import kernels

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from numpy.typing import NDArray

    from lydite.models.base import Model
    from lydite.paths.path_slices import PathSlices, TouchArrays

_MAX_TOUCHES = 250_000  # weighed at once


def chunks(size: NDArray[np.integer]) -> Iterator[slice]:
    """Cut paths into runs of about `_MAX_TOUCHES` touches; at least one, maybe empty."""
    edges = np.zeros(int(size.sum()) // _MAX_TOUCHES + 2, dtype=np.intp)
    cuts = kernels.cut(size, _MAX_TOUCHES, edges)
    yield from itertools.starmap(slice, itertools.pairwise(edges[: cuts + 1].tolist()))


class PathTouches:
    """Touches that count on paths, path after path, as columns of length m.

    Attributes
    ----------
    touch_arrays, slices
        The touches, and the paths.
    """

    def __init__(self, touch_arrays: TouchArrays, slices: PathSlices) -> None:
        self.touch_arrays, self.slices = touch_arrays, slices

    def __len__(self) -> int:
        """Return the number of touches."""
        return int(self.slices.kept.sum())

    @cached_property
    def path(self) -> NDArray[np.intp]:
        """The number of the path, from 0."""
        return np.repeat(np.arange(len(self.slices)), self.slices.kept)

    @cached_property
    def touch(self) -> NDArray[np.int64]:
        """The number of the touch itself."""
        touch = np.empty(len(self), dtype=np.int64)
        kernels.touches(*self.slices.columns, touch)
        return touch

    @cached_property
    def channel(self) -> NDArray[np.integer]:
        """The number of the channel."""
        return self.touch_arrays.channel[self.touch]

    @cached_property
    def order(self) -> dict[str, NDArray[np.integer]]:
        """What the order of channels says of each touch; 0 stands for none."""
        kept = self.slices.kept
        begin = slice_starts(kept)
        position = np.arange(1, len(self.path) + 1) - begin[self.path]
        known = np.where(self.touch_arrays.is_direct[self.channel], 0, position)
        last = np.maximum.reduceat(known, begin) if len(kept) else known
        path_length = kept[self.path]
        return {
            "position": position,
            "path_length": path_length,
            "position_from_end": path_length - position + 1,
            "last_non_direct_position": last[self.path],
        }

    @property
    def hours_before_end(self) -> NDArray[np.float64]:
        """How long before the end of its path each touch was; there must be a clock."""
        hours, at = np.empty(len(self)), cast("NDArray[np.int64]", self.touch_arrays.at_us)
        kernels.hours_before_end(*self.slices.columns, at, hours)
        return hours

    @property
    def hours_after_start(self) -> NDArray[np.float64]:
        """How long after the start of its path each touch was; there must be a clock."""
        before_end = self.hours_before_end
        return before_end[slice_starts(self.slices.kept)][self.path] - before_end

    def table(self, rows: NDArray[np.intp] | slice, used: Container[str]) -> pa.Table:
        """Return the columns that are used, of `PATH_COLUMNS` and ``path``, for some touches."""
        columns: dict[str, Any] = {}
        for name, values in (*self._numbers(used), *self._texts(rows, used)):
            columns[name] = values if isinstance(values, pa.Array) else values[rows]
        if "path" in used or not columns:  # one there must be
            columns["path"] = self.path[rows]
        last = columns.get("last_non_direct_position")
        if last is not None:
            columns["last_non_direct_position"] = pa.array(last, mask=last == 0)
        return pa.table(columns)

    def _numbers(self, used: Container[str]) -> Iterator[tuple[str, NDArray[Any]]]:
        if any(name in used for name in _ORDER):
            yield from ((name, values) for name, values in self.order.items() if name in used)
        if self.touch_arrays.at_us is not None:
            yield from ((name, getattr(self, name)) for name in _HOURS if name in used)

    def _texts(
        self, rows: NDArray[np.intp] | slice, used: Container[str]
    ) -> Iterator[tuple[str, pa.Array]]:
        if "channel" in used:
            channel = self.channel[rows].astype(np.int32)
            names = list(self.touch_arrays.channels)
            yield "channel", pa.DictionaryArray.from_arrays(channel, names)
        for name in ("campaign", "interaction"):
            if name in used:
                text: pa.Array | None = getattr(self.touch_arrays, name)
                touch = self.touch[rows]
                nothing = pa.nulls(len(touch), pa.string())
                yield name, nothing if text is None else text.take(touch)


_ORDER = ("position", "path_length", "position_from_end", "last_non_direct_position")
_HOURS = ("hours_before_end", "hours_after_start")


def weigh(
    laid: PathTouches,
    expressions: Sequence[str],
    models: Sequence[Model],
    rows: slice | NDArray[np.intp] = slice(None),
) -> list[NDArray[np.float64]]:
    """Return the weight of some touches by every expression; `models` are whose they are."""
    clock = laid.touch_arrays.at_us is not None
    half_lives = [half_life(expression) if clock else None for expression in expressions]
    others = [own for own, known in zip(expressions, half_lives, strict=True) if known is None]
    by_sql = iter(_weigh_by_sql(laid, others, models, rows))
    if len(others) == len(expressions):
        return list(by_sql)
    hours = laid.hours_before_end[rows]
    return [next(by_sql) if known is None else _left(hours, known) for known in half_lives]


def _left(hours: NDArray[np.float64], half_life: float) -> NDArray[np.float64]:
    """Return what is left after so many hours."""
    left = hours / -half_life
    return np.asarray(np.exp2(left, out=left))


def _weigh_by_sql(
    laid: PathTouches,
    expressions: Sequence[str],
    models: Sequence[Model],
    rows: slice | NDArray[np.intp],
) -> list[NDArray[np.float64]]:
    if not expressions:
        return []
    engine = _engine()
    weights = ", ".join(
        f"coalesce(cast(({expression}) as double), 0) as weight_{i}"
        for i, expression in enumerate(expressions)
    )
    used = frozenset().union(*map(columns_of, expressions))
    try:
        with engine.registered(laid.table(rows, used)) as name:
            found = engine.fetch_numpy(f"select {weights} from {name}")
    except engine.error as error:
        _explain(engine, laid, models, weights)
        raise InputError(f"a model's weights do not fit the touches of a path: {error}") from error
    return list(found.values())


def _explain(
    engine: DuckDBEngine, laid: PathTouches, models: Sequence[Model], weights: str
) -> None:
    """Weigh whole paths, with all that there is to show of them, for an error that says more."""
    with (
        engine.registered(laid.table(slice(None), {*PATH_COLUMNS, "path"})) as name,
        contextlib.suppress(engine.binder_error),
        weights_explained(engine, models, name, "path"),
    ):
        engine.fetch_numpy(f"select {weights} from {name}")


_engines = threading.local()


def _engine() -> DuckDBEngine:
    """Return the calling thread's own engine, which is kept: to open one takes longer than to ask.

    Threads share models, not cores: each engine has one.
    """
    if not hasattr(_engines, "own"):
        _engines.own = DuckDBEngine(threads=1)
    own: DuckDBEngine = _engines.own
    return own
