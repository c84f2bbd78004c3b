"""All assets, in the order of the data's way; none of them does any mathematics."""

import dagster as dg

from lydite.settings import Settings
from pipelines.assets.credit import credit_assets
from pipelines.assets.evaluation import evaluation_assets
from pipelines.assets.journeys import journey_assets
from pipelines.assets.marts import mart_assets
from pipelines.assets.models import model_assets
from pipelines.assets.publication import publication_assets
from pipelines.assets.raw import raw_assets

_PARTS = (
    raw_assets,
    journey_assets,
    model_assets,
    evaluation_assets,
    credit_assets,
    mart_assets,
    publication_assets,
)


def all_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the assets that the settings ask for."""
    return [asset for part in _PARTS for asset in part(settings)]
