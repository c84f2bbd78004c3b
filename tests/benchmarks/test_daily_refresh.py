"""The benchmark of one more day: the job after it is compared with the job on everything."""

from __future__ import annotations

import polars as pl
import pytest

from benchmarks import daily_refresh as benchmark
from benchmarks.data import make_touches, touch_tables


@pytest.fixture
def sources(tmp_path) -> dict[str, str]:
    return {name: str(file) for name, file in touch_tables(6_000, folder=tmp_path).items()}


def test_days_are_added_one_by_one_and_everything_is_run_in_a_new_project(sources, monkeypatch):
    runs = []

    def job(project):
        runs.append((project.name, len(list((project / "touchpoints").iterdir()))))
        seconds = float(len(runs))
        return {"seconds": seconds, **dict.fromkeys((*benchmark.PARTS, benchmark.OTHER), seconds)}

    monkeypatch.setattr(benchmark, "_job", job)
    monkeypatch.setattr(benchmark, "_counts", lambda _: {"touches": 6_000.0, "users": 1_500.0})
    found = benchmark.run(*sources.values(), 2)
    assert runs == [
        ("daily", benchmark.DAYS - 2),
        ("daily", benchmark.DAYS - 1),
        ("daily", benchmark.DAYS),
        ("new", benchmark.DAYS),
    ]
    assert found["day seconds"] == found["day ledger"] == 2.5
    assert found["slowest"] == 3
    assert found["full seconds"] == 4


def test_a_file_per_day_holds_the_rows_of_that_day(sources, tmp_path):
    benchmark._deliver(sources, tmp_path / "shop", 0, 3)
    files = sorted((tmp_path / "shop" / "touchpoints").iterdir())
    assert [file.stem for file in files] == ["2025-01-01", "2025-01-02", "2025-01-03"]
    touchpoints, _ = make_touches(6_000)
    days = (touchpoints["touched_at"] - benchmark.data.START.item()).dt.total_days()
    for day, file in enumerate(files):
        found = pl.read_parquet(file)
        assert found.height == (days == day).sum() > 0


def test_a_job_that_fails_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark.refresh, "main", lambda _: 2)
    with pytest.raises(RuntimeError, match="exit code 2"):
        benchmark._job(tmp_path)


def test_the_section_has_the_ratio_to_a_full_run():
    seconds = {f"{kind} {part}": value for kind, value in (("day", 2.0), ("full", 40.0))
               for part in ("seconds", *benchmark.PARTS, benchmark.OTHER)}  # fmt: skip
    figures = {
        name: dict.fromkeys(("min", "median", "max"), value)
        for name, value in (seconds | {"touches": 1e6, "users": 250_000, "peak_mb": 512}).items()
    }
    text = benchmark.section({"runs": [{"size": 1_000_000, "refresh": figures}]})
    assert "| all | 1,000,000 | 2.00 s | 40.0 s | 0.050× | 512 MB |" in text
