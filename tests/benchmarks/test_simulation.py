"""Tests of the benchmark of the simulation."""

from __future__ import annotations

import pytest

from benchmarks import simulation as benchmark


def test_a_world_of_about_so_many_touches_is_drawn_and_written():
    found = benchmark.run(6_000)
    assert found["touches"] == pytest.approx(6_000, rel=0.1)
    for part in ("draw", "write"):
        assert found[part] > 0
        assert found[f"{part}_cpu"] > 0


def test_the_section_has_time_per_million_and_growth():
    def run(touches, draw):
        figures = {"touches": touches, "draw": draw, "draw_cpu": draw, "write": 1, "write_cpu": 2}
        figures["peak_mb"] = 512
        spread = {name: dict.fromkeys(("min", "median", "max"), v) for name, v in figures.items()}
        return {"size": touches, "world": spread}

    text = benchmark.section({"runs": [run(1e6, 4.0), run(4e6, 8.0)]})
    assert "| 4,000,000 | 8.00 s | 2.00 s | 8.00× | 4.00× | 512 MB |" in text
    assert "drawing 0.50" in text
