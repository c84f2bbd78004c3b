"""Assets of the group ``publishing``: the published DuckDB file and the HTML report."""

from pathlib import Path

import dagster as dg

from lydite.dagster.assets import evaluation, marts
from lydite.dagster.metadata import Metadata, Result
from lydite.dagster.specs import SpecFactory
from lydite.publishing import publish, touch_credit_path
from lydite.results import read_comparison
from lydite.settings import Settings, StorageSettings

DATABASE = "published.attribution"
REPORT = "published.report"


def publishing_assets(settings: Settings, specs: SpecFactory) -> list[dg.AssetsDefinition]:
    """Return the steps ``publish_database`` and, after it, ``write_report``."""
    storage = settings.storage
    return [_publish_database(storage, specs), _write_report(storage.report, specs)]


def _publish_database(storage: StorageSettings, specs: SpecFactory) -> dg.AssetsDefinition:
    spec = specs.table(
        DATABASE,
        "The marts in one DuckDB file, replaced in one rename.",
        group="publishing",
        kinds=("duckdb",),
        deps=(*evaluation.TABLES, *marts.TABLES),
    )

    @specs.step("publish_database", [spec])
    def publish_database(context: dg.AssetExecutionContext) -> Result:
        path = storage.published
        tables = publish(specs.engine(context).local, path, touch_credit=storage.touch_credit)
        parquet = touch_credit_path(path)
        more = {"touch_credit_bytes": parquet.stat().st_size} if parquet.exists() else {}
        return _written(path, {"tables": tables, "bytes": path.stat().st_size, **more})

    return publish_database


def _write_report(path: Path, specs: SpecFactory) -> dg.AssetsDefinition:
    spec = specs.table(
        REPORT,
        "The HTML report: verdicts in words, the comparison, credit by channel.",
        group="publishing",
        kinds=("html",),
        deps=(DATABASE, *evaluation.TABLES, *marts.TABLES),
    )

    @specs.step("write_report", [spec])
    def write_report(context: dg.AssetExecutionContext) -> Result:
        comparison = read_comparison(specs.engine(context).local)
        path.parent.mkdir(parents=True, exist_ok=True)
        comparison.to_html(path)
        outcomes = [row["outcome"] for row in comparison.outcomes]
        return _written(path, {"verdicts": {name: comparison.verdict(name) for name in outcomes}})

    return write_report


def _written(path: Path, more: Metadata) -> Result:
    return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(path.resolve()), **more})
