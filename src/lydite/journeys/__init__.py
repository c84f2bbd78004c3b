"""Journeys: from input tables to touches, conversions and the paths between them."""

from lydite.journeys.build import (
    ENDED_PATHS,
    LONGEST_PATH,
    JourneySummary,
    build_ended_paths,
    build_milestones,
    build_path_events,
    build_path_events_and_conversions,
    build_spend,
    build_touches,
    create_path_touches_view,
    direct_channels,
    find_outcomes,
    select_path_touches,
    summarise,
)
from lydite.journeys.repeats import count_repeats

__all__ = [
    "ENDED_PATHS",
    "LONGEST_PATH",
    "JourneySummary",
    "build_ended_paths",
    "build_milestones",
    "build_path_events",
    "build_path_events_and_conversions",
    "build_spend",
    "build_touches",
    "count_repeats",
    "create_path_touches_view",
    "direct_channels",
    "find_outcomes",
    "select_path_touches",
    "summarise",
]
