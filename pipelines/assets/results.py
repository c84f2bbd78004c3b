"""Results: the comparison, credit, the marts, the published file and the page."""

from pathlib import Path

import dagster as dg

from lydite import crediting, trial
from lydite.comparison import read_comparison
from lydite.config import Settings
from lydite.models import make_models
from lydite.publication import publish
from pipelines.assets.models import model_keys
from pipelines.metadata import OWNERS, POOL, about, markdown
from pipelines.resources import Warehouse

_SHOWN = ("outcome", "model", "rank", "log_loss_bits", "explained", "explained_low",
          "explained_high", "verdict", "refuted_by")  # fmt: skip


def result_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the assets that follow once the models are scored."""
    return [_comparison(settings), _credit(settings), _marts(), _published(settings),
            _report(settings)]  # fmt: skip


def _comparison(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        deps=model_keys(settings),
        group_name="evaluation",
        owners=OWNERS,
        kinds={"python", "duckdb"},
        pool=POOL,
        description="The rivals compared: verdicts, evidence by period, calibration.",
    )
    def model_comparison(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        with warehouse.open() as engine:
            trial.judge_rivals(engine, make_models(settings.model_names()), settings)
            table = engine.frame("from mart.model_comparison").select(_SHOWN)
            return dg.MaterializeResult(
                metadata={
                    **about(engine, "mart.model_comparison", "marts/model_comparison"),
                    "comparison": markdown(table),
                }
            )

    return model_comparison


def _credit(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        deps=["journeys"],
        group_name="credit",
        owners=OWNERS,
        kinds={"duckdb", "sql"},
        pool=POOL,
        description="Every conversion divided over the touches of its path, by every model.",
    )
    def credit(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        models = make_models(settings.model_names())
        with warehouse.open() as engine:
            trial.fit_credit(engine, models)
            crediting.divide_conversions(engine, models)
            return dg.MaterializeResult(metadata=about(engine, "credit.touch_credit"))

    return credit


def _marts() -> dg.AssetsDefinition:
    @dg.asset(
        deps=["credit", "model_comparison"],
        group_name="marts",
        owners=OWNERS,
        kinds={"duckdb", "sql"},
        pool=POOL,
        description="The result tables: credit by channel and day, paths, lags, transitions, data"
        " quality.",
    )
    def marts(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        with warehouse.open() as engine:
            trial.build_marts(engine)
            return dg.MaterializeResult(
                metadata=about(engine, "mart.channel_credit", "marts/channel_credit")
            )

    return marts


def _published(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        deps=["marts"],
        group_name="publication",
        owners=OWNERS,
        kinds={"duckdb"},
        pool=POOL,
        description="The result tables in a DuckDB file of their own, swapped in by one rename.",
    )
    def published_database(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        path = settings.storage.published
        with warehouse.open() as engine:
            tables = publish(engine, path)
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(path)),
                "tables": tables,
                "bytes": Path(path).stat().st_size,
            }
        )

    return published_database


def _report(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        deps=["marts"],
        group_name="publication",
        owners=OWNERS,
        kinds={"html"},
        pool=POOL,
        description="The page that leaders read: one HTML file.",
    )
    def report(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        path = settings.storage.report
        with warehouse.open() as engine:
            comparison = read_comparison(engine)
        path.parent.mkdir(parents=True, exist_ok=True)
        comparison.to_html(path)
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(path)),
                "verdicts": dg.MetadataValue.md(
                    "\n\n".join(comparison.verdict(row["outcome"]) for row in comparison.outcomes)
                ),
            }
        )

    return report
