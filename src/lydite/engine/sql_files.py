"""Finds and reads the project's `.sql` files, in the checkout and in the installed wheel."""

import re
from functools import cache
from pathlib import Path

_COLUMN = re.compile(r"^--\s*@(\w+)\s+(.+?)\s*$", re.MULTILINE)


@cache
def sql_directory() -> Path:
    """Return the folder that holds the SQL: inside the wheel, else at the top of the checkout."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "sql", package.parents[1] / "sql"):
        if (candidate / "journeys").is_dir():
            return candidate
    raise FileNotFoundError(f"no folder 'sql' beside {package}: the installation is incomplete")


@cache
def load_sql(name: str) -> str:
    """Return the text of one SQL file.

    Parameters
    ----------
    name
        Path below the SQL folder, without the ending: ``"journeys/touches"``.
    """
    return (sql_directory() / f"{name}.sql").read_text(encoding="utf-8")


def resolve_sql(sql: str) -> str:
    """Return the statement itself, or the file's where `sql` is a file's name."""
    return load_sql(sql) if re.fullmatch(r"[a-z_]+/[a-z_]+", sql) else sql


def read_comments(name: str) -> tuple[str, dict[str, str]]:
    """Return what a SQL file says of its result: the table's comment and each column's.

    The first comment line describes the table; lines ``-- @column text`` describe columns.
    """
    text = load_sql(name)
    table = text.splitlines()[0].removeprefix("--").strip()
    return table, dict(_COLUMN.findall(text))
