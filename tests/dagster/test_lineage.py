"""The dependencies of assets are what the SQL of a run really reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lydite import inputs
from lydite.dagster.lineage import Lineage, file_of
from lydite.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

    from tests.helpers.statements import Tables

SOURCES = {"touchpoints": "t.parquet", "conversions": "c.parquet"}
#: What a step depends on though the run of the tests, without a holdout and without joined ids,
#: does not read it; and what it reads from a file.
NOT_READ = {
    "read_experiments": {"journeys.users", "inputs.users"},
    "compare_with_experiments": {
        "credit.touch_credit",
        "inputs.users",
        "evaluation.landmarks",
        "evaluation.outcomes",
        *(f"journeys.{n}" for n in ("channels", "conversions", "path_events", "touches", "users")),
    },
    "build_marts": {"decisions.promotion"},
    "compare_lookbacks": {f"inputs.{name}" for name in inputs.TABLES},  # in another database
}

#: What Python reads for tables that SQL makes: of accounts, and whether models can run.
BY_PYTHON = {
    "journeys.users": {"inputs.users"},
    "evaluation.landmarks": {"evaluation.outcomes", "journeys.channels"},
}


@pytest.fixture(scope="module")
def tables(run) -> Tables:
    """Return what the statements of a run read and write."""
    return run.statements.tables()


@pytest.fixture(scope="module")
def steps(run) -> dict[str, dict[str, set[str]]]:
    """Return the parents of every asset, by step and name."""
    found: dict[str, dict[str, set[str]]] = {}
    for asset in run.definitions.assets:
        if not hasattr(asset, "op"):
            continue
        own = {name_of(spec.key): {name_of(dep.asset_key) for dep in spec.deps}
               for spec in asset.specs}  # fmt: skip
        found[asset.op.name.removeprefix("shop_")] = own
    return found


def name_of(key: dg.AssetKey) -> str:
    """Return the name of a table from the key of its asset."""
    return ".".join(key.path[1:])


def nearest_assets(
    table: str, made_from: dict[str, set[str]], assets: set[str], visited: set[str]
) -> set[str]:
    """Return the assets that a table is made from, behind those that are no assets."""
    found: set[str] = set()
    for name in made_from.get(table, set()) - visited:
        visited.add(name)
        found |= {name} if name in assets else nearest_assets(name, made_from, assets, visited)
    return found


def test_a_table_that_sql_makes_depends_on_what_its_statements_read(tables, steps):
    parents = {table: own for step in steps.values() for table, own in step.items()}
    compared = 0
    for table, declared in parents.items():
        behind, pending = set(), [table]
        while pending:
            name = pending.pop()
            if name not in behind:
                behind.add(name)
                pending += [n for n in tables.made_from.get(name, ()) if n not in parents]
        if table.startswith("inputs.") or not tables.made_from.get(table):
            continue
        read = nearest_assets(table, tables.made_from, set(parents), {table})
        assert read <= declared, table
        if not behind & tables.from_frames and behind <= set(tables.made_from):
            compared += 1
            assert declared == read | BY_PYTHON.get(table, set()), table
    assert compared > 10


def test_a_step_depends_on_all_that_it_reads_and_on_nothing_else(tables, steps):
    assets = {table for own in steps.values() for table in own}
    for step, own in steps.items():
        if step.startswith("load_") or step in {"promote", "write_report"}:
            continue
        declared = set().union(*own.values()) - set(own)
        read = tables.read[f"shop_{step}"]
        behind: set[str] = set()
        for table in read:
            behind |= (
                {table}
                if table in assets
                else nearest_assets(table, tables.made_from, assets, {table})
            )
        missing = behind - set(own) - declared
        assert not missing, (step, missing)
        # What other steps pass on in tables of frames.
        makers = {maker for table in read for maker in tables.written_by.get(table, ())}
        passed_on = {
            table for maker in makers for table in steps.get(maker.removeprefix("shop_"), ())
        }
        spurious = declared - behind - passed_on - NOT_READ.get(step, set())
        assert not spurious, (step, spurious)


def test_touches_do_not_depend_on_spend(steps):
    assert steps["build_journeys"]["journeys.touches"] == {
        "inputs.touchpoints", "journeys.channels", "journeys.users",
    }  # fmt: skip
    assert steps["build_journeys"]["journeys.spend"] >= {"inputs.spend"}


def test_touches_depend_on_the_pairs_of_ids_where_these_are_joined():
    joined = Settings.model_validate({"sources": {**SOURCES, "identities": "i.parquet"}})
    assert "inputs.identities" in Lineage(joined).parents("journeys.touches")
    alone = Settings.model_validate({"sources": SOURCES})
    assert "inputs.identities" not in Lineage(alone).parents("journeys.touches")


def test_every_mart_is_made_from_something(steps):
    alone = {
        table
        for step in steps.values()
        for table, parents in step.items()
        if table.startswith("mart.") and not parents
    }
    assert alone == {"mart.schema_version"}


def test_the_file_of_a_table_is_found():
    assert file_of("mart.paths") == "marts/paths"
    assert file_of("journeys.touches") == "journeys/touches"
    assert file_of("ledger.scores") is None
    assert file_of("inputs.spend") is None
