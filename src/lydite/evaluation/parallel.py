"""Work done side by side: what takes longest is begun first, or all would wait for it at last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

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
    effort: Callable[[_Item], Any],
) -> list[_Result]:
    """Return what becomes of each item, in the order of the items."""
    order = sorted(range(len(items)), key=lambda number: effort(items[number]), reverse=True)
    begun = {number: pool.submit(work, items[number]) for number in order}
    return [begun[number].result() for number in range(len(items))]


def estimated_effort(model: Model) -> tuple[int, bool]:
    """Return what tells models that take long from others: candidates, and more than the order."""
    return len(model.weight_columns), not model.uses_order_only
