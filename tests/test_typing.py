"""Types of the public functions, as mypy and editors see them."""

import re
from pathlib import Path

import pytest
from mypy import api

pytest.importorskip("pyspark")  # the snippet names its frame type

ROOT = Path(__file__).parents[1]
SNIPPET = """
import pandas as pd
import polars as pl
import pyarrow as pa
import pyspark.sql

import lydite
from lydite import Comparison, Credit


def types(a: pl.DataFrame, b: pd.DataFrame, c: pa.Table, d: pyspark.sql.DataFrame) -> None:
    reveal_type(lydite.compare(a, b).table)  # polars
    reveal_type(lydite.compare(b, a, spend="spend.csv").credit)  # pandas
    reveal_type(lydite.compare("touches.csv", "orders.csv").pairs)  # pandas
    reveal_type(lydite.compare(d, d).table)  # pandas
    reveal_type(lydite.compare(paths=a).evidence)  # polars
    reveal_type(lydite.compare(paths="paths.csv").warnings)  # pandas
    reveal_type(lydite.credit(a).table)  # polars
    reveal_type(lydite.credit(b, models=["linear"]).transitions)  # pandas
    reveal_type(lydite.credit("paths.csv", intervals=False).table)  # pandas
    reveal_type(lydite.credit(touchpoints=a, conversions=b).table)  # polars
    reveal_type(lydite.credit(touchpoints="t.csv", conversions=a).table)  # pandas
    reveal_type(lydite.compare(a, b).to_dict()["outcomes"]["lead"]["models"][0]["verdict"])  # text
    reveal_type(lydite.compare(a, b).outcomes[0]["conversions"])  # int
    comparison: Comparison = lydite.compare(a, b)
    credit: Credit = lydite.credit(c)
    print(comparison.table, credit.table)
"""
WRONG = """
import polars as pl

import lydite


def types(a: pl.DataFrame) -> None:
    lydite.compare(a)
    lydite.compare(a, a, paths=a)
    lydite.compare(a, a, period="year")
    lydite.credit(a, normalise="channel")
    lydite.credit(touchpoints=a)
    lydite.comprae(a, a)
    lydite.compare(a, a).tabel
"""
NAMES = {
    "polars": "polars.dataframe.frame.DataFrame",
    "pandas": "pandas.DataFrame",
    "text": "str | None",
    "int": "int",
}


@pytest.fixture(scope="module")
def messages(tmp_path_factory) -> dict[str, dict[int, str]]:
    """Check both snippets at once; return the messages by line, by the name of the file."""
    folder = tmp_path_factory.mktemp("snippets")
    files = {folder / "right.py": SNIPPET, folder / "wrong.py": WRONG}
    for file, code in files.items():
        file.write_text(code)
    cache = ROOT / ".mypy_cache"
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(cache)]
    output, errors, _ = api.run([*options, *map(str, files)])
    assert not errors
    found: dict[str, dict[int, str]] = {file.name: {} for file in files}
    for name, line, message in re.findall(r"(\w+\.py):(\d+): (?:error|note): (.*)", output):
        found[name].setdefault(int(line), message)
    return found


def test_results_have_the_frame_type_of_the_input(messages):
    expected = {
        number: f'Revealed type is "{NAMES[line.rpartition("# ")[2]]}"'
        for number, line in enumerate(SNIPPET.splitlines(), start=1)
        if "reveal_type" in line
    }
    found = {n: text.replace("core.frame.", "") for n, text in messages["right.py"].items()}
    assert found == expected


def test_wrong_calls_are_type_errors(messages):
    lines = WRONG.splitlines()
    first = lines.index("    lydite.compare(a)") + 1
    assert sorted(messages["wrong.py"]) == list(range(first, len(lines) + 1))
