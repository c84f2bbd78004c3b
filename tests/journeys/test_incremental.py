"""Tests of incremental builds: equal to a full build, and only changed users are rebuilt."""

from __future__ import annotations

import itertools
import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lydite import journeys
from lydite.engine import DuckDBEngine, load_sql
from lydite.journeys import incremental
from lydite.journeys.incremental import build_journeys, refresh
from lydite.settings import PathOptions, PeopleSettings
from tests.helpers.input_tables import make_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Row = tuple[Any, ...]
    Rows = tuple[list[Row], list[Row]]

TABLES = (
    "milestones",
    "users",
    "channels",
    "touches",
    "path_events",
    "conversions",
    "path_touches",
    "ended_paths",
    "states",
)
LOOKBACKS = {"lead": timedelta(hours=36), "sale": timedelta(days=9)}
CHANNELS = ["search", "direct", "tv", "e-mail", "(none)"]


def day(number: float) -> datetime:
    """Return the time `number` days into the year."""
    return datetime(2026, 1, 1) + timedelta(days=number)


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine(threads=1) as engine:
        yield engine


# --- rows -----------------------------------------------------------------------------------------


def touch(draw: random.Random, user: str, channels: list[str] | None = None) -> Row:
    """Draw a touch after the first day, often at the time of another."""
    return (
        user,
        day(1 + draw.randrange(120) / 4),
        draw.choice(channels or CHANNELS),
        draw.choice([None, "spring"]),
        draw.choice([None, "click"]),
        draw.choice([None, 0.0, 0.5]),
        draw.choice([None, None, str(draw.randrange(5))]),
    )


def conversion(draw: random.Random, user: str) -> Row:
    """Draw a conversion, often at the time of a touch or another conversion."""
    outcome, value = draw.choice(list(LOOKBACKS)), draw.choice([None, 1.5, -2.0])
    return (user, day(1 + draw.randrange(120) / 4), outcome, value, str(draw.randrange(10**9)))


def users_batch(draw: random.Random, users: int = 40) -> Rows:
    """Draw rows of users; some never convert and some have no touches."""
    names = [f"user {n}" for n in range(users)]
    first = [("first", day(n / 100), name) for n, name in enumerate(CHANNELS)]
    touchpoints = [touch(draw, user) for user in names for _ in range(draw.choice([0, 1, 2, 8]))]
    conversions = [
        conversion(draw, user) for user in names for _ in range(draw.choice([0, 0, 1, 3]))
    ]
    return [*map(completed, first), *touchpoints, *touchpoints[::7]], [
        *conversions,
        *(conversion(draw, "first") for _ in range(8)),
    ]


def completed(row: Row) -> Row:
    return (*row, *[None] * (7 - len(row)))


def someone(draw: random.Random, rows: list[Row]) -> str:
    return draw.choice(rows)[0]


# Each function changes a few rows in place, as a later delivery might.


def new_touches(draw: random.Random, touchpoints: list[Row], conversions: list[Row]) -> None:
    touchpoints += [touch(draw, someone(draw, touchpoints)) for _ in range(3)]


def new_users(draw: random.Random, touchpoints: list[Row], conversions: list[Row]) -> None:
    name = f"new {draw.random()}"
    touchpoints += [touch(draw, name) for _ in range(3)]
    conversions += [conversion(draw, name), conversion(draw, f"untouched {draw.random()}")]


def new_channel(draw: random.Random, touchpoints: list[Row], conversions: list[Row]) -> None:
    row = (someone(draw, touchpoints), day(40 + draw.random()), f"channel {draw.random()}")
    touchpoints.append(completed(row))


def late_conversion(draw: random.Random, touchpoints: list[Row], conversions: list[Row]) -> None:
    conversions.append(conversion(draw, someone(draw, touchpoints)))


def gone_rows(draw: random.Random, touchpoints: list[Row], conversions: list[Row]) -> None:
    for rows in (touchpoints, conversions):
        rows.pop(draw.randrange(len(CHANNELS), len(rows)))


def gone_user(draw: random.Random, touchpoints: list[Row], conversions: list[Row]) -> None:
    user = someone(draw, touchpoints[len(CHANNELS) :])
    for rows in (touchpoints, conversions):
        rows[:] = [row for row in rows if row[0] != user]


def sent_again(draw: random.Random, touchpoints: list[Row], conversions: list[Row]) -> None:
    touchpoints += draw.sample(touchpoints, 2)


