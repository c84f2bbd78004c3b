"""Long studies: finished runs are skipped, and a failed run does not stop the others."""

from __future__ import annotations

import json
import re

import pytest

from studies.resumable import append, commit, provenance, read, replace_between, run_missing


def square(name, number):
    """A small study; worker processes import it by name."""
    if number == 3:
        raise ValueError("three is refused")
    return [{"name": name, "number": number, "kind": kind, "square": number**2} for kind in "ab"]


def test_rows_are_read_by_their_key_in_order(tmp_path):
    path = tmp_path / "made" / "rows.jsonl"
    append(path, [{"world": "x", "seed": 1, "n": 1}, {"world": "x", "seed": 2, "n": 2}])
    append(path, [{"world": "x", "seed": 1, "n": 3}])
    found = read(path, "world", "seed")
    assert {key: [row["n"] for row in rows] for key, rows in found.items()} == {
        ("x", 1): [1, 3],
        ("x", 2): [2],
    }


def test_a_missing_file_has_no_rows(tmp_path):
    assert read(tmp_path / "none.jsonl", "world") == {}


def test_an_incomplete_line_is_skipped(tmp_path):
    path = tmp_path / "rows.jsonl"
    append(path, [{"seed": 1}])
    with path.open("a") as file:
        file.write('{"seed": 2, "los')
    append(path, [{"seed": 3}])
    assert list(read(path, "seed")) == [(1,), (3,)]


def test_only_missing_keys_run_and_a_failure_does_not_stop_the_others(tmp_path, capfd):
    path = tmp_path / "rows.jsonl"
    keys = [("x", 2), ("x", 3), ("y", 4), ("y", 5)]
    failed = run_missing(square, keys, done={("y", 4)}, results=path, jobs=2)
    assert failed == [("x", 3)]
    found = read(path, "name", "number")
    assert {key: [row["square"] for row in rows] for key, rows in found.items()} == {
        ("x", 2): [4, 4],
        ("y", 5): [25, 25],
    }
    assert {row["commit"] for rows in found.values() for row in rows} == {commit()}
    reported = capfd.readouterr().err
    assert "x 3: ValueError: three is refused" in reported
    assert "x 2, " in reported
    assert "s to go" in reported
    assert "y 4" not in reported


def test_an_interrupted_run_continues(tmp_path):
    path = tmp_path / "rows.jsonl"
    keys = [("x", 1), ("x", 2)]
    run_missing(square, keys[:1], done=(), results=path, jobs=1)
    before = path.read_text()
    run_missing(square, keys, done=read(path, "name", "number"), results=path, jobs=1)
    assert path.read_text().startswith(before)
    assert [json.loads(line)["number"] for line in path.read_text().splitlines()] == [1, 1, 2, 2]
    complete = path.read_text()
    run_missing(square, keys, done=read(path, "name", "number"), results=path, jobs=1)
    assert path.read_text() == complete


def test_only_the_text_between_the_markers_of_the_study_changes(tmp_path):
    document = tmp_path / "document.md"
    document.write_text(
        "# A\n\n<!-- one: begin -->\nold\n<!-- one: end -->\n\nmore\n\n"
        "<!-- two: begin -->\nkept\n<!-- two: end -->\n"
    )
    replace_between(document, "one", "| new |")
    written = (
        "# A\n\n<!-- one: begin -->\n\n| new |\n\n<!-- one: end -->\n\nmore\n\n"
        "<!-- two: begin -->\nkept\n<!-- two: end -->\n"
    )
    assert document.read_text() == written
    replace_between(document, "one", "| new |")
    assert document.read_text() == written


@pytest.mark.parametrize("text", ["", "<!-- one: begin -->", "<!-- one: end -->"])
def test_a_document_without_both_markers_raises_an_error_and_is_not_changed(tmp_path, text):
    document = tmp_path / "document.md"
    document.write_text(text)
    with pytest.raises(SystemExit, match="lacks the markers"):
        replace_between(document, "one", "new")
    assert document.read_text() == text


def test_rows_are_counted_by_commit():
    rows = [{"commit": "a1"}, {"commit": "b2"}, {"commit": "b2"}, {}]
    said = "4 histories: 2 on commit `b2`, 1 on commit `a1`, 1 on commit `unknown`."
    assert provenance(rows, "histories") == said


def test_the_commit_is_that_of_the_repository():
    assert re.fullmatch(r"([0-9a-f]{7,40}(-dirty)?)?", commit())
