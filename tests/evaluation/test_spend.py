"""Spend that does not fit the touchpoints is left out or matched, and reported."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from lydite import journeys
from lydite.engine import DuckDBEngine
from lydite.evaluation.spend import spend_warnings
from tests.helpers.input_tables import make_inputs

TOUCHES = [
    ("ann", datetime(2026, 1, 10, 23), "Paid Search"),
    ("ann", datetime(2026, 1, 20, 1), "Email"),
]
IN_PERIOD = date(2026, 1, 15)


@pytest.fixture
def spent():
    """Return a function that returns the spend by channel in the period, and the warnings."""
    with DuckDBEngine() as engine:

        def spent(*spend, touches=TOUCHES):
            rows = [(day, channel, None, cost) for day, channel, cost in spend]
            make_inputs(engine, touches, [("ann", datetime(2026, 1, 20, 2))], rows)
            journeys.build_touches(engine)
            counted = engine.rows(
                "select channel, sum(cost) from journeys.spend where in_period"
                " group by channel order by channel"
            )
            return dict(counted), dict(spend_warnings(engine))

        yield spent


def test_no_spend_needs_no_warning(spent):
    assert spent() == ({}, {})


def test_spend_of_the_first_and_the_last_day_counts(spent):
    counted, warnings = spent((date(2026, 1, 10), "Email", 1.0), (date(2026, 1, 20), "Email", 2.0))
    assert counted == {"Email": 3.0}
    assert not warnings


def test_spend_outside_the_period_is_left_out_and_reported(spent):
    counted, warnings = spent(
        (date(2023, 5, 1), "Email", 1_000.0),
        (date(2026, 1, 9), "Email", 200.0),
        (IN_PERIOD, "Email", 5.0),
        (date(2026, 1, 21), "Paid Search", 34.5),
    )
    assert counted == {"Email": 5.0}
    assert warnings == {
        "spend_outside_period": "spend of 1,234.50 from 2023-05-01 to 2026-01-21 is not counted:"
        " the touchpoints are from 2026-01-10 to 2026-01-20"
    }


@pytest.mark.parametrize("name", ["paid search", "PAID SEARCH", "Paid  Search", "paidsearch"])
def test_case_and_blanks_of_channels_do_not_matter(spent, name):
    counted, warnings = spent((IN_PERIOD, name, 3.0), (IN_PERIOD, "Paid Search", 4.0))
    assert counted == {"Paid Search": 7.0}
    assert list(warnings) == ["spend_renamed"]
    assert f"{name!r} as 'Paid Search'" in warnings["spend_renamed"]


def test_an_equal_name_matches_first(spent):
    touches = [*TOUCHES, ("ann", datetime(2026, 1, 12), "email")]
    counted, warnings = spent((IN_PERIOD, "email", 3.0), (IN_PERIOD, "Email", 4.0), touches=touches)
    assert counted == {"Email": 4.0, "email": 3.0}
    assert not warnings


def test_a_name_that_could_be_two_channels_is_not_matched(spent):
    touches = [*TOUCHES, ("ann", datetime(2026, 1, 12), "email")]
    counted, warnings = spent((IN_PERIOD, "EMAIL", 3.0), touches=touches)
    assert counted == {"EMAIL": 3.0}
    assert list(warnings) == ["spend_without_touches"]


def test_channels_without_touches_are_reported_with_channels_without_cost(spent):
    counted, warnings = spent((IN_PERIOD, "google_ads", 9.0), (IN_PERIOD, "Email", 1.0))
    assert counted == {"google_ads": 9.0, "Email": 1.0}
    assert warnings == {
        "spend_without_touches": "no touchpoint has these channels of the spend: 'google_ads'"
        " (9.00); these channels of the touchpoints have no cost: 'Paid Search'"
    }


def test_a_channel_with_cost_on_its_touches_is_not_without_cost(spent):
    touches = [(*touch, None, None, 0.5) for touch in TOUCHES]
    _, warnings = spent((IN_PERIOD, "tv", 9.0), touches=touches)
    assert warnings["spend_without_touches"].endswith("'tv' (9.00)")
