"""Tests mirror the code file by file: every module has its test file, every test file its module.

`python -m tests.test_layout` lists what is missing or left over.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = {"src/lydite": "tests", "pipelines": "tests/pipelines",
        "benchmarks": "tests/benchmarks", "studies": "tests/studies"}  # fmt: skip

# Modules without a test file of the same name, and why.
WITHOUT_TEST_FILE: dict[str, str] = {}

# Test files without a module of the same name, and why.
WITHOUT_MODULE: dict[str, str] = {}


def expected_test(module: Path) -> str:
    """Return the path of the test file that belongs to a module, relative to the root."""
    name = module.relative_to(ROOT).as_posix()
    folder = next(f for f in CODE if name.startswith(f + "/"))
    inside = Path(name).relative_to(folder)
    return (Path(CODE[folder]) / inside.parent / f"test_{inside.name.lstrip('_')}").as_posix()


def modules() -> dict[str, str]:
    """Return every module, and the test file that it should have; `__init__` files have none."""
    files = (f for folder in CODE for f in sorted((ROOT / folder).rglob("*.py")))
    return {
        file.relative_to(ROOT).as_posix(): expected_test(file)
        for file in files
        if not file.name.startswith("__")
    }


def existing_tests() -> set[str]:
    """Return every test file but those of scenarios that run the whole pipeline."""
    files = (ROOT / "tests").rglob("test_*.py")
    names = {file.relative_to(ROOT).as_posix() for file in files}
    return {name for name in names if not name.startswith("tests/end_to_end/")}


def missing() -> list[str]:
    """Return the test files that are missing."""
    there = existing_tests()
    return [test for module, test in modules().items()
            if test not in there and module not in WITHOUT_TEST_FILE]  # fmt: skip


def left_over() -> list[str]:
    """Return the test files that belong to no module."""
    return sorted(existing_tests() - set(modules().values()) - set(WITHOUT_MODULE))


if __name__ == "__main__":
    lines = [f"missing    {name}" for name in missing()]
    lines += [f"left over  {name}" for name in left_over()]
    print("\n".join(lines))
    sys.exit(bool(lines))
