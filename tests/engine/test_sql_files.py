"""Tests of finding and reading the SQL files and their comments."""

import pytest

from lydite.engine import load_sql, sql_directory
from lydite.engine.sql_files import read_comments


def test_the_sql_directory_exists():
    assert (sql_directory() / "journeys" / "touches.sql").is_file()


def test_a_file_is_loaded_by_its_name_without_suffix():
    on_disk = (sql_directory() / "journeys" / "touches.sql").read_text(encoding="utf-8")
    assert load_sql("journeys/touches") == on_disk


def test_a_missing_file_is_named_in_the_error():
    with pytest.raises(FileNotFoundError, match=r"no_such_file\.sql"):
        load_sql("journeys/no_such_file")


def test_the_first_line_is_the_comment_of_the_table():
    about, _ = read_comments("journeys/users")
    assert about == (
        "Lists all users with a touchpoint or a conversion, with an integer key and a bucket."
    )


def test_at_lines_are_the_comments_of_columns():
    _, columns = read_comments("journeys/users")
    assert list(columns) == ["user_key", "user_id", "bucket"]
    assert columns["user_id"] == "id of the user in the sources"


def test_other_comments_are_ignored():
    _, columns = read_comments("journeys/touches")
    assert not any("Simultaneous" in text for text in columns.values())
