"""Rows of input tables, made by hand."""

from __future__ import annotations

import datetime as dt

TIME = dt.datetime(2026, 3, 1, 9, 30)
LATER = dt.datetime(2026, 7, 2)


def row(**cells):
    return {"user_id": "u1", "touched_at": TIME, "channel": "search", "cost": 0.5} | cells


def bought(**cells):
    return {"user_id": "u1", "converted_at": TIME, "value": 9.0} | cells


def booked(**cells):
    return {"date": TIME.date(), "channel": "search", "cost": 9.0} | cells
