"""Runs after random changes of the sources: the marts equal those of a full rebuild."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import lydite
from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.inputs import changed_files
from lydite.models import models_from_settings
from lydite.pipeline.whole import prepare
from lydite.settings import make_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START = datetime(2025, 1, 6)
#: So many days are there at first; the next one completes no period.
DAYS = 59
SETTINGS = make_settings(
    lookback="7d", models=["last_touch", "linear", "markov_1"]
)  # fmt: skip
MADE = lydite.simulate("linear", users=300, seed=3, weeks=14)
TIMES = {"touchpoints": "touched_at", "conversions": "converted_at"}
#: Tables of the warehouse without which a run computes everything but the scores in the ledger.
KEPT_BETWEEN_RUNS = (
    "quality.source_files", "quality.source_definitions", changed_files.CHANGED_USERS,
    "journeys.definitions", "evaluation.drawn_samples", "evaluation.backtested",
)  # fmt: skip


class Run(NamedTuple):
    """What a run has made.

    Attributes
    ----------
    newest_file
        The number of the file that was added last.
    has_kept_users
        Whether the journeys of some users are those of the run before.
    drawn
        The id of the sample.
    marts
        The marts by name.
    """

    newest_file: int
    has_kept_users: bool
    drawn: str
    marts: dict[str, pl.DataFrame]


@dataclass
class Shop:
    """A project with a file per day and table, whose rows change."""

    folder: Path
    draw: random.Random
    days: dict[str, list[pl.DataFrame]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write the files of the first days."""
        for table, at in TIMES.items():
            rows: pl.DataFrame = getattr(MADE, table)
            number = (pl.col(at) - START).dt.total_days()
            parts = rows.with_columns(number.alias("day")).partition_by("day", as_dict=True)
            empty = rows.clear()
            self.days[table] = [
                parts[day,].drop("day") if (day,) in parts else empty for day in range(7 * 14)
            ]
            (self.folder / table).mkdir(parents=True)
        self.last = 0
        for _ in range(DAYS):
            self.add_day()

    def add_day(self) -> None:
        """Add the files of the next day."""
        self.last += 1
        for table in TIMES:
            self.write(table, self.last - 1)

    def write(self, table: str, day: int) -> None:
        """Write a file; days without rows have none."""
        file, rows = self.folder / table / f"{day:03}.parquet", self.days[table][day]
        file.unlink(missing_ok=True)
        if rows.height:
            rows.write_parquet(file)

    def change(self, table: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        """Change the rows of a day that is there already."""
        day = self.draw.randrange(3, self.last)
        self.days[table][day] = change(self.days[table][day])
        self.write(table, day)

    def run(self, warehouse: Path) -> Run:
        """Run all steps in the order of the job `refresh`."""
        sources = {table: str(self.folder / table / "*.parquet") for table in TIMES}
        evaluation = SETTINGS.evaluation
        with DuckDBEngine(warehouse, threads=1) as engine:
            prepare(engine, sources, SETTINGS)
            models = pipeline.usable_models(engine, models_from_settings(SETTINGS), required=True)
            pipeline.build_samples(engine, evaluation.max_landmarks)
            pipeline.backtest_models(engine, models, evaluation.seed)
            pipeline.attribute_conversions(engine, models, evaluation.seed)
            pipeline.compare_models(engine, models, evaluation)
            pipeline.record_run(engine, evaluation)
            pipeline.build_marts(engine)
            names = engine.rows(
                "select table_name from duckdb_tables() where schema_name = 'mart' order by 1"
            )
            marts = {name: engine.frame(f"from mart.{name}") for (name,) in names if name != "runs"}
            newest = engine.scalar("select max(number) from quality.source_files")
            has_kept = engine.scalar("select before from journeys.last_build") is not None
            drawn = engine.scalar("select drawn from evaluation.drawn_samples")
        return Run(newest, has_kept, drawn, marts)

    def rebuilt(self, warehouse: Path) -> Run:
        """Run all steps on a copy of the warehouse, and compute everything but stored scores."""
        copy = warehouse.with_name("full.duckdb")
        shutil.copy(warehouse, copy)
        with DuckDBEngine(copy) as engine:
            for table in KEPT_BETWEEN_RUNS:
                engine.drop(table)
            for schema, name in engine.rows(
                "select schema_name, table_name from duckdb_tables()"
                " where schema_name in ('credit', 'mart')"
            ):
                engine.drop(f"{schema}.{name}")
        try:
            return self.run(copy)
        finally:
            copy.unlink()


# Each function changes the files as a later delivery might.


def new_day(shop: Shop) -> None:
    shop.add_day()


def new_week(shop: Shop) -> None:
    for _ in range(7):
        shop.add_day()


def late_rows(shop: Shop) -> None:
    """Rows of other users at the times of the day."""
    for table in TIMES:
        others = MADE.users["user_id"].sample(3, seed=shop.draw.randrange(99))

        def add(rows: pl.DataFrame, others: pl.Series = others) -> pl.DataFrame:
            more = rows.head(3)
            return pl.concat([rows, more.with_columns(user_id=others.head(more.height))])

        shop.change(table, add)


def corrected_rows(shop: Shop) -> None:
    """Touches on another channel, and conversions a little later."""
    shop.change("touchpoints", lambda rows: rows.with_columns(
        pl.when(pl.int_range(pl.len()) < 2).then(pl.lit("search")).otherwise("channel")
        .alias("channel")
    ))  # fmt: skip
    shop.change("conversions", lambda rows: rows.with_columns(
        pl.col("converted_at") + timedelta(minutes=5)
    ))  # fmt: skip


def deleted_rows(shop: Shop) -> None:
    for table in TIMES:
        shop.change(table, lambda rows: rows.tail(max(rows.height - 2, 0)))


def deleted_files(shop: Shop) -> None:
    shop.change(shop.draw.choice(list(TIMES)), pl.DataFrame.clear)


def sent_twice(shop: Shop) -> None:
    for table in TIMES:
        shop.change(table, lambda rows: pl.concat([rows, rows.head(2)]))


def renamed_channel(shop: Shop) -> None:
    """Rename a channel in all files."""
    old = shop.draw.choice(MADE.touchpoints["channel"].unique().sort().to_list())
    for day, rows in enumerate(shop.days["touchpoints"]):
        shop.days["touchpoints"][day] = rows.with_columns(
            pl.col("channel").replace(old, f"{old} (new)")
        )
        if day < shop.last:
            shop.write("touchpoints", day)


def unknown_users(shop: Shop) -> None:
    """Rows that cannot be used."""
    shop.change("touchpoints", lambda rows: rows.with_columns(
        pl.when(pl.int_range(pl.len()) > 0).then("user_id").alias("user_id")
    ))  # fmt: skip


def nothing(shop: Shop) -> None:
    del shop


CHANGES = (
    new_day, new_week, late_rows, corrected_rows, deleted_rows, deleted_files, sent_twice,
    renamed_channel, unknown_users, nothing,
)  # fmt: skip


def same(found: dict[str, pl.DataFrame], full: dict[str, pl.DataFrame], history: str) -> None:
    """Check that marts are equal to the last digit, whatever the order of their rows."""
    assert found.keys() == full.keys()
    for name, frame in full.items():
        keys = frame.select(~pl.selectors.float()).columns
        try:
            assert_frame_equal(found[name].sort(keys), frame.sort(keys), check_exact=True)
        except AssertionError as error:
            raise AssertionError(f"mart.{name} after {history}: {error}") from error


def check_sequence(folder: Path, seed: int, steps: int) -> None:
    """Run after each of some random changes, and compare the last run with a full rebuild."""
    draw = random.Random(seed)
    shop, warehouse = Shop(folder / "shop", draw), folder / "warehouse.duckdb"
    shop.run(warehouse)
    changes = draw.sample(CHANGES, steps)
    for change in changes:
        change(shop)
        if change is changes[-1]:
            full = shop.rebuilt(warehouse)
        found = shop.run(warehouse)
    history = ", ".join(one.__name__ for one in changes)
    same(found.marts, full.marts, f"{history} (seed {seed})")


@pytest.fixture(autouse=True)
def files_are_settled(monkeypatch) -> None:
    """Take the times of files as they are: the test writes and reads them within a second."""
    monkeypatch.setattr(changed_files, "_UNSETTLED_NS", 0)


def test_one_more_day_rebuilds_its_users_and_keeps_the_sample(tmp_path):
    shop, warehouse = Shop(tmp_path / "shop", random.Random(0)), tmp_path / "warehouse.duckdb"
    first = shop.run(warehouse)
    shop.add_day()
    second = shop.run(warehouse)
    assert second.has_kept_users > first.has_kept_users
    assert second.drawn == first.drawn
    full = shop.rebuilt(warehouse)
    assert second.newest_file == full.newest_file
    assert not full.has_kept_users
    same(second.marts, full.marts, "a day")


@pytest.mark.parametrize("seed", [1, 6])
def test_marts_after_random_changes_equal_a_full_rebuild(tmp_path, seed):
    check_sequence(tmp_path, seed, 3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(7, 27))
def test_marts_after_more_random_changes_equal_a_full_rebuild(tmp_path, seed):
    check_sequence(tmp_path, seed, 5)