def corrected(draw: random.Random, touchpoints: list[Row], conversions: list[Row]) -> None:
    place = draw.randrange(len(CHANNELS), len(touchpoints))
    touchpoints[place] = touch(draw, touchpoints[place][0])
    place = draw.randrange(len(conversions))
    conversions[place] = (*conversions[place][:3], draw.random(), conversions[place][4])


def backfill(draw: random.Random, touchpoints: list[Row], conversions: list[Row]) -> None:
    touchpoints.append(completed((someone(draw, touchpoints), day(-draw.random()), "(none)")))


def nothing(draw: random.Random, touchpoints: list[Row], conversions: list[Row]) -> None:
    for rows in (touchpoints, conversions):
        draw.shuffle(rows)


CHANGES: list[Callable[..., None]] = [
    *(new_touches, new_users, new_channel, late_conversion, gone_rows, gone_user, sent_again),
    *(corrected, backfill, nothing),
]  # fmt: skip


# --- compare with a full build --------------------------------------------------------------------


def all_rows(engine: DuckDBEngine) -> dict[str, list[Row]]:
    """Return the rows of all tables, sorted."""
    if not engine.exists(journeys.ENDED_PATHS):  # later builds keep it up to date
        journeys.build_ended_paths(engine)
    return {name: sorted(engine.frame(f"from journeys.{name}").rows(), key=repr) for name in TABLES}


def rebuilt_rows(
    rows: Rows,
    lookbacks: dict[str, timedelta] | None = None,
    options: dict[str, PathOptions] | None = None,
) -> dict[str, list[Row]]:
    """Return all rows of a full build."""
    with DuckDBEngine(threads=1) as engine:
        make_inputs(engine, *rows)
        journeys.build_touches(engine)
        journeys.build_path_events_and_conversions(engine, lookbacks or LOOKBACKS, options)
        engine.create("journeys.states", "incremental/states")
        return all_rows(engine)


@pytest.mark.parametrize("seed", range(4))
def test_after_any_changes_tables_equal_a_full_build(engine, seed):
    draw = random.Random(seed)
    rows = users_batch(draw)
    lookbacks = LOOKBACKS
    options = {
        "lead": PathOptions(after_conversion="restart"),
        "sale": PathOptions(milestone="lead"),
    }
    make_inputs(engine, *rows)
    reasons = [refresh(engine, lookbacks, options).full_reason]
    for _ in range(6):
        for change in draw.choices(CHANGES, k=draw.choice([1, 2])):
            change(draw, *rows)
        if draw.random() < 0.1:
            lookbacks = {**lookbacks, "lead": timedelta(hours=draw.randrange(1, 99))}
        make_inputs(engine, *rows)
        reasons.append(refresh(engine, lookbacks, options).full_reason)
        assert all_rows(engine) == rebuilt_rows(rows, lookbacks, options)
    assert reasons[0] is not None
    assert reasons.count(None) >= 3


@pytest.mark.parametrize("change", CHANGES)
def test_daily_changes_rebuild_only_changed_users(engine, change):
    draw = random.Random(5)
    rows = users_batch(draw)
    make_inputs(engine, *rows)
    refresh(engine, LOOKBACKS)
    change(draw, *rows)
    make_inputs(engine, *rows)
    build = refresh(engine, LOOKBACKS)
    assert all_rows(engine) == rebuilt_rows(rows)
    if change is backfill:
        assert build.full_reason == "channels were renumbered"
    else:
        assert build.full_reason is None
        assert build.rebuilt <= 5
        assert (build.rebuilt == 0) == (change is nothing)


# --- who is rebuilt -------------------------------------------------------------------------------


OTHER_VALUES = {
    "touchpoints": (day(20), "tv", "autumn", "view", 7.0, "id"),
    "conversions": (day(20), "lead", 7.0, "id"),
}


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        (table, column, value)
        for table, values in OTHER_VALUES.items()
        for column, value in enumerate(values, start=1)
    ],
)
def test_a_change_in_any_column_rebuilds_one_user(engine, table, column, value):
    rows = users_batch(random.Random(3))
    make_inputs(engine, *rows)
    refresh(engine, LOOKBACKS)
    changed = rows[table == "conversions"]
    place = next(n for n in reversed(range(len(changed))) if changed[n][column] != value)
    changed[place] = (*changed[place][:column], value, *changed[place][column + 1 :])
    make_inputs(engine, *rows)
    assert refresh(engine, LOOKBACKS).rebuilt == 1
    assert all_rows(engine) == rebuilt_rows(rows)


