"""Channels that are left out or merged on the paths of one outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.journeys.incremental import build_journeys, refresh
from lydite.journeys.people import count_persons_sql
from lydite.models import make_models
from lydite.settings import parse_settings
from lydite.simulation import simulate

if TYPE_CHECKING:
    from lydite.settings import Settings

WORLD = simulate("linear", users=1500, seed=4, weeks=16)
SALES = WORLD.conversions.with_columns(outcome=pl.lit("sale"))
BOTH = pl.concat([SALES, SALES.with_columns(outcome=pl.lit("other"))])
MODELS = ["linear", "markov_2", "shapley", "time_decay", "last_touch"]
CHANNELS = sorted(WORLD.touchpoints["channel"].unique())
FIRST, SECOND, THIRD = CHANNELS[:3]


def settings_of(**sale: Any) -> Settings:
    return parse_settings(
        {
            "sources": {"touchpoints": "-", "conversions": "-"},
            "outcomes": {"sale": sale, "other": {}},
            "evaluation": {"lookback": "14d"},
        },
        "lydite.toml",
    )


def run(
    touchpoints: pl.DataFrame = WORLD.touchpoints,
    spend: pl.DataFrame = WORLD.spend,
    **sale: Any,
) -> dict[str, pl.DataFrame]:
    """Return marts of the outcomes, and the warnings."""
    tables = {"touchpoints": touchpoints, "conversions": BOTH, "spend": spend}
    names = ["channel_credit", "top_paths", "paths", "model_comparison", "warnings"]
    with DuckDBEngine() as engine:
        pipeline.run(engine, tables, settings_of(**sale), rivals=make_models(MODELS))
        return {name: engine.frame(f"from mart.{name}") for name in names}


@pytest.fixture(scope="module")
def plain() -> dict[str, pl.DataFrame]:
    return run()


def of(marts: dict[str, pl.DataFrame], outcome: str, name: str) -> pl.DataFrame:
    return marts[name].filter(pl.col("outcome") == outcome).sort(pl.all().exclude(pl.Float64))


def credit_of(marts: dict[str, pl.DataFrame], outcome: str) -> pl.DataFrame:
    columns = ["model", "channel", "conversions", "value", "share"]
    credit = of(marts, outcome, "channel_credit").select(columns).sort("model", "channel")
    return credit.filter(pl.col("conversions") > 0)


def losses_of(marts: dict[str, pl.DataFrame], outcome: str) -> pl.DataFrame:
    columns = ["model", "landmarks", "conversions", "log_loss_bits"]
    return of(marts, outcome, "model_comparison").filter(
        (pl.col("segment") == "all") & (pl.col("model") != "ceiling")
    ).select(columns).sort("model")  # fmt: skip


def test_excluded_touches_are_as_if_they_were_not_there(plain):
    chosen = run(exclude_channels=[f" {FIRST.upper()} ", SECOND])
    without = run(WORLD.touchpoints.filter(~pl.col("channel").is_in([FIRST, SECOND])))
    assert_frame_equal(credit_of(chosen, "sale"), credit_of(without, "sale"), abs_tol=1e-5)
    assert_frame_equal(losses_of(chosen, "sale"), losses_of(without, "sale"), abs_tol=1e-6)
    assert_frame_equal(of(chosen, "sale", "top_paths"), of(without, "sale", "top_paths"))
    assert_frame_equal(of(chosen, "sale", "paths"), of(without, "sale", "paths"))
    # The other outcome has them.
    assert_frame_equal(credit_of(chosen, "other"), credit_of(plain, "other"), abs_tol=1e-5)
    [text] = chosen["warnings"].filter(kind="channels_of_outcome")["text"]
    touches = WORLD.touchpoints.filter(pl.col("channel").is_in([FIRST, SECOND])).height
    assert text.startswith(f"sale: {touches:,} touches are on no path")


def test_merged_channels_are_one(plain):
    names = {SECOND: FIRST, THIRD: FIRST}
    chosen = run(merge_channels={FIRST.upper(): [SECOND, THIRD]})
    renamed = run(
        WORLD.touchpoints.with_columns(pl.col("channel").replace(names)),
        WORLD.spend.with_columns(pl.col("channel").replace(names)),
    )
    for name in ("top_paths", "paths"):
        assert_frame_equal(of(chosen, "sale", name), of(renamed, "sale", name))
    rules = pl.col("model").is_in(["linear", "last_touch", "time_decay"])
    assert_frame_equal(
        credit_of(chosen, "sale").filter(rules), credit_of(renamed, "sale").filter(rules),
        abs_tol=1e-5,
    )  # fmt: skip
    assert_frame_equal(losses_of(chosen, "sale"), losses_of(renamed, "sale"), abs_tol=1e-5)
    assert_frame_equal(credit_of(chosen, "other"), credit_of(plain, "other"), abs_tol=1e-5)
    costs = of(plain, "sale", "channel_credit").filter(model="linear")
    merged = of(chosen, "sale", "channel_credit").filter(model="linear")
    assert merged["cost"].sum() == pytest.approx(costs["cost"].sum())
    assert not set(merged["channel"]) & {SECOND, THIRD}
    [text] = chosen["warnings"].filter(kind="channels_of_outcome")["text"]
    assert f"count as {FIRST!r}" in text


def test_incremental_builds_leave_channels_out_too():
    settings = settings_of(exclude_channels=[FIRST], merge_channels={SECOND: [THIRD]})
    some = WORLD.touchpoints["user_id"] != WORLD.touchpoints["user_id"][5]
    tables = ("path_events", "path_members", "conversions", "outcome_channels")
    found = []
    for parts in ([WORLD.touchpoints.filter(some), WORLD.touchpoints], [WORLD.touchpoints]):
        with DuckDBEngine() as engine:
            for part in parts:
                pipeline.load_inputs(engine, {"touchpoints": part, "conversions": BOTH})
                lookbacks = settings.lookbacks(["sale", "other"])
                build = refresh(engine, lookbacks, settings.path_options(lookbacks))
            found.append([sorted(engine.rows(f"from journeys.{t}"), key=repr) for t in tables])
        assert (build.full_reason is None) == (len(parts) == 2)
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("sale", "message"),
    [
        ({"exclude_channels": [FIRST, FIRST.upper()]}, "is named twice"),
        ({"exclude_channels": [FIRST], "merge_channels": {FIRST: [SECOND]}}, "is named twice"),
        ({"merge_channels": {FIRST: []}}, f"merge_channels.{FIRST} is empty"),
        ({"merge_channels": {"paid": [FIRST]}}, "no touch has the channel 'paid'; merge into one"),
        ({"exclude_channels": CHANNELS}, "all channels are excluded"),
    ],
)
def test_channels_that_cannot_be_chosen_are_refused(sale, message):
    with pytest.raises(InputError, match=message):
        run(**sale)


def test_names_that_no_touch_has_are_reported():
    chosen = run(WORLD.touchpoints.head(2000), exclude_channels=["fax"])
    texts = chosen["warnings"].filter(kind="channels_of_outcome")["text"]
    assert "no touch has the channel 'fax'" in texts[0]


@pytest.mark.parametrize("excluded", [[], [FIRST]])
@pytest.mark.parametrize("after_conversion", ["restart", "continue"])
def test_persons_are_counted_whatever_is_left_out(excluded, after_conversion):
    settings = settings_of(exclude_channels=excluded, after_conversion=after_conversion)
    with DuckDBEngine() as engine:
        pipeline.load_inputs(engine, {"touchpoints": WORLD.touchpoints, "conversions": BOTH})
        lookbacks = settings.lookbacks(["sale", "other"])
        build_journeys(engine, lookbacks, settings.path_options(lookbacks))
        counted, joined = count_persons_sql(engine)
        for outcome in lookbacks:
            select = f"from journeys.path_events{joined} where not is_conversion and outcome = $o"
            found = engine.scalar(f"select {counted} {select}", {"o": outcome})
            distinct = engine.scalar(f"select count(distinct user_key) {select}", {"o": outcome})
            assert found == distinct > 0
