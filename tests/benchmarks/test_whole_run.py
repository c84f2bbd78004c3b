"""Tests of the benchmark of the whole run: its parts, and the report at the end."""

from __future__ import annotations

import pytest

from benchmarks import whole_run as benchmark
from benchmarks.data import touch_tables
from lydite.settings import ModelSettings


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    made = touch_tables(6_000, folder=tmp_path_factory.mktemp("data"))
    return {name: str(file) for name, file in made.items()}


def test_the_parts_sum_to_the_total(files, monkeypatch):
    linear = benchmark.SETTINGS.model_copy(update={"models": (ModelSettings(name="linear"),)})
    monkeypatch.setattr(benchmark, "SETTINGS", linear)
    reports = []
    write = benchmark.read_comparison
    monkeypatch.setattr(
        benchmark, "read_comparison", lambda engine: reports.append(1) or write(engine)
    )
    found = benchmark.run(files["touchpoints"], files["conversions"], published=True)
    assert found["touches"] == pytest.approx(6_000, rel=0.1)
    assert 0 < found["landmarks"] < found["touches"]
    parts = sum(found[part] for part in (*benchmark.PARTS, benchmark.PUBLISHING))
    assert found["seconds"] == pytest.approx(parts, rel=0.2)
    assert 0 < found[benchmark.INTERVALS] < found["credit"]
    assert reports
    assert found["touch_credit"] > 0 < found["touch_credit_mb"]


def test_the_limit_sorts_the_touchpoints(files):
    assert set(benchmark.sort(files["touchpoints"])) == {"seconds", "seconds_cpu"}


def test_the_section_has_the_growth_of_each_part():
    def run(touches, seconds):
        names = ("seconds", *benchmark.PARTS, benchmark.INTERVALS)
        figures = {**dict.fromkeys(names, seconds), "peak_mb": 5.0, "touches": touches}
        figures |= {f"{name}_cpu": value for name, value in figures.items()}
        spread = {name: dict.fromkeys(("min", "median", "max"), v) for name, v in figures.items()}
        return {"size": touches, "sort": spread, "run": spread}

    text = benchmark.section({"runs": [run(1e6, 2.0), run(1e8, 20.0)]})
    assert text.count("| all |") == 2
    assert "all 0.50, journeys 0.50" in text
    assert "publishing |" not in text
    names = ("publishing", "publishing_cpu", "touch_credit", "touch_credit_mb")
    more = {name: dict.fromkeys(("min", "median", "max"), 7.0) for name in names}
    published = run(1e6, 2.0)
    text = benchmark.section({"runs": [{**published, "run": {**published["run"], **more}}]})
    assert "| publishing |" in text
    assert "The credit of touches: 7 rows in 7 MB." in text
    assert "power" not in benchmark.section({"runs": [run(1e6, 2.0)]})
