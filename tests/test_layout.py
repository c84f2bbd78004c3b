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
WITHOUT_TEST_FILE = {
    f"benchmarks/peer_runners/calls_of_{package}.py": "runs in the environment of another package"
    for package in (
        "channel_attribution",
        "do_attribution",
        "marketing_attribution_models",
        "mta",
        "pychattr",
    )
}

# Test files without a module of the same name, and why.
WITHOUT_MODULE = {
    "tests/inputs/test_drawn_rows.py": "the checks in sql/inputs/, of rows that are drawn",
    "tests/inputs/test_rows_set_aside.py": "the checks in sql/inputs/",
    "tests/journeys/test_drawn_journeys.py": "the files in sql/journeys/, with rows that are drawn",
    "tests/journeys/test_path_events.py": "path events and conversions in sql/journeys/",
    "tests/journeys/test_touches.py": "touches, channels and users in sql/journeys/",
    "tests/models/test_every_model.py": "properties that every model has",
    "tests/models/test_milestones.py": "milestones, from the settings to the credit of w_shaped",
    "tests/pipeline/test_example_queries.py": "the files in sql/examples/",
    "tests/pipeline/test_mart_tables.py": "the files in sql/marts/ and sql/views/",
    "tests/reporting/test_report_in_browser.py": "the report as a browser shows it",
    "tests/reporting/test_sentences_and_tables.py": "sentences of the report against the tables",
    "tests/test_data_samples.py": "the files in data_samples/",
    "tests/test_docs.py": "the Markdown files",
    "tests/test_examples.py": "the scripts in examples/",
    "tests/test_glossary.py": "the words in the whole tree",
    "tests/test_imports.py": "import times of the package",
    "tests/test_layout.py": "the folders",
    "tests/test_readers.py": "the published file as other tools read it",
    "tests/test_sql.py": "the files in sql/",
    "tests/test_typing.py": "the types of the public functions",
} | {
    f"tests/inputs/vendors/test_{vendor}.py": "the selects in sql/sources/"
    for vendor in ("ga4", "hubspot", "matomo", "segment", "sessions", "snowplow", "spend")
}


def expected_test(module: Path) -> str:
    """Return the path of the test file that belongs to a module, relative to the root."""
    name = module.relative_to(ROOT).as_posix()
    folder = next(f for f in CODE if name.startswith(f + "/"))
    inside = Path(name).relative_to(folder)
    return (Path(CODE[folder]) / inside.parent / f"test_{inside.name.lstrip('_')}").as_posix()


def modules() -> dict[str, str]:
    """Return every module, and the test file that it should have; `__init__` files need none."""
    files = (f for folder in CODE for f in sorted((ROOT / folder).rglob("*.py")))
    return {
        file.relative_to(ROOT).as_posix(): expected_test(file)
        for file in files
        if not file.name.startswith("__")
    }


def existing_tests() -> set[str]:
    """Return every test file but scenarios of the whole pipeline and tests of `__init__` files."""
    files = (ROOT / "tests").rglob("test_*.py")
    return {
        file.relative_to(ROOT).as_posix()
        for file in files
        if file.parent.name != "end_to_end"
        and (file.name != "test_init.py" or file.parent.name == "cli")
    }


def missing() -> list[str]:
    """Return the test files that are missing."""
    there = existing_tests()
    return [test for module, test in modules().items()
            if test not in there and module not in WITHOUT_TEST_FILE]  # fmt: skip


def left_over() -> list[str]:
    """Return the test files that belong to no module."""
    return sorted(existing_tests() - set(modules().values()) - set(WITHOUT_MODULE))


def test_every_module_has_its_test_file():
    assert missing() == []


def test_every_test_file_has_its_module():
    assert left_over() == []


def test_exceptions_are_still_needed():
    there, known = existing_tests(), modules()
    assert [name for name in WITHOUT_TEST_FILE if known.get(name, "") in {*there, ""}] == []
    assert [name for name in WITHOUT_MODULE if name not in there - set(known.values())] == []


if __name__ == "__main__":
    lines = [f"missing    {name}" for name in missing()]
    lines += [f"left over  {name}" for name in left_over()]
    print("\n".join(lines))
    sys.exit(bool(lines))
