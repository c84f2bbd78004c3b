"""Runs independent work on threads, longest first, so that no thread is left with a long item."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from lydite.models import Model

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def map_longest_first(
    pool: Executor,
    work: Callable[[_Item], _Result],
    items: Sequence[_Item],
    effort: Callable[[_Item], int | tuple[int, ...]],
) -> list[_Result]:
    """Return the result for each item, in the order of the items.

    Parameters
    ----------
    effort
        A sortable estimate of how long an item takes.
    """
    order = sorted(range(len(items)), key=lambda number: effort(items[number]), reverse=True)
    futures = {number: pool.submit(work, items[number]) for number in order}
    return [futures[number].result() for number in range(len(items))]


def estimated_effort(model: Model) -> tuple[int, bool]:
    """Return how long a model takes to fit, as a sort key.

    Models with many candidates are the slowest, then those that depend on more than channel order.
    """
    return len(model.weight_columns), not model.uses_order_only
