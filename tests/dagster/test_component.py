"""The component: its attributes in YAML, and the definitions that it makes of them."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, TypeAlias

import dagster as dg
import pytest
import yaml
from dagster.components.testing import create_defs_folder_sandbox

from lydite import inputs
from lydite.dagster import LyditeComponent, Upstream
from lydite.errors import InputError
from lydite.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    Loaded: TypeAlias = tuple[LyditeComponent, dg.Definitions, Path]

# Warnings of Dagster about itself, where it loads YAML.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated"),
    pytest.mark.filterwarnings("ignore:.* is currently in beta"),
]

CONVERSIONS = dg.AssetKey(["sources", "conversions"])
INLINE = {"sources": {"touchpoints": "data/touchpoints.parquet", "conversions": "c.parquet"}}


def load(attributes: dict[str, Any] | str, toml: str = "") -> Loaded:
    """Return the component and its definitions, loaded from a defs.yaml in a new project."""
    with create_defs_folder_sandbox() as sandbox:
        (sandbox.project_root / "lydite.toml").write_text(toml)
        folder = sandbox.defs_folder_path / "attribution"
        folder.mkdir()
        entries = {"type": "lydite.dagster.LyditeComponent", "attributes": attributes}
        text = attributes if isinstance(attributes, str) else yaml.safe_dump(entries)
        (folder / "defs.yaml").write_text(text)
        with sandbox.load_component_and_build_defs(folder) as (component, definitions):
            assert isinstance(component, LyditeComponent)
            return component, definitions, sandbox.project_root


def test_a_settings_file_is_found_from_the_folder_of_the_yaml_file():
    toml = '[sources]\ntouchpoints = "t.parquet"\nconversions = "c.parquet"'
    component, definitions, root = load({"settings": "../../../../lydite.toml"}, toml)
    assert component.settings.resolve() == (root / "lydite.toml").resolve()
    warehouse = definitions.resources["warehouse"]
    assert warehouse.folder == str(root.resolve())


def test_inline_settings_have_the_keys_of_the_settings_file_and_paths_from_the_project_root():
    attributes = {"settings": {**INLINE, "evaluation": {"lookback": "14d"}}}
    component, definitions, root = load(attributes)
    assert component.settings == Settings.model_validate(attributes["settings"])
    assert definitions.resources["warehouse"].folder == str(root)


def test_templates_are_resolved_in_inline_settings(monkeypatch):
    monkeypatch.setenv("SHOP_DATA", "/data/shop")
    sources = {"touchpoints": "{{ env.SHOP_DATA }}/t.parquet", "conversions": "c.parquet"}
    component, _, _ = load({"settings": {"sources": sources}})
    assert component.settings.sources.touchpoints == "/data/shop/t.parquet"


def test_a_wrong_setting_or_attribute_is_named():
    bad_attribute = {"settings": INLINE, "upstream": {"touchpoint": ["x"]}}
    bad_setting = {"settings": {**INLINE, "evaluation": {"alpha": 7}}}
    for attributes, name in (
        (bad_attribute, "touchpoint at "),
        (bad_setting, "settings: evaluation.alpha = 7: "),
    ):
        with pytest.raises(Exception, match="Error while loading component") as caught:
            load(attributes)
        assert name in "".join(traceback.format_exception(caught.value))


def test_a_path_table_is_refused():
    with pytest.raises(Exception, match="Error while building definitions") as caught:
        load({"settings": {"sources": {"paths": "p.csv"}}})
    found = "".join(traceback.format_exception(caught.value))
    assert "sources.paths: a path table has no times" in found


def test_a_missing_settings_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"there is no settings file .*none\.toml"):
        dg.build_defs_for_component(LyditeComponent(settings=tmp_path / "none.toml"))


def test_upstream_has_one_field_per_input_table():
    assert set(Upstream.model_fields) == set(inputs.TABLES)


def test_input_tables_depend_on_upstream_assets():
    _, definitions, _ = load({"settings": INLINE, "upstream": {"touchpoints": ["shop/events"]}})
    graph = definitions.resolve_asset_graph()
    events = dg.AssetKey(["shop", "events"])
    assert graph.get(dg.AssetKey(["inputs", "touchpoints"])).parent_keys == {events}
    assert graph.get(dg.AssetKey(["inputs", "conversions"])).parent_keys == {CONVERSIONS}
    assert graph.get(CONVERSIONS).is_external
    assert dg.AssetKey(["sources", "touchpoints"]) not in graph.get_all_asset_keys()
    job = definitions.resolve_job_def("refresh")
    assert events not in job.asset_layer.selected_asset_keys


def test_owners_and_tags_are_those_of_every_asset():
    attributes = {"owners": ["team:marketing"], "tags": {"tier": "gold"}}
    _, definitions, _ = load({"settings": INLINE, **attributes})
    specs = definitions.resolve_all_asset_specs()
    assert {spec.owners for spec in specs} == {("team:marketing",)}
    assert {spec.tags["tier"] for spec in specs} == {"gold"}


def test_two_components_with_prefixes_fit_into_one_code_location(make_definitions):
    both = dg.Definitions.merge(
        make_definitions(key_prefix="shop"), make_definitions(key_prefix=["emea", "b2b"])
    )
    dg.Definitions.validate_loadable(both)
    keys = both.resolve_asset_graph().get_all_asset_keys()
    assert {key.path[0] for key in keys} == {"shop", "emea"}
    for name, prefix in {"shop_refresh": "shop", "emea_b2b_refresh": "emea"}.items():
        selected = both.resolve_job_def(name).asset_layer.selected_asset_keys
        assert {key.path[0] for key in selected} == {prefix}
    assert set(both.resources) == {"shop_warehouse", "emea_b2b_warehouse"}


def test_the_component_is_described_in_the_list_of_components():
    assert LyditeComponent.__doc__.startswith("Compares attribution models")
    assert set(LyditeComponent.get_spec().produces) >= {"asset", "asset_check", "job"}
    properties = LyditeComponent.model().model_json_schema()["properties"]
    assert all(entry["description"] for entry in properties.values())
    for name in properties:
        assert f"    {name}\n" in LyditeComponent.__doc__


@pytest.mark.parametrize("example", range(2))
def test_the_examples_of_the_docstring_load(example):
    indented = LyditeComponent.__doc__.split("::\n\n")[example + 1]
    lines = [line for line in indented.splitlines() if line.startswith("        ") or not line]
    toml = '[sources]\ntouchpoints = "t.parquet"\nconversions = "c.parquet"'
    component, definitions, _ = load("\n".join(lines), toml)
    assert isinstance(component, LyditeComponent)
    dg.Definitions.validate_loadable(definitions)
