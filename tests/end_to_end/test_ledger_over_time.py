"""The ledger over time: weekly runs give the same result as one run over the whole history."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import polars.testing
import pytest

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.evaluation import scoring
from lydite.evaluation.comparison import TABLES
from lydite.evaluation.segments import ALL
from lydite.models import Rule, make_models
from lydite.settings import make_settings
from lydite.simulation import simulate
from tests.helpers.only_scores import only_scores

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lydite.models import Model

    Frames = dict[str, pl.DataFrame]

WEEKS, START = 20, datetime(2025, 1, 6)
FIRST_LOOK = 12  # weeks of data; each later run has one week more
LEDGER = ("scores", "forecasts", "restated_scores", "restated_forecasts")
NAMES = ["linear", "last_touch", "markov_2", "time_decay_fitted", "bagged_logistic"]
KEYS = {
    "scores": ["outcome", "segment", "model", "fingerprint", "period_start", "bucket"],
    "forecasts": ["outcome", "segment", "model", "fingerprint", "period_start", "bin"],
}
KEYS |= {f"restated_{name}": key for name, key in KEYS.items()}

#: Channels are numbered by frequency: the share of touches to keep, so that the order is the same
#: from the first run on.
KEPT = {
    "search": 1.0, "display": 0.85, "social": 0.75, "video": 0.7, "email": 0.55, "direct": 0.42,
    "affiliate": 0.3, "referral": 0.22,
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """The tables of a shop."""

    touchpoints: pl.DataFrame
    conversions: pl.DataFrame
    users: pl.DataFrame

    def until(self, instant: datetime) -> World:
        """Return the rows up to a time."""
        return World(
            self.touchpoints.filter(pl.col("touched_at") < instant),
            self.conversions.filter(pl.col("converted_at") < instant),
            self.users,
        )

    def of(self, users: int) -> World:
        """Return the first users only, without their regions."""
        kept = self.users.head(users).drop("region")
        own = pl.col("user_id").is_in(kept["user_id"].implode())
        return World(self.touchpoints.filter(own), self.conversions.filter(own), kept)

    def without(self, late: pl.Expr) -> World:
        """Return the world without some conversions."""
        return World(self.touchpoints, self.conversions.filter(~late), self.users)


MADE = simulate("linear", users=3000, seed=5, weeks=WEEKS)
EVERYTHING = World(MADE.touchpoints, MADE.conversions, MADE.users)
DRAWN = pl.Series(np.random.default_rng(0).random(MADE.touchpoints.height))
FULL_SHARE = World(
    MADE.touchpoints.filter(pl.col("channel").replace_strict(KEPT) > DRAWN),
    MADE.conversions,
    MADE.users,
)
SMALL = FULL_SHARE.of(1200)
SETTINGS = make_settings(lookback="7d")


@pytest.fixture(autouse=True, scope="module")
def no_credit() -> Iterator[None]:
    with only_scores():
        yield


def look(
    engine: DuckDBEngine,
    world: World,
    models: Sequence[Model] | None = None,
    settings=SETTINGS,
) -> Frames:
    """Run the pipeline on a world, and return the tables of the comparison."""
    rivals = make_models(NAMES) if models is None else models
    pipeline.run(engine, vars(world), settings, rivals=rivals)
    return {name: engine.frame(f"from mart.{name}") for name in TABLES}


def ledger(engine: DuckDBEngine) -> Frames:
    """Return the tables of the ledger, sorted."""
    return {
        name: engine.frame(f"from ledger.{name}").sort(KEYS[name])
        for name in LEDGER
        if engine.exists(f"ledger.{name}")
    }


def same(one: Frames, two: Frames, tolerance: float = 1e-7) -> None:
    assert one.keys() == two.keys()
    for name, frame in one.items():
        pl.testing.assert_frame_equal(frame, two[name], rel_tol=tolerance, abs_tol=1e-9)


def alone(world: World, models: Sequence[Model], settings=SETTINGS) -> tuple[Frames, Frames]:
    """Return the result of one run with a new ledger, and that ledger."""
    with DuckDBEngine() as engine:
        return look(engine, world, models, settings), ledger(engine)


def pair() -> list[Model]:
    return make_models(["linear", "last_touch"])


# --- week by week ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def at_once() -> tuple[Frames, Frames]:
    return alone(FULL_SHARE, make_models(NAMES))


@dataclass(frozen=True)
class Weekly:
    """The results of weekly runs, each with a new engine on the same file."""

    warehouse: Path
    published: list[Frames]
    ledger: Frames


@pytest.fixture(scope="module")
def weekly(tmp_path_factory) -> Weekly:
    warehouse = tmp_path_factory.mktemp("weekly") / "warehouse.duckdb"
    published = []
    for weeks in range(FIRST_LOOK, WEEKS + 1):
        with DuckDBEngine(warehouse) as engine:
            published.append(look(engine, FULL_SHARE.until(START + timedelta(weeks=weeks))))
            kept = ledger(engine)
    return Weekly(warehouse, published, kept)


def test_each_look_adds_a_week(weekly):
    periods = [found["model_comparison"]["periods"].unique().item() for found in weekly.published]
    assert periods == list(range(periods[0], periods[0] + WEEKS + 1 - FIRST_LOOK))
    assert len(periods) >= 9


def test_weekly_runs_give_the_scores_of_one_run(at_once, weekly):
    _, scored = at_once
    same(scored, weekly.ledger)
    assert set(scored["scores"]["model"]) == {*NAMES, "base_rate", "touch_volume", "ceiling"}
    assert scored["scores"]["segment"].n_unique() == 1 + 2 + 4


def test_weekly_runs_give_the_verdicts_of_one_run(at_once, weekly):
    found, _ = at_once
    same(found, weekly.published[-1])
    verdicts = found["model_comparison"].filter(pl.col("verdict").is_not_null())
    assert len(verdicts) == len(NAMES) * (1 + 2 + 4)
    assert set(verdicts["verdict"]) == {"contender", "refuted", "too_early"}


def test_the_history_of_verdicts_equals_the_published_ones(weekly):
    """Verdicts on all users; those on segments also depend on later data.

    Bounds are shares of the loss of the better baseline so far, which may be another one later.
    """
    history = weekly.published[-1]["evidence"].filter(
        pl.col("segment") == ALL, pl.col("verdict").is_not_null()
    )
    seen, same_baseline = set(), 0
    for found in weekly.published:
        table = found["model_comparison"].filter(pl.col("segment") == ALL)
        day = found["evidence"]["period_start"].max()
        then = history.filter(pl.col("period_start") == day)
        assert len(then) == len(NAMES)
        for model, verdict, low in then.select("model", "verdict", "explained_low").rows():
            row = table.row(by_predicate=pl.col("model") == model, named=True)
            assert row["verdict"] == verdict
            if better_baseline(table) == better_baseline(weekly.published[-1]["model_comparison"]):
                assert row["explained_low"] == (low and pytest.approx(low))
                same_baseline += 1
            seen.add(verdict)
    assert len(seen) >= 3
    assert same_baseline > len(NAMES)


def better_baseline(table):
    baselines = table.filter(
        pl.col("segment") == ALL, pl.col("model").is_in(["base_rate", "touch_volume"])
    )
    return baselines.sort("log_loss_bits")["model"][0]


def test_another_run_in_the_same_week_adds_no_row(weekly, tmp_path):
    again = tmp_path / "again.duckdb"
    shutil.copy(weekly.warehouse, again)
    with DuckDBEngine(again) as engine:
        found = look(engine, FULL_SHARE)
        kept = ledger(engine)
        for name, frame in weekly.ledger.items():
            assert engine.scalar(f"select count(*) from ledger.{name}") == len(frame)
    same(kept, weekly.ledger, tolerance=0)
    same(found, weekly.published[-1], tolerance=1e-12)


def from_one_instant_on(world: World) -> World:
    """Return the world with the same first touch of all channels: their order is by frequency."""
    is_first = pl.int_range(pl.len()).over("channel") == 0
    at = pl.when(is_first).then(world.touchpoints["touched_at"].min()).otherwise("touched_at")
    touchpoints = world.touchpoints.with_columns(touched_at=at)
    return World(touchpoints, world.conversions, world.users)


def test_a_channel_that_becomes_more_frequent_changes_no_earlier_score():
    shop, order, scored = from_one_instant_on(EVERYTHING.of(1500)), [], []
    for world in (shop.until(START + timedelta(weeks=14)), shop):
        with DuckDBEngine() as engine:
            look(engine, world, make_models(["bagged_logistic"]))
            order.append(engine.rows("select channel from journeys.channels order by channel_key"))
            scored.append(ledger(engine)["scores"])
    if order[0] == order[1]:
        raise RuntimeError("no channel has become more frequent")
    then, now = scored
    now = now.filter(pl.col("period_start") <= then["period_start"].max())
    pl.testing.assert_frame_equal(then, now, rel_tol=1e-7, abs_tol=1e-9)


# --- late conversions -----------------------------------------------------------------------------

#: Conversions of the last weeks that are scored, every third of which is delivered late.
LATE = (
    pl.col("converted_at").is_between(
        START + timedelta(weeks=WEEKS - 4), START + timedelta(weeks=WEEKS - 2)
    )
    & (pl.int_range(pl.len()) % 3 == 0)
)  # fmt: skip


@dataclass(frozen=True)
class Delivered:
    """A run without the late conversions, one with them, and one with a new ledger."""

    before: tuple[Frames, Frames]
    after: tuple[Frames, Frames]
    again: tuple[Frames, Frames]
    fresh: tuple[Frames, Frames]
    with_new_rival: Frames
    with_other_lookback: Frames


@pytest.fixture(scope="module")
def delivered() -> Delivered:
    with DuckDBEngine() as engine:
        runs = [
            (look(engine, world, pair()), ledger(engine))
            for world in (SMALL.without(LATE), SMALL, SMALL)
        ]
        twin = Rule("twin", "every touch alike, once more", "2.0")
        new = look(engine, SMALL, [*pair(), twin])
        other = look(engine, SMALL, pair(), make_settings(lookback="6d"))
    return Delivered(*runs, alone(SMALL, pair()), new, other)


def changed(delivered: Delivered) -> list[datetime]:
    """Return the periods whose conversions change with the late ones."""
    counts = [
        scores.filter(pl.col("segment") == ALL, pl.col("model") == "touch_volume")
        .sort("period_start", "bucket")
        .select("period_start", "bucket", "conversions")
        for scores in (delivered.before[1]["scores"], delivered.fresh[1]["scores"])
    ]
    both = counts[0].join(counts[1], on=["period_start", "bucket"], suffix="_now")
    other = both.filter(pl.col("conversions") != pl.col("conversions_now"))
    return other["period_start"].unique().sort().to_list()


def test_first_scores_stay_when_conversions_arrive_later(delivered):
    assert 2 <= len(changed(delivered)) <= 4
    assert set(delivered.before[1]) == {"scores", "forecasts"}
    for name in ("scores", "forecasts"):
        pl.testing.assert_frame_equal(delivered.after[1][name], delivered.before[1][name])
    kept = [own for own in delivered.after[0]["model_comparison"].columns if "restated" not in own]
    for name in ("model_comparison", "evidence", "pairs"):
        before, after = (
            found[name].select(own for own in found[name].columns if own in {*kept, "period_start"})
            for found, _ in (delivered.before, delivered.after)
        )
        pl.testing.assert_frame_equal(after, before)


def test_restated_scores_equal_those_of_a_new_ledger(delivered):
    periods = pl.col("period_start").is_in(changed(delivered))
    for name in ("scores", "forecasts"):
        fresh, again = delivered.fresh[1][name], delivered.after[1][f"restated_{name}"]
        pl.testing.assert_frame_equal(again, fresh.filter(periods), rel_tol=1e-7, abs_tol=1e-9)
        assert 0 < len(again) < len(fresh)


def test_restated_verdicts_equal_those_of_a_new_ledger(delivered):
    key = ["segment", "model"]
    after, fresh = (found["model_comparison"] for found, _ in (delivered.after, delivered.fresh))
    both = after.join(fresh, on=key, suffix="_fresh", maintain_order="left")
    assert both["restated_verdict"].to_list() == both["verdict_fresh"].to_list()
    np.testing.assert_allclose(both["restated_explained"], both["explained_fresh"], rtol=1e-7)
    assert (both["explained"] - both["explained_fresh"]).abs().max() > 1e-4
    [text] = delivered.after[0]["warnings"].filter(pl.col("kind") == "restated")["text"]
    more = sum(
        sign * found["model_comparison"].filter(segment=ALL, model="linear")["conversions"].item()
        for sign, (found, _) in ((1, delivered.fresh), (-1, delivered.before))
    )
    assert text.startswith(f"{more:+,} conversions came in")
    for found, _ in (delivered.before, delivered.fresh):
        assert found["model_comparison"]["restated_verdict"].is_null().all()


def test_restated_scores_are_written_once(delivered):
    same(delivered.again[1], delivered.after[1], tolerance=0)
    same(delivered.again[0], delivered.after[0], tolerance=1e-12)


def test_a_new_rival_is_compared_on_the_same_conversions(delivered):
    """Unlike the others, it is scored with the late conversions from the start."""
    table = delivered.with_new_rival["model_comparison"].filter(segment=ALL)
    assert table["conversions"].n_unique() == 1
    rows = {row["model"]: row for row in table.iter_rows(named=True)}
    assert rows["twin"]["same_forecast_as"] == "linear"
    assert rows["twin"]["verdict"] == rows["linear"]["verdict"]
    fresh = delivered.fresh[0]["model_comparison"].filter(segment=ALL, model="linear")
    assert rows["twin"]["explained"] == pytest.approx(fresh["explained"].item(), rel=1e-6)
    assert "restated" not in set(delivered.with_new_rival["warnings"]["kind"])


def test_restated_scores_of_another_lookback_are_ignored(delivered):
    found = delivered.with_other_lookback
    assert "restated" not in set(found["warnings"]["kind"])
    assert found["model_comparison"]["restated_verdict"].is_null().all()
    assert found["evidence"]["restated_conversions"].is_null().all()


# --- changed definitions --------------------------------------------------------------------------


def with_rule(expression: str) -> list[Model]:
    return [*make_models(["last_touch"]), Rule("mine", "a custom rule", expression)]


def fingerprints(scores: pl.DataFrame) -> dict[str, list[str]]:
    found = scores.select("model", "fingerprint").unique(maintain_order=True)
    return {model: own["fingerprint"].to_list() for (model,), own in found.group_by("model")}


def test_a_changed_rule_starts_new_evidence_and_keeps_the_old():
    with DuckDBEngine() as engine:
        look(engine, SMALL, with_rule("1.0"))
        before = ledger(engine)
        found = look(engine, SMALL, with_rule("position"))
        after = ledger(engine)
        back = look(engine, SMALL, with_rule("1.0"))
        at_last = ledger(engine)
    fresh, scored = alone(SMALL, with_rule("position"))
    same(found, fresh)
    own = {name: len(prints) for name, prints in fingerprints(after["scores"]).items()}
    # The ceiling depends on the forecasts of all rivals.
    assert own == {"last_touch": 1, "base_rate": 1, "touch_volume": 1, "mine": 2, "ceiling": 2}
    for name, frame in before.items():
        key = KEYS[name]
        old = after[name].join(frame, on=key, how="semi").sort(key)
        pl.testing.assert_frame_equal(old, frame)
        new = after[name].join(frame, on=key, how="anti").sort(key)
        expected = scored[name].filter(pl.col("model").is_in(["mine", "ceiling"]))
        pl.testing.assert_frame_equal(new, expected, rel_tol=1e-7, abs_tol=1e-9)
        pl.testing.assert_frame_equal(at_last[name], after[name])
    mine = [run["model_comparison"].filter(segment=ALL, model="mine") for run in (found, back)]
    assert mine[0]["explained"].item() != pytest.approx(mine[1]["explained"].item(), rel=1e-3)


def test_another_lookback_starts_new_evidence():
    longer = make_settings(lookback="10d")
    with DuckDBEngine() as engine:
        first = look(engine, SMALL, pair())
        before = ledger(engine)
        found = look(engine, SMALL, pair(), longer)
        after = ledger(engine)
        back = look(engine, SMALL, pair())
    fresh, scored = alone(SMALL, pair(), longer)
    same(found, fresh)
    same(back, first, tolerance=1e-12)
    assert {len(own) for own in fingerprints(after["scores"]).values()} == {2}
    for name, frame in before.items():
        both = pl.concat([frame, scored[name]]).sort(KEYS[name])
        pl.testing.assert_frame_equal(after[name], both, rel_tol=1e-7, abs_tol=1e-9)


# --- interrupted runs -----------------------------------------------------------------------------


def test_an_interrupted_run_continues(tmp_path, monkeypatch):
    models = ["linear", "last_touch", "markov_2"]
    score = scoring.backtest_segments
    with DuckDBEngine(tmp_path / "warehouse.duckdb") as engine:
        look(engine, SMALL.until(START + timedelta(weeks=14)), make_models(models))
        before = ledger(engine)

        def interrupt(model, own, kept):
            if model.name == "last_touch":
                raise KeyboardInterrupt
            return score(model, own, kept)

        monkeypatch.setattr(scoring, "backtest_segments", interrupt)
        with pytest.raises(KeyboardInterrupt):
            look(engine, SMALL, make_models(models))
        monkeypatch.undo()
    with DuckDBEngine(tmp_path / "warehouse.duckdb") as engine:
        broken = ledger(engine)["scores"].join(before["scores"], on=KEYS["scores"], how="anti")
        # The rivals run first, and the baselines, which take no time, last.
        assert set(broken["model"]) == {"linear"}
        found = look(engine, SMALL, make_models(models))
        after = ledger(engine)
    fresh, scored = alone(SMALL, make_models(models))
    same(after, scored)
    same(found, fresh)
