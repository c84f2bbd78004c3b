"""Files that are replaced in one rename, and what killed processes leave of them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lydite.replacing import leftovers, new_version, remove_leftovers

if TYPE_CHECKING:
    from pathlib import Path

KILLED = """
import os, signal, sys
from pathlib import Path
from lydite.replacing import new_version

with new_version(Path(sys.argv[1])) as new:
    new.write_text("half")
    Path(f"{new}.wal").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_new_version_replaces_the_old_one_and_leaves_nothing(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with new_version(path) as new:
        new.write_text("new")
        assert path.read_text() == "old"
        new.replace(path)
    assert path.read_text() == "new"
    assert names(tmp_path) == ["file.txt"]


def test_an_error_leaves_the_old_version_alone(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), new_version(path) as new:
        new.replace(tmp_path / "missing" / "file.txt")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_folders_are_replaced_too(tmp_path):
    with new_version(tmp_path / "tables") as new:
        new.mkdir()
        (new / "a.csv").write_text("1")
    assert names(tmp_path) == []


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    path = tmp_path / "file.txt"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode < 0
    assert len(names(tmp_path)) == 3
    assert len(leftovers(path)) == 1
    with new_version(path) as new:
        assert leftovers(path) == [new]
    assert names(tmp_path) == []


def test_a_version_that_is_being_written_stays(tmp_path):
    path = tmp_path / "file.txt"
    with new_version(path) as first:
        first.write_text("first")
        with new_version(path) as second:
            assert first != second
            second.write_text("second")
            assert first.read_text() == "first"
        remove_leftovers(path)
        first.replace(path)
    assert path.read_text() == "first"


def test_files_of_other_names_are_not_touched(tmp_path):
    for name in (".other.txt.1.new", "file.txt.1.new", ".file.txt.backup", ".file[1].txt.2.new"):
        (tmp_path / name).write_text("mine")
    (tmp_path / ".file.txt.123.new").write_text("of an earlier version of Lydite")
    remove_leftovers(tmp_path / "file.txt")
    assert len(names(tmp_path)) == 4
    remove_leftovers(tmp_path / "file[1].txt")
    assert not (tmp_path / ".file[1].txt.2.new").exists()
