"""Asset factories, one module per group, in the order of the data flow."""

from collections.abc import Mapping, Sequence

import dagster as dg

from lydite.dagster.assets.attribution import attribution_assets
from lydite.dagster.assets.evaluation import evaluation_assets
from lydite.dagster.assets.experiments import experiment_assets
from lydite.dagster.assets.inputs import input_assets
from lydite.dagster.assets.journeys import journey_assets
from lydite.dagster.assets.marts import mart_assets
from lydite.dagster.assets.models import model_assets
from lydite.dagster.assets.publishing import publishing_assets
from lydite.dagster.specs import SpecFactory
from lydite.settings import Settings


def all_assets(
    settings: Settings,
    specs: SpecFactory,
    upstream: Mapping[str, Sequence[dg.AssetKey]],
) -> list[dg.AssetsDefinition]:
    """Return the assets of a project.

    Parameters
    ----------
    upstream
        Keys of the assets that each input table depends on.
    """
    return [
        *input_assets(settings, specs, upstream),
        *journey_assets(settings, specs),
        *model_assets(settings, specs),
        *evaluation_assets(settings, specs),
        *attribution_assets(settings, specs),
        *experiment_assets(settings, specs),
        *mart_assets(settings, specs),
        *publishing_assets(settings, specs),
    ]
