"""The step that builds journeys, checks the data and describes every outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from lydite import inputs, journeys, quality
from lydite.errors import InputError
from lydite.evaluation.calendar import (
    Calendar,
    History,
    Period,
    build_history,
    first_forecast,
    make_calendar,
)
from lydite.evaluation.segments import refuse_other_customers
from lydite.inputs.currencies import refuse_several_currencies
from lydite.inputs.rules import RULES, active_rules
from lydite.journeys import incremental
from lydite.journeys.bots import find_bot_like_users
from lydite.journeys.interactions import describe_lookback
from lydite.journeys.people import has_history
from lydite.journeys.repeats import count_repeats
from lydite.pipeline.costs import refuse_costs_without_value
from lydite.pipeline.input_tables import note_duplicate_touchpoints, quarantined
from lydite.settings import Completeness, PathOptions, QualitySettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lydite.engine import Engine
    from lydite.journeys.incremental import JourneyBuild
    from lydite.settings import PeopleSettings, Settings


def build_journeys_of(engine: Engine, settings: Settings) -> JourneyBuild:
    """Build the journeys of all outcomes with the options of a project; see `build_journeys`.

    Raises
    ------
    InputError
        When the settings do not fit the data.
    """
    lookbacks = settings.lookbacks(journeys.find_outcomes(engine))
    refuse_costs_without_value(engine, settings.costs())
    evaluation = settings.evaluation
    return build_journeys(
        engine,
        lookbacks,
        evaluation.period,
        settings.path_options(lookbacks),
        cluster=evaluation.cluster,
        declared=settings.completeness(lookbacks),
        accepted=settings.quality,
        keep_duplicates=settings.quality.keep_duplicates,
        direct=settings.channels.direct,
        people=settings.people,
        customer_segment=evaluation.customer_segment,
    )


def build_journeys(
    engine: Engine,
    lookbacks: Mapping[str, timedelta],
    period: Period,
    paths: Mapping[str, PathOptions] | None = None,
    *,
    full: bool = False,
    cluster: str | None = None,
    declared: Mapping[str, Completeness] | None = None,
    accepted: QualitySettings | None = None,
    keep_duplicates: bool = False,
    direct: Sequence[str] = (),
    people: PeopleSettings | None = None,
    customer_segment: bool = False,
) -> JourneyBuild:
    """Build journeys, and ``evaluation.outcomes`` with a row per outcome; check the data.

    Where rows are missing, periods are not scored. ``quality.findings`` says so.

    Parameters
    ----------
    engine
        Holds the input tables. In a DuckDB file, only journeys of changed users are rebuilt.
    lookbacks
        The lookback of each outcome.
    period
        Length of the periods that are scored.
    paths
        What is on the paths of an outcome; the defaults for outcomes that it leaves out.
    full
        Rebuild the journeys of all users.
    cluster
        The column of `users` whose values are clusters (`journeys.clusters.build_clusters`).
    declared
        What was declared about the end of the data of each outcome; None for nothing.
    accepted
        Which findings about the data are accepted; None for none.
    keep_duplicates
        Whether equal touchpoints without an id are kept; otherwise they are counted once.
    direct
        More names of direct traffic.
    people
        Which rows belong to one person; None for the defaults.
    customer_segment
        Whether landmarks have the segment ``customer``.

    Raises
    ------
    InputError
        When there is no such column, or `users` has a column ``customer`` already.
    """
    refuse_several_currencies(engine)
    if customer_segment:
        refuse_other_customers(engine)
    paths = {outcome: (paths or {}).get(outcome, PathOptions()) for outcome in lookbacks}
    accepted = accepted or QualitySettings()
    rules = active_rules(accepted.rules)
    vanished = quality.vanished_finding(engine, rules["vanished_users"], accepted)
    build = incremental.build_journeys(
        engine,
        lookbacks,
        paths,
        full=full,
        cluster=cluster,
        keep_duplicates=keep_duplicates,
        direct=direct,
        people=people,
    )
    note_duplicate_touchpoints(engine, build.summary.duplicates)
    if rules["bot_like_users"] != RULES["bot_like_users"]:
        find_bot_like_users(engine, rules["bot_like_users"])
    found = quality.rule_findings(engine, rules, accepted)
    build_history(engine)
    extents = _check_data(
        engine,
        dict.fromkeys(lookbacks, Completeness()) if declared is None else declared,
        accepted,
        [*found, *([vanished] if vanished else [])],
    )
    rows = [
        _outcome_row(
            engine, outcome, lookback, period, build.summary.first_at, extents[outcome].as_of
        )
        | _path_columns(engine, outcome, lookback, paths[outcome])
        | {"customer_segment": customer_segment}
        for outcome, lookback in lookbacks.items()
    ]
    engine.local.store("evaluation.outcomes", pl.DataFrame(rows, schema=_OUTCOME_SCHEMA))
    engine.copy_from_local("evaluation.outcomes")
    return build


def _check_data(
    engine: Engine,
    declared: Mapping[str, Completeness],
    accepted: QualitySettings,
    about_rows: Sequence[quality.Finding],
) -> dict[str, quality.Extent]:
    """Write the findings about the data, and return the extent of each outcome."""
    extents, findings = quality.measure_feeds(
        *quality.read_feeds(engine), declared, accepted.accept
    )
    findings += quality.time_findings(engine, quality.read_zones(engine.local))
    losses = quality.with_advice(_find_losses(engine), accepted)
    quality.write_findings(
        engine.local, [*quality.with_advice(findings, accepted), *about_rows, *losses]
    )
    quality.write_holes(engine.local, extents)
    blocked = any(loss.blocking for loss in losses)  # then the next run must find them again
    if engine.local.is_persistent and not blocked:
        quality.write_sizes(engine.local, quality.measure_sizes(engine))
    return extents


def _find_losses(engine: Engine) -> list[quality.Finding]:
    """Return findings about what the input tables have lost since the last run."""
    before = quality.read_sizes(engine.local)
    if before is None:
        return []
    return quality.find_losses(before, quality.measure_sizes(engine, before.last_at))


_OUTCOME_SCHEMA: dict[str, Any] = {
    "outcome": pl.String,
    "lookback": pl.String,  # as shown to readers
    "lookback_us": pl.Int64,
    "first_at": pl.Datetime("us"),
    "as_of": pl.Datetime("us"),
    "mature_until": pl.Datetime("us"),
    "sampled_until": pl.Datetime("us"),  # mature landmarks up to here are in the sample
    "period": pl.String,
    "periods": pl.Int64,
    "note": pl.String,
    "first_forecast": pl.Date,  # the day from which on a history that is too short is long enough
    "after_conversion": pl.String,
    "repeats": pl.Int64,  # conversions that follow another without a touch in between
    "paths": pl.String,  # what scores depend on
    "customer_segment": pl.Boolean,
    "milestone": pl.String,  # the outcome of an earlier stage
}


EVERY_USER_CONVERTS = (
    "every user with a touchpoint converts: without users who did not convert nothing can be"
    " learned about conversion. Add the touchpoints of users without a conversion"
)


#: Whether any user has touches and no conversion.
_OTHER_USERS = """
select exists (
    select 1
    from journeys.touches as touches
    left join (
        select distinct user_key from journeys.conversions where outcome = $outcome
    ) as converted
        on touches.user_key = converted.user_key
    where converted.user_key is null
)
"""
#: The same where ids were joined over time: the touches of a user before count as the person's.
_OTHER_PERSONS = """
with persons as (
    select users.user_key, coalesce('component ' || nodes.component, users.user_id) as person
    from journeys.users as users
    left join people.nodes as nodes on users.user_id = nodes.person
)
select exists (
    select persons.person
    from journeys.touches as touches
    inner join persons on touches.user_key = persons.user_key
    where persons.person not in (
        select persons.person
        from journeys.conversions as conversions
        inner join persons on conversions.user_key = persons.user_key
        where conversions.outcome = $outcome
    )
)
"""


def _outcome_row(
    engine: Engine,
    outcome: str,
    lookback: timedelta,
    period: Period,
    first_at: datetime,
    as_of: datetime,
) -> dict[str, Any]:
    """Describe one outcome; with too little to learn from, it has credit but no scored periods."""
    history = _load_history(engine, outcome, first_at, as_of)
    note, periods, first = "", 0, None
    mature_until = as_of - lookback
    sampled_until = mature_until
    others = _OTHER_PERSONS if has_history(engine) else _OTHER_USERS
    all_convert = not engine.scalar(others, {"outcome": outcome})
    try:
        calendar = make_calendar(history, lookback, period)
        periods, sampled_until = len(calendar), calendar.last_instant
    except InputError as error:
        note = _with_rows_set_aside(str(error), quarantined(engine))
        note += f" Also, {EVERY_USER_CONVERTS}." if all_convert else ""
        first = None if all_convert else first_forecast(history, lookback, period)
    if periods and all_convert:
        note, periods = EVERY_USER_CONVERTS, 0
    return {
        "outcome": outcome,
        "lookback_us": lookback // timedelta(microseconds=1),
        "first_at": first_at,
        "as_of": as_of,
        "mature_until": mature_until,
        "sampled_until": sampled_until,
        "period": period,
        "periods": periods,
        "note": note,
        "first_forecast": None if first is None else first.day,
    }


def _path_columns(
    engine: Engine, outcome: str, lookback: timedelta, paths: PathOptions
) -> dict[str, Any]:
    """Describe what is on the paths of one outcome."""
    return {
        "lookback": describe_lookback(lookback, paths.by_interaction),
        "after_conversion": paths.after_conversion,
        "repeats": count_repeats(engine, outcome, lookback),
        "paths": paths.definition,
        "milestone": paths.milestone,
    }


def _load_history(engine: Engine, outcome: str, first_at: datetime, as_of: datetime) -> History:
    holes = quality.read_holes(engine.local, outcome)
    return History.load(engine.local, outcome, first_at, as_of, holes)


def _with_rows_set_aside(note: str, reasons: Mapping[str, Mapping[str, int]]) -> str:
    """Put the rows that were set aside before the note on a short history: they may explain it."""
    parts = [
        f"{n:,} rows of {table} were set aside ({inputs.REASONS.get(reason, reason)})"
        for table in ("conversions", "touchpoints")
        for reason, n in reasons.get(table, {}).items()
    ]
    return f"{'; '.join(parts)}. Without them, {note}" if parts else note


def read_outcomes(engine: Engine, *, scored_only: bool = True) -> list[dict[str, Any]]:
    """Return the rows of ``evaluation.outcomes``; by default only those with scored periods."""
    frame = engine.local.frame("select * from evaluation.outcomes order by outcome")
    return [row for row in frame.to_dicts() if row["periods"] or not scored_only]


def calendar_of(engine: Engine, outcome: Mapping[str, Any]) -> Calendar:
    """Return the calendar of one outcome, given as a row of `read_outcomes`."""
    history = _load_history(engine, outcome["outcome"], outcome["first_at"], outcome["as_of"])
    lookback = timedelta(microseconds=outcome["lookback_us"])
    return replace(make_calendar(history, lookback, outcome["period"]), paths=outcome["paths"])
