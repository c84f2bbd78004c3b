"""Tests of lookbacks by kind of contact: by hand, by a reference, and in incremental builds."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lydite import compare, credit, journeys
from lydite.attribution import channel_names, touch_credit
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.evaluation.sample import build_sample, load_sample
from lydite.journeys.incremental import refresh
from lydite.journeys.interactions import kind_of, note_on_interactions
from lydite.models import make_models
from lydite.settings import InteractionLookbacks, PathOptions, parse_settings
from tests.helpers.examples import examples
from tests.helpers.input_tables import make_inputs

DAY = timedelta(days=1)
VIEWS = {"impression": DAY, "engaged_view": 3 * DAY}
TABLES = ("path_events", "path_touches", "conversions")
Row = tuple[Any, ...]


def day(number: float) -> datetime:
    """Return the time `number` days into the year."""
    return datetime(2026, 1, 1) + timedelta(days=number)


def touch(at: float, interaction: str | None, channel: str | None = None) -> Row:
    return ("ann", day(at), channel or interaction or "tv", None, interaction)


def build(
    engine: DuckDBEngine,
    touchpoints: list[Row],
    conversions: list[Row],
    *,
    click_priority: bool = False,
    lookbacks: dict[str, timedelta] | None = None,
    default: timedelta = 30 * DAY,
    restarts: bool = True,
) -> None:
    own = InteractionLookbacks(
        default, VIEWS if lookbacks is None else lookbacks, click_priority=click_priority
    )
    options = PathOptions("restart" if restarts else "continue", own)
    make_inputs(engine, touchpoints, conversions)
    outcomes = journeys.build_touches(engine).outcomes
    journeys.build_path_events_and_conversions(
        engine, dict.fromkeys(outcomes, own.longest), dict.fromkeys(outcomes, options)
    )


@pytest.fixture
def engine():
    with DuckDBEngine(threads=1) as engine:
        yield engine


def paths_of(engine: DuckDBEngine, *, conversions: bool) -> list[str]:
    rows = engine.rows(
        "select coalesce(string_agg(channel, ' > ' order by position), '')"
        " from journeys.path_events as events left join journeys.path_touches as touches"
        " on events.user_key = touches.user_key and events.outcome = touches.outcome"
        " and events.happened_at = touches.happened_at"
        " and events.touch is not distinct from touches.event_touch"
        " where events.is_conversion = $conversions"
        " group by events.outcome, events.user_key, events.happened_at, events.touch"
        " order by events.outcome, events.user_key, events.happened_at, events.touch",
        {"conversions": conversions},
    )
    return [path for (path,) in rows]


# --- by hand --------------------------------------------------------------------------------------


def test_an_impression_expires_before_a_click(engine):
    build(
        engine,
        [touch(1, "impression", "banner"), touch(2, "click"), touch(5, "view", "video")],
        [("ann", day(5.5)), ("ann", day(40))],
    )
    assert paths_of(engine, conversions=True) == ["click > video", ""]


def test_a_path_may_leave_out_touches_between(engine):
    touches = [touch(1, "click", "a"), touch(2, "impression", "b"), touch(9, "click", "c")]
    build(engine, touches, [("ann", day(9.5))])
    assert paths_of(engine, conversions=True) == ["a > c"]
    assert paths_of(engine, conversions=False) == ["a", "a > b", "a > c"]


def test_a_conversion_counts_at_a_landmark_until_the_whole_path_has_expired(engine):
    touches = [touch(1, "click"), touch(10, "impression")]
    build(engine, touches, [("ann", day(15))])
    rows = engine.rows(
        "select converted, hours_to_next from journeys.path_events"
        " where not is_conversion order by touch"
    )
    assert rows == [(False, 9 * 24), (True, 5 * 24)]
    build(engine, touches[1:], [("ann", day(15))])
    rows = engine.rows(
        "select converted, hours_to_next from journeys.path_events where not is_conversion"
    )
    assert rows == [(False, 24)]


@pytest.mark.parametrize(
    ("kinds", "path"),
    [
        (["impression", "click", "impression"], "click"),
        (["impression", "impression"], "impression > impression"),
        (["impression", "engaged_view"], "engaged_view"),
        (["engaged_view", "click", "open", None], "click > open > tv"),
    ],
)
def test_with_click_priority_views_count_only_without_clicks(engine, kinds, path):
    touches = [touch(1 + n / 10, kind) for n, kind in enumerate(kinds)]
    build(engine, touches, [("ann", day(1.9))], click_priority=True)
    assert paths_of(engine, conversions=True) == [path]


def test_an_impression_after_a_click_is_no_event_with_click_priority(engine):
    touches = [touch(1, "click"), touch(2, "impression"), touch(3, "click")]
    build(engine, touches, [("ann", day(3.5))], click_priority=True)
    assert paths_of(engine, conversions=False) == ["click", "click > click"]
    rows = engine.rows(
        "select hours_to_next from journeys.path_events where not is_conversion order by touch"
    )
    assert rows == [(48,), (12,)]


def test_an_impression_counts_again_when_the_clicks_have_expired(engine):
    touches = [touch(1, "click"), touch(30.5, "impression")]
    build(engine, touches, [("ann", day(31.2))], click_priority=True)
    assert paths_of(engine, conversions=True) == ["impression"]


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("View-through", "impression"),
        ("AD_IMPRESSION", "impression"),
        ("engagedView", "engaged_view"),
        (" Click ", "click"),
        (None, "click"),
        ("!?", "click"),
        ("open", "open"),
    ],
)
def test_kinds_are_known_in_any_spelling(written, kind):
    assert kind_of(written) == kind


def test_the_note_says_how_long_each_kind_counts(engine):
    build(engine, [touch(1, "view"), touch(2, None), touch(2, "Click")], [("ann", day(3))])
    assert note_on_interactions(engine) == (
        "how long before a conversion a touch counts, by its interaction: conversion: click 30d (2"
        " touches), impression 1d (1 touches). No touch is of the kind 'engaged_view'"
    )


# --- against a reference --------------------------------------------------------------------------

KINDS = ("impression", "click", "engaged_view", None, "open")


class _Touch(NamedTuple):
    number: int
    at: datetime
    kind: str


def reference_path(
    touches: list[_Touch],
    conversions: set[datetime],
    own: InteractionLookbacks,
    at: datetime,
    last: int,
) -> list[_Touch]:
    """Return the path of an event, of touches numbered up to `last`, however many they are."""
    ranks = {"engaged_view": 1, "impression": 2}
    path = [
        touch
        for touch in touches
        if touch.number <= last
        and touch.at <= at
        and touch.at > at - own.lookbacks.get(touch.kind, own.default)
        and not any(touch.at <= instant < at for instant in conversions)
    ]
    if own.click_priority and path:
        best = min(ranks.get(touch.kind, 0) for touch in path)
        path = [touch for touch in path if ranks.get(touch.kind, 0) == best]
    return path


def kept(path: list[_Touch]) -> list[int]:
    """Return the numbers of the touches that a path keeps: the first and the 49 most recent."""
    return [touch.number for touch in (path if len(path) <= 50 else [path[0], *path[-49:]])]


def reference_events(
    rows: list[Row], instants: set[datetime], own: InteractionLookbacks, *, restarts: bool
) -> list[tuple[Any, ...]]:
    """Return time, touch, path, whether it converts and hours to the next event of all events."""
    touches = [
        _Touch(n, row[1], kind_of(row[4])) for n, row in enumerate(sorted(rows, key=_order), 1)
    ]
    found: list[tuple[datetime, int | None, list[_Touch]]] = []
    cuts = instants if restarts else set()
    for each in touches:
        path = reference_path(touches, cuts, own, each.at, each.number)
        if each in path:
            found.append((each.at, each.number, path))
    found += [(at, None, reference_path(touches, cuts, own, at, len(touches))) for at in instants]
    found.sort(key=lambda event: (event[0], event[1] is None, event[1] or 0))
    events = []
    for event, (at, number, path) in enumerate(found):
        following = found[event + 1] if event + 1 < len(found) else None
        converted = hours = None
        if number is not None:
            # A touch that is left out of a long path still counts until it expires.
            end = max(t.at + own.lookbacks.get(t.kind, own.default) for t in path)
            converted = following is not None and following[1] is None and following[0] < end
            until = min(end, following[0]) if following else end
            hours = (until - at) / timedelta(hours=1)
        events.append((at, number, kept(path), converted, hours))
    return events


def _order(row: Row) -> tuple[Any, ...]:
    return (row[1], row[4] is None, row[4] or "")


times = st.integers(0, 160).map(lambda n: day(n / 4))
tables = st.lists(
    st.builds(lambda at, kind: ("ann", at, "tv", None, kind), times, st.sampled_from(KINDS)),
    min_size=1,
    max_size=30,
    unique=True,
)


@examples(40)
@example(
    rows=[("ann", day(13.25), "tv", None, "open"), ("ann", day(13.75), "tv", None, "open")],
    instants={day(0)},
    lookbacks={"impression": DAY / 2, "engaged_view": DAY / 2, "click": DAY / 2, "open": 7 * DAY},
    default=DAY,
    click_priority=False,
    burst=60,
    restarts=False,
)
@given(
    rows=tables,
    instants=st.sets(times, min_size=1, max_size=5),
    lookbacks=st.dictionaries(
        st.sampled_from(["impression", "engaged_view", "click", "open"]),
        st.sampled_from([DAY / 2, DAY, 7 * DAY, 60 * DAY]),
    ),
    default=st.sampled_from([DAY, 30 * DAY]),
    click_priority=st.booleans(),
    burst=st.sampled_from([0, 0, 60]),
    restarts=st.booleans(),
)
def test_paths_agree_with_the_reference(
    rows, instants, lookbacks, default, click_priority, burst, restarts
):
    more = [("ann", day(20 + n / 1000), "tv", None, KINDS[n % 2]) for n in range(burst)]
    rows = list(dict.fromkeys(rows + more))
    own = InteractionLookbacks(default, lookbacks, click_priority=click_priority)
    with DuckDBEngine(threads=1) as engine:
        build(
            engine,
            rows,
            [("ann", at) for at in instants],
            lookbacks=lookbacks,
            default=default,
            click_priority=click_priority,
            restarts=restarts,
        )
        found = engine.rows(
            "select events.happened_at, events.touch,"
            " coalesce(list(members.touch order by position)"
            " filter (members.touch is not null), []),"
            " case when not events.is_conversion then any_value(converted) end,"
            " any_value(hours_to_next)"
            " from journeys.path_events as events left join journeys.path_members as members"
            " on events.happened_at = members.happened_at"
            " and events.touch is not distinct from members.event_touch"
            " group by events.happened_at, events.touch, events.is_conversion"
            " order by events.happened_at, events.touch nulls last"
        )
    expected = reference_events(rows, instants, own, restarts=restarts)
    assert [row[:4] for row in found] == [row[:4] for row in expected]
    hours = [(row[4] or 0, other[4] or 0) for row, other in zip(found, expected, strict=True)]
    assert all(abs(a - b) < 1e-9 for a, b in hours)


# --- equal lookbacks change nothing ---------------------------------------------------------------


def batch(draw: random.Random, users: int = 30) -> tuple[list[Row], list[Row]]:
    """Draw rows of users, often with simultaneous events."""
    touchpoints = [
        (f"u{n}", day(draw.randrange(160) / 4), draw.choice(["tv", "direct", "mail"]), None,
         draw.choice(KINDS))
        for n in range(users) for _ in range(draw.choice([0, 1, 3, 9]))
    ]  # fmt: skip
    touchpoints += [("busy", day(3 + n / 90), "tv", None, draw.choice(KINDS)) for n in range(120)]
    conversions = [
        (f"u{draw.randrange(users + 3)}", day(draw.randrange(160) / 4), outcome, None, str(n))
        for n, outcome in enumerate(draw.choices(["lead", "sale"], k=60))
    ]
    return touchpoints, [*conversions, ("busy", day(4.2), "sale", None, "b")]


def rows_of(engine: DuckDBEngine, tables: tuple[str, ...] = TABLES) -> dict[str, list[Row]]:
    return {
        name: sorted(
            engine.frame(f"from journeys.{name}").select(sorted(_columns(engine, name))).rows(),
            key=repr,
        )
        for name in tables
    }


def _columns(engine: DuckDBEngine, name: str) -> list[str]:
    return list(engine.columns(f"journeys.{name}"))


@pytest.mark.parametrize("first_only", [False, True])
@pytest.mark.parametrize("after", ["continue", "restart"])
def test_equal_lookbacks_give_the_same_tables_as_one_lookback(engine, after, first_only):
    rows = batch(random.Random(1))
    make_inputs(engine, *rows)
    journeys.build_touches(engine)
    lookbacks = {"lead": 5 * DAY, "sale": 9 * DAY}
    plain = dict.fromkeys(lookbacks, PathOptions(after, first_only=first_only))
    journeys.build_path_events_and_conversions(engine, lookbacks, plain)
    expected = rows_of(engine)
    same = {
        name: PathOptions(
            after,
            InteractionLookbacks(lookback, {"impression": lookback, "open": lookback}),
            first_only=first_only,
        )
        for name, lookback in lookbacks.items()
    }
    journeys.build_path_events_and_conversions(engine, lookbacks, same)
    assert rows_of(engine) == expected
    journeys.build_path_events_and_conversions(engine, lookbacks, plain | {"sale": same["sale"]})
    assert rows_of(engine) == expected
    journeys.build_path_events_and_conversions(engine, lookbacks, plain)
    assert rows_of(engine) == expected
    assert not engine.exists("journeys.path_members")


# --- the sample -----------------------------------------------------------------------------------


@pytest.mark.parametrize("click_priority", [False, True])
def test_the_sample_has_the_weights_of_the_rules(engine, click_priority):
    build(engine, *batch(random.Random(2)), click_priority=click_priority, default=9 * DAY)
    build_sample(engine, "sale", day(99))
    models = make_models()
    sample = load_sample(engine, "sale", channel_names(engine), models)
    paths = engine.frame(
        "select landmarks.landmark as path, path_touches.* from journeys.path_touches"
        " inner join evaluation.landmarks on landmarks.user_key = path_touches.user_key"
        " and landmarks.touch = path_touches.event_touch"
        " and landmarks.outcome = path_touches.outcome where not path_touches.is_conversion"
    )
    assert len(sample) == paths["path"].n_unique()
    for model in models:
        if not model.learns:
            expected = np.zeros((len(sample), len(sample.channels)))
            rows = (paths["path"].to_numpy(), paths["channel_key"].to_numpy())
            np.add.at(expected, rows, touch_credit(model, paths))
            features = model.encode(sample)
            np.testing.assert_allclose(
                features.rows[features.inverse], expected, atol=2.5 / 118, err_msg=model.name
            )


# --- incremental builds ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_incremental_builds_equal_full_builds(engine, seed):
    draw = random.Random(seed)
    touchpoints, conversions = batch(draw)
    views = InteractionLookbacks(9 * DAY, VIEWS, click_priority=seed == 1)
    own = {"sale": PathOptions(by_interaction=views)}
    lookbacks = {"lead": 5 * DAY, "sale": 9 * DAY}
    tables = (*TABLES, "path_members", "interactions")
    make_inputs(engine, touchpoints, conversions)
    assert refresh(engine, lookbacks, options=own).full_reason is not None
    for step in range(4):
        user = draw.choice(touchpoints)[0]
        touchpoints.append((user, day(39 + step / 9), "tv", None, "impression"))
        touchpoints.remove(draw.choice([row for row in touchpoints if row[0] != "busy"]))
        conversions.append((f"new {step}", day(41), "sale", None, f"new {step}"))
        make_inputs(engine, touchpoints, conversions)
        assert refresh(engine, lookbacks, options=own).full_reason is None
        with DuckDBEngine(threads=1) as other:
            make_inputs(other, touchpoints, conversions)
            refresh(other, lookbacks, full=True, options=own)
            assert rows_of(engine, tables) == rows_of(other, tables)
    other = InteractionLookbacks(9 * DAY, {"impression": 2 * DAY})
    build = refresh(engine, lookbacks, {"sale": PathOptions(by_interaction=other)})
    assert build.full_reason == "what is on paths changed"


def test_scores_depend_on_the_lookbacks():
    views = InteractionLookbacks(9 * DAY, VIEWS)
    clicks_first = InteractionLookbacks(9 * DAY, VIEWS, click_priority=True)
    texts = [PathOptions(by_interaction=own).definition for own in (None, views, clicks_first)]
    assert len(set(texts)) == 3
    assert texts[1] == "continue, engaged_view 3d, impression 1d, others 9d"


# --- from settings to results ---------------------------------------------------------------------


def tables_of(users: int = 400) -> tuple[Any, Any]:
    """Return touchpoints and conversions: impressions two days before, and clicks at once."""
    import polars as pl  # noqa: PLC0415

    draw = random.Random(0)
    touchpoints, conversions = [], []
    for user in range(users):
        start = day(draw.random() * 120)
        touchpoints.append((f"u{user}", start, "banner", "impression"))
        touchpoints.append((f"u{user}", start + timedelta(hours=1), "search", "click"))
        if draw.random() < 0.5:
            conversions.append((f"u{user}", start + 2 * DAY))
    return (
        pl.DataFrame(
            touchpoints, schema=["user_id", "touched_at", "channel", "interaction"], orient="row"
        ),
        pl.DataFrame(conversions, schema=["user_id", "converted_at"], orient="row"),
    )


def test_credit_depends_on_the_interaction():
    touchpoints, conversions = tables_of()

    def of(**options: Any) -> dict[str, float]:
        found = credit(
            touchpoints=touchpoints,
            conversions=conversions,
            models=["linear"],
            intervals=False,
            **options,
        )
        return dict(found.table.select("channel", "conversions").rows())

    n = len(conversions)
    assert of() == pytest.approx({"banner": n / 2, "search": n / 2, "(unattributed)": 0})
    clicks = pytest.approx({"banner": 0, "search": n, "(unattributed)": 0})
    assert of(lookback_by_interaction={"impression": "1d"}) == clicks
    assert of(click_priority=True) == clicks


def test_a_comparison_runs_with_lookbacks_by_interaction():
    touchpoints, conversions = tables_of()
    result = compare(
        touchpoints,
        conversions,
        lookback="7d",
        lookback_by_interaction={"impression": "1d"},
        models=["linear", "last_touch", "markov_2", "shapley", "additive_hazard", "time_decay"],
    )
    [counts] = result.outcomes
    assert counts["lookback"] == "7d (impression 1d)"
    assert "interactions" in result.warnings["kind"].to_list()
    assert set(result.credit["channel"]) >= {"search"}


def test_settings_of_an_outcome_replace_those_of_all():
    values = {
        "sources": {"touchpoints": "t.csv", "conversions": "c.csv"},
        "evaluation": {"lookback_by_interaction": {"impression": "1d"}, "click_priority": True},
        "outcomes": {
            "lead": {"lookback": "5d", "lookback_by_interaction": {}, "click_priority": False},
            "sale": {"lookback_by_interaction": {"impression": "60d"}},
        },
    }
    parsed = parse_settings(values, "here")
    assert parsed.lookbacks(["lead", "sale"]) == {"lead": 5 * DAY, "sale": 60 * DAY}
    found = parsed.path_options(["lead", "sale"])
    assert found["lead"].by_interaction is None
    assert found["sale"].by_interaction == InteractionLookbacks(
        30 * DAY, {"impression": 60 * DAY}, click_priority=True
    )


@pytest.mark.parametrize("wrong", [{"impression": "soon"}, {"impression": 1}, {"": "1d"}, "1d"])
def test_wrong_lookbacks_are_refused(wrong):
    values = {
        "sources": {"touchpoints": "t.csv", "conversions": "c.csv"},
        "evaluation": {"lookback_by_interaction": wrong},
    }
    with pytest.raises(InputError, match="evaluation.lookback_by_interaction"):
        parse_settings(values, "here")
