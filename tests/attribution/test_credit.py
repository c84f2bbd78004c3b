"""Tests of attribution: credit sums to the conversions, intervals, and costs."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from lydite import attribution, journeys
from lydite.attribution import converted_paths, touch_credit
from lydite.attribution.converted_paths import FOREVER, converted_path_tables, load_paths
from lydite.attribution.fits import fit_models
from lydite.decisions.champions import CHAMPIONS
from lydite.decisions.champions import TABLE as CHAMPIONS_TABLE
from lydite.engine import DuckDBEngine
from lydite.evaluation.sample import build_sample, load_sample
from lydite.models import Rule, make_model, make_models
from lydite.pipeline.costs import write_cost_shares
from tests.helpers.input_tables import make_inputs

START = datetime(2025, 1, 1)
MODELS = [
    *make_models(),
    # Custom rules may use the channel.
    Rule("mine", "mail counts twice", "case when channel = 'mail' then 2 else 1 end"),
    Rule("nothing", "no touch at all", "0"),
    Rule("unknown", "what is not known", "case when campaign = 'spring' then 1 end"),
]

#: Models whose credit is not in the range over the models that stand.
REFUTED = [("lead", "mine"), ("lead", "first_touch"), ("purchase", "last_touch")]


def refuted() -> pl.DataFrame:
    return pl.DataFrame(REFUTED, ["outcome", "model"], orient="row")


@pytest.fixture(scope="module")
def engine():
    rng = np.random.default_rng(5)
    names = ["search", "direct", "mail", "social"]
    touches = [
        (f"u{u}", START + timedelta(hours=float(h)), str(rng.choice(names)),
         str(rng.choice(["spring", "autumn"])) if rng.random() < 0.6 else None, None,
         float(rng.integers(1, 5)) if rng.random() < 0.8 else None)
        for u in range(200)
        for h in rng.uniform(0, 24 * 90, rng.integers(1, 9))
    ]  # fmt: skip
    conversions = [
        (f"u{u}", START + timedelta(hours=float(h)), outcome, value, f"{u} {h} {outcome}")
        for u in range(0, 230, 2)
        for h in rng.uniform(0, 24 * 90, rng.integers(1, 3))
        for outcome, value in [("lead", None), ("purchase", float(rng.integers(10, 99)))]
    ]
    # Two simultaneous orders share their path.
    conversions.append((*conversions[1][:3], 5.0, "again"))
    spend = [(date(2025, 1, 1 + d), "mail", None, 10.0) for d in range(9)]
    spend.append((date(2025, 1, 1), "radio", None, 70.0))
    with DuckDBEngine() as engine:
        make_inputs(engine, touches, conversions, spend)
        journeys.build_touches(engine)
        lookbacks = {"lead": timedelta(days=30), "purchase": timedelta(days=7)}
        journeys.build_path_events_and_conversions(engine, lookbacks)
        attribution.reset_credit_tables(engine)
        channels = attribution.channel_names(engine)
        for outcome, lookback in lookbacks.items():
            mature = START + timedelta(days=90) - lookback
            build_sample(engine, outcome, mature)
            landmarks = load_sample(engine, outcome, channels, MODELS)
            attribution.attribute_outcome(engine, outcome, MODELS, landmarks, seed=3)
        engine.store("evaluation.refuted", refuted())
        engine.store(CHAMPIONS_TABLE, pl.DataFrame(schema=CHAMPIONS))
        write_cost_shares(engine, {})
        engine.create("mart.channel_credit", "marts/channel_credit")
        engine.create("mart.credit_daily", "marts/credit_daily")
        journeys.build_ended_paths(engine)
        engine.create("mart.top_paths", "marts/top_paths")
        yield engine


def test_the_range_of_credit_is_over_the_models_that_are_not_refuted(engine):
    credit = engine.frame("from mart.channel_credit")
    key = ["outcome", "channel"]
    standing = credit.join(refuted(), on=["outcome", "model"], how="anti").group_by(key)
    ranges = standing.agg(low=pl.col("conversions").min(), high=pl.col("conversions").max())
    found = credit.join(ranges, on=key)
    assert len(found) == len(credit)
    assert found["standing_low"].equals(found["low"])
    assert found["standing_high"].equals(found["high"])
    assert not credit["conversions"].is_between(found["low"], found["high"]).all()


def test_the_credit_of_a_conversion_sums_to_one(engine):
    sums = ", ".join(f'sum("{m.name}")' for m in MODELS)
    rows = engine.rows(
        f"select {sums} from credit.touch_credit group by outcome, user_key, conversion"
    )
    np.testing.assert_allclose(np.array(rows), 1, atol=1e-12)
    divided = engine.rows(
        "select count(distinct (outcome, user_key, conversion)) from credit.touch_credit"
        " union all select count(*) from journeys.conversions where path_length > 0"
    )
    assert divided[0] == divided[1]
    assert divided[0][0] > 100


def test_credit_of_touches_equals_touch_credit(engine):
    paths = engine.frame(
        "select conversions.conversion_key as path, conversions.conversion, path_touches.*"
        " from journeys.path_touches inner join journeys.conversions"
        " on path_touches.outcome = conversions.outcome"
        " and path_touches.user_key = conversions.user_key"
        " and path_touches.happened_at = conversions.converted_at"
        " where path_touches.is_conversion and path_touches.outcome = 'lead'"
        " order by user_key, conversion, touch"
    )
    credit = engine.frame(
        "select * from credit.touch_credit where outcome = 'lead'"
        " order by user_key, conversion, touch"
    )
    assert len(paths) == len(credit)
    landmarks = load_sample(engine, "lead", attribution.channel_names(engine), MODELS)
    for model in MODELS:
        if model.learns:
            model.fit_credit(model.sufficient_statistics(landmarks, 256), np.ones(256))
            model.channels_ = landmarks.channels
        np.testing.assert_allclose(
            touch_credit(model, paths), credit[model.name].to_numpy(), atol=1e-7, err_msg=model.name
        )


def test_intervals_contain_the_credit(engine):
    rows = engine.frame("from mart.channel_credit where conversions > 0")
    for figure in ("conversions", "value", "share", "cpa", "roas"):
        known = rows.drop_nulls([figure, f"{figure}_low", f"{figure}_high"])
        low, mid, high = (known[f"{figure}{end}"].to_numpy() for end in ("_low", "", "_high"))
        assert (low <= high).all()
        assert (low < high).mean() > 0.9
        assert ((low <= mid) & (mid <= high)).all(), figure


def test_intervals_of_a_rule_have_the_width_of_resampled_buckets(engine):
    rows = engine.frame(
        "select bucket, channel_key, conversions from credit.statistics"
        " where model = 'linear' and outcome = 'lead'"
    )
    table = np.zeros((256, len(attribution.channel_names(engine))))
    np.add.at(table, (rows["bucket"].to_numpy(), rows["channel_key"].to_numpy()),
              rows["conversions"].to_numpy())  # fmt: skip
    deviation = np.sqrt(((table - table.mean(axis=0)) ** 2).sum(axis=0))
    shown = dict(
        engine.rows(
            "select channel, conversions_high - conversions_low from credit.intervals"
            " where model = 'linear' and outcome = 'lead'"
        )
    )
    for channel, spread in zip(attribution.channel_names(engine), deviation, strict=True):
        assert shown[channel] == pytest.approx(2 * 1.96 * spread, rel=0.3)


def test_replicates_by_channel_set_equal_replicates_by_path(engine):
    channels = tuple(attribution.channel_names(engine))
    landmarks = load_sample(engine, "purchase", channels, MODELS)
    drawn = attribution.draw_buckets(256, 1, 12)
    with converted_path_tables(engine, "purchase", len(channels)):
        found = fit_models(engine, MODELS, landmarks, drawn).replicates
        assert sorted(found) == sorted(model.name for model in MODELS if model.learns)
        for name, compact in found.items():
            model = make_model(name)
            paths = load_paths(engine, channels, model)
            statistics = model.sufficient_statistics(landmarks, 256)
            model.fit_credit(statistics, np.ones(256))
            whole = attribution.credit_replicates(
                model, statistics, model.encode_paths(paths), paths, drawn
            )
            for figure in ("conversions", "value"):
                one, two = (getattr(own, figure) for own in (compact, whole))
                np.testing.assert_allclose(one, two, rtol=1e-7, atol=1e-6, err_msg=name)


def test_above_the_path_limit_some_buckets_represent_all(engine, monkeypatch):
    channels = tuple(attribution.channel_names(engine))
    [model] = [model for model in MODELS if model.name == "additive_hazard"]
    landmarks = load_sample(engine, "lead", channels, [model])
    drawn = attribution.draw_buckets(256, 1, 40)
    with converted_path_tables(engine, "lead", len(channels)):
        whole = fit_models(engine, [model], landmarks, drawn).replicates[model.name]
        most = engine.scalar("select count(distinct conversion_key) from credit.paths") // 2
        monkeypatch.setattr(converted_paths, "MAX_PATHS", most)
        buckets = converted_paths.buckets_within_limit(engine, FOREVER)
        paths = load_paths(engine, channels, model, buckets)
        some = fit_models(engine, [model], landmarks, drawn).replicates[model.name]
    assert 80 < buckets < 180
    assert most * 0.9 < len(paths) <= most
    assert paths.unit.max() < buckets
    one, two = (own.conversions.sum(axis=1) for own in (whole, some))
    assert two.mean() == pytest.approx(one.mean(), rel=0.15)
    assert 1.1 < two.std() / one.std() < 2.2  # half of the users: wider by the root of two


def test_unattributed_conversions_have_an_interval_and_no_share(engine):
    rows = engine.frame("from mart.channel_credit where channel = '(unattributed)'")
    assert rows["share_low"].null_count() == len(rows)
    assert (rows["conversions_low"] <= rows["conversions"]).all()
    assert (rows["conversions"] <= rows["conversions_high"]).all()


@pytest.mark.parametrize("table", ["statistics", "daily"])
def test_credit_sums_to_the_conversions_of_each_outcome(engine, table):
    attributed = engine.rows(
        "select outcome, count(*) filter (path_length > 0), sum(value) filter (path_length > 0)"
        " from journeys.conversions group by outcome order by outcome"
    )
    for model in MODELS:
        sums = engine.rows(
            f"select outcome, sum(conversions), sum(value) from credit.{table}"
            " where model = $model group by outcome order by outcome",
            {"model": model.name},
        )
        for (outcome, n, value), (own, credited, worth) in zip(attributed, sums, strict=True):
            assert own == outcome
            assert credited == pytest.approx(n, abs=1e-9)
            assert worth == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize("mart", ["channel_credit", "credit_daily"])
def test_with_unattributed_conversions_a_mart_sums_to_all_conversions(engine, mart):
    conversions = dict(
        engine.rows("select outcome, count(*) from journeys.conversions group by outcome")
    )
    unattributed = dict(
        engine.rows(
            "select outcome, count(*) from journeys.conversions where path_length = 0"
            " group by outcome"
        )
    )
    assert min(unattributed.values()) > 0
    sums = engine.rows(
        "select outcome, model, sum(conversions),"
        " sum(conversions) filter (channel = '(unattributed)')"
        f" from mart.{mart} group by outcome, model"
    )
    assert len(sums) == 2 * len(MODELS)
    # The rows of marts are rounded to 9 digits.
    for outcome, _, total, without_path in sums:
        assert total == pytest.approx(conversions[outcome], abs=1e-6)
        assert without_path == unattributed[outcome]


def test_shares_of_attributed_conversions_sum_to_one(engine):
    for (share,) in engine.rows(
        "select sum(share) from mart.channel_credit where channel != '(unattributed)'"
        " group by outcome, model"
    ):
        assert share == pytest.approx(1)


def test_value_is_unknown_where_no_conversion_has_one(engine):
    for mart, columns in {
        "channel_credit": ("value", "value_low", "value_high", "roas", "roas_low", "roas_high"),
        "credit_daily": ("value",),
        "top_paths": ("value",),
    }.items():
        rows = engine.frame(f"from mart.{mart}")
        for column in columns:
            known = rows[column].is_not_null()
            assert not (known & (rows["outcome"] == "lead")).any(), (mart, column)
            assert (known & (rows["outcome"] == "purchase")).any(), (mart, column)
    values = engine.frame("from mart.channel_credit where outcome = 'purchase'")
    assert values.select("value", "value_low", "value_high").null_count().row(0) == (0, 0, 0)


def test_cost_comes_from_spend_or_else_from_touches(engine):
    cost = dict(
        engine.rows(
            "select channel, cost from mart.channel_credit where model = 'linear'"
            " and outcome = 'lead'"
        )
    )
    touches = dict(
        engine.rows("select channel, sum(cost) from inputs.touchpoints group by channel")
    )
    assert touches["mail"] > 0
    assert cost["mail"] == 90
    assert cost["search"] == pytest.approx(touches["search"])
    # A channel with cost and without touches has no credit, but its cost.
    assert cost["radio"] == 70
    assert cost["(unattributed)"] is None
    row = engine.frame(
        "select * from mart.channel_credit where model = 'linear' and outcome = 'purchase'"
        " and channel = 'mail'"
    ).row(0, named=True)
    assert row["cpa"] == pytest.approx(90 / row["conversions"])
    assert row["roas"] == pytest.approx(row["value"] / 90)


def test_removal_effects_are_stored_by_outcome(engine):
    chains = sum(model.name.startswith("markov") for model in MODELS)
    found = engine.rows("select count(*), count(distinct outcome) from credit.removal_effects")
    assert found == [(2 * chains * 4, 2)]


def test_attribution_without_mature_landmarks():
    with DuckDBEngine() as engine:
        make_inputs(
            engine,
            [("u", START, "direct"), ("u", START + timedelta(hours=1), "direct")],
            [("u", START + timedelta(hours=2)), ("v", START)],
        )
        journeys.build_touches(engine)
        journeys.build_path_events_and_conversions(engine, {"conversion": timedelta(days=1)})
        models = make_models(["last_non_direct", "linear"])
        attribution.reset_credit_tables(engine)
        build_sample(engine, "conversion", START - timedelta(days=1))
        landmarks = load_sample(engine, "conversion", ["direct"], models)
        assert len(landmarks) == 0
        attribution.attribute_outcome(engine, "conversion", models, landmarks)
        rows = engine.rows("select last_non_direct, linear from credit.touch_credit order by touch")
        assert rows == [(0, 0.5), (1, 0.5)]
        every = make_models()
        attribution.reset_credit_tables(engine)
        build_sample(engine, "conversion", START - timedelta(days=1))
        landmarks = load_sample(engine, "conversion", ["direct"], every)
        attribution.attribute_outcome(engine, "conversion", every, landmarks)
        [(total,)] = engine.rows("select sum(conversions) from credit.statistics")
        assert total == pytest.approx(len(every))
