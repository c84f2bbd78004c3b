"""Publication: the DuckDB file that others read and the page for leaders, each moved into place."""

from pathlib import Path
from typing import Any

import dagster as dg

from lydite.publishing import publish
from lydite.results import read_comparison
from lydite.settings import Settings
from pipelines.assets import evaluation, marts
from pipelines.resources import Warehouse
from pipelines.specs import POOL, table_spec

DATABASE = "published.attribution"
REPORT = "published.report"


def publication_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the published database, and the report that goes out after it."""
    return [_database(settings), _report(settings)]


def _database(settings: Settings) -> dg.AssetsDefinition:
    path = settings.storage.published
    spec = table_spec(
        DATABASE,
        "The marts in a DuckDB file of their own, replaced in one rename: what others read.",
        group="publication",
        kinds=("duckdb",),
        deps=(*evaluation.TABLES, *marts.TABLES),
    )

    @dg.multi_asset(name="publish_database", specs=[spec], pool=POOL)
    def publish_database(warehouse: Warehouse) -> dg.MaterializeResult[Any]:
        tables = publish(warehouse.engine.local, path)
        size = path.stat().st_size
        return _written(path, {"tables": tables, "bytes": size})

    return publish_database


def _report(settings: Settings) -> dg.AssetsDefinition:
    path = settings.storage.report
    spec = table_spec(
        REPORT,
        "The page that leaders read: the verdicts in words, the comparison, credit by channel.",
        group="publication",
        kinds=("html",),
        deps=(DATABASE, *evaluation.TABLES, *marts.TABLES),
    )

    @dg.multi_asset(name="write_report", specs=[spec], pool=POOL)
    def write_report(warehouse: Warehouse) -> dg.MaterializeResult[Any]:
        comparison = read_comparison(warehouse.engine.local)
        path.parent.mkdir(parents=True, exist_ok=True)
        comparison.to_html(path)
        names = [row["outcome"] for row in comparison.outcomes]
        return _written(path, {"verdicts": {name: comparison.verdict(name) for name in names}})

    return write_report


def _written(path: Path, metadata: dict[str, Any]) -> dg.MaterializeResult[Any]:
    return dg.MaterializeResult(
        metadata={"path": dg.MetadataValue.path(path.resolve()), **metadata}
    )
