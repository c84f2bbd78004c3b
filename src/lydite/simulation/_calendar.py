"""Calendar of the storefront: how busy its days are, and at which hours users come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lydite.simulation._random import Floats


@dataclass(frozen=True)
class Calendar:
    """The days of the world, and how busy they are."""

    start: date
    days: int

    def date(self, day: int) -> date:
        """Date of a day, counted from the first; days before the first are negative."""
        return self.start + timedelta(days=day)

    def season(self, day: int) -> float:
        """Activity of a day, about 1: a yearly wave, two sales, and the days of the week."""
        today = self.date(day)
        year = 1 + 0.08 * float(np.cos(2 * np.pi * (today.timetuple().tm_yday - 20) / 365.25))
        sale = 1.3 if today.isocalendar().week in _SALE_WEEKS else 1.0
        return year * sale * _WEEKDAYS[today.weekday()]


_SALE_WEEKS = (8, 21)
_WEEKDAYS = (1.06, 1.03, 1.0, 0.98, 0.93, 0.9, 1.1)
_HOURS = np.array(
    [9, 5, 3, 2, 2, 4, 10, 22, 34, 42, 46, 48, 52, 50, 46, 44, 46, 52, 60, 70, 78, 72, 48, 24],
    float,
)
_HOURS_CUMULATIVE = np.concatenate([[0.0], np.cumsum(_HOURS) / _HOURS.sum()])


def second_of_day(uniform: Floats) -> Floats:
    """Turn uniform numbers into seconds of the day, most of them at busy hours."""
    return np.asarray(np.interp(uniform, _HOURS_CUMULATIVE, np.arange(25) * 3600.0))
