"""The benchmark of the simulation: a world is drawn and written, and told per million."""

from __future__ import annotations

import pytest

from benchmarks import simulation as benchmark


def test_a_world_of_about_so_many_touches_is_drawn_and_written():
    found = benchmark.run(6_000)
    assert found["touches"] == pytest.approx(6_000, rel=0.1)
    for part in ("draw", "write"):
        assert found[part] > 0
        assert found[f"{part}_cpu"] > 0


def test_the_section_says_what_a_million_takes_and_how_it_grows():
    def run(touches, draw):
        figures = {"touches": touches, "draw": draw, "draw_cpu": draw, "write": 1, "write_cpu": 2}
        figures["peak_mb"] = 512
        spread = {name: dict.fromkeys(("min", "median", "max"), v) for name, v in figures.items()}
        return {"size": touches, "world": spread}

    text = benchmark.section({"runs": [run(1e6, 4.0), run(4e6, 8.0)]})
    assert "| 4,000,000 | 8.00 s | 2.00 s | 8.00× | 4.00× | 512 MB |" in text
    assert "drawing 0.50" in text
