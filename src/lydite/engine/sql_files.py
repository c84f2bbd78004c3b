"""Finds and reads the `.sql` files, in a checkout and in the installed wheel."""

import re
from functools import cache
from pathlib import Path

_COLUMN = re.compile(r"^--\s*@(\w+)\s+(.+?)\s*$", re.MULTILINE)


@cache
def sql_directory() -> Path:
    """Return the folder of the SQL files: inside the wheel, or at the top of the checkout."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "sql", package.parents[1] / "sql"):
        if (candidate / "journeys").is_dir():
            return candidate
    raise FileNotFoundError(f"no folder 'sql' next to {package}: the installation is incomplete")


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
    """Return a statement as it is, or the text of the file that `sql` names."""
    return load_sql(sql) if re.fullmatch(r"[a-z_]+/[a-z_]+", sql) else sql


def read_comments(name: str) -> tuple[str, dict[str, str]]:
    """Return the comments of a SQL file: that of the table, and those of its columns by name.

    The first comment line describes the table; lines ``-- @column text`` describe columns.
    """
    text = load_sql(name)
    table = text.splitlines()[0].removeprefix("--").strip()
    return table, dict(_COLUMN.findall(text))
