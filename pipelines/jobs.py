"""The jobs: `refresh` takes every step from the sources to the published file and the page."""

import dagster as dg

refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all(),
    description="Load, put every rival on trial, divide the conversions, publish.",
    executor_def=dg.in_process_executor,
)
