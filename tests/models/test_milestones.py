"""`w_shaped` with a milestone: an outcome of an earlier stage."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.evaluation.sample import load_sample
from lydite.models import make_model, make_models, with_milestone
from lydite.settings import parse_settings
from lydite.simulation import simulate


def day(number: float) -> datetime:
    return datetime(2026, 1, 1) + timedelta(days=number)


def settings_of(milestone: str | None) -> Any:
    return parse_settings(
        {
            "sources": {"touchpoints": "-", "conversions": "-"},
            "outcomes": {"deal": {} if milestone is None else {"milestone": milestone}},
        },
        "lydite.toml",
    )


def credit_of(
    channels: str, events: list[tuple[float, str]], milestone: str | None = "lead"
) -> dict[str, float]:
    """Return the credit of a deal by channel; one touch a day, from day 1 on."""
    touches = pl.DataFrame(
        [("ann", day(n), name) for n, name in enumerate(channels, 1)]
        + [("bob", day(1), name) for name in channels],
        schema=["user_id", "touched_at", "channel"],
        orient="row",
    )
    conversions = pl.DataFrame(
        [("ann", day(at), outcome) for at, outcome in events] + [("cid", day(1), "lead")],
        schema=["user_id", "converted_at", "outcome"],
        orient="row",
    )
    tables = {"touchpoints": touches, "conversions": conversions}
    with DuckDBEngine() as engine:
        models = make_models(["w_shaped"])
        pipeline.attribute(engine, tables, settings_of(milestone), rivals=models, intervals=False)
        rows = engine.rows("select channel, conversions from mart.channel_credit")
    return {name: value for name, value in rows if value and len(name) == 1}


@pytest.mark.parametrize(
    ("channels", "events", "expected"),
    [
        # The touch before the lead; others share a tenth.
        ("abcdef", [(2.5, "lead"), (7, "deal")],
         {"a": 0.3, "b": 0.3, "f": 0.3, "c": 1 / 30, "d": 1 / 30, "e": 1 / 30}),
        ("abcde", [(4, "lead"), (7, "deal")],
         {"a": 0.3, "d": 0.3, "e": 0.3, "b": 0.05, "c": 0.05}),
        # The latest lead on the path.
        ("abcde", [(2.5, "lead"), (4.5, "lead"), (7, "deal")],
         {"a": 0.3, "d": 0.3, "e": 0.3, "b": 0.05, "c": 0.05}),
        # The milestone is at the first or the last touch.
        ("abcd", [(1.5, "lead"), (7, "deal")], {"a": 0.6, "d": 0.3, "b": 0.05, "c": 0.05}),
        ("abcd", [(5, "lead"), (7, "deal")], {"a": 0.3, "d": 0.6, "b": 0.05, "c": 0.05}),
        ("ab", [(1.5, "lead"), (7, "deal")], {"a": 2 / 3, "b": 1 / 3}),
        ("a", [(1.5, "lead"), (7, "deal")], {"a": 1}),
        # Without a lead, or with one after the deal, the middle touch.
        ("abcde", [(7, "deal")], {"a": 0.3, "c": 0.3, "e": 0.3, "b": 0.05, "d": 0.05}),
        ("abcde", [(7, "deal"), (8, "lead")],
         {"a": 0.3, "c": 0.3, "e": 0.3, "b": 0.05, "d": 0.05}),
        ("ab", [(7, "deal")], {"a": 0.5, "b": 0.5}),
        ("abc", [(7, "deal")], {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}),
    ],
)  # fmt: skip
def test_the_touch_before_the_milestone_takes_the_place_of_the_middle_one(
    channels, events, expected
):
    total = sum(expected.values())
    found = credit_of(channels, events)
    assert found == pytest.approx({name: part / total for name, part in expected.items()})


def test_without_a_milestone_in_the_settings_the_middle_touch_counts():
    events = [(2.5, "lead"), (7, "deal")]
    found = credit_of("abcde", events, None)
    assert found == pytest.approx({"a": 0.3, "c": 0.3, "e": 0.3, "b": 0.05, "d": 0.05})


def test_only_w_shaped_with_a_milestone_has_another_fingerprint():
    models = make_models()
    prints = {model.name: model.fingerprint for model in models}
    assert {m.name: m.fingerprint for m in with_milestone(models, None)} == prints
    leads = {m.name: m.fingerprint for m in with_milestone(models, "lead")}
    assert [name for name in prints if leads[name] != prints[name]] == ["w_shaped"]
    other = with_milestone([make_model("w_shaped")], "trial")[0]
    assert other.fingerprint not in {leads["w_shaped"], prints["w_shaped"]}


@pytest.mark.parametrize("milestone", ["leads", "deal"])
def test_a_milestone_is_another_outcome(milestone):
    with pytest.raises(InputError, match=rf"outcomes\.deal\.milestone = '{milestone}'.*hold: lead"):
        credit_of("ab", [(2.5, "lead"), (7, "deal")], milestone)


def test_at_a_landmark_only_milestones_before_it_are_known():
    touches = pl.DataFrame(
        [("ann", day(n), name) for n, name in enumerate("abcd", 1)],
        schema=["user_id", "touched_at", "channel"],
        orient="row",
    )
    conversions = pl.DataFrame(
        [("ann", day(2.5), "lead"), ("ann", day(9), "deal"), ("bob", day(60), "deal")],
        schema=["user_id", "converted_at", "outcome"],
        orient="row",
    )
    tables = {"touchpoints": touches, "conversions": conversions}
    settings = settings_of("lead")
    with DuckDBEngine() as engine:
        pipeline.load_inputs(engine, tables)
        pipeline.build_journeys(
            engine,
            settings.lookbacks(["deal"]),
            "week",
            settings.path_options(["deal"]),
        )
        engine.run("update evaluation.outcomes set sampled_until = timestamp '2026-03-01'")
        pipeline.build_samples(engine, 1_000_000)
        [model] = with_milestone([make_model("w_shaped")], "lead")
        landmarks = load_sample(engine, "deal", list("abcd"), [model])
    on_path = landmarks.landmark_paths.path_channels(["w_shaped"])
    weights = on_path.matrix(on_path.weights["w_shaped"], 4, 4).toarray()
    assert weights[0].tolist() == [1, 0, 0, 0]
    # At the second touch the lead is not known yet.
    assert weights[1].tolist() == [1, 1, 0, 0]
    assert weights[2] == pytest.approx([0.3, 0.3, 0.3, 0])
    assert weights[3] == pytest.approx([0.3, 0.3, 0.1, 0.3])


def test_models_are_compared_with_a_milestone():
    world = simulate("w_shaped", users=2500, seed=3, weeks=20)
    deals = world.conversions.with_columns(outcome=pl.lit("deal"))
    leads = world.touchpoints.filter(pl.col("channel") == "email").select(
        "user_id", converted_at=pl.col("touched_at") + timedelta(seconds=30)
    )
    leads = leads.with_columns(outcome=pl.lit("lead"), value=None, conversion_id=None)
    tables = {
        "touchpoints": world.touchpoints,
        "conversions": pl.concat([deals, leads.select(deals.columns)], how="vertical_relaxed"),
    }
    with DuckDBEngine() as engine:
        models = make_models(["w_shaped", "linear"])
        pipeline.run(engine, tables, settings_of("lead"), rivals=models)
        rows = engine.rows(
            "select model, verdict, claim from evaluation.model_comparison"
            " where model = 'w_shaped' and segment = 'all'"
        )
        [(_, verdict, claim)] = rows
    assert verdict
    assert "'lead'" in claim
