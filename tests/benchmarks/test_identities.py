"""Tests of the benchmark of joined ids."""

from __future__ import annotations

import pytest

from benchmarks import identities as benchmark


@pytest.mark.parametrize("mode", benchmark.MODES)
def test_the_rows_of_so_many_pairs_are_joined(mode):
    found = benchmark.run(300, mode)
    assert (found["pairs"], found["touches"]) == (300, 900)
    assert (found["rows"] > 900) == (mode == "seen_by_then")
    for part in ("join", "sort"):
        assert found[part] > 0


def test_the_section_has_time_and_multiples():
    figures = {"pairs": 1e6, "touches": 3e6, "rows": 4e6, "join": 3, "join_cpu": 4}
    figures |= {"sort": 0.5, "sort_cpu": 1, "peak_mb": 512}
    spread = {name: dict.fromkeys(("min", "median", "max"), v) for name, v in figures.items()}
    text = benchmark.section({"runs": [{"mode": "always", "figures": spread}]})
    assert "| `always` | 1,000,000 | 3,000,000 | 4,000,000 |" in text
    assert "| 6.00× | 4.00× | 512 MB |" in text