def test_unchanged_users_are_not_rebuilt(engine):
    touchpoints, conversions = users_batch(random.Random(4))
    make_inputs(engine, touchpoints, conversions)
    refresh(engine, LOOKBACKS)
    marked = "update journeys.{} set bucket = 1000"
    for table in ("users", "touches", "path_events"):
        engine.run(marked.format(table))
    touchpoints.append(completed(("user 7", day(50), "tv")))
    make_inputs(engine, touchpoints, conversions)
    assert refresh(engine, LOOKBACKS).rebuilt == 1
    for table in ("users", "touches", "path_events"):
        rebuilt_users = engine.rows(
            f"select distinct users.user_id from journeys.{table} as t"
            " inner join journeys.users as users on t.user_key = users.user_key"
            " where t.bucket < 256"
        )
        assert rebuilt_users == [("user 7",)], table


def test_two_more_duplicates_do_not_cancel_out_in_the_digest(engine):
    touchpoints, conversions = users_batch(random.Random(4))
    make_inputs(engine, touchpoints, conversions)
    refresh(engine, LOOKBACKS)
    make_inputs(engine, [*touchpoints, *2 * [touchpoints[-1]]], conversions)
    assert refresh(engine, LOOKBACKS).rebuilt == 1


def test_kept_duplicates_are_rebuilt_with_their_user(engine):
    touchpoints, conversions = users_batch(random.Random(4))
    make_inputs(engine, touchpoints, conversions)
    once = refresh(engine, LOOKBACKS)
    before = refresh(engine, LOOKBACKS, keep_duplicates=True)
    assert before.full_reason == "keep_duplicates changed"
    assert before.summary.touches > once.summary.touches
    without_id = (*touchpoints[-1][:6], None)
    make_inputs(engine, [*touchpoints, *3 * [without_id]], conversions)
    build = refresh(engine, LOOKBACKS, keep_duplicates=True)
    assert build.rebuilt == 1
    assert build.summary.touches == before.summary.touches + 3


# --- when all users are rebuilt -------------------------------------------------------------------


def test_full_rebuilds_all(engine):
    rows = users_batch(random.Random(1))
    make_inputs(engine, *rows)
    refresh(engine, LOOKBACKS)
    engine.run("update journeys.touches set bucket = 1000")
    assert str(refresh(engine, LOOKBACKS, full=True)) == "all 39 users: requested"
    assert all_rows(engine) == rebuilt_rows(rows)
    assert refresh(engine, LOOKBACKS).rebuilt == 0


@pytest.mark.parametrize(
    "lookbacks",
    [{**LOOKBACKS, "sale": timedelta(days=8)}, {"sale": timedelta(days=9)}],
    ids=["another", "one outcome less"],
)
def test_other_lookbacks_rebuild_all(engine, lookbacks):
    rows = users_batch(random.Random(1))
    make_inputs(engine, *rows)
    refresh(engine, LOOKBACKS)
    assert refresh(engine, lookbacks).full_reason == "the lookbacks changed"
    assert all_rows(engine) == rebuilt_rows(rows, lookbacks)


def test_other_paths_rebuild_all(engine):
    rows = users_batch(random.Random(1))
    make_inputs(engine, *rows)
    refresh(engine, LOOKBACKS)
    options = {"sale": PathOptions(after_conversion="restart")}
    build = refresh(engine, LOOKBACKS, options)
    assert build.full_reason == "what is on paths changed"
    assert all_rows(engine) == rebuilt_rows(rows, options=options) != rebuilt_rows(rows)
    assert refresh(engine, LOOKBACKS, options).rebuilt == 0


def test_other_sql_rebuilds_all(engine, monkeypatch):
    make_inputs(engine, *users_batch(random.Random(1)))
    refresh(engine, LOOKBACKS)
    monkeypatch.setattr(incremental, "load_sql", lambda name: load_sql(name) + "\n-- changed")
    assert refresh(engine, LOOKBACKS).full_reason == "the SQL changed"


def test_another_duckdb_version_rebuilds_all(engine):
    make_inputs(engine, *users_batch(random.Random(1)))
    refresh(engine, LOOKBACKS)
    engine.run("update journeys.definitions set fingerprint = 'v0' where definition like 'Duck%'")
    assert refresh(engine, LOOKBACKS).full_reason == "DuckDB's version changed"


