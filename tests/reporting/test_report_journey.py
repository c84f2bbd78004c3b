"""The customer journey in the report."""

from __future__ import annotations

import polars as pl
import pytest

from lydite.reporting.report_journey import make_journey
from lydite.results import Comparison
from lydite.settings import ReportSettings
from tests.helpers.made_comparisons import BEST, make_comparison
from tests.helpers.made_marts import LAGS, LENGTHS, PATHS, ROLES


def journey(settings: ReportSettings | None = None, **marts: pl.DataFrame):
    full = make_comparison(("purchase", BEST))
    comparison = Comparison(
        {**full.marts, **marts}, full.outcomes, {}, report_settings=settings or ReportSettings()
    )
    return make_journey(comparison, "purchase", "outcome-0")


def test_paths_are_those_of_the_most_journeys():
    found = journey(paths=PATHS)
    assert [row.journeys for row in found.paths] == [str(n) for n in range(60, 50, -1)]
    assert found.paths[0].path == "Paid ads → Mail"
    assert found.paths[0].rate == "5.0%"
    assert found.about == "most often Paid ads → Mail"


def test_channels_have_the_names_of_the_settings():
    found = journey(ReportSettings(channel_names={"mail": "Newsletter"}), paths=PATHS)
    assert found.paths[0].path == "Paid ads → Newsletter"


def test_lengths_and_days_are_shares_of_all():
    found = journey(path_lengths=LENGTHS, time_lags=LAGS)
    assert {row.label: row.shares[0] for row in found.lengths} == {
        "no touch": (0.1, "10%"), "1 touch": (0.3, "30%"), "2 touches": (0.2, "20%"),
        "3 touches": (0, "0%"), "4 touches": (0, "0%"), "5 touches": (0, "0%"),
        "6 to 10 touches": (0.39, "39%"), "over 10 touches": (0.01, "1%"),
    }  # fmt: skip
    assert [row.label for row in found.days] == [
        "the same day", "1 day", "2 to 3 days", "4 to 7 days", "8 to 14 days", "15 to 30 days",
    ]  # fmt: skip
    for place in (0, 1):
        assert sum(row.shares[place][0] for row in found.days) == pytest.approx(1)
    assert found.about == "60% after 2 touches or more; half within 2 days of the first touch"


def test_small_shares_are_not_shown_as_zero():
    many = LENGTHS.with_columns(conversions=pl.Series([10_000, 0, 0, 0, 1]))
    assert journey(path_lengths=many).lengths[-1].shares[0][1] == "under 1%"


def test_assists_are_set_against_last_touches():
    found = journey(channel_roles=ROLES).roles
    assert [row.channel for row in found] == ["Paid ads", "Mail", "Tv"]
    assert [row.per_last for row in found] == ["0.6", "0.2", "–"]


def test_without_tables_there_is_nothing():
    assert not journey().is_any
