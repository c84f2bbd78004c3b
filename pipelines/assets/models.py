"""The rivals: the sample that all are tried on, and one asset per model."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.evaluation import ceiling
from lydite.models import Model, models_from_settings
from lydite.settings import Settings
from pipelines.assets import journeys
from pipelines.metadata import materialized
from pipelines.resources import Warehouse
from pipelines.specs import POOL, table_spec

LANDMARKS = "evaluation.landmarks"
_TRIED = ("duckdb", "python")


def model_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the sample, and one asset per baseline and rival of the settings, and the ceiling."""
    return [_sample(settings), _models(settings)]


def names(settings: Settings) -> list[str]:
    """Return the assets of scores, by name (``models.name``)."""
    models = [*pipeline.make_baselines(), *models_from_settings(settings)]
    return [f"models.{name}" for name in (*(model.name for model in models), ceiling.NAME)]


def _sample(settings: Settings) -> dg.AssetsDefinition:
    deps = (*journeys.FILES, journeys.OUTCOMES)
    spec = table_spec(LANDMARKS, "evaluation/landmarks", group="evaluation", deps=deps)

    @dg.multi_asset(name="draw_sample", specs=[spec], pool=POOL)
    def draw(warehouse: Warehouse) -> dg.MaterializeResult[Any]:
        engine = warehouse.engine
        pipeline.usable_models(
            engine, models_from_settings(settings), required=settings.chooses_models
        )
        pipeline.build_samples(engine, settings.evaluation.max_landmarks)
        return materialized(engine.local, LANDMARKS, "evaluation/landmarks")

    return draw


def _models(settings: Settings) -> dg.AssetsDefinition:
    """Return the assets of all models: one step, to load the sample but once, or some of them."""
    tried = [*pipeline.make_baselines(), *models_from_settings(settings)]
    specs = [
        *map(_model_spec, tried),
        table_spec(
            f"models.{ceiling.NAME}",
            f"Scores of the ceiling, walked forward: {ceiling.CLAIM}.",
            group="models",
            kinds=_TRIED,
            deps=[LANDMARKS],
        ),
    ]

    @dg.multi_asset(name="backtest_models", specs=specs, pool=POOL, can_subset=True)
    def walk(
        context: dg.AssetExecutionContext, warehouse: Warehouse
    ) -> Iterator[dg.MaterializeResult[Any]]:
        asked = {key.path[-1] for key in context.selected_asset_keys}
        engine = warehouse.engine
        rivals = pipeline.usable_models(
            engine, models_from_settings(settings), required=settings.chooses_models
        )
        pipeline.backtest_models(engine, rivals, settings.evaluation.seed, only=asked)
        known = {model.name for model in (*pipeline.make_baselines(), *rivals)} | {ceiling.NAME}
        for spec in specs:
            if spec.key.path[-1] in asked:
                yield _scored(engine.local, spec.key, left_out=spec.key.path[-1] not in known)

    return walk


def _model_spec(model: Model) -> dg.AssetSpec:
    return table_spec(
        f"models.{model.name}",
        f"Scores of {model.name}, walked forward. Its claim of what decides: {model.claim}.",
        group="models",
        kinds=_TRIED,
        deps=[LANDMARKS],
        code_version=model.fingerprint,
    )


def _scored(engine: DuckDBEngine, key: dg.AssetKey, *, left_out: bool) -> dg.MaterializeResult[Any]:
    if left_out:
        metadata: dict[str, Any] = {"left_out": True, "dagster/row_count": 0}
        return dg.MaterializeResult(asset_key=key, metadata=metadata)
    rows = engine.scalar(
        "select count(*) from ledger.scores where model = $model", {"model": key.path[-1]}
    )
    metadata = {"dagster/row_count": rows, "table": "ledger.scores"}
    return dg.MaterializeResult(asset_key=key, metadata=metadata)
