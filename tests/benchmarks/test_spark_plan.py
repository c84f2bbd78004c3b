"""Tests of the costs of steps on Spark, summed from its event log."""

from __future__ import annotations

import polars as pl

from benchmarks import spark_plan
from benchmarks.spark_plan import Cost, costs, make_sources, table


def submitted(stage: int, step: str | None = None) -> dict[str, object]:
    properties = {} if step is None else {"spark.job.description": step}
    return {
        "Event": "SparkListenerStageSubmitted",
        "Properties": properties,
        "Stage Info": {"Stage ID": stage},
    }


def ended(stage: int, cpu: float, shuffle: float) -> dict[str, object]:
    metrics = {
        "Executor CPU Time": cpu * 1e9,
        "Disk Bytes Spilled": 0,
        "Input Metrics": {"Bytes Read": 1e6},
        "Output Metrics": {"Bytes Written": 0},
        "Shuffle Write Metrics": {"Shuffle Bytes Written": shuffle * 1e6},
    }
    return {"Event": "SparkListenerTaskEnd", "Stage ID": stage, "Task Metrics": metrics}


def test_tasks_are_summed_by_step():
    events = [
        {"Event": "SparkListenerLogStart"},
        submitted(0, "journeys.touches"),
        ended(0, cpu=2, shuffle=3),
        submitted(1, "journeys.touches"),
        ended(1, cpu=1, shuffle=0),
        ended(1, cpu=1, shuffle=0),
        {"Event": "SparkListenerTaskEnd", "Stage ID": 1},  # failed before it measured anything
        submitted(2),
    ]
    found = costs(events)
    assert found == {
        "journeys.touches": Cost(stages=2, tasks=3, cpu=4, read=3, shuffle=3),
        "(small queries)": Cost(stages=1),
    }
    last = table(found, touches=1000).splitlines()[-1]
    assert last == "per touch: 4000.0 microseconds of CPU, 3000 bytes of shuffle"


def test_one_user_may_have_a_very_long_journey(tmp_path, monkeypatch):
    monkeypatch.setattr(spark_plan, "CACHE", tmp_path)
    sources = make_sources(2000, longest=500)
    touches = pl.read_parquet(sources["touchpoints"])
    assert len(touches) == 2000
    assert touches["user_id"].value_counts()["count"].max() == 500
    assert 20 < len(pl.read_parquet(sources["conversions"])) < 200
    assert make_sources(2000, longest=500) == sources
