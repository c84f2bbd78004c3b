"""`lydite init`: what it prints, and folders that it refuses."""

from pathlib import Path

import pytest

from tests.helpers.command_line import lydite


def test_a_project_is_created_and_the_next_steps_are_shown(tmp_path: Path) -> None:
    done = lydite("init", "shop", "--from", "sessions", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "a table of sessions and one of orders" in done.stdout
    assert "cd shop && lydite check && lydite compare" in done.stdout
    assert (tmp_path / "shop/lydite.toml").exists()
    assert (tmp_path / "shop/attribution/defs/attribution/defs.yaml").exists()


def test_a_folder_that_is_not_empty_is_refused_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    done = lydite("init", ".", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "error: . is not an empty folder: choose another, or empty it\n"


@pytest.mark.parametrize(
    ("arguments", "word"), [(["shop", "--from", "adobe"], "snowplow"), ([], "folder")]
)
def test_wrong_arguments(arguments: list[str], word: str, tmp_path: Path) -> None:
    done = lydite("init", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert word in done.stderr
