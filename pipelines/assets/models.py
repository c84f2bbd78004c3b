"""The models: one asset for each rival and reference, made from the settings."""

import dagster as dg

from lydite import trial
from lydite.config import Settings
from lydite.evaluation.ceiling import CLAIM as CEILING_CLAIM
from lydite.models import Model, make_models
from pipelines.metadata import OWNERS, POOL
from pipelines.resources import Warehouse


def model_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return one asset per model: its walk forward over every outcome."""
    rivals = make_models(settings.model_names())
    references = [baseline() for baseline in trial.BASELINES]
    return [*(_scored(model) for model in [*references, *rivals]), _ceiling(settings)]


def model_keys(settings: Settings) -> list[dg.AssetKey]:
    """Return the keys of all models' assets."""
    return [key for asset in model_assets(settings) for key in asset.keys]


def _scored(model: Model) -> dg.AssetsDefinition:
    @dg.asset(
        name=model.name,
        key_prefix="models",
        deps=["evaluation_sample"],
        group_name="models",
        owners=OWNERS,
        kinds={"python", "scikitlearn"},
        pool=POOL,
        code_version=model.fingerprint,
        description=f"What decides is {model.claim}. Its scores, forward in time, by period and"
        " bucket.",
    )
    def scored(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        with warehouse.open() as engine:
            for outcome, laid_out in trial.trials(engine, [model]):
                trial.score_model(engine, outcome, model, laid_out)
            return dg.MaterializeResult(
                metadata={
                    "fingerprint": model.fingerprint,
                    "dagster/row_count": engine.scalar(
                        "select count(*) from ledger.scores where model = $model",
                        {"model": model.name},
                    ),
                }
            )

    return scored


def _ceiling(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name="ceiling",
        key_prefix="models",
        deps=["evaluation_sample"],
        group_name="models",
        owners=OWNERS,
        kinds={"python", "scikitlearn"},
        pool=POOL,
        description=f"How much could be explained at all: {CEILING_CLAIM}.",
    )
    def ceiling(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        rivals = make_models(settings.model_names())
        with warehouse.open() as engine:
            for outcome, laid_out in trial.trials(engine, rivals):
                trial.score_ceiling(engine, outcome, rivals, laid_out, settings)
            return dg.MaterializeResult(
                metadata={
                    "dagster/row_count": engine.scalar(
                        "select count(*) from ledger.scores where model = 'ceiling'"
                    )
                }
            )

    return ceiling
