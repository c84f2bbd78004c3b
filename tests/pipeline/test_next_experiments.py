"""The mart of the next experiments: what is read from the other marts."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.pipeline.next_experiments import SCHEMA, build_next_experiments, find_candidates
from tests.helpers.made_comparisons import BEST, CONTENDERS
from tests.helpers.made_decisions import DECISION, compare_with_decisions

WEEKS = 20


def marts_of(rivals=CONTENDERS, *log, regions=0, without=()):
    """Return marts in which every channel reaches 1,000 users a week for 20 weeks."""
    marts = dict(compare_with_decisions(rivals, *log).marts)
    channels = [name for name in marts["channel_credit"]["channel"].unique().sort()
                if name != "(unattributed)" and name not in without]  # fmt: skip
    weeks = [date(2026, 1, 5) + timedelta(weeks=n) for n in range(WEEKS)]
    marts["weekly_reach"] = pl.DataFrame(
        [(week, channel, 1_000) for week in weeks for channel in channels],
        schema={"week": pl.Date, "channel": pl.String, "users": pl.Int64}, orient="row",
    )  # fmt: skip
    marts["channel_roles"] = pl.DataFrame(
        {"outcome": "purchase", "channel": channels, "on_path": 600}
    )
    marts["segment_credit"] = pl.DataFrame(
        [("purchase", f"region = {n}") for n in [*range(regions), "(unknown)"]],
        schema=["outcome", "segment"], orient="row",
    )  # fmt: skip
    return marts


def test_candidates_are_the_channels_that_cost_and_run():
    found = {own.channel: own for own in find_candidates(marts_of(without=["podcast"]), "purchase")}
    assert "direct" not in found  # it costs nothing
    assert "podcast" not in found  # it reaches no users
    own = found["email"]
    months = WEEKS * 7 / (365 / 12)
    assert own.spend == pytest.approx(900 / months)
    assert own.margin == pytest.approx(60)
    assert own.users == 1_000
    assert own.rate == pytest.approx(600 / (1_000 * WEEKS))
    assert own.regional_conversions == pytest.approx(2_311 / WEEKS)


def test_beliefs_are_those_of_models_that_stand_and_the_model_is_that_in_use():
    in_use = find_candidates(marts_of(CONTENDERS), "purchase")[0]
    assert in_use.model == "last_touch"
    assert set(in_use.beliefs) == {"linear", "last_touch", "markov_1"}
    refuted = find_candidates(marts_of(BEST), "purchase")[0]
    assert (refuted.model, set(refuted.beliefs)) == ("linear", {"linear"})
    decided = find_candidates(marts_of(CONTENDERS, DECISION), "purchase")[0]
    assert decided.model == "linear"


def test_the_margin_is_a_share_of_the_value():
    full = find_candidates(marts_of(), "purchase")[0]
    assert find_candidates(marts_of(), "purchase", 0.25)[0].margin == pytest.approx(full.margin / 4)


def test_regions_are_those_of_the_users():
    assert find_candidates(marts_of(regions=12), "purchase")[0].regions == 12
    assert find_candidates(marts_of(), "purchase")[0].regions == 0


def test_a_channel_that_stopped_is_no_candidate():
    marts = marts_of()
    stopped = (pl.col("channel") == "email") & (pl.col("week") > date(2026, 3, 1))
    marts["weekly_reach"] = marts["weekly_reach"].filter(~stopped)
    names = [own.channel for own in find_candidates(marts, "purchase")]
    assert "email" not in names
    assert "social" in names


def test_the_mart_has_a_row_per_channel_and_none_without_the_marts():
    with DuckDBEngine() as engine:
        build_next_experiments(engine, None)
        assert engine.frame("from mart.next_experiments").schema == SCHEMA
        for name, table in marts_of(regions=12).items():
            engine.store(f"mart.{name}", table)
        build_next_experiments(engine, {"purchase": 0.5})
        found = engine.frame("from mart.next_experiments")
    assert found["rank"].to_list() == list(range(1, len(found) + 1))
    assert found["value"].is_sorted(descending=True)
    assert found["users"].min() > 0
    assert set(found["keep_if_as_credited"]) == {True}
