"""The record of runs."""

from __future__ import annotations

import json

from lydite.pipeline import record_run
from lydite.settings import EvaluationSettings


def test_a_run_is_recorded_with_what_its_figures_depend_on(engine, sources):
    record_run(engine, EvaluationSettings(alpha=0.1), "first")
    record_run(engine, EvaluationSettings(), "second")
    record_run(engine, EvaluationSettings(), "second")
    rows = engine.frame("from evaluation.runs order by finished_at").to_dicts()
    assert [row["run_id"] for row in rows] == ["first", "second"]
    row = rows[0]
    assert row["alpha"] == json.loads(row["settings"])["alpha"] == 0.1
    assert json.loads(row["lookbacks"]) == {"conversion": "7d"}
    assert row["touchpoints"] == len(sources["touchpoints"])
    assert row["conversions"] == len(sources["conversions"])
    assert row["first_touch"] == sources["touchpoints"]["touched_at"].min()
    assert row["last_touch"] == sources["touchpoints"]["touched_at"].max()
