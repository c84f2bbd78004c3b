"""Writes the tables and questions of docs/analysts.md from the comments of the SQL files.

python docs/describe_tables.py          # write them
"""

from __future__ import annotations

from pathlib import Path

from lydite import pipeline
from lydite.engine import sql_directory
from lydite.engine.sql_files import read_comments
from lydite.evaluation.comparison import TABLES
from lydite.pipeline import touch_credit

DOCUMENT = Path(__file__).with_name("analysts.md")
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


def described() -> str:
    """Return the sections on questions, tables and views in Markdown."""
    lines = [
        "## Questions",
        "",
        "Each has a query in the folder [sql/examples](../sql/examples).",
        "",
    ]
    questions = sorted(file.stem for file in (sql_directory() / "examples").glob("*.sql"))
    lines += [f"- `{name}`: {read_comments(f'examples/{name}')[0]}" for name in questions]
    tables = [f"marts/{name}" for name in (*pipeline.LOCAL_MARTS, *pipeline.MARTS, *TABLES)]
    tables.append(touch_credit.SELECT)
    views = [f"views/{name}" for name in pipeline.VIEWS]
    for title, files in (("Views", views), ("Tables", sorted(tables))):
        lines += ["", f"## {title}"]
        for name in files:
            about, columns = read_comments(name)
            lines += ["", f"### {name.partition('/')[2]}", "", about, ""]
            lines += ["| Column | |", "|---|---|"]
            lines += [f"| `{column}` | {_cell(text)} |" for column, text in columns.items()]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def updated(text: str) -> str:
    """Return the document with its generated part replaced."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{described()}\n\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(updated(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