def test_many_changes_rebuild_all(engine):
    touchpoints, conversions = users_batch(random.Random(1))
    make_inputs(engine, touchpoints, conversions)
    refresh(engine, LOOKBACKS)
    touchpoints += [completed((f"user {n}", day(50), "tv")) for n in range(11)]
    make_inputs(engine, touchpoints, conversions)
    assert (
        "11 of them changed, too many for an incremental build"
        in refresh(engine, LOOKBACKS).full_reason
    )
    assert all_rows(engine) == rebuilt_rows((touchpoints, conversions))


@pytest.mark.parametrize(("before", "then"), [([], ["bob"]), (["ann", "bob"], ["ann"])])
def test_users_with_equal_digests_rebuild_all(engine, monkeypatch, before, then):
    # All users whose name does not begin with "user" have the same digest.
    coarse = load_sql("journeys/users").replace(
        "md5(cast(user_id as varchar))",
        "md5(case when user_id like 'user%' then user_id else 'one' end)",
    )
    monkeypatch.setattr(
        "lydite.engine.duckdb.resolve_sql",
        lambda sql: (
            coarse if sql == "journeys/users" else load_sql(sql) if "/" in sql[:20] else sql
        ),
    )
    crowded, conversions = users_batch(random.Random(1))
    for names in (before, then):
        touchpoints = [*crowded, *(completed((name, day(2), "tv")) for name in names)]
        make_inputs(engine, touchpoints, conversions)
        reason = refresh(engine, LOOKBACKS).full_reason
    assert "share the digest" in reason
    assert all_rows(engine) == rebuilt_rows((touchpoints, conversions))


def test_in_memory_all_are_built_and_no_state_is_kept(engine):
    make_inputs(engine, *users_batch(random.Random(1)))
    for _ in range(2):
        assert (
            str(build_journeys(engine, LOOKBACKS)) == "all 39 users: nothing is kept between runs"
        )
    assert not engine.exists("journeys.states")
    assert not engine.exists("journeys.definitions")


def test_the_next_process_continues_from_the_file(tmp_path):
    touchpoints, conversions = users_batch(random.Random(1))
    for expected in (39, 0):
        with DuckDBEngine(tmp_path / "warehouse.duckdb") as engine:
            make_inputs(engine, touchpoints, conversions)
            assert build_journeys(engine, LOOKBACKS).rebuilt == expected


# --- interrupted runs -----------------------------------------------------------------------------


def test_an_error_leaves_the_old_tables_and_the_next_run_continues(engine, monkeypatch):
    touchpoints, conversions = users_batch(random.Random(2))
    make_inputs(engine, touchpoints, conversions)
    refresh(engine, LOOKBACKS)
    before = all_rows(engine)
    touchpoints.append(completed(("user 7", day(2), "tv")))
    make_inputs(engine, touchpoints, conversions)
    monkeypatch.setattr(engine, "create", failing_at(engine.create, "journeys.conversions"))
    with pytest.raises(KeyboardInterrupt):
        refresh(engine, LOOKBACKS)
    monkeypatch.undo()
    assert all_rows(engine) == before
    build = refresh(engine, LOOKBACKS)
    assert (build.rebuilt, build.full_reason) == (1, None)
    assert all_rows(engine) == rebuilt_rows((touchpoints, conversions))


def failing_at(create: Callable[..., None], table: str) -> Callable[..., None]:
    def fails(name: str, *rest: Any) -> None:
        if name == table:
            raise KeyboardInterrupt
        create(name, *rest)

    return fails


