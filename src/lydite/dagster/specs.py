"""The specs of assets: key, group, owners, tags, kinds, description and dependencies."""

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import dagster as dg

from lydite.dagster.metadata import Result
from lydite.dagster.redaction import without_secrets
from lydite.dagster.steps import parents_first, report_results, was_stopped
from lydite.engine import Engine
from lydite.engine.sql_files import read_comments


@dataclass(frozen=True)
class Check:
    """A condition that a table fulfils.

    Attributes
    ----------
    table
        Name of the table (``schema.name``).
    name, description
        Of the check.
    find
        Returns the result.
    blocking
        Whether the assets downstream are not made when it fails.
    """

    table: str
    name: str
    description: str
    find: Callable[[Engine], dg.AssetCheckResult]
    blocking: bool = True


@dataclass(frozen=True)
class SpecFactory:
    """Makes the assets of one component, so that several fit into one code location.

    Parameters
    ----------
    key_prefix
        Parts before the key of every asset. The names of steps, resource and pool, which are
        unique in a code location, get the same prefix.
    owners, tags
        Owners and tags of every asset.
    fresh_within
        How long input tables and the published file stay fresh; None for always.
    parents
        Returns the tables that a table is made from (`lydite.dagster.lineage`).
    """

    key_prefix: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    fresh_within: timedelta | None = None
    parents: Callable[[str], Iterable[str]] = lambda _: ()

    def key(self, table: str) -> dg.AssetKey:
        """Return the asset key of a table (``schema.name``) of the warehouse."""
        return dg.AssetKey([*self.key_prefix, *table.split(".")])

    def source(self, table: str) -> dg.AssetKey:
        """Return the asset key of the source of an input table."""
        return self.key(f"sources.{table}")

    def name(self, name: str) -> str:
        """Return the name of a step, job, resource or pool, with the prefix."""
        return re.sub(r"\W", "_", "_".join([*self.key_prefix, name]))

    @property
    def resource(self) -> str:
        """The key of the resource `Warehouse`."""
        return self.name("warehouse")

    @property
    def pool(self) -> str:
        """The concurrency pool of all steps: DuckDB allows one writer."""
        return self.name("duckdb_writer")

    def is_in_run(self, context: dg.AssetExecutionContext, table: str) -> bool:
        """Return whether a run also makes a table."""
        return self.key(table) in context.job_def.asset_layer.selected_asset_keys

    def engine(self, context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Engine:
        """Return the engine of the run."""
        engine: Engine = getattr(context.resources, self.resource).engine
        return engine

    def table(
        self,
        table: str,
        description: str,
        *,
        group: str,
        kinds: Sequence[str] = ("duckdb", "sql"),
        deps: Iterable[dg.AssetKey] = (),
        code_version: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        ages: bool = False,
        partitions: dg.PartitionsDefinition[str] | None = None,
    ) -> dg.AssetSpec:
        """Return the spec of an asset, which depends on the parents of its table.

        Parameters
        ----------
        table
            Name of the table (``schema.name``).
        description
            A sentence, or the name of a SQL file (``folder/name``) whose first line is one.
        deps
            Further assets that it depends on.
        ages
            Whether it is overdue when it was not made for a while.
        partitions
            The parts that can be made alone; a run without a partition makes all.
        """
        return dg.AssetSpec(
            self.key(table),
            description=description if " " in description else read_comments(description)[0],
            group_name=group,
            owners=self.owners,
            tags=self.tags,
            kinds=set(kinds),
            deps=[*map(self.key, self.parents(table)), *deps],
            code_version=code_version,
            partitions_def=partitions,
            metadata=metadata,
            freshness_policy=(
                dg.FreshnessPolicy.time_window(fail_window=self.fresh_within)
                if ages and self.fresh_within is not None
                else None
            ),
        )

    def step(
        self, name: str, specs: Sequence[dg.AssetSpec]
    ) -> Callable[[Callable[..., Result | Iterator[Result]]], dg.AssetsDefinition]:
        """Return a decorator that makes a step of a function that materialises assets.

        Any of the assets can be selected alone. A step that yields nothing leaves its assets as
        they are, and all steps downstream are skipped.
        """
        keys = parents_first(specs)

        def decorate(make: Callable[..., Result | Iterator[Result]]) -> dg.AssetsDefinition:
            @functools.wraps(make)
            def run(context: dg.AssetExecutionContext, **config: Any) -> Iterator[Result]:  # noqa: ANN401
                made = functools.partial(without_secrets(make), context, **config)
                return report_results(context, made, keys)

            # Dagster reads the config from the parameters, and expects no annotated result.
            parameters = inspect.signature(make).parameters.values()
            run.__signature__ = inspect.Signature(list(parameters))  # type: ignore[attr-defined]
            return dg.multi_asset(
                name=self.name(name),
                specs=specs,
                can_subset=True,
                # A range of partitions is one run.
                backfill_policy=dg.BackfillPolicy.single_run(),
                required_resource_keys={self.resource},
                pool=self.pool,
            )(run)

        return decorate

    def checks(self, name: str, checks: Sequence[Check]) -> dg.AssetChecksDefinition:
        """Return the step of several checks, any of which can be selected alone.

        For every step, Dagster stores events and looks the checked assets up.
        """

        @dg.multi_asset_check(
            name=self.name(name),
            specs=[
                dg.AssetCheckSpec(
                    check.name,
                    asset=self.key(check.table),
                    description=check.description,
                    blocking=check.blocking,
                )
                for check in checks
            ],
            can_subset=True,
            required_resource_keys={self.resource},
            pool=self.pool,
        )
        def run(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
            engine = self.engine(context)
            for check in checks:
                key = dg.AssetCheckKey(self.key(check.table), check.name)
                if key not in context.selected_asset_check_keys:
                    continue
                try:
                    found = without_secrets(check.find)(engine)
                except Exception as error:
                    if was_stopped(error):
                        raise dg.DagsterExecutionInterruptedError from error
                    raise
                yield dg.AssetCheckResult(
                    asset_key=key.asset_key,
                    check_name=key.name,
                    passed=found.passed,
                    severity=found.severity,
                    description=found.description,
                    metadata=found.metadata,
                )

        return run
