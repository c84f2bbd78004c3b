"""The component: attributes from YAML in, Dagster definitions out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import dagster as dg
from pydantic import Field

from lydite.dagster.assets import all_assets
from lydite.dagster.assets.decisions import decision_asset
from lydite.dagster.assets.inputs import source_specs
from lydite.dagster.checks import all_checks
from lydite.dagster.jobs import Schedule, job_definitions, promote_definitions
from lydite.dagster.lineage import Lineage
from lydite.dagster.progress import PROGRESS, progress_logger
from lydite.dagster.resources import Warehouse
from lydite.dagster.sensors import failure_sensor, new_data_sensor
from lydite.dagster.specs import SpecFactory
from lydite.errors import InputError
from lydite.pipeline import refuse_on_spark
from lydite.project import Project, load_project
from lydite.settings import Settings, parse_settings
from lydite.timezones import UTC


class Upstream(dg.Resolvable, dg.Model):
    """Keys of the assets that each input table is read from, such as ``[shop/events]``."""

    touchpoints: Sequence[dg.ResolvedAssetKey] = ()
    conversions: Sequence[dg.ResolvedAssetKey] = ()
    spend: Sequence[dg.ResolvedAssetKey] = ()
    users: Sequence[dg.ResolvedAssetKey] = ()
    identities: Sequence[dg.ResolvedAssetKey] = ()
    erasures: Sequence[dg.ResolvedAssetKey] = ()
    experiments: Sequence[dg.ResolvedAssetKey] = ()


def _resolve_settings(
    context: dg.ResolutionContext, value: str | Mapping[str, Any]
) -> Path | Settings:
    resolved = context.resolve_value(value)
    if isinstance(resolved, str):
        return context.resolve_source_relative_path(resolved)
    return parse_settings(resolved, "settings")


class LyditeComponent(dg.Component, dg.Resolvable, dg.Model):
    """Compares attribution models as rival hypotheses and publishes the results.

    Builds the assets from the input tables to the marts, the published DuckDB file and the HTML
    report, checks, the jobs ``refresh`` and ``credit`` with the schedules of the settings, a sensor
    of new data, and one that notifies of failures. The job ``promote_model`` runs by hand only: a
    person decides which model is in use.

    Attributes
    ----------
    settings
        Path of a settings file (``lydite.toml``), relative to the folder of ``defs.yaml``; or the
        settings themselves, with the keys of ``lydite.toml``. Relative paths in a settings file
        count from its folder, those of settings in ``defs.yaml`` from the project's root.
    upstream
        Asset keys that the input tables ``touchpoints``, ``conversions``, ``spend`` and ``users``
        depend on.
    schedule
        When the job ``refresh`` runs, instead of ``refresh`` in the section ``[schedule]`` of the
        settings: ``cron`` and ``timezone``, by default that of the settings. A new schedule is
        off; switch it on in Dagster.
    owners
        Owners of every asset, such as ``team:data``.
    tags
        Tags of every asset.
    key_prefix
        Prefix of every asset key, such as ``shop`` or ``shop/attribution``. Several components in
        one code location need different prefixes.

    Examples
    --------
    A component with a settings file::

        type: lydite.dagster.LyditeComponent
        attributes:
          settings: "{{ context.project_root }}/lydite.toml"

    With settings in place, after the assets that make the two input tables::

        type: lydite.dagster.LyditeComponent
        attributes:
          settings:
            sources:
              touchpoints: data/touchpoints.parquet
              conversions: data/conversions.parquet
            evaluation:
              lookback: 14d
          upstream:
            touchpoints: [shop/events]
            conversions: [shop/orders]
          schedule:
            cron: "0 5 * * 1"
            timezone: Europe/Berlin
          owners: ["team:marketing"]
          key_prefix: shop
    """

    settings: Annotated[
        Path | Settings,
        dg.Resolver(
            _resolve_settings,
            model_field_type=str | dict[str, Any],
            description="A settings file, relative to this file; or settings with the same keys.",
            examples=["{{ context.project_root }}/lydite.toml"],
        ),
    ]
    upstream: Annotated[
        Upstream, dg.Resolver.default(description="Asset keys that the input tables depend on.")
    ] = Upstream()
    schedule: Annotated[
        Schedule | None,
        dg.Resolver.default(description="Cron expression and time zone of the job `refresh`."),
    ] = None
    owners: Annotated[
        Sequence[str],
        dg.Resolver.default(description="Owners of every asset.", examples=[["team:marketing"]]),
    ] = ()
    tags: Annotated[
        Mapping[str, str],
        dg.Resolver.default(description="Tags of every asset.", examples=[{"tier": "gold"}]),
        Field(default_factory=dict),
    ]
    key_prefix: Annotated[
        str | Sequence[str],
        dg.Resolver.default(description="Prefix of every asset key.", examples=["shop"]),
    ] = ()

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        """Return what Dagster's list of components shows in addition to this docstring."""
        return dg.ComponentTypeSpec(
            tags=["attribution", "duckdb", "marketing"],
            produces=["asset", "asset_check", "job", "schedule", "sensor", "resource"],
        )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Return assets, checks, jobs, schedules, sensors and the warehouse.

        Raises
        ------
        InputError
            When there is no settings file, a setting is wrong, or the source is a path table.
        """
        project = self._project(context.project_root)
        if project.settings.sources.paths is not None:
            raise InputError(
                "sources.paths: a path table has no times, so that it needs no schedule: use"
                " `lydite compare`, or set touchpoints and conversions"
            )
        settings, upstream = project.settings, dict(self.upstream)
        if settings.engine.name == "spark":
            refuse_on_spark(settings)
        specs = SpecFactory(
            self._key_prefix(),
            tuple(self.owners),
            self.tags,
            settings.schedule.fresh_within,
            Lineage(settings).parents,
        )
        assets = all_assets(settings, specs, upstream)
        sensors = [new_data_sensor(project, specs, upstream), failure_sensor(project, specs)]
        schedules, timezone = settings.schedule, settings.timezone
        if self.schedule is not None:
            schedules = schedules.model_copy(update={"refresh": self.schedule.cron})
            timezone = self.schedule.timezone or timezone
        return dg.Definitions.merge(
            dg.Definitions(
                assets=[*source_specs(settings, specs, upstream), *assets],
                asset_checks=all_checks(settings, specs),
                resources={specs.resource: Warehouse.of(project)},
                loggers={PROGRESS: progress_logger},
            ),
            dg.Definitions(sensors=[sensor for sensor in sensors if sensor is not None]),
            job_definitions(specs, assets, schedules, timezone or UTC),
            promote_definitions(specs, decision_asset(settings, specs)),
        )

    def _project(self, root: Path) -> Project:
        if isinstance(self.settings, Settings):
            return Project(self.settings, root)
        return load_project(self.settings)

    def _key_prefix(self) -> tuple[str, ...]:
        if isinstance(self.key_prefix, str):
            return tuple(self.key_prefix.split("/"))
        return tuple(self.key_prefix)
