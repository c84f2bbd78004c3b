"""The specs of assets: key, group, owners, tags, kinds, description and dependencies."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from lydite.dagster.redaction import without_secrets
from lydite.engine import Engine
from lydite.engine.sql_files import read_comments


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
    """

    key_prefix: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    def key(self, table: str) -> dg.AssetKey:
        """Return the asset key of a table (``schema.name``) of the warehouse."""
        return dg.AssetKey([*self.key_prefix, *table.split(".")])

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
        deps: Iterable[str | dg.AssetKey] = (),
        code_version: str | None = None,
        skippable: bool = False,
    ) -> dg.AssetSpec:
        """Return the spec of an asset.

        Parameters
        ----------
        table
            Name of the table (``schema.name``).
        description
            A sentence, or the name of a SQL file (``folder/name``) whose first line is one.
        deps
            Tables of this component by name, other assets by key.
        skippable
            Whether a run may leave the asset as it is. Then it skips all assets downstream.
        """
        return dg.AssetSpec(
            self.key(table),
            description=description if " " in description else read_comments(description)[0],
            group_name=group,
            owners=self.owners,
            tags=self.tags,
            kinds=set(kinds),
            deps=[dep if isinstance(dep, dg.AssetKey) else self.key(dep) for dep in deps],
            code_version=code_version,
            skippable=skippable,
        )

    def step(
        self, name: str, specs: Sequence[dg.AssetSpec], *, can_subset: bool = False
    ) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
        """Return a decorator that makes a step of a function that materialises assets."""
        decorator = dg.multi_asset(
            name=self.name(name),
            specs=specs,
            can_subset=can_subset,
            required_resource_keys={self.resource},
            pool=self.pool,
        )
        return lambda function: decorator(without_secrets(function))

    def check(
        self, table: str, name: str, description: str, *, blocking: bool = True
    ) -> Callable[[Callable[..., Any]], dg.AssetChecksDefinition]:
        """Return a decorator that makes a check of a function; by default a blocking one."""
        decorator = dg.asset_check(
            asset=self.key(table),
            name=name,
            description=description,
            blocking=blocking,
            required_resource_keys={self.resource},
            pool=self.pool,
        )
        return lambda function: decorator(without_secrets(function))
