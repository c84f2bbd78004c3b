"""Reads the users, conversions and regions of experiments from the input tables."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from lydite.engine.duckdb import quote_identifier
from lydite.errors import InputError
from lydite.inputs.advice import advise, example
from lydite.journeys.clusters import BY_USER, DEFAULT_COLUMN
from lydite.journeys.people import NO_ACCOUNTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lydite.engine import Engine
    from lydite.settings import ExperimentSettings

_PERSONS = """
select user_id, min(user_id) over (partition by component) as person from people.components
"""
_NO_PERSONS = "select cast(null as varchar) as user_id, cast(null as varchar) as person limit 0"
_BY_PERSON = """
select coalesce(persons.person, users.user_id) as person, min(cast({column} as varchar)) as {name}
from inputs.users as users
left join experiments.persons as persons on users.user_id = persons.user_id
where {column} is not null
group by coalesce(persons.person, users.user_id)
"""
_NO_CLUSTERS = "select cast(null as varchar) as person, cast(null as varchar) as cluster limit 0"
_PLAN_CHANNELS = {"experiment": pl.String, "channel": pl.String}
_PLAN_INTERACTIONS = {"experiment": pl.String, "interaction": pl.String}
_UNITS = """
with converted as (
    select person, sum(conversions_before) as before
    from experiments.conversions
    where experiment = $experiment
    group by person
)

select
    units.*,
    units.touches > 0 or converted.person is not null as is_known,
    units.touches_before > 0 or coalesce(converted.before, 0) > 0 as was_known
