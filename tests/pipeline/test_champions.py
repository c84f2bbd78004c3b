"""The step that records what was decided and tested, in a warehouse that is kept."""

from __future__ import annotations

import pytest

from lydite import pipeline
from lydite.decisions import promote
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.models import make_models, make_rule
from lydite.results import read_comparison
from lydite.settings import make_settings
from lydite.simulation import simulate


def run(folder, sources, models, *, full=False):
    """Run the steps as the pipeline does, and return the comparison."""
    settings = make_settings(lookback="7d")
    with DuckDBEngine(folder / "warehouse.duckdb", threads=1) as engine:
        if full:
            engine.run("drop schema journeys cascade")
        pipeline.run(engine, sources, settings, rivals=models, decisions=folder / "decisions.jsonl")
        return read_comparison(engine)


@pytest.fixture(scope="module")
def sources():
    world = simulate("first_touch", users=3000, seed=1, weeks=16)
    return {"touchpoints": world.touchpoints, "conversions": world.conversions}


def test_decisions_survive_a_rebuild_and_refuted_models_are_kept_and_named(tmp_path, sources):
    log = tmp_path / "decisions.jsonl"
    odd = make_rule("odd", "case when position = path_length then 1 else 0 end", "only the last")
    models = [*make_models(["first_touch", "last_touch"]), odd]
    first = run(tmp_path, sources, models)
    verdicts = dict(first.table.select("model", "verdict").rows())
    assert verdicts["last_touch"] == verdicts["odd"] == "refuted"
    [champion] = first.marts["champions"].to_dicts()
    assert (champion["model"], champion["is_refuted"]) == ("last_touch", True)
    assert champion["challenger"] == "first_touch"
    credit = first.credit
    assert set(credit.filter(credit["is_champion"])["model"]) == {"last_touch"}
    promote(log, first.marts, "first_touch", "conversion", reason="it leads", by="ann")

    again = make_rule("again", "case when (position) = PATH_LENGTH then 1 else 0 end")
    second = run(tmp_path, sources, [*models[:2], again], full=True)
    [champion] = second.marts["champions"].to_dicts()
    assert (champion["model"], champion["decided_by"]) == ("first_touch", "ann")
    assert (champion["is_refuted"], champion["challenger"]) == (False, None)
    credit = second.credit
    assert set(credit.filter(credit["is_champion"])["model"]) == {"first_touch"}
    assert second.marts["decisions"]["reason"].to_list() == ["it leads"]
    kept = {row["model"]: row for row in second.marts["hypotheses"].to_dicts()}
    assert kept["odd"]["verdict"] == "refuted"
    assert kept["odd"]["refuted_by"] == "first_touch"
    assert [kept[name]["is_compared"] for name in ("odd", "again")] == [False, True]
    texts = second.warnings.filter(kind="tested_before")["text"].to_list()
    assert any(text.startswith("again has the same rule as odd, which first_touch refuted in the")
               for text in texts)  # fmt: skip
    events = second.marts["timeline"].select("event", "model").rows()
    for event in (("hypothesis", "odd"), ("refuted", "odd"), ("withdrawn", "odd"),
                  ("champion_refuted", "last_touch"), ("challenger", "first_touch"),
                  ("decision", "first_touch")):  # fmt: skip
        assert event in events
    assert events.index(("hypothesis", "odd")) < events.index(("refuted", "odd"))

    log.write_text(log.read_text().replace("it leads", "it lead"))
    with pytest.raises(InputError, match="line 1 was changed"):
        run(tmp_path, sources, models)
    log.unlink()
    with pytest.raises(InputError, match="no longer holds decision 1"):
        run(tmp_path, sources, models)


def test_outside_of_a_project_there_are_no_decisions(engine):
    models = make_models(["first_touch", "last_touch"])
    pipeline.backtest_models(engine, models, seed=0)
    evaluation = make_settings(lookback="7d").evaluation
    pipeline.compare_models(engine, models, evaluation)
    pipeline.record_decisions(engine, None)
    pipeline.record_decisions(engine, None)
    assert engine.scalar("select count(*) from decisions.log") == 0
    assert engine.rows("select model, status from evaluation.champions") == [
        ("last_touch", "in use until somebody decides")
    ]
    assert engine.scalar("select count(*) from decisions.verdicts") == len(models)
