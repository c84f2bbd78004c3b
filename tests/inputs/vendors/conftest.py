"""A fixture that loads an extract with the ready select of a vendor."""

import datetime as dt
import json

import pytest

from lydite.engine import DuckDBEngine
from lydite.inputs import LoadOptions, load_table
from lydite.inputs.vendors import vendor_selects
from lydite.settings import ChannelSettings

NOW = dt.datetime(2026, 7, 1, 12)


class Loader:
    """Writes extracts to files and loads them; keeps the report of the last table."""

    def __init__(self, engine, folder):
        self.engine, self.folder, self.report = engine, folder, None

    def place(self, name, content):
        """Write text, or rows as JSON lines; return the path."""
        if isinstance(content, str):
            path = self.folder / f"{name}.csv"
            path.write_text(content)
        else:
            path = self.folder / f"{name}.jsonl"
            path.write_text("\n".join(map(json.dumps, content)))
        return str(path)

    def load(self, vendor, table, columns, names=None, **extracts):
        """Load a table from extracts by parameter; return columns of the accepted rows, sorted."""
        places = {name: self.place(name, content) for name, content in extracts.items()}
        source = self.folder / f"{vendor}_{table}.sql"
        source.write_text(vendor_selects()[vendor][table].render(places))
        names = names or ChannelSettings()
        self.report = load_table(self.engine, table, source, LoadOptions(now=NOW, names=names))
        return self.engine.rows(f"select {columns} from inputs.{table} order by all")


@pytest.fixture
def loader(tmp_path):
    with DuckDBEngine(threads=1) as engine:
        yield Loader(engine, tmp_path)


def at(day, hour=0, minute=0, month=3):
    """Return a time in 2026 without zone, UTC."""
    return dt.datetime(2026, month, day, hour, minute)
