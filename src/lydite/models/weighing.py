"""Touches laid out path after path, and weighed by the SQL expressions of models."""

from __future__ import annotations

import contextlib
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from lydite.contract.path_rows import run_numbers, starts
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.models.base import PATH_COLUMNS
from lydite.models.expression import columns_of
from lydite.models.landmarks import counted
from lydite.models.rules import weights_explained

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from numpy.typing import NDArray

    from lydite.models.base import Model
    from lydite.models.stretches import Stretches, Touched

_DIRECT = frozenset({"direct", "(direct)", "(none)"})  # as in `sql/journeys/channels.sql`
_MAX_TOUCHES = 1_000_000  # weighed at once
_US_PER_HOUR = 3.6e9


def chunks(size: NDArray[np.integer]) -> Iterator[slice]:
    """Cut paths into runs of about `_MAX_TOUCHES` touches; at least one, maybe empty."""
    chunk = starts(size) // _MAX_TOUCHES
    edges = np.flatnonzero(np.diff(chunk)) + 1
    for low, high in zip([0, *edges], [*edges, len(size)], strict=True):
        yield slice(int(low), int(high))


class LaidOutTouches:
    """Touches that count on paths, path after path, as columns of length m.

    Attributes
    ----------
    path : (m,) integers
        The number of the path, from 0.
    touch : (m,) integers
        The number of the touch itself.
    kept : (p,) integers
        How many touches each path has.
    """

    def __init__(self, touched: Touched, stretches: Stretches) -> None:
        self.touched = touched
        self.kept = stretches.kept.astype(np.intp)
        self._begin = starts(self.kept)
        self.path = run_numbers(self.kept)
        self._place = np.arange(len(self.path))
        recent = stretches.first + stretches.length - self.kept - self._begin
        self.touch: NDArray[np.intp] = recent[self.path] + self._place
        self.touch[self._begin] = stretches.first

    @cached_property
    def channel(self) -> NDArray[np.integer]:
        """The number of the channel."""
        return self.touched.channel[self.touch]

    @cached_property
    def order(self) -> dict[str, NDArray[np.integer]]:
        """What the order of channels says of each touch; 0 stands for none."""
        position = self._place - (self._begin - 1)[self.path]
        is_direct = np.array([name.lower() in _DIRECT for name in self.touched.channels])
        known = np.where(is_direct[self.channel], 0, position)
        last = np.maximum.reduceat(known, self._begin) if len(self.kept) else known
        path_length = self.kept[self.path]
        return {
            "position": position,
            "path_length": path_length,
            "position_from_end": path_length - position + 1,
            "last_non_direct_position": last[self.path],
        }

    def summed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (p,) sums of (m,) values over the touches of each path."""
        return counted(self.path, values, len(self.kept))

    def hours(self, used: Container[str]) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """Yield how long before the end and after the start of its path each touch was."""
        if self.touched.at_us is None:
            return
        at, begin = self.touched.at_us[self.touch], self._begin
        if "hours_before_end" in used:
            end = at[begin + self.kept - 1][self.path]
            yield "hours_before_end", (end - at) / _US_PER_HOUR
        if "hours_after_start" in used:
            yield "hours_after_start", (at - at[begin][self.path]) / _US_PER_HOUR

    def kind(self, number: int, longest: int) -> NDArray[np.integer]:
        """Tell touches apart by all that is known of them, where that is no more than their order.

        Parameters
        ----------
        number
            The number of the first path, where more is known and no two touches are alike.
        longest
            No path has more touches.

        Returns
        -------
        (m,) integers; modulo ``longest + 1`` they are the touch's position, from 1.
        """
        base = longest + 1
        if not self.touched.order_only:
            return (number + self.path) * base + self.order["position"]
        kind: NDArray[np.intp] = self.channel.astype(np.intp)
        for name in ("path_length", "last_non_direct_position", "position"):
            kind *= base
            kind += self.order[name]
        few = len(self.touched.channels) * base**3 < 2**31
        return kind.astype(np.int32) if few else kind

    def table(self, rows: NDArray[np.intp] | slice, used: Container[str]) -> pa.Table:
        """Return the columns that are used, of `PATH_COLUMNS` and ``path``, for some touches."""
        columns: dict[str, Any] = {"touch": self.touch[rows]}  # one there must be
        if "path" in used:
            columns["path"] = self.path[rows]
        for name, values in (*self._numbers(used), *self._texts(rows, used)):
            columns[name] = values if isinstance(values, pa.Array) else values[rows]
        last = columns.get("last_non_direct_position")
        if last is not None:
            columns["last_non_direct_position"] = pa.array(last, mask=last == 0)
        return pa.table(columns)

    def _numbers(self, used: Container[str]) -> Iterator[tuple[str, NDArray[Any]]]:
        if any(name in used for name in _ORDER):
            yield from ((name, values) for name, values in self.order.items() if name in used)
        if any(name in used for name in _HOURS):
            yield from self.hours(used)

    def _texts(
        self, rows: NDArray[np.intp] | slice, used: Container[str]
    ) -> Iterator[tuple[str, pa.Array]]:
        if "channel" in used:
            channel = self.channel[rows].astype(np.int32)
            names = list(self.touched.channels)
            yield "channel", pa.DictionaryArray.from_arrays(channel, names)
        for name in ("campaign", "interaction"):
            if name in used:
                text: pa.Array | None = getattr(self.touched, name)
                touch = self.touch[rows]
                nothing = pa.nulls(len(touch), pa.string())
                yield name, nothing if text is None else text.take(touch)


_ORDER = ("position", "path_length", "position_from_end", "last_non_direct_position")
_HOURS = ("hours_before_end", "hours_after_start")


def weigh(
    laid: LaidOutTouches,
    expressions: Sequence[str],
    models: Sequence[Model],
    rows: slice | NDArray[np.intp] = slice(None),
) -> list[NDArray[np.float64]]:
    """Return the weight of some touches by every expression; `models` are whose they are."""
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
            found = engine.arrays(f"select {weights} from {name}")
    except engine.error as error:
        _explain(engine, laid, models, weights)
        raise InputError(f"a model's weights do not fit the touches of a path: {error}") from error
    return list(found.values())


def _explain(
    engine: DuckDBEngine, laid: LaidOutTouches, models: Sequence[Model], weights: str
) -> None:
    """Weigh whole paths, with all that there is to show of them, for an error that says more."""
    with (
        engine.registered(laid.table(slice(None), {*PATH_COLUMNS, "path"})) as name,
        contextlib.suppress(engine.binder_error),
        weights_explained(engine, models, name, "path"),
    ):
        engine.arrays(f"select {weights} from {name}")


_engines = threading.local()


def _engine() -> DuckDBEngine:
    """Return the calling thread's own engine, which is kept: to open one takes longer than to ask.

    Threads share models, not cores: each engine has one.
    """
    if not hasattr(_engines, "own"):
        _engines.own = DuckDBEngine(threads=1)
    own: DuckDBEngine = _engines.own
    return own