@pytest.mark.parametrize("full", [False, True])
def test_after_a_kill_at_any_statement_the_next_run_is_correct(tmp_path, monkeypatch, full):
    touchpoints, conversions = users_batch(random.Random(2), users=12)
    file, copies = tmp_path / "warehouse.duckdb", {}
    with DuckDBEngine(file, threads=1) as engine:
        make_inputs(engine, touchpoints, conversions)
        refresh(engine, LOOKBACKS)
        touchpoints.append(completed(("user 7", day(2), "tv")))
        touchpoints.append(completed(("bob", day(2), "tv")))
        make_inputs(engine, touchpoints, conversions)
        run = engine.run

        def run_and_copy(sql: str, *rest: Any) -> None:
            run(sql, *rest)
            copies.setdefault(on_disk(file), sql)

        monkeypatch.setattr(engine, "run", run_and_copy)
        refresh(engine, LOOKBACKS, full=full)
    expected, rebuilt = rebuilt_rows((touchpoints, conversions)), []
    for number, (copy, last) in enumerate(copies.items()):
        written = tmp_path / f"{number}.duckdb"
        for name, content in copy:
            written.with_name(written.name + name).write_bytes(content)
        with DuckDBEngine(written, threads=1) as engine:
            rebuilt.append(refresh(engine, LOOKBACKS).rebuilt)
            assert all_rows(engine) == expected, last
    # The count before and after the replacement; an interrupted full run starts again.
    assert [n for n, _ in itertools.groupby(rebuilt)] == ([2, 12, 0] if full else [2, 0])


def on_disk(file: Path) -> tuple[tuple[str, bytes], ...]:
    """Return the files of a database: what a process leaves that is killed right now."""
    log = file.with_name(f"{file.name}.wal")
    return tuple((p.name[len(file.name) :], p.read_bytes()) for p in (file, log) if p.exists())


def test_an_engine_with_rows_elsewhere_leaves_no_state_in_the_local_file(tmp_path):
    class Elsewhere(DuckDBEngine):
        """Rows in memory and a local file, as with Spark."""

        local = DuckDBEngine(tmp_path / "w.duckdb", threads=1)  # type: ignore[assignment]

    rows = ([("ann", day(2), "tv")], [("ann", day(3), "lead")])
    with Elsewhere.local as file, Elsewhere(threads=1) as engine:
        make_inputs(file, *rows)
        refresh(file, LOOKBACKS)
        assert file.exists("journeys.definitions")
        make_inputs(engine, *rows)
        build_journeys(engine, LOOKBACKS)
        assert not file.exists("journeys.definitions")


# --- joined ids -----------------------------------------------------------------------------------

ALWAYS = PeopleSettings(identities="always")


def pairs_of(draw: random.Random, n: int = 6) -> list[Row]:
    return [(*draw.sample([f"user {k}" for k in range(40)], 2), day(3)) for _ in range(n)]


def rebuilt_persons(rows: Rows, pairs: list[Row], people: PeopleSettings) -> dict[str, list[Row]]:
    """Return all rows of a full build with joined ids."""
    with DuckDBEngine(threads=1) as engine:
        make_inputs(engine, *rows, identities=pairs)
        lookback = max(LOOKBACKS.values())
        journeys.build_touches(engine, people=people, lookback=lookback)
        journeys.build_path_events_and_conversions(engine, LOOKBACKS)
        engine.create("journeys.states", "incremental/states")
        return all_rows(engine)


@pytest.mark.parametrize("seed", range(3))
def test_a_new_pair_that_always_joins_rebuilds_its_persons_only(engine, seed):
    draw = random.Random(seed)
    rows, pairs = users_batch(draw), pairs_of(draw)
    make_inputs(engine, *rows, identities=pairs)
    refresh(engine, LOOKBACKS, people=ALWAYS)
    pairs.append(("user 38", "user 39", day(20)))
    make_inputs(engine, *rows, identities=pairs)
    build = refresh(engine, LOOKBACKS, people=ALWAYS)
    assert build.full_reason is None
    assert build.rebuilt <= 8
    assert all_rows(engine) == rebuilt_persons(rows, pairs, ALWAYS)
    make_inputs(engine, *rows, identities=pairs[:2])
    refresh(engine, LOOKBACKS, people=ALWAYS)
    assert all_rows(engine) == rebuilt_persons(rows, pairs[:2], ALWAYS)


def test_pairs_that_join_over_time_rebuild_all(engine):
    draw = random.Random(1)
    rows, pairs = users_batch(draw), pairs_of(draw)
    make_inputs(engine, *rows)
    refresh(engine, LOOKBACKS)
    make_inputs(engine, *rows, identities=pairs)
    for _ in range(2):
        assert refresh(engine, LOOKBACKS).full_reason == "identities join them over time"
    engine.create("journeys.states", "incremental/states")
    assert all_rows(engine) == rebuilt_persons(rows, pairs, PeopleSettings())
    make_inputs(engine, *rows)
    assert refresh(engine, LOOKBACKS).full_reason is not None
    assert all_rows(engine) == rebuilt_rows(rows)
