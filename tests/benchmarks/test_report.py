"""Tests of the document, from hand-made results."""

from __future__ import annotations

import pytest

from benchmarks import report

MACHINE = {
    "cpu": "Abacus 7",
    "cores": 3,
    "memory_gb": 15.6,
    "load": 0.25,
    "system": "Linux x86_64",
    "versions": {"Python": "3.11.1", "duckdb": "1.5.0"},
}


def still(number: float) -> dict[str, float]:
    return dict.fromkeys(("min", "median", "max"), number)


def run(paths: int, factor: int, intervals: bool, **seconds: float) -> dict:
    parts = {"read": 1.0, "expand": 2.0, "sql": 3.0, "draw": 0.0, "replicates": 0.0} | seconds
    parts["fit"] = parts["point"] + parts["draw"] + parts["replicates"]
    parts["seconds"] = parts["sql"] + parts["fit"]
    data = {"paths": paths, "touches": paths**2, "longest": 9, "channels": 4, "journeys": 10}
    return {
        "models": "some",
        "paths": paths,
        "factor": factor,
        "intervals": intervals,
        "data": data | {"all_touches": 25 * factor},
        "figures": {key: still(value) for key, value in parts.items()}
        | {f"{key}_cpu": still(value / 2) for key, value in parts.items()}
        | {"peak_mb": still(512.0), "start_mb": still(250.0)},
    }


@pytest.fixture
def result() -> dict:
    whole = run(100, 1, True, point=4.0, draw=6.0, replicates=10.0)
    return {
        "machine": MACHINE,
        "repeats": 2,
        "plan": {"paths": 100, "sets": ["some"], "factors": [1, 10], "sizes": [25, 100]},
        "data": whole["data"],
        "limit": {"seconds": still(0.5), "seconds_cpu": still(1.0), "peak_mb": still(64.0)},
        "runs": [
            run(100, 1, False, point=4.0),
            whole,
            run(100, 10, True, point=5.0, draw=6.0, replicates=9.0),
            run(25, 1, True, point=2.0, draw=3.0, replicates=15.0),
        ],
    }


@pytest.fixture
def document(result) -> str:
    return report.document({"credit_from_paths": result})


def test_the_document_names_machine_versions_and_command(document):
    flat = " ".join(document.split())
    assert "Abacus 7, 3 cores, 16 GB, Linux x86_64; Python 3.11.1, duckdb 1.5.0; 2 rounds" in flat
    assert "load average 0.2 before" in flat
    assert "`.venv/bin/python -m benchmarks.credit_from_paths`" in document
    assert "make bench" in document


def test_parts_are_compared_with_the_limit(document):
    assert "| reading the table | 1.00 s | 2.00× | 0.500× |" in document
    assert "| drawing journeys for the intervals | 6.00 s | 12.0× | 3.00× |" in document
    assert "| all | 23.0 s | 46.0× | 11.5× |" in document


def test_models_have_a_row_with_and_without_intervals(document):
    assert "| some | no | 3.00 s | 6.00× | 1.50× | 4.00 s | 8.00× | 2.00× | 512 MB |" in document
    assert "| some | yes | 3.00 s | 6.00× | 1.50× | 20.0 s | 40.0× | 10.0× | 512 MB |" in document


def test_more_touches_are_compared_with_the_fewest(document):
    assert "| 25 | 4.00 s | 1.00× | 1.00× | 20.0 s | 1.00× | 1.00× |" in document
    assert "| 250 | 5.00 s | 1.25× | 1.25× | 20.0 s | 1.00× | 1.00× |" in document


def test_more_paths_have_an_exponent(document):
    assert "| 25 | 625 | 3.00 s | 2.00 s | 20.0 s |" in document
    assert "| exponent, wall time | 2.00 | 0.00 | 0.50 | 0.00 |" in document
    assert "| exponent, processor time | 2.00 | 0.00 | 0.50 | 0.00 |" in document


def test_a_benchmark_without_a_result_is_left_out():
    assert "Credit from a path table" not in report.document({})


def test_every_benchmark_has_a_name_a_main_and_a_section():
    for benchmark in report.BENCHMARKS:
        assert benchmark.__name__ == f"benchmarks.{benchmark.NAME}"
        assert callable(benchmark.main)
        assert callable(benchmark.section)


def test_the_document_is_written(result, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "DOCUMENT", tmp_path / "README.md")
    monkeypatch.setattr(report.measure, "read", lambda: {"credit_from_paths": result})
    report.main()
    assert (tmp_path / "README.md").read_text() == report.document({"credit_from_paths": result})
