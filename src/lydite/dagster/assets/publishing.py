"""Assets of the group ``publishing``: the published DuckDB file and the HTML report."""

import base64
from pathlib import Path
from typing import Any

import dagster as dg

from lydite import pipeline
from lydite.dagster.metadata import Metadata, Result
from lydite.dagster.specs import SpecFactory
from lydite.publishing import publish, touch_credit_path
from lydite.reporting.champion import champion_alert, champion_line
from lydite.reporting.decision import decide
from lydite.reporting.kept_reports import write_run_report
from lydite.reporting.money_picture import money_png
from lydite.reporting.notifications import notify
from lydite.reporting.queries import main_first
from lydite.results import Comparison, read_published
from lydite.settings import Settings, StorageSettings

DATABASE = "published.attribution"
REPORT = "published.report"
#: The step that replaces the published file.
PUBLISH = "publish_database"


def publishing_assets(settings: Settings, specs: SpecFactory) -> list[dg.AssetsDefinition]:
    """Return the steps ``publish_database`` and, after it, ``write_report``."""
    storage = settings.storage
    return [_publish_database(storage, specs), _write_report(settings, specs)]


def _publish_database(storage: StorageSettings, specs: SpecFactory) -> dg.AssetsDefinition:
    spec = specs.table(
        DATABASE,
        "The marts in one DuckDB file, replaced in one rename.",
        group="publishing",
        kinds=("duckdb",),
        ages=True,
    )

    @specs.step(PUBLISH, [spec])
    def publish_database(context: dg.AssetExecutionContext) -> Result:
        path = storage.published
        tables = publish(specs.engine(context).local, path, touch_credit=storage.touch_credit)
        parquet = touch_credit_path(path)
        more = {"touch_credit_bytes": parquet.stat().st_size} if parquet.exists() else {}
        return _written(path, {"tables": tables, "bytes": path.stat().st_size, **more})

    return publish_database


def _write_report(settings: Settings, specs: SpecFactory) -> dg.AssetsDefinition:
    shown, storage = settings.shown(), settings.storage
    spec = specs.table(
        REPORT,
        "The HTML report: what to believe, what it changes in the budget, what to test next.",
        group="publishing",
        kinds=("html",),
    )

    @specs.step("write_report", [spec])
    def write_report(context: dg.AssetExecutionContext) -> Result:
        engine = specs.engine(context)
        comparison = read_published(storage.published, report_settings=shown)
        kept = write_run_report(comparison, storage.report, storage.reports, shown.keep)
        pipeline.complete_run(engine, settings, context.run.run_id)
        for name in _outcomes(comparison):
            if alert := champion_alert(comparison, name):
                context.log.warning(alert)
        for failed in notify(comparison, settings.notify, kept):
            context.log.warning(failed)
        return _written(storage.report, _about_report(comparison, kept))

    return write_report


def _about_report(comparison: Comparison, kept: Path) -> Metadata:
    """Return the file of the run, the verdicts, and the sentence and the chart of the report."""
    outcomes = _outcomes(comparison)
    about: dict[str, Any] = {
        "report": dg.MetadataValue.path(kept.resolve()),
        "bytes": kept.stat().st_size,
        "verdicts": {name: comparison.verdict(name) for name in outcomes},
        "in_use": {name: champion_line(comparison, name) for name in outcomes},
    }
    if not outcomes:
        return about
    main = main_first(comparison)[0]
    decision = decide(comparison, main)
    about["decision"] = f"{decision.text} {decision.detail}".strip()
    image = money_png(comparison, main)
    if image is not None:
        data = base64.b64encode(image).decode("ascii")
        words = "Spend and credit by channel"
        about["money_chart"] = dg.MetadataValue.md(f"![{words}](data:image/png;base64,{data})")
    return about


def _outcomes(comparison: Comparison) -> list[str]:
    return [row["outcome"] for row in comparison.outcomes]


def _written(path: Path, more: Metadata) -> Result:
    return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(path.resolve()), **more})
