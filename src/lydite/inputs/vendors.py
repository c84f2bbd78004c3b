"""Ready selects for the exports of vendors, whose places are parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from lydite.engine import load_sql, sql_directory
from lydite.engine.duckdb import quote_literal
from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLACE = re.compile(r"^-- \{(\w+)\} (.+?)\s*$", re.MULTILINE)
_TABLE = re.compile(r'(\w+|"[^"]+")(\.(\w+|"[^"]+")){0,2}')
#: How files are read, by ending. Everything in CSV is text, so that ids keep their zeros.
_READERS = {
    ".parquet": "read_parquet({}, union_by_name = true)",
    ".csv": "read_csv({}, all_varchar = true, union_by_name = true)",
    ".json": "read_json({}, union_by_name = true, sample_size = -1)",
}
_READERS |= dict.fromkeys((".jsonl", ".ndjson"), _READERS[".json"])


@dataclass(frozen=True)
class VendorSelect:
    """A select that makes one input table from an export of a vendor.

    Parameters
    ----------
    vendor
        Name of the vendor, such as ``ga4``.
    table
        Name of the input table.
    about
        One sentence on what it returns.
    places
        What it reads, by the name of the parameter.
    text
        The select, with ``{parameter}`` where the places belong.
    """

    vendor: str
    table: str
    about: str
    places: Mapping[str, str]
    text: str

    def render(self, places: Mapping[str, str]) -> str:
        """Return the select for given places.

        Parameters
        ----------
        places
            Path, glob or URL of Parquet, CSV or JSON files, or the name of a table, by parameter.

        Raises
        ------
        InputError
            When a place is missing or cannot be read.

        Examples
        --------
        >>> select = vendor_selects()["sessions"]["conversions"]
        >>> "from read_csv('shop/*.csv'" in select.render({"orders": "shop/*.csv"})
        True
        """
        relations = {}
        for name, about in self.places.items():
            if name not in places:
                raise InputError(f"{self.vendor} {self.table}: {name} is missing: {about}")
            relations[name] = relation_of(places[name])
        lines = [_filled(line, relations) for line in self.text.splitlines()]
        return "\n".join(lines) + "\n"


def _filled(line: str, relations: Mapping[str, str]) -> str:
    """Return a line of SQL with its parameters replaced; comments stay as they are."""
    if line.startswith("--"):
        return line
    return re.sub(r"\{(\w+)\}", lambda found: relations.get(found[1], found[0]), line)


def relation_of(place: str) -> str:
    """Return the SQL that reads a place: files, or a table.

    Raises
    ------
    InputError
        When the place is neither.
    """
    ending = re.search(r"(\.\w+?)(\.gz|\.zst)?(\?.*)?$", place.lower())
    if ending is not None and ending[1] in _READERS:
        return _READERS[ending[1]].format(quote_literal(place))
    if _TABLE.fullmatch(place):
        return place
    raise InputError(
        f"{place!r} is neither Parquet, CSV or JSON files nor a table such as raw.events"
    )


@cache
def vendor_selects() -> Mapping[str, Mapping[str, VendorSelect]]:
    """Return the ready selects by vendor and input table."""
    found: dict[str, dict[str, VendorSelect]] = {}
    for file in sorted(sql_directory().glob("sources/*/*.sql")):
        vendor, table = file.parent.name, file.stem
        text = load_sql(f"sources/{vendor}/{table}")
        about = text.splitlines()[0].removeprefix("--").strip()
        places = dict(_PLACE.findall(text))
        select = VendorSelect(vendor, table, about, places, text)
        found.setdefault(vendor, {})[table] = select
    return found
