"""The whole run on both engines: the same verdicts, credit, experiments and marts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lydite import pipeline, simulate
from lydite.api.arguments import open_engine
from lydite.engine import DuckDBEngine, SparkEngine
from lydite.errors import InputError
from lydite.evaluation import segment_results
from lydite.evaluation.comparison import TABLES
from lydite.models import choose, make_rule
from lydite.pipeline.marts import CREDIT_MARTS
from lydite.pipeline.on_spark import refuse_on_spark
from lydite.quality import drift
from lydite.results import read_comparison
from lydite.settings import DriftKind, parse_settings
from tests.helpers.both_engines import same
from tests.helpers.proposals import propose
from tests.helpers.shop import shop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lydite.models import Model
    from lydite.results import Comparison

    Engines = dict[str, DuckDBEngine | SparkEngine]


both = pytest.mark.parametrize("engine", ["duckdb", "spark"])


def rivals() -> list[Model]:
    """Return a model of each kind: a rule, and models fitted on channel sets, paths and times."""
    by_name = make_rule("email", "case when channel = 'email' then 2 else 1.0 / position end")
    names = ("last_touch", "time_decay_fitted", "markov_2", "additive_hazard")
    return choose([*names, by_name])


HOLDOUT = {
    "channel": "email", "hypothesis": "E-mail brings leads.", "outcome": "lead", "window": "21d",
    "smallest_effect": 0.2, "planned_users": 800,
}  # fmt: skip
EXPERIMENTS = {
    "email": HOLDOUT,
    "subject": HOLDOUT | {
        "varies": "message", "outcomes": ["click"], "arms": ["a", "b"], "control": "a",
    },
    "regions": {
        "channel": "video", "unit": "region", "outcome": "lead", "hypothesis": "Video sells.",
        "arms": {"control": ["north", "west"], "treated": ["south", "east"]},
        "start": "2025-02-24", "end": "2025-04-07",
    },
}  # fmt: skip


def world() -> dict[str, pl.DataFrame]:
    """Return a store with experiments, where users have another id before they are known."""
    made = simulate("storefront", users=1_500, seed=3, weeks=16)
    number = pl.col("user_id").str.slice(1).cast(pl.Int64)
    start = datetime(2025, 2, 24)
    known_at = start + timedelta(days=1) * (number % 50)
    rows = made.users.select("user_id", known_at.alias("seen_at")).filter(number % 3 == 0)
    anonymous = (number % 3 == 0) & (pl.col("touched_at") <= known_at)
    users = made.users.head(800).select(
        "user_id",
        pl.when(number % 2 == 0).then(1).otherwise(0).alias("arm"),
        (start + timedelta(minutes=1) * number).alias("assigned_at"),
    )
    arms = {"email": ["control", "treated"], "subject": ["a", "b"]}
    return {
        "touchpoints": made.touchpoints.with_columns(
            user_id=pl.when(anonymous).then("anonymous " + pl.col("user_id")).otherwise("user_id")
        ),
        "conversions": made.conversions.with_columns(pl.col("value").fill_null(40.0)),
        "spend": made.spend,
        "users": made.users,
        "identities": rows.select(
            ("anonymous " + pl.col("user_id")).alias("anonymous_id"), "user_id", "seen_at"
        ),
        "experiments": pl.concat(
            users.with_columns(
                pl.lit(name).alias("experiment"),
                pl.col("arm").replace_strict([0, 1], both, return_dtype=pl.String),
            )
            for name, both in arms.items()
        ),
    }


@pytest.fixture(scope="module")
def results(
    spark: SparkEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Comparison]]:
    """Run the project on both engines, from files and a table; yield the results by engine."""
    sources: dict[str, Any] = world()
    touches, folder = sources["touchpoints"], tmp_path_factory.mktemp("world")
    touches[:5_000].write_parquet(folder / "touches_1.parquet")
    touches[5_000:].write_parquet(folder / "touches_2.parquet")
    sources["touchpoints"] = str(folder / "touches_*.parquet")
    spark.store("lake.orders", sources["conversions"])
    on_spark = {**sources, "conversions": "lydite_lake.orders"}
    settings = parse_settings(
        {
            "sources": dict.fromkeys(sources, "frame"),
            "outcomes": {"lead": {}},
            "evaluation": {"lookback": "14d"},
            "experiments": EXPERIMENTS,
        },
        "settings",
    )
    refuse_on_spark(settings)
    with pytest.MonkeyPatch.context() as patch, SparkEngine(spark.session) as engine:
        patch.setattr(segment_results, "MIN_SEGMENT_CONVERSIONS", 5)
        found = {}
        for name, each, own in (
            ("duckdb", DuckDBEngine(threads=1), sources),
            ("spark", engine, on_spark),
        ):
            pipeline.run(each, own, settings, rivals=rivals())
            found[name] = read_comparison(each.local)
        yield found


def assert_same(one: pl.DataFrame, other: pl.DataFrame) -> None:
    times = [name for name in one.columns if name == "recorded_at"]
    assert_frame_equal(
        one.drop(times), other.drop(times), check_dtypes=False, rel_tol=1e-9, abs_tol=1e-9
    )


def test_the_result_equals_that_of_duckdb(spark, results):
    """Text, counts and verdicts are equal, and floats to nine digits."""
    one, other = results["duckdb"], results["spark"]
    assert other.outcomes == one.outcomes
    assert other.quarantined == one.quarantined
    assert other.verdict() == one.verdict()
    for name in (*pipeline.MARTS, *TABLES):
        mart = other.marts[name]
        assert_same(one.marts[name], mart)
        written = spark.session.table(f"lydite_mart.{name}")  # on Spark
        assert (written.columns, written.count()) == (mart.columns, mart.height)
    on_driver = {name: (one.marts[name], other.marts[name]) for name in pipeline.LOOKBACK_MARTS}
    on_driver["touch_credit"] = one.touch_credit, other.touch_credit
    for left, right in on_driver.values():
        assert left.height > 0
        assert_same(left, right)
    assert one.marts["channel_credit"].height > 30
    assert one.marts["model_comparison"]["segment"].n_unique() > 3


#: What follows from experiments, and how many rows it has at least.
OF_EXPERIMENTS = {
    "experiments": 4, "experiment_checks": 20, "experiment_agreement": 5,
    "experiment_hypotheses": 5, "registered_predictions": 5, "experiment_pairs": 0,
    "experiment_verdicts": 5, "calibrated_credit": 10, "experiment_predictions": 5,
    "experiment_prediction_summary": 5, "next_experiments": 3,
}  # fmt: skip


@pytest.mark.parametrize("mart", OF_EXPERIMENTS)
def test_what_follows_from_experiments_equals_that_of_duckdb(results, mart):
    one, other = (results[engine].marts[mart] for engine in ("duckdb", "spark"))
    assert_same(one, other)
    assert one.height >= OF_EXPERIMENTS[mart]


def test_experiments_by_account_are_those_of_duckdb(spark):
    with DuckDBEngine() as engine, SparkEngine(spark.session, prefix="accounts_") as other:
        for one, two in zip(propose(engine), propose(other), strict=True):
            assert_frame_equal(one, two)


@both
def test_all_rows_of_files_and_tables_are_read(results, engine):
    quality = results[engine].marts["data_quality"]
    read = quality.filter(pl.col("rows") > 0).group_by("table_name").agg(pl.col("rows").sum())
    assert dict(read.iter_rows()) == {name: len(rows) for name, rows in world().items()}


@both
def test_touches_of_another_id_earn_credit_after_ids_are_joined(results, engine):
    """A conversion of a known user has touches from before on its path."""
    pairs = world()["identities"].select("user_id", "seen_at")
    credit = results[engine].touch_credit
    persons = credit.with_columns(pl.col("user_id").str.split("\x1f").list.first())
    joined = persons.join(pairs, on="user_id").filter(pl.col("touched_at") < pl.col("seen_at"))
    assert joined.height > 10
    assert (joined["converted_at"] >= joined["seen_at"]).all()
    assert not credit["user_id"].str.starts_with("anonymous").any()


@both
def test_experiments_are_read(results, engine):
    marts = results[engine].marts
    read = marts["experiments"].filter(experiment="email", outcome="lead", metric="rate")
    assert read["users"].to_list() == [400, 400]
    assert read["may_read"].unique().to_list() == ["fixed"]
    clicks = marts["experiments"].filter(experiment="subject", outcome="click")
    assert (clicks["mean"] > 0).all()
    agreement = marts["experiment_agreement"]
    assert set(agreement["model"]) == {model.name for model in rivals()}
    assert agreement["measured"].n_unique() == 1


def test_a_rule_with_another_meaning_on_spark_is_an_error_before_the_run(spark):
    odd = make_rule("odd", "case when regexp_matches(channel, 'e$') then 1 else 2 end")
    with SparkEngine(spark.session, prefix="odd_") as engine:
        engine.create("journeys.channels", "select 0 as channel_key, 'tv' as channel")
        with pytest.raises(InputError, match="'odd' cannot run on this engine"):
            pipeline.usable_models(engine, [odd], required=True)


def test_a_spark_frame_is_processed_in_its_session(spark):
    with open_engine({"touchpoints": spark.session.range(1)}) as engine:
        assert engine.session is spark.session
    with open_engine({"touchpoints": "touchpoints.parquet"}) as engine:
        assert engine.local is engine


# --- what projects use ----------------------------------------------------------------------------


def shop_in_two_currencies(folder):
    """Return sources and settings: names of channels, rules, currencies, outcomes, accounts."""
    frames = {name: pl.from_pandas(frame) for name, frame in shop().items()}
    orders = frames["conversions"]
    currency = pl.Series("currency", ["EUR", "USD"] * (orders.height // 2))
    small = pl.when(pl.col("value") < 50).then(pl.lit("small")).otherwise(pl.lit("conversion"))
    frames["conversions"] = orders.with_columns(currency, outcome=small)
    touches = frames["touchpoints"]
    kinds = pl.Series("interaction", ["click", "view", None, "Ad Impression"] * 1_000)
    frames["touchpoints"] = touches.with_columns(kinds[: touches.height])
    number = pl.col("user_id").str.slice(1).cast(pl.Int64)
    account = pl.when(number % 5 == 0).then(number // 50)
    frames["users"] = frames["users"].with_columns(account_id=account)
    (folder / "rates.csv").write_text("date,currency,rate\n2025-12-01,USD,0.5\n")
    return frames, {
        "currency": {"reporting": "EUR", "rates": str(folder / "rates.csv")},
        "channels": {"direct": ["Mail"]},
        "quality": {
            "keep_duplicates": True,
            "rules": {"near_duplicates": {"severity": "set_aside", "threshold": 5}},
        },
        "outcomes": {
            "conversion": {
                "first_only": True, "after_conversion": "restart", "delivery_delay": "2d",
            },
            "small": {
                "lookback_by_interaction": {"impression": "3d"}, "click_priority": True,
                "exclude_channels": ["social"], "merge_channels": {"Search": ["mail"]},
            },
        },
        "timezone": "America/New_York",
        "people": {"unit": "account"},
        "evaluation": {"cluster": "region", "lookback": "9d"},
    }  # fmt: skip


@pytest.fixture(scope="module")
def shops(spark: SparkEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """Attribute the conversions of the shop on both engines; yield the engines."""
    frames, values = shop_in_two_currencies(tmp_path_factory.mktemp("shop"))
    settings = parse_settings({"sources": dict.fromkeys(frames, "frame"), **values}, "settings")
    refuse_on_spark(settings)
    with DuckDBEngine(threads=1) as one, SparkEngine(spark.session) as other:
        for engine in (one, other):
            WARNINGS[type(engine)] = pipeline.attribute(
                engine, frames, settings, rivals=choose(["linear", "markov_1"]), intervals=False
            )
        yield {"duckdb": one, "spark": other}


#: The warnings about the shop, by the type of the engine.
WARNINGS: dict[type, list[tuple[str, str]]] = {}


def test_the_shop_is_the_same_on_both_engines(shops):
    one, other = shops.values()
    assert WARNINGS[type(one)] == WARNINGS[type(other)]
    for table in ("channels", "touches", "conversions", "path_events", "path_members"):
        same(one, other, f"from journeys.{table}")
    same(one, other, "select outcome, sum(value) from inputs.conversions group by outcome")
    same(one, other, "select count(*) from quarantine.touchpoints")
    same(one.local, other.local, "from inputs.report")
    for mart in CREDIT_MARTS:
        same(one.local, other.local, f"from mart.{mart}")
    assert one.scalar("select count(*) from journeys.path_events") > 100
    assert one.scalar("select count(*) from journeys.path_members") > 100


@pytest.mark.parametrize("kind", get_args(DriftKind))
def test_drift_is_the_same_on_both_engines(shops, kind):
    one, other = (drift.find_drift(engine, kind) for engine in shops.values())
    assert one == other
    assert one or kind in {"channels", "conversion_rate", "unattributed"}


@both
def test_channels_of_one_outcome_are_left_out_and_merged(shops, engine):
    sql = "select distinct outcome, channel from journeys.path_touches order by all"
    found = shops[engine].rows(sql.replace("all", "outcome, channel"))
    assert found == [
        ("conversion", "Mail"), ("conversion", "Search"), ("conversion", "Social"),
        ("small", "Search"),
    ]  # fmt: skip


@both
def test_a_view_before_a_click_is_on_no_path_with_the_click(shops, engine):
    mixed = shops[engine].rows(
        "select count(*) from (select count(distinct case when interaction in"
        " ('view', 'Ad Impression') then 'view' else 'click' end) as kinds"
        " from journeys.path_touches where outcome = 'small'"
        " group by user_key, happened_at, event_touch) as paths where kinds > 1"
    )
    assert mixed == [(0,)]


@both
def test_accounts_have_the_journeys_of_their_users(shops, engine):
    accounts = "select count(*) from journeys.users where starts_with(user_id, 'account')"
    assert shops[engine].scalar(accounts) == 24


@both
def test_days_are_those_of_the_time_zone(shops, engine):
    """Five hours after midnight in New York is ten o'clock in UTC, or nine in summer."""
    first = shops[engine].scalar("select min(touched_at) from journeys.touches")
    local = shop()["touchpoints"]["touched_at"].min()
    assert first - local == timedelta(hours=5)
