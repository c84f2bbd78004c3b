"""The benchmark of one more day: the incremental rebuild is compared with a full one."""

from __future__ import annotations

import pytest

from benchmarks import daily_refresh as benchmark
from benchmarks.data import make_touches, touch_tables


def test_one_more_day_is_rebuilt_incrementally(tmp_path):
    files = {name: str(file) for name, file in touch_tables(6_000, folder=tmp_path).items()}
    found = benchmark.run(files["touchpoints"], files["conversions"])
    touchpoints, _ = make_touches(6_000)
    days = (touchpoints["touched_at"] - benchmark.data.START.item()).dt.total_days()
    assert found["touches"] == (days < benchmark.DAYS).sum()
    touched = touchpoints.filter(days == benchmark.DAYS - 1)["user_id"].n_unique()
    assert touched <= found["recomputed"] <= touched + 10
    assert 0 < found["recomputed"] < 0.1 * found["users"]
    for part in ("load", "changed", "all"):
        assert found[part] > 0
        assert found[f"{part}_cpu"] > 0


def test_a_full_rebuild_instead_of_an_incremental_one_is_an_error(tmp_path, monkeypatch):
    files = {name: str(file) for name, file in touch_tables(6_000, folder=tmp_path).items()}
    monkeypatch.setattr(benchmark.incremental, "MAX_CHANGED_SHARE", 0)
    with pytest.raises(RuntimeError, match="all users were rebuilt"):
        benchmark.run(files["touchpoints"], files["conversions"])


def test_the_section_has_the_ratio_to_a_full_rebuild():
    counts = {"touches": 1e6, "users": 250_000, "recomputed": 5_000, "peak_mb": 512}
    seconds = {"load": 2.0, "changed": 3.0, "all": 30.0}
    seconds |= {"load_cpu": 2.0, "changed_cpu": 4.0, "all_cpu": 50.0}
    figures = {
        name: dict.fromkeys(("min", "median", "max"), value)
        for name, value in (counts | seconds).items()
    }
    text = benchmark.section({"runs": [{"size": 1_000_000, "refresh": figures}]})
    row = "| 1,000,000 | 250,000 | 5,000 | 2.00 s | 3.00 s | 30.0 s | 0.100× | 0.080× | 512 MB |"
    assert row in text
