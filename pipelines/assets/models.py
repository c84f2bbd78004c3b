"""The rivals: the sample that all are tried on, and one asset per model."""

from typing import Any

import dagster as dg

from lydite import trial
from lydite.config import Settings
from lydite.engine import DuckDBEngine
from lydite.evaluation import ceiling
from lydite.models import Model
from pipelines.assets import journeys
from pipelines.metadata import materialized
from pipelines.resources import Warehouse
from pipelines.specs import POOL, table_spec

LANDMARKS = "evaluation.landmarks"
_TRIED = ("duckdb", "python")


def model_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the sample, one asset per baseline and rival of the settings, and the ceiling."""
    models = settings.make_models()
    tried = [*(baseline() for baseline in trial.BASELINES), *models]
    return [
        _sample(settings),
        *(_model_asset(model, settings) for model in tried),
        _ceiling(settings),
    ]


def names(settings: Settings) -> list[str]:
    """Return the assets of scores, by name (``models.name``)."""
    baselines = [baseline.name for baseline in trial.BASELINES]
    return [
        f"models.{name}"
        for name in (*baselines, *(m.name for m in settings.make_models()), ceiling.NAME)
    ]


def _sample(settings: Settings) -> dg.AssetsDefinition:
    deps = (*journeys.FILES, journeys.OUTCOMES)
    spec = table_spec(LANDMARKS, "evaluation/landmarks", group="evaluation", deps=deps)

    @dg.multi_asset(name="draw_sample", specs=[spec], pool=POOL)
    def draw(warehouse: Warehouse) -> dg.MaterializeResult[Any]:
        with warehouse.open() as engine:
            trial.usable_models(engine, settings)
            trial.build_samples(engine, settings)
            return materialized(engine, LANDMARKS, "evaluation/landmarks")

    return draw


def _model_asset(model: Model, settings: Settings) -> dg.AssetsDefinition:
    spec = table_spec(
        f"models.{model.name}",
        f"Scores of {model.name}, walked forward. Its claim of what decides: {model.claim}.",
        group="models",
        kinds=_TRIED,
        deps=[LANDMARKS],
        code_version=model.fingerprint,
    )

    @dg.multi_asset(name=f"try_{model.name}", specs=[spec], pool=POOL)
    def walk(warehouse: Warehouse) -> dg.MaterializeResult[Any]:
        with warehouse.open() as engine:
            usable = {own.name for own in trial.usable_models(engine, settings)}
            if not model.is_baseline and model.name not in usable:
                return dg.MaterializeResult(metadata={"left_out": True, "dagster/row_count": 0})
            for outcome, calendar, samples in trial.trials(engine, [model]):
                trial.score_models(engine, outcome, [model], calendar, samples)
            return _scored(engine, model.name)

    return walk


def _ceiling(settings: Settings) -> dg.AssetsDefinition:
    spec = table_spec(
        f"models.{ceiling.NAME}",
        f"Scores of the ceiling, walked forward: {ceiling.CLAIM}.",
        group="models",
        kinds=_TRIED,
        deps=[LANDMARKS],
    )

    @dg.multi_asset(name="find_ceiling", specs=[spec], pool=POOL)
    def find(warehouse: Warehouse) -> dg.MaterializeResult[Any]:
        seed = settings.evaluation.seed
        with warehouse.open() as engine:
            models = trial.usable_models(engine, settings)
            for outcome, calendar, samples in trial.trials(engine, models):
                trial.score_ceiling(engine, outcome, models, calendar, samples, seed)
            return _scored(engine, ceiling.NAME)

    return find


def _scored(engine: DuckDBEngine, model: str) -> dg.MaterializeResult[Any]:
    rows = engine.scalar(
        "select count(*) from ledger.scores where model = $model", {"model": model}
    )
    return dg.MaterializeResult(metadata={"dagster/row_count": rows, "table": "ledger.scores"})