from experiments.units as units
left join converted on units.person = converted.person
where units.experiment = $experiment
order by units.assigned_at, units.person
"""
_SET_ASIDE = "quarantine.experiments"
_TABLES = (
    "counted_conversions", "persons", "assigned", "plans", "plan_channels", "plan_interactions",
    "clusters", "units", "conversions",
)  # fmt: skip
_PLANS = {
    "experiment": pl.String, "window_us": pl.Int64, "history_us": pl.Int64, "start_us": pl.Int64,
}  # fmt: skip


def build_tables(
    engine: Engine, plans: Mapping[str, ExperimentSettings], cluster: str | None = None
) -> None:
    """Build the tables of the schema ``experiments`` from the input tables.

    Ids that belong to one person are one person at all times, as assignments come before the data
    that joins them.

    Parameters
    ----------
    engine
        Holds the input tables, and the persons where ids are joined.
    plans
        The experiments.
    cluster
        The column of `users` whose values belong together; by default ``account_id``, if there is
        one.

    Raises
    ------
    InputError
        When there is no such column.
    """
    joined = engine.exists("people.components")
    engine.create("experiments.persons", _PERSONS if joined else _NO_PERSONS)
    counted = "people.counted_conversions" if joined else "inputs.conversions"
    engine.create_view("experiments.counted_conversions", f"select * from {counted}")
    engine.create("experiments.assigned", "experiments/assigned")
    rows = [_plan_row(name, plan) for name, plan in plans.items() if plan.assigns_users]
    engine.store("experiments.plans", pl.DataFrame(rows, schema=_PLANS, orient="row"))
    spelled = [(name, _spelling(name)) for name in find_channels(engine)]
    channels = [
        (name, channel)
        for name, plan in plans.items()
        for channel, spelling in spelled
        if spelling == _spelling(plan.channel)
    ]
    engine.store(
        "experiments.plan_channels", pl.DataFrame(channels, schema=_PLAN_CHANNELS, orient="row")
    )
    interactions = [
        (name, interaction)
        for name, plan in plans.items()
        for interaction in chosen_interactions(engine, plan)
    ]
    engine.store(
        "experiments.plan_interactions",
        pl.DataFrame(interactions, schema=_PLAN_INTERACTIONS, orient="row"),
    )
    column = None if cluster == BY_USER else _find_column(engine, cluster or DEFAULT_COLUMN)
    if column is None and cluster not in {None, BY_USER}:
        raise InputError(f"cluster = {cluster!r}: the table users has no column of that name")
    engine.create(
        "experiments.clusters",
        _NO_CLUSTERS
        if column is None
        else _BY_PERSON.format(column=quote_identifier(column), name="cluster"),
    )
    engine.create("experiments.units", "experiments/units")
    engine.create("experiments.conversions", "experiments/conversions")


def build_journey_persons(engine: Engine) -> None:
    """Build ``experiments.journey_persons``: who of the experiments the users of the journeys are.

    Where accounts have the journeys, an account is the person of all its users.
    """
    if not engine.exists("people.accounts"):
        engine.create("people.accounts", NO_ACCOUNTS)
    engine.create("experiments.journey_persons", "experiments/journey_persons")


def drop_tables(engine: Engine) -> None:
    """Drop the tables with a row per user."""
    for name in (*_TABLES, "journey_persons", "regions"):
        engine.drop(f"experiments.{name}")


def _plan_row(name: str, plan: ExperimentSettings) -> tuple[object, ...]:
    start_us = None if plan.start is None else _us(plan.start)
    window = plan.window or timedelta()
    return name, _length(window), _length(plan.history), start_us


def _us(time: datetime) -> int:
    return _length(time - type(time)(1970, 1, 1))


def _length(time: timedelta) -> int:
    return time // timedelta(microseconds=1)


def _spelling(channel: str | None) -> str | None:
    """Return a channel as it is compared: case and blanks do not matter."""
    return None if channel is None else channel.strip().lower()


def _find_column(engine: Engine, column: str) -> str | None:
    """Return a column of `users` as the source writes it; None if there is none."""
    columns = engine.columns("inputs.users") if engine.exists("inputs.users") else {}
    found = {name.lower(): name for name in columns if name != BY_USER}
    return found.get(column.strip().lower())


def read_units(engine: Engine, experiment: str) -> pl.DataFrame:
    """Return a row per person of an experiment, in the order of assignment.

    ``is_known``: there is a touch or a conversion; ``was_known``: in the pre-period.
    """
    return engine.frame(_UNITS, {"experiment": experiment})


def count_set_aside(engine: Engine, experiment: str) -> dict[str, int]:
    """Return how many assignments of an experiment cannot be used, by reason, most first."""
    column = _set_aside_column(engine, "experiment")
    if column is None:
        return {}
    counts = engine.frame(
        f"select reason, count(*) as n from {_SET_ASIDE}"
        f" where trim(cast({quote_identifier(column)} as varchar)) = $experiment"
        " group by reason order by n desc, reason",
        {"experiment": experiment},
    )
    return dict(counts.iter_rows())


def explain_set_aside(engine: Engine, reason: str) -> tuple[str, str]:
    """Return an example of assignments that were set aside, and what to do about them."""
    column = _set_aside_column(engine, reason)
    such = "" if column is None else example(engine, "experiments", reason, column)
    return such, advise(engine, "experiments", reason, column)


def _set_aside_column(engine: Engine, ending: str) -> str | None:
    """Return the column of the source with which a text ends."""
    columns = engine.columns(_SET_ASIDE) if engine.exists(_SET_ASIDE) else {}
    return next((name for name in columns if ending.endswith(name.lower())), None)


def read_conversions(engine: Engine, experiment: str, outcome: str) -> pl.DataFrame:
    """Return a row per person of an experiment with conversions of an outcome.

    The outcome may be an interaction of the channel; its touches count as conversions then.
    """
    return engine.frame(
        "select person, conversions, value, conversions_before, value_before"
        " from experiments.conversions where experiment = $experiment and outcome = $outcome",
        {"experiment": experiment, "outcome": outcome},
    )


def read_region_days(engine: Engine, name: str, plan: ExperimentSettings) -> pl.DataFrame:
    """Return conversions, value and cost of the channel by region and day.

    Raises
    ------
    InputError
        When the users have no column of the regions.
    """
    column = _find_column(engine, plan.unit)
    if column is None:
        raise InputError(
            f"experiments.{name}.unit = {plan.unit!r}: the table users has no column of that name."
            " Add the column, or correct the name"
        )
    engine.create(
        "experiments.regions", _BY_PERSON.format(column=quote_identifier(column), name="region")
    )
    return engine.frame("experiments/region_days", {"experiment": name})


def find_channels(engine: Engine) -> list[str]:
    """Return the names of the channels of the touchpoints."""
    sql = "select distinct channel from inputs.touchpoints order by channel"
    return [name for (name,) in engine.rows(sql)]


def find_interactions(engine: Engine, channel: str | None) -> list[str]:
    """Return the interactions of the touches of a channel; none without a channel."""
    sql = (
        "select distinct interaction from inputs.touchpoints"
        " where interaction is not null and trim(lower(channel)) = $channel order by interaction"
    )
    return [name for (name,) in engine.rows(sql, {"channel": _spelling(channel) or ""})]


def chosen_interactions(engine: Engine, plan: ExperimentSettings) -> list[str]:
    """Return the interactions of the channel that a plan names among its outcomes.

    A name that is an outcome of the conversions, too, is the outcome.
    """
    named = [name for name in (plan.outcome, *plan.outcomes) if name not in find_outcomes(engine)]
    known = find_interactions(engine, plan.channel) if named and plan.assigns_users else []
    return [name for name in dict.fromkeys(named) if name in known]


def find_outcomes(engine: Engine) -> dict[str, bool]:
    """Return the outcomes of the conversions, with whether any has a value."""
    rows = engine.rows(
        "select outcome, max(case when value is not null then 1 else 0 end) from inputs.conversions"
        " group by outcome order by outcome"
    )
    return {name: bool(has_value) for name, has_value in rows}


def first_and_last(engine: Engine) -> tuple[datetime | None, datetime | None]:
    """Return the first time of the data, and the last one up to which all tables have rows."""
    rows = engine.rows(
        "select min(touched_at), max(touched_at) from inputs.touchpoints union all"
        " select min(converted_at), max(converted_at) from inputs.conversions"
    )
    firsts = [first for first, _ in rows if first is not None]
    lasts = [last for _, last in rows if last is not None]
    return min(firsts, default=None), min(lasts, default=None)
