"""Which tests the same worker runs, and which run first.

A costly fixture is set up once where one worker runs all tests that use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

#: Files and folders of one group, the groups that take longest first. Other files are groups.
GROUPS = (
    (  # one Java machine
        "tests/dagster/test_resources.py",
        "tests/end_to_end/test_on_spark.py",
        "tests/engine/test_factory.py",
        "tests/engine/test_spark.py",
        "tests/inputs/test_spark_sources.py",
    ),
    ("tests/dagster/",),  # one run of everything
    ("tests/pipeline/",),  # one published file
)
#: Folders with files that run long: they run before the others, so that workers end together.
LONG = ("tests/end_to_end/",)


class ByGroup(LoadScopeScheduling):
    """Gives each worker a whole group of tests at a time, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        group = _number(file)
        return file if group == len(GROUPS) else str(group)


def _number(file: str) -> int:
    """Return the place of a file's group in `GROUPS`; their number if there is none."""
    return next((i for i, group in enumerate(GROUPS) if file.startswith(group)), len(GROUPS))


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Return the tests sorted by group."""

    def key(item: pytest.Item) -> tuple[int, bool]:
        file = item.nodeid.partition("::")[0]
        return _number(file), not file.startswith(LONG)

    return sorted(items, key=key)


def outside_of_spark(items: Sequence[pytest.Item]) -> list[str]:
    """Return the tests that use Spark and are not in its group: they would start a second one."""
    return [item.nodeid for item in items if _uses_spark(item) and _number(item.nodeid) != 0]


def _uses_spark(item: pytest.Item) -> bool:
    """Return whether a test has the fixture, not a parameter of that name."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return "spark" in getattr(item, "fixturenames", ()) and "spark" not in parameters
