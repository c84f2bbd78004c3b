"""The benchmark of the evaluation: what it times ends in verdicts."""

from __future__ import annotations

import duckdb
import pytest

from benchmarks import evaluation as benchmark
from lydite.models import DEFAULT_MODELS


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> str:
    return str(benchmark.warehouse(5_000, tmp_path_factory.mktemp("data")))


def test_the_timed_work_gives_verdicts_and_its_parts_sum_to_the_total(file):
    for _ in range(2):  # a second time from nothing, as the first
        found = benchmark.evaluate(file)
    parts = sum(found[part] for part in ("rivals", "ceiling", "verdicts"))
    assert found["seconds"] == pytest.approx(parts, rel=0.05)
    assert found["landmarks"] == pytest.approx(5_000, rel=0.2)
    with duckdb.connect(file, read_only=True) as reader:
        rows = reader.execute(
            "select count(verdict), count(distinct model) from mart.model_comparison"
        ).fetchall()
    assert rows == [(len(DEFAULT_MODELS), len(DEFAULT_MODELS) + 3)]


def test_the_limit_sorts_all_landmarks(file):
    assert set(benchmark.sort(file)) == {"seconds", "seconds_cpu"}


def test_the_section_has_every_size(file, tmp_path):
    figure = {"min": 1.0, "median": 2.0, "max": 3.0}
    names = ("seconds", "rivals", "ceiling", "verdicts", "landmarks", "periods", "peak_mb")
    own = dict.fromkeys([*names, *(f"{name}_cpu" for name in names)], figure)
    more = own | {"landmarks": {"min": 8.0, "median": 8.0, "max": 8.0}}
    runs = [{"size": 1, "sort": own, "evaluate": figures} for figures in (own, more)]
    text = benchmark.section({"runs": runs})
    assert text.count("| all |") == 2
    assert "1.00×" in text
    assert "all 0.00" in text
