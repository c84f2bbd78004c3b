"""Settings of schedules."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lydite.errors import InputError
from lydite.settings import ScheduleSettings, parse_settings

SOURCES = {"touchpoints": "t.parquet", "conversions": "c.parquet"}


def test_nothing_is_scheduled_by_default():
    assert ScheduleSettings() == ScheduleSettings(
        refresh=None, credit=None, fresh_within=None, first_day=None
    )


def test_jobs_have_cron_expressions_and_results_an_age():
    schedule = {"refresh": "@weekly", "credit": "0 5 * * *", "fresh_within": "2d"}
    settings = parse_settings({"sources": SOURCES, "schedule": schedule}, "lydite.toml")
    assert settings.schedule.fresh_within == timedelta(days=2)
    assert (settings.schedule.refresh, settings.schedule.credit) == ("@weekly", "0 5 * * *")


def test_what_is_no_cron_expression_is_refused_with_an_example():
    with pytest.raises(InputError, match=r'schedule.credit.*such as "0 5 \* \* 1"'):
        parse_settings({"sources": SOURCES, "schedule": {"credit": "daily"}}, "lydite.toml")
