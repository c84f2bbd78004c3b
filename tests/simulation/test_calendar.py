"""Calendar of the storefront."""

from __future__ import annotations

from datetime import date

import numpy as np

from lydite.simulation._calendar import Calendar, second_of_day


def test_activity_depends_on_weekdays_and_sales():
    calendar = Calendar(date(2025, 1, 6), 182)
    assert calendar.date(-1) == date(2025, 1, 5)
    seasons = np.array([calendar.season(day) for day in range(182)])
    assert 0.9 < seasons.mean() < 1.15
    assert seasons[6::7].mean() > seasons[5::7].mean()  # Sundays above Saturdays
    assert seasons[42] > 1.2 * seasons[49]  # the eighth week's sale


def test_seconds_of_the_day_follow_busy_hours():
    seconds = second_of_day((np.arange(100_000) + 0.5) / 100_000)
    assert 0 <= seconds.min() < seconds.max() < 86_400
    by_hour = np.bincount((seconds // 3600).astype(int), minlength=24)
    assert by_hour.argmax() == 20
    assert by_hour.argmin() in (3, 4)
