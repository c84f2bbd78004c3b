"""Tests of persons: rows of different ids, joined by pairs that were seen by then."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

import lydite
from lydite import journeys, pipeline
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.journeys.people import people_mode, people_warnings
from lydite.models import make_models
from lydite.settings import PathOptions, PeopleSettings
from lydite.simulation import simulate
from tests.helpers.input_tables import make_inputs
from tests.helpers.judged_worlds import judge_split, split_sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lydite.settings import AfterConversion

LOOKBACK = timedelta(days=30)
ALWAYS = PeopleSettings(identities="always")


def day(number: float) -> datetime:
    return datetime(2026, 1, 1) + timedelta(days=number)


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine(threads=1) as engine:
        yield engine


def build(
    engine: DuckDBEngine,
    touches: list[tuple[str, float, str]],
    conversions: list[tuple[str, float]],
    pairs: list[tuple[str, str, float]],
    people: PeopleSettings | None = None,
    after_conversion: AfterConversion = "restart",
) -> None:
    make_inputs(
        engine,
        [(user, day(at), channel) for user, at, channel in touches],
        [(user, day(at)) for user, at in conversions],
        identities=[(one, other, day(at)) for one, other, at in pairs],
    )
    journeys.build_touches(engine, people=people, lookback=LOOKBACK)
    options = {"conversion": PathOptions(after_conversion=after_conversion)}
    journeys.build_path_events_and_conversions(engine, {"conversion": LOOKBACK}, options)


def paths(engine: DuckDBEngine, *, conversions: bool) -> list[tuple[float, str]]:
    """Return the days of the events with the channels on their paths."""
    found = engine.rows(
        "select happened_at, event_touch, string_agg(channel, ' ' order by position)"
        " from journeys.path_touches where is_conversion = $conversions"
        " group by user_key, happened_at, event_touch order by happened_at, 3",
        {"conversions": conversions},
    )
    return [((at - day(0)) / timedelta(days=1), path) for at, _, path in found]


def labels(engine: DuckDBEngine) -> list[tuple[Any, ...]]:
    """Return day, label, hours to the next event and its channel of each landmark."""
    found = engine.rows(
        "select happened_at, converted, hours_to_next, channels.channel"
        " from journeys.path_events as events left join journeys.channels as channels"
        " on events.next_channel_key = channels.channel_key"
        " where not is_conversion order by happened_at, user_key"
    )
    return [((at - day(0)) / timedelta(days=1), *row) for at, *row in found]


def test_touches_before_a_login_are_on_the_path_of_the_conversion(engine):
    build(engine, [("a", 1, "ad"), ("u", 2, "mail")], [("u", 4)], [("a", "u", 3)])
    assert paths(engine, conversions=True) == [(4, "ad mail")]


def test_landmarks_know_only_the_pairs_seen_before(engine):
    touches = [("a", 1, "ad"), ("u", 2, "mail"), ("a", 4, "social"), ("u", 5, "tv")]
    build(engine, touches, [], [("a", "u", 3)])
    assert paths(engine, conversions=False) == [
        (1, "ad"),
        (2, "mail"),
        (4, "ad mail social"),
        (5, "ad mail social tv"),
    ]


def test_a_pair_seen_later_joins_nothing(engine):
    build(engine, [("a", 1, "ad")], [("u", 2)], [("a", "u", 3)])
    assert paths(engine, conversions=True) == []
    assert labels(engine) == [(1, False, 720.0, None)]
    assert engine.scalar("select count(*) from journeys.conversions where path_length = 0") == 1


def test_a_pair_seen_at_the_conversion_counts_for_it(engine):
    build(engine, [("a", 1, "ad"), ("b", 2, "mail")], [("u", 3)], [("a", "u", 3), ("b", "u", 3)])
    assert paths(engine, conversions=True) == [(3, "ad mail")]
    assert paths(engine, conversions=False) == [(1, "ad"), (2, "mail")]
    assert labels(engine) == [(1, False, 720.0, None), (2, True, 24.0, None)]


def test_a_pair_seen_at_a_touch_does_not_count_for_it(engine):
    build(engine, [("a", 1, "ad"), ("u", 2, "mail"), ("u", 3, "tv")], [], [("a", "u", 2)])
    assert paths(engine, conversions=False) == [(1, "ad"), (2, "mail"), (3, "ad mail tv")]


def test_the_last_touch_before_ids_join_leads_to_the_next_event_of_the_person(engine):
    touches = [("a", 1, "ad"), ("u", 2, "mail"), ("a", 4, "social")]
    build(engine, touches, [("u", 5)], [("a", "u", 3)])
    assert labels(engine) == [
        (1, False, 720.0, None),
        (2, False, 48.0, "social"),
        (4, True, 24.0, None),
    ]


def test_each_conversion_with_a_path_follows_one_landmark(engine):
    touches = [("a", 1, "ad"), ("b", 1, "ad"), ("c", 1, "ad"), ("u", 0, "mail")]
    pairs = [("a", "u", 2), ("b", "u", 2), ("c", "b", 2.5)]
    build(engine, touches, [("u", 3), ("c", 4)], pairs)
    assert sum(converted for _, converted, *_ in labels(engine)) == 1
    assert paths(engine, conversions=True) == [(3, "mail ad ad ad")]


def test_a_conversion_ends_the_path_of_all_ids_of_the_person(engine):
    touches = [("a", 1, "ad"), ("u", 3, "mail")]
    build(engine, touches, [("u", 2), ("u", 4)], [("a", "u", 1.5)])
    assert paths(engine, conversions=True) == [(2, "ad"), (4, "mail")]


def test_a_conversion_before_the_pair_is_not_that_of_the_touch(engine):
    build(engine, [("a", 1, "ad"), ("a", 4, "tv")], [("u", 2), ("u", 5)], [("a", "u", 3)])
    assert paths(engine, conversions=True) == [(5, "tv")]
    assert labels(engine) == [(1, False, 720.0, None), (4, True, 24.0, None)]


def test_history_is_counted_once(engine):
    touches = [("a", 1, "ad"), ("b", 2, "mail"), ("u", 3, "tv"), ("u", 9, "tv")]
    build(engine, touches, [("u", 10)], [("a", "u", 4), ("b", "u", 5), ("c", "u", 6)])
    assert engine.scalar("select count(*) from journeys.counted_touches") == 4
    assert journeys.summarise(engine).touches == 4
    assert journeys.summarise(engine).duplicates == 0
    assert engine.scalar("select count(*) from journeys.path_events where not is_conversion") == 4
    assert engine.scalar("select count(*) from journeys.conversions") == 1


def test_a_person_stays_in_the_bucket_of_its_user(engine):
    build(engine, [("a", 1, "ad"), ("u", 1, "tv"), ("u", 5, "tv")], [], [("a", "u", 4)])
    found = engine.rows(
        "select user_id, bucket from journeys.users where user_id like 'u%' order by user_id"
    )
    assert len(found) == 2
    assert found[0][1] == found[1][1] == engine.scalar("select ('0x' || left(md5('u'), 2))::int")


def test_ids_that_are_always_joined_share_all_paths_and_are_warned_about(engine):
    touches = [("a", 1, "ad"), ("u", 2, "mail")]
    build(engine, touches, [("u", 3)], [("a", "u", 9)], ALWAYS)
    assert paths(engine, conversions=True) == [(3, "ad mail")]
    assert paths(engine, conversions=False) == [(1, "ad"), (2, "ad mail")]
    assert people_mode(engine) == "always"
    assert [kind for kind, _ in people_warnings(engine)] == ["joined_always"]


def test_ids_with_many_partners_join_nothing_and_are_named(engine):
    pairs = [("kiosk", f"u{n}", 0.0) for n in range(4)] + [("a", "u0", 0.0)]
    touches = [("kiosk", 1, "ad"), ("a", 2, "tv"), ("u0", 3, "mail")]
    people = PeopleSettings(max_partners=3)
    build(engine, touches, [("u0", 4), ("u1", 4)], pairs, people)
    assert paths(engine, conversions=True) == [(4, "tv mail")]
    [(kind, text)] = people_warnings(engine)
    assert kind == "hub_ids"
    assert "'kiosk' (4)" in text


@pytest.mark.parametrize("people", [None, ALWAYS])
def test_a_conversion_that_two_ids_of_a_person_have_counts_once(engine, people):
    make_inputs(
        engine,
        [("a", day(1), "ad")],
        [
            ("a", day(2), "conversion", 5.0, "order 1"),
            ("u", day(2.1), "conversion", 5.0, "order 1"),
            ("u", day(3), "conversion", 7.0, "order 2"),
            ("w", day(3), "conversion", 7.0, "order 1"),
            ("u", day(4), "conversion", 7.0, None),
            ("a", day(5), "conversion", 7.0, None),
        ],
        identities=[("a", "u", day(2))],
    )
    journeys.build_touches(engine, people=people, lookback=LOOKBACK)
    journeys.build_path_events_and_conversions(engine, {"conversion": LOOKBACK})
    found = engine.rows("select value from journeys.conversions order by converted_at, value")
    assert found == [(5.0,), (7.0,), (7.0,), (7.0,), (7.0,)]
    assert ("repeated_id", True) in [
        (kind, text.startswith("1 conversions")) for kind, text in people_warnings(engine)
    ]


def test_who_converted_long_before_ids_joined_is_known(engine):
    touches = [("u", 0, "ad"), ("u", 200, "ad"), ("a", 200.5, "ad"), ("a", 202, "tv")]
    build(engine, touches, [("u", 1)], [("a", "u", 201)])
    found = engine.rows(
        "select has_converted from journeys.path_events where not is_conversion"
        " order by happened_at"
    )
    assert found == [(False,), (True,), (False,), (True,)]


def test_pairs_of_unknown_ids_are_warned_about(engine):
    pairs = [("x", "y", 0.0), ("x2", "y", 0.0), ("a", "u", 0.0)]
    build(engine, [("a", 1, "ad")], [("u", 4)], pairs)
    [(kind, text)] = people_warnings(engine)
    assert (kind, "2 of 3 pairs" in text) == ("unknown_ids", True)


def test_without_pairs_the_tables_are_those_of_the_users(engine):
    build(engine, [("a", 1, "ad")], [("u", 2)], [])
    found = engine.rows("select * exclude (joined_id) from people.touchpoints")
    assert found == engine.rows("from inputs.touchpoints")
    assert people_mode(engine) is None
    assert people_warnings(engine) == []


# --- compare with the definition ------------------------------------------------------------------


def component(user: str, pairs: list[tuple[str, str, float]]) -> set[str]:
    """Return the ids that some pairs join with an id."""
    found = {user}
    while True:
        more = {one for pair in pairs if found & set(pair[:2]) for one in pair[:2]}
        if more <= found:
            return found
        found |= more


class Definition:
    """Paths by the definition, row by row; each touch has a channel of its own."""

    def __init__(
        self,
        touches: list[tuple[str, float, str]],
        conversions: list[tuple[str, float]],
        pairs: list[tuple[str, str, float]],
        *,
        restarts: bool,
    ) -> None:
        self.touches, self.conversions, self.pairs = touches, conversions, pairs
        self.restarts = restarts

    def path(self, ids: set[str], at: float) -> list[tuple[float, str]]:
        """Return the touches on the path of an event, with their times."""
        resets = self.conversions_before(ids, at) if self.restarts else []
        return sorted(
            (when, channel)
            for user, when, channel in self.touches
            if user in ids and at - 30 < when <= at
            if not any(when <= reset for reset in resets)
        )

    def conversions_before(self, ids: set[str], at: float) -> list[float]:
        return [when for user, when in self.conversions if user in ids and when < at]

    def landmarks(self) -> list[tuple[float, str]]:
        found = []
        for user, at, _ in self.touches:
            ids = component(user, [pair for pair in self.pairs if pair[2] < at])
            found.append((at, " ".join(sorted(name for _, name in self.path(ids, at)))))
        return sorted(found)

    def labelled(self) -> list[float]:
        """Return the times of the landmarks whose next event is a conversion."""
        found = []
        for (at, ids), path in self.converted().items():
            before = self.conversions_before(set(ids), at)
            if path and not any(path[-1][0] <= when for when in before):
                found.append(path[-1][0])
        return sorted(found)

    def converted(self) -> dict[tuple[float, frozenset[str]], list[tuple[float, str]]]:
        """Return the path of each conversion, by time and the ids of its person."""
        found = {}
        for user, at in self.conversions:
            ids = component(user, [pair for pair in self.pairs if pair[2] <= at])
            found[at, frozenset(ids)] = self.path(ids, at)
        return found


@pytest.mark.parametrize("after_conversion", ["restart", "continue"])
@pytest.mark.parametrize("seed", range(30))
def test_paths_agree_with_the_definition(engine, seed, after_conversion):
    draw = random.Random(seed)
    ids = [f"id {n}" for n in range(9)]
    times = draw.sample(range(400), 60)  # touches at different times: their order is clear
    touches = [(draw.choice(ids), at / 4, f"t{n}") for n, at in enumerate(times)]
    conversions = [(draw.choice(ids), draw.choice(range(400)) / 4) for _ in range(12)]
    when = [*(at for _, at, _ in touches), *(at for _, at in conversions)]
    pairs = [(*draw.sample(ids, 2), draw.choice(when)) for _ in range(7)]
    build(engine, touches, conversions, pairs, after_conversion=after_conversion)
    restarts = after_conversion == "restart"
    definition = Definition(touches, conversions, pairs, restarts=restarts)
    found = [(at, " ".join(sorted(path.split()))) for at, path in paths(engine, conversions=False)]
    assert sorted(found) == definition.landmarks()
    converted = definition.converted()
    expected = sorted(
        (at, " ".join(name for _, name in path)) for (at, _), path in converted.items() if path
    )
    assert sorted(paths(engine, conversions=True)) == expected
    labelled = [at for at, is_converted, *_ in labels(engine) if is_converted]
    assert labelled == definition.labelled()


# --- forecasts ------------------------------------------------------------------------------------


def world_joined_at_conversions(seed: int, devices: int = 3) -> dict[str, pl.DataFrame]:
    """Return a world without effects, whose users have devices that are seen together late.

    Each device has some channels more often than others. All devices of a user are seen together
    at the first conversion, and those of other users never.
    """
    world = simulate("null", users=3000, seed=seed)
    touchpoints = world.touchpoints.with_columns(pl.col("user_id").cast(pl.String))
    conversions = world.conversions.with_columns(pl.col("user_id").cast(pl.String))
    draw = np.random.default_rng(seed)
    usual = touchpoints["channel"].rank("dense").to_numpy() % devices
    device = np.where(draw.random(len(usual)) < 0.7, usual, draw.integers(0, devices, len(usual)))
    name = pl.concat_str("user_id", pl.lit(" on device "), pl.Series("device", device))
    first = conversions.group_by("user_id").agg(seen_at=pl.col("converted_at").min())
    pairs = [
        first.with_columns(anonymous_id=pl.col("user_id") + f" on device {number}")
        for number in range(devices)
    ]
    return {
        "touchpoints": touchpoints.with_columns(user_id=name),
        "conversions": conversions,
        "identities": pl.concat(pairs),
    }


@pytest.mark.parametrize(
    ("seed", "mode"), [(3, "seen_by_then"), (4, "seen_by_then"), (4, "always")]
)
def test_ids_that_are_seen_together_at_conversions_make_no_winner_by_default(seed, mode):
    models = make_models(["last_touch", "linear", "markov_2", "shapley"])
    people = PeopleSettings(identities=mode)
    split = split_sources(world_joined_at_conversions(seed), models, people)
    _, verdicts = judge_split(split, models)
    found = {own.verdict for own in verdicts.verdicts.values()}
    if mode == "always":  # the histories of converters alone are joined
        assert found & {"best", "contender"}
    else:
        assert not found & {"best", "contender", "refuted"}


def test_later_pairs_do_not_change_periods_that_were_scored(engine):
    world = world_joined_at_conversions(3)
    times = {"touchpoints": "touched_at", "conversions": "converted_at", "identities": "seen_at"}
    cut = world["touchpoints"]["touched_at"].max() - timedelta(days=25)
    earlier = {name: rows.filter(pl.col(times[name]) <= cut) for name, rows in world.items()}
    lookbacks, models = {"conversion": timedelta(days=14)}, make_models(["last_touch"])
    scored = []
    for rows in (earlier, world):
        pipeline.load_inputs(engine, rows)
        pipeline.build_journeys(engine, lookbacks, "week")
        pipeline.build_samples(engine, 1_000_000)
        pipeline.backtest_models(engine, models, 0, only=["last_touch"])
        scored.append(engine.scalar("select count(distinct period_start) from ledger.scores"))
    assert scored[1] == scored[0] + 3
    restated = "ledger.restated_scores"
    assert not engine.exists(restated) or not engine.scalar(f"select count(*) from {restated}")


# --- accounts -------------------------------------------------------------------------------------


def accounts(engine: DuckDBEngine, rows: list[tuple[str, str | None]]) -> None:
    engine.store("inputs.users", pl.DataFrame(rows, schema=["user_id", "account_id"], orient="row"))


def test_the_users_of_an_account_have_one_journey(engine):
    make_inputs(
        engine,
        [("u", day(1), "ad"), ("v", day(2), "mail"), ("w", day(3), "tv")],
        [("v", day(4)), ("w", day(4))],
    )
    accounts(engine, [("u", "acme"), ("v", "acme"), ("w", None)])
    journeys.build_touches(engine, people=PeopleSettings(unit="account"), lookback=LOOKBACK)
    journeys.build_path_events_and_conversions(engine, {"conversion": LOOKBACK})
    assert paths(engine, conversions=True) == [(4, "ad mail"), (4, "tv")]
    assert engine.scalar("select count(*) from journeys.users") == 2


def test_ids_join_accounts_when_they_are_seen(engine):
    make_inputs(
        engine,
        [("a", day(1), "ad"), ("v", day(2), "mail"), ("a", day(5), "tv")],
        [("u", day(6))],
        identities=[("a", "u", day(3))],
    )
    accounts(engine, [("u", "u"), ("v", "u")])
    journeys.build_touches(engine, people=PeopleSettings(unit="account"), lookback=LOOKBACK)
    journeys.build_path_events_and_conversions(engine, {"conversion": LOOKBACK})
    assert paths(engine, conversions=False) == [(1, "ad"), (2, "mail"), (5, "ad mail tv")]
    assert paths(engine, conversions=True) == [(6, "ad mail tv")]


def test_accounts_need_their_column(engine):
    make_inputs(engine, [("u", day(1), "ad")], [("u", day(2))])
    with pytest.raises(InputError, match="the table users has no column 'account_id'"):
        journeys.build_touches(engine, people=PeopleSettings(unit="account"))


def test_the_touches_of_an_account_share_its_credit():
    start = datetime(2026, 1, 1)
    users = [f"u{n}" for n in range(60)]
    touchpoints = pl.DataFrame(
        {
            "user_id": users,
            "touched_at": [start + timedelta(hours=n) for n in range(60)],
            "channel": ["ad", "mail", "tv"] * 20,
        }
    )
    conversions = pl.DataFrame({"user_id": ["u2"], "converted_at": [start + timedelta(days=4)]})
    accounts = pl.DataFrame({"user_id": users, "account_id": [n // 3 for n in range(60)]})
    found = lydite.credit(
        touchpoints=touchpoints, conversions=conversions, users=accounts, unit="account",
        models=["linear"], intervals=False,
    )  # fmt: skip
    credit = dict(found.table.select("channel", "conversions").rows())
    thirds = {"ad": 1 / 3, "mail": 1 / 3, "tv": 1 / 3, "(unattributed)": 0.0}
    assert credit == pytest.approx(thirds, abs=1e-8)
