"""Assets of the group ``models``: the evaluation sample, and the backtest scores per model."""

from collections.abc import Iterator

import dagster as dg

from lydite import pipeline
from lydite.dagster.assets import journeys
from lydite.dagster.metadata import Result, materialized
from lydite.dagster.specs import SpecFactory
from lydite.engine import DuckDBEngine, Engine
from lydite.evaluation import ceiling
from lydite.models import Model, models_from_settings
from lydite.reporting.display_names import model_word
from lydite.settings import Settings

LANDMARKS = "evaluation.landmarks"
_KINDS = ("duckdb", "python")


def model_assets(settings: Settings, specs: SpecFactory) -> list[dg.AssetsDefinition]:
    """Return the steps ``draw_sample`` and ``backtest_models``."""
    return [_draw_sample(settings, specs), _backtest_models(settings, specs)]


def score_tables(settings: Settings) -> list[str]:
    """Return the names of the assets that hold scores (``models.<model>``)."""
    models = [*pipeline.make_baselines(), *models_from_settings(settings)]
    return [f"models.{name}" for name in (*(model.name for model in models), ceiling.NAME)]


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
    deps = (*journeys.FILES, journeys.OUTCOMES)
    spec = specs.table(LANDMARKS, "evaluation/landmarks", group="evaluation", deps=deps)

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
    tables = [
        *(_model_spec(model, specs) for model in models),
        specs.table(
            f"models.{ceiling.NAME}",
            f"Backtest scores of the ceiling: {ceiling.CLAIM}.",
            group="models",
            kinds=_KINDS,
            deps=[LANDMARKS],
        ),
    ]

    @specs.step("backtest_models", tables, can_subset=True)
    def backtest_models(context: dg.AssetExecutionContext) -> Iterator[Result]:
        selected = {key.path[-1] for key in context.selected_asset_keys}
        engine = specs.engine(context)
        rivals = usable_models(engine, settings)
        pipeline.backtest_models(engine, rivals, settings.evaluation.seed, only=selected)
        known = {model.name for model in (*pipeline.make_baselines(), *rivals)} | {ceiling.NAME}
        for spec in tables:
            name = spec.key.path[-1]
            if name in selected:
                yield _scored(engine.local, spec.key, left_out=name not in known)

    return backtest_models


def _model_spec(model: Model, specs: SpecFactory) -> dg.AssetSpec:
    return specs.table(
        f"models.{model.name}",
        f"Backtest scores of {model_word(model.name)}. Its claim: what decides is {model.claim}.",
        group="models",
        kinds=_KINDS,
        deps=[LANDMARKS],
        code_version=model.fingerprint,
    )


def _scored(engine: DuckDBEngine, key: dg.AssetKey, *, left_out: bool) -> Result:
    """Return the result of a model; a model that this data does not allow has no scores."""
    if left_out:
        return dg.MaterializeResult(
            asset_key=key, metadata={"left_out": True, "dagster/row_count": 0}
        )
    rows = 0
    if engine.exists("ledger.scores"):  # not if the history of every outcome is too short
        rows = engine.scalar(
            "select count(*) from ledger.scores where model = $model", {"model": key.path[-1]}
        )
    return dg.MaterializeResult(
        asset_key=key, metadata={"dagster/row_count": rows, "table": "ledger.scores"}
    )
