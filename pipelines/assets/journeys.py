"""Journeys: touches, moments and paths, and the sample on which rivals are judged."""

import dagster as dg

from lydite import trial
from lydite.config import Settings
from lydite.models import make_models
from pipelines.metadata import OWNERS, POOL, about, markdown
from pipelines.resources import Warehouse

RAW = [dg.AssetKey(["raw", name]) for name in ("touchpoints", "conversions", "spend", "users")]


def journey_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the assets that lay out journeys and draw the evaluation sample."""

    @dg.asset(
        deps=RAW,
        group_name="journeys",
        owners=OWNERS,
        kinds={"duckdb", "sql"},
        pool=POOL,
        description="Every touch and every conversion, with the path that counts there and the"
        " next event, for each outcome.",
    )
    def journeys(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        with warehouse.open() as engine:
            trial.build_journeys(engine, settings)
            summary = engine.frame("select outcome, lookback, as_of, periods, note"
                                   " from evaluation.outcomes order by outcome")  # fmt: skip
            return dg.MaterializeResult(
                metadata={
                    **about(engine, "journeys.moments", "journeys/moments"),
                    "outcomes": markdown(summary),
                }
            )

    @dg.asset(
        deps=[journeys],
        group_name="evaluation",
        owners=OWNERS,
        kinds={"duckdb", "sql"},
        pool=POOL,
        description="Mature landmarks, whole buckets of users, with every rule's weights.",
    )
    def evaluation_sample(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        with warehouse.open() as engine:
            trial.build_samples(engine, make_models(settings.model_names()), settings)
            return dg.MaterializeResult(
                metadata=about(engine, "evaluation.landmarks", "evaluation/landmarks")
            )

    return [journeys, evaluation_sample]
