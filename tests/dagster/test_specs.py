"""The specs of assets: keys and names with a prefix, and what every asset says."""

from __future__ import annotations

import dagster as dg
import pytest

from lydite import inputs, pipeline
from lydite.dagster.specs import SpecFactory
from lydite.evaluation.comparison import TABLES

GROUPS = {
    "inputs", "journeys", "models", "evaluation", "attribution", "experiments", "marts",
    "publishing", "decisions", "sources",
}  # fmt: skip
JOURNEYS = ("users", "channels", "touches", "path_events", "conversions", "spend")


@pytest.fixture
def specs(make_definitions) -> dict[str, dg.AssetSpec]:
    """Return the specs of all assets by name (``schema.name``)."""
    definitions = make_definitions(owners=["team:data"])
    return {".".join(spec.key.path): spec for spec in definitions.resolve_all_asset_specs()}


def test_assets_are_the_tables_of_the_warehouse_the_models_and_the_published_files(specs):
    marts = {*pipeline.LOCAL_MARTS, *pipeline.MARTS, *pipeline.EXPERIMENT_MARTS, *TABLES}
    assert set(specs) == (
        {f"inputs.{name}" for name in inputs.TABLES}
        | {f"journeys.{n}" for n in JOURNEYS}
        | {"evaluation.outcomes", "evaluation.landmarks", "ledger.scores"}
        | {"evaluation.other_lookback_comparison", "evaluation.other_lookback_credit"}
        | {f"sources.{n}" for n in ("touchpoints", "conversions", "users", "experiments")}
        | {"credit.touch_credit", "credit.statistics", "credit.daily"}
        | {"credit.by_segment", "credit.intervals", "credit.differences", "credit.removal_effects"}
        | {f"mart.{name}" for name in marts}
        | {"published.attribution", "published.report", "decisions.promotion"}
    )


def test_every_asset_has_a_description_an_owner_a_group_and_kinds(specs):
    assert {spec.group_name for spec in specs.values()} == GROUPS
    for name, spec in specs.items():
        assert spec.owners == ("team:data",), name
        assert spec.kinds, name
        assert spec.description is not None, name
        assert spec.description[0].isupper(), name
        assert spec.description.endswith("."), name


def test_key_and_names_have_the_prefix():
    specs = SpecFactory(("emea", "b-2-b"))
    assert specs.key("mart.evidence") == dg.AssetKey(["emea", "b-2-b", "mart", "evidence"])
    assert specs.name("refresh") == "emea_b_2_b_refresh"
    assert (specs.resource, specs.pool) == ("emea_b_2_b_warehouse", "emea_b_2_b_duckdb_writer")
    assert SpecFactory().name("refresh") == "refresh"


def test_a_table_takes_its_description_from_a_sql_file_and_depends_on_tables_and_assets():
    parents = {"mart.x": ["credit.daily"]}
    specs = SpecFactory(("shop",), tags={"tier": "gold"}, parents=parents.__getitem__)
    other = dg.AssetKey(["raw", "events"])
    spec = specs.table("mart.x", "marts/evidence", group="marts", deps=[other])
    assert spec.description == SpecFactory().table("y.z", "marts/evidence", group="g").description
    assert {dep.asset_key for dep in spec.deps} == {specs.key("credit.daily"), other}
    assert spec.tags["tier"] == "gold"


def test_every_step_waits_for_the_pool_of_the_one_writer(definitions):
    job = definitions.resolve_job_def("refresh")
    assert {node.definition.pool for node in job.graph.nodes} == {"duckdb_writer"}


def test_steps_have_the_standard_names(definitions):
    steps = {step.op.name for step in definitions.assets if isinstance(step, dg.AssetsDefinition)}
    assert steps == {
        *(f"load_{name}" for name in inputs.TABLES), "build_journeys", "draw_sample",
        "backtest_models", "compare_models", "compare_lookbacks", "attribute_conversions",
        "read_experiments",
        "compare_with_experiments",
        "build_marts",
        "publish_database", "write_report", "promote",
    }  # fmt: skip
