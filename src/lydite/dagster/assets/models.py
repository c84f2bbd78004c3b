"""Assets of the group ``models``: the evaluation sample, and the backtest scores of all models."""

import hashlib
from collections.abc import Sequence

import dagster as dg
from pydantic import Field

from lydite import pipeline
from lydite.dagster.metadata import Metadata, Result, markdown, materialized
from lydite.dagster.specs import SpecFactory
from lydite.engine import DuckDBEngine, Engine
from lydite.errors import InputError
from lydite.evaluation import ceiling
from lydite.models import Model, models_from_settings
from lydite.reporting.display_names import model_word
from lydite.settings import Settings

LANDMARKS = "evaluation.landmarks"
SCORES = "ledger.scores"
BACKTEST_MODELS = "backtest_models"
_ABOUT = "Backtest scores by outcome, segment, model, period and bucket: {models}."
_SHOWN = f"""
select model, count(distinct outcome) as outcomes, count(distinct period_start) as periods,
    count(*) as rows
from {SCORES}
group by model
order by model
"""


class BacktestConfig(dg.Config):
    """Config of the step ``backtest_models``."""

    models: list[str] = Field(
        default=[], description="Names of the models to backtest, and the ceiling; all by default."
    )


def model_assets(settings: Settings, specs: SpecFactory) -> list[dg.AssetsDefinition]:
    """Return the steps ``draw_sample`` and ``backtest_models``."""
    return [_draw_sample(settings, specs), _backtest_models(settings, specs)]


def usable_models(engine: Engine, settings: Settings) -> list[Model]:
    """Return the models of the settings that can run on this data.

    Raises
    ------
    InputError
        When a model cannot run that was chosen by name.
    """
    models = models_from_settings(settings)
    return pipeline.usable_models(engine, models, required=settings.chooses_models)


def _draw_sample(settings: Settings, specs: SpecFactory) -> dg.AssetsDefinition:
    spec = specs.table(LANDMARKS, "evaluation/landmarks", group="evaluation")

    @specs.step("draw_sample", [spec])
    def draw_sample(context: dg.AssetExecutionContext) -> Result:
        engine = specs.engine(context)
        usable_models(engine, settings)  # stops here when a chosen model cannot run
        pipeline.build_samples(engine, settings.evaluation.max_landmarks)
        return materialized(spec.key, engine.local, LANDMARKS, "evaluation/landmarks")

    return draw_sample


def _backtest_models(settings: Settings, specs: SpecFactory) -> dg.AssetsDefinition:
    """Return one step for all models, so that the sample is loaded once; or some of them."""
    models = [*pipeline.make_baselines(), *models_from_settings(settings)]
    names = [*(model.name for model in models), ceiling.NAME]
    spec = specs.table(
        SCORES,
        _ABOUT.format(models=", ".join(map(model_word, names))),
        group="models",
        kinds=("duckdb", "python"),
        code_version=hashlib.sha256(
            " ".join(model.fingerprint for model in models).encode()
        ).hexdigest()[:12],
        metadata={"claims": {model.name: model.claim for model in models}},
    )

    @specs.step(BACKTEST_MODELS, [spec])
    def backtest_models(context: dg.AssetExecutionContext, config: BacktestConfig) -> Result:
        engine = specs.engine(context)
        only = _chosen(config.models, names)
        rivals = usable_models(engine, settings)
        pipeline.backtest_models(engine, rivals, settings.evaluation.seed, only=only)
        usable = {model.name for model in (*pipeline.make_baselines(), *rivals)} | {ceiling.NAME}
        return _scored(engine.local, spec.key, [name for name in names if name not in usable])

    return backtest_models


def _chosen(models: Sequence[str], names: Sequence[str]) -> Sequence[str] | None:
    """Return the models to backtest; None for all."""
    unknown = [model for model in models if model not in names]
    if unknown:
        raise InputError(f"there is no model {unknown[0]!r}; there are: {', '.join(names)}")
    return models or None


def _scored(engine: DuckDBEngine, key: dg.AssetKey, left_out: Sequence[str]) -> Result:
    """Return the result of the step, with the models that this data does not allow."""
    about: Metadata = {"left_out": dg.MetadataValue.json(list(left_out))}
    if not engine.exists(SCORES):  # the history of every outcome is too short
        return dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": 0, **about})
    shown: Metadata = {"models": markdown(engine, _SHOWN)}
    return materialized(key, engine, SCORES, more={**about, **shown})
