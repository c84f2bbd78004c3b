"""The project's SQL files are found, read and described."""

import pytest

from lydite.engine import load_sql, sql_directory
from lydite.engine.sql_files import read_comments


def test_the_sql_folder_is_found():
    assert (sql_directory() / "journeys" / "touches.sql").is_file()


def test_a_file_is_read_by_its_name_without_the_ending():
    on_disk = (sql_directory() / "journeys" / "touches.sql").read_text(encoding="utf-8")
    assert load_sql("journeys/touches") == on_disk


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match=r"no_such_file\.sql"):
        load_sql("journeys/no_such_file")


def test_the_first_line_describes_the_table():
    about, _ = read_comments("journeys/users")
    assert about == "Everyone who was touched or who converted, with an integer key and a bucket."


def test_at_lines_describe_the_columns():
    _, columns = read_comments("journeys/users")
    assert list(columns) == ["user_key", "user_id", "bucket"]
    assert columns["user_id"] == "the user as the sources name them"


def test_other_comments_describe_nothing():
    _, columns = read_comments("journeys/touches")
    assert not any("decides" in text for text in columns.values())
