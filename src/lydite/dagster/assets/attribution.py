"""Assets of the group ``attribution``: credit of every model, with intervals."""

from collections.abc import Iterator

import dagster as dg

from lydite import pipeline
from lydite.dagster.assets import models
from lydite.dagster.metadata import Result, materialized
from lydite.dagster.specs import SpecFactory
from lydite.settings import Settings

_BY_TOUCH = "credit.touch_credit"
_ABOUT = {
    _BY_TOUCH: "One row per touch on the path of a conversion, one column per model.",
    "credit.statistics": "Credit summed by outcome, bucket, channel and model.",
    "credit.by_segment": "Credit summed by outcome, segment, channel and model.",
    "credit.daily": "Credit summed by outcome, day, channel, campaign and model.",
    "credit.intervals": "Intervals of credit (95 %): a bootstrap of users, with refitted models.",
    "credit.differences": "Intervals of the difference of credit from that of last touch.",
    "credit.removal_effects": "Removal effects of the channels according to the Markov models.",
}
TABLES = tuple(_ABOUT)


def attribution_assets(settings: Settings, specs: SpecFactory) -> list[dg.AssetsDefinition]:
    """Return the step ``attribute_conversions``, which fits the models on all mature data."""
    tables = [
        specs.table(table, about, group="attribution", kinds=("duckdb", "python"))
        for table, about in _ABOUT.items()
    ]

    @specs.step("attribute_conversions", tables)
    def attribute_conversions(context: dg.AssetExecutionContext) -> Iterator[Result]:
        engine = specs.engine(context)
        usable = models.usable_models(engine, settings)
        pipeline.attribute_conversions(engine, usable, settings.evaluation.seed)
        for table in TABLES:
            # Credit by touch stays where the rows are; its sums are in the local file.
            place = engine if table == _BY_TOUCH else engine.local
            yield materialized(specs.key(table), place, table)

    return [attribute_conversions]
