"""The schedules: when jobs run by themselves."""

import dagster as dg

from pipelines.jobs import refresh

weekly = dg.ScheduleDefinition(
    name="weekly_refresh",
    job=refresh,
    cron_schedule="0 5 * * 1",
    execution_timezone="UTC",
    description="Mondays at 05:00 UTC, when the week's data is complete.",
    # Nothing should start by itself on a newcomer's machine: switch it on where it is deployed.
    default_status=dg.DefaultScheduleStatus.STOPPED,
)
