"""Writes the files of a new project."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined

from lydite.engine import load_sql
from lydite.errors import InputError
from lydite.inputs.vendors import vendor_selects
from lydite.scaffold.samples import SHAPES, write_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lydite.scaffold.samples import Shape

PLAIN = "plain"
_PACKAGE = "attribution"
#: Templates of files by their path in the project; those of Dagster are left out of path tables.
_FILES = {
    "lydite.toml": "lydite.toml.j2",
    "README.md": "README.md.j2",
    ".gitignore": "gitignore.j2",
}
_DAGSTER_FILES = {
    "pyproject.toml": "pyproject.toml.j2",
    f"{_PACKAGE}/__init__.py": "package.py.j2",
    f"{_PACKAGE}/definitions.py": "definitions.py.j2",
    f"{_PACKAGE}/defs/attribution/defs.yaml": "defs.yaml.j2",
}


def create_project(folder: str | Path, shape: str = PLAIN) -> dict[str, Path]:
    """Create a project that runs at once, on a simulated sample in the shape of a vendor's export.

    Parameters
    ----------
    folder
        A new or empty folder.
    shape
        A name of `SHAPES`.

    Returns
    -------
    dict of str to Path
        The SQL file of each input table, relative to the folder.

    Raises
    ------
    InputError
        When there is no such shape, or the folder is not empty or cannot be written.
    """
    if shape not in SHAPES:
        raise InputError(f"there is no sample {shape!r}; there are: {', '.join(SHAPES)}")
    found, root = SHAPES[shape], Path(folder)
    try:
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise InputError(f"{root} is not an empty folder: choose another, or empty it")
        sources = {name: Path(f"sql/sources/{name}.sql") for name in found.tables}
        texts = dict(_texts(found, root.resolve().name, sources))
        texts |= {str(path): _select(shape, name) for name, path in sources.items()}
        for path, text in texts.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        write_sample(found, root)
    except OSError as error:
        raise InputError(f"{root} cannot be written: {error}") from error
    return sources


def _texts(shape: Shape, name: str, sources: dict[str, Path]) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file that is not SQL."""
    environment = Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - no HTML
    )
    folder = files("lydite.scaffold") / "templates"
    with_paths = "paths" in shape.tables
    for path, template in (_FILES if with_paths else _FILES | _DAGSTER_FILES).items():
        text = (folder / template).read_text(encoding="utf-8")
        yield (
            path,
            environment.from_string(text).render(
                name=name, about=shape.about, tables=tuple(sources), with_paths=with_paths
            ),
        )


def _select(shape: str, table: str) -> str:
    """Return the SQL of a source, with a comment on how to read other data."""
    places = SHAPES[shape].places
    select = vendor_selects().get(shape, {}).get(table)
    if select is None:
        return _plain_select(table, by_source=shape != PLAIN)
    about, *rest = select.render(places).splitlines()
    read = [f"'{place}'" for name, place in places.items() if name in select.places]
    advice = [
        f"-- For your data, replace {' and '.join(read)} in the select by your files, or by a URL.",
        "-- A path starts at the folder of lydite.toml.",
    ]
    # The parameters have their places now: "-- {events} the tables" reads "-- events: the tables".
    lines = [re.sub(r"^-- \{(\w+)\}", r"-- \1:", line) for line in rest]
    return "\n".join([about, *advice, *lines]) + "\n"


def _plain_select(table: str, *, by_source: bool) -> str:
    """Return the SQL of a source whose columns have the names of the input table."""
    if table == "paths":
        return (
            "-- Source of the path table: how often each path occurred, and its conversions.\n"
            "-- For your data, replace the file, and rename columns as listed here.\n"
            "-- Required: path (a > b > c, or a list), conversions.\n"
            "-- Optional: value, nulls (how often the path ended without a conversion).\n"
            "select path, conversions, value, nulls from read_csv('data/paths.csv')\n"
        )
    text = load_sql(f"sources/{table}").replace("data_samples/", "data/")
    text = text.replace("read_parquet(", "read_csv(").replace(".parquet", ".csv")
    if by_source:
        text = text.replace("Required: date, channel, cost", "Required: date, source, medium, cost")
    return text
