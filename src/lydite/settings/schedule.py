"""Settings of when the jobs run in Dagster, and how old results may be."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator

from lydite.settings.types import Delay, Section

_FIELDS = 5


def _check_cron(text: str) -> str:
    if len(text.split()) != _FIELDS and not text.startswith("@"):
        raise ValueError('write a cron expression, such as "0 5 * * 1": Mondays at 5')
    return text


Cron = Annotated[str, AfterValidator(_check_cron)]


class ScheduleSettings(Section):
    """When the jobs run, in the time zone of the settings; by hand only where nothing is set.

    Attributes
    ----------
    refresh
        Everything, with the comparison of the models: such as every week.
    credit
        Everything but the comparison, which stays that of the last `refresh`: such as every day.
    fresh_within
        How long after the input tables and the published file were last written Dagster shows
        them as overdue.
    first_day
        The first local day of which Dagster has a partition of the input tables; by default the
        first of January of last year. Earlier rows are loaded with the whole tables.
    """

    refresh: Cron | None = None
    credit: Cron | None = None
    fresh_within: Delay | None = None
    first_day: date | None = None
