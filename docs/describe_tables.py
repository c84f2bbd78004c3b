"""Writes the generated parts of the docs: published tables and questions, and input tables.

python docs/describe_tables.py          # write them
"""

from __future__ import annotations

from pathlib import Path

from lydite import pipeline
from lydite.engine import sql_directory
from lydite.engine.sql_files import read_comments
from lydite.evaluation.comparison import TABLES
from lydite.inputs.schema import REASONS, Kind
from lydite.inputs.schema import TABLES as TABLES_IN
from lydite.pipeline import touch_credit

FOLDER = Path(__file__).parent
_KINDS = {
    Kind.IDENTIFIER: "id",
    Kind.LABEL: "text",
    Kind.INSTANT: "time",
    Kind.DAY: "day",
    Kind.NUMBER: "number",
}
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


def published_tables() -> str:
    """Return the sections on questions, tables and views, from the comments of the SQL files."""
    lines = [
        "## Questions",
        "",
        "Each has a query in the folder [sql/examples](../sql/examples).",
        "",
    ]
    questions = sorted(file.stem for file in (sql_directory() / "examples").glob("*.sql"))
    lines += [f"- `{name}`: {read_comments(f'examples/{name}')[0]}" for name in questions]
    names = (*pipeline.LOCAL_MARTS, *pipeline.MARTS, *pipeline.EXPERIMENT_MARTS, *TABLES)
    tables = [f"marts/{name}" for name in names]
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


def input_tables() -> str:
    """Return the sections on input tables and on rows that are set aside, from the schema."""
    lines: list[str] = []
    for table in TABLES_IN.values():
        need = "required" if table.required else "optional"
        lines += [f"## {table.name}", "", f"{table.description.capitalize()}; {need}.", ""]
        lines += ["| Column | Required | Values | |", "|---|---|---|---|"]
        for column in table.columns:
            unit = f", {column.unit}" if column.unit else ""
            default = f"; `{column.default}` by default" if column.default else ""
            lines.append(
                f"| `{column.name}` | {'yes' if column.required else ''} |"
                f" {_KINDS[column.kind]}{unit} | {_cell(column.description)}{default} |"
            )
        if table.traffic:
            names = ", ".join(f"`{column.name}`" for column in table.traffic)
            lines += ["", f"The channel may also come from {names} ([sources.md](sources.md))."]
            lines += [""] + [f"- `{c.name}`: {c.description}" for c in table.traffic]
        lines.append("")
    lines += ["## Rows that are set aside", "", "| Reason | |", "|---|---|"]
    lines += [f"| `{reason}` | {_cell(text)} |" for reason, text in REASONS.items()]
    return "\n".join(lines)


#: The generated part of each document.
DOCUMENTS = {"analysts.md": published_tables, "inputs.md": input_tables}


def updated(name: str) -> str:
    """Return a document with its generated part replaced."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{DOCUMENTS[name]()}\n\n{END}{after}"


if __name__ == "__main__":
    for document in DOCUMENTS:
        (FOLDER / document).write_text(updated(document), encoding="utf-8")
