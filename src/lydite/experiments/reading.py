"""Reads all experiments of a project: checks, and a row per experiment, outcome and arm."""

from __future__ import annotations

import difflib
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import polars as pl

from lydite.errors import InputError
from lydite.experiments import tables
from lydite.experiments.checks import (
    Check,
    check_clusters,
    check_enrolment,
    check_known_users,
    check_pre_period,
    check_rows,
)
from lydite.experiments.enrolment import enrol
from lydite.experiments.readout import COLUMNS, finish_rows, observe, read_arms
from lydite.experiments.regional_readout import read_regions
from lydite.experiments.two_samples import tea_tasting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import numpy as np

    from lydite.engine import Engine
    from lydite.experiments.readout import Observed, Row
    from lydite.experiments.two_samples import Arm
    from lydite.settings import Completeness, ExperimentSettings

#: The tables that `read_experiments` writes.
READOUT, CHECKS = "experiments.readout", "experiments.checks"
_CHECK_COLUMNS = {
    "experiment": pl.String, "check_name": pl.String, "status": pl.String, "text": pl.String,
    "users": pl.Int64, "share": pl.Float64, "p_value": pl.Float64,
}  # fmt: skip


def read_experiments(
    engine: Engine,
    plans: Mapping[str, ExperimentSettings],
    *,
    cluster: str | None = None,
    ends: Mapping[str, Completeness] | None = None,
) -> None:
    """Read all declared experiments; write ``experiments.readout`` and ``experiments.checks``.

    Parameters
    ----------
    engine
        Holds the input tables, and the persons where ids are joined.
    plans
        The experiments, by name.
    cluster
        The column of `users` whose values belong together; by default ``account_id``, if there is
        one, and ``"user_id"`` for none.
    ends
        What was declared about the end of the data, by outcome; by default it is complete up to the
        earlier of the last touchpoint and the last conversion of any outcome.

    Raises
    ------
    InputError
        When an experiment and the data do not fit: an unknown outcome, interaction, channel,
        arm or column.
    """
    rows: list[Row] = []
    checks: list[tuple[str, Check]] = []
    if plans:
        tea_tasting()  # stops here when it is missing
        check_names(engine, plans)
        tables.build_tables(engine, plans, cluster)
        first, last = tables.first_and_last(engine)
        for name, plan in plans.items():
            end = end_of_data((ends or {}).get(plan.outcome), last)
            read = _read_users if plan.assigns_users else read_regions
            found, of_plan = read(engine, name, plan, first, end)
            rows += found
            checks += [(name, check) for check in of_plan]
        tables.drop_tables(engine)
    checks += _undeclared(engine, plans)
    _write(engine, rows, checks)


def end_of_data(declared: Completeness | None, last: datetime | None) -> datetime | None:
    """Return up to when the data is complete; None without data.

    Parameters
    ----------
    declared
        What was declared about it.
    last
        The last time up to which all tables have rows.
    """
    if declared is not None and declared.as_of is not None:
        return declared.as_of
    delay = None if declared is None else declared.delivery_delay
    return None if last is None else last - (delay or timedelta())


def check_names(engine: Engine, plans: Mapping[str, ExperimentSettings]) -> None:
    """Check that the data has the outcomes, interactions and channels of the experiments.

    Raises
    ------
    InputError
        When it lacks one, or the primary outcome has no value and the metric is one.
    """
    if not plans:
        return
    outcomes, channels = tables.find_outcomes(engine), tables.find_channels(engine)
    for name, plan in plans.items():
        place = f"experiments.{name}"
        if plan.channel is not None and channels:
            known = [channel.strip().lower() for channel in channels]
            if plan.channel.strip().lower() not in known:
                _refuse(f"{place}.channel", "channel", plan.channel, channels)
        unknown = [given for given in (plan.outcome, *plan.outcomes) if given not in outcomes]
        if unknown:
            _check_interactions(engine, place, plan, unknown, list(outcomes))
        valued = outcomes.get(plan.outcome, False)
        if plan.metric == "value" and not valued:
            raise InputError(
                f"{place}.metric: no {plan.outcome} has a value in the data."
                ' Set metric = "rate", or another outcome'
            )


def _check_interactions(
    engine: Engine,
    place: str,
    plan: ExperimentSettings,
    names: Sequence[str],
    outcomes: Sequence[str],
) -> None:
    """Check that names that are no outcomes of the data are interactions of the channel."""
    has_steps = plan.assigns_users and plan.channel is not None
    known = tables.find_interactions(engine, plan.channel) if has_steps else []
    more = ""
    if known:
        more = f"; interactions of {plan.channel}: {', '.join(known)}"
    elif has_steps and not tables.find_channels(engine):
        more = f"; interactions of {plan.channel} need touchpoints"
    for given in names:
        key = f"{place}.outcome" if given == plan.outcome else f"{place}.outcomes"
        if given not in known:
            _refuse(key, "outcome", given, outcomes, known, more)
        if given == plan.outcome and plan.varies == "channel":
            raise InputError(
                f"{key}: {given!r} is an interaction of {plan.channel}, which the control arm does"
                f" not get. Name what the channel should bring: {', '.join(outcomes)}"
            )


def _refuse(
    place: str,
    what: str,
    given: str,
    known: Sequence[str],
    others: Sequence[str] = (),
    more: str = "",
) -> NoReturn:
    near = difflib.get_close_matches(given, [*known, *others], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise InputError(
        f"{place}: there is no {what} {given!r} in the data; there are: {', '.join(known)}"
        f"{more}.{hint}"
    )


def _read_users(
    engine: Engine,
    name: str,
    plan: ExperimentSettings,
    first: datetime | None,
    end: datetime | None,
) -> tuple[list[Row], list[Check]]:
    """Return the rows and checks of an experiment that assigned users."""
    units = tables.read_units(engine, name)
    set_aside = tables.count_set_aside(engine, name)
    usable = check_rows(set_aside, partial(tables.explain_set_aside, engine))
    if units.is_empty():
        text = "The table experiments has no user of this experiment."
        text += f" {usable.text}" if usable.users else ""
        return [], [Check("assignments", "waiting", text, 0)]
    enrolment = enrol(name, plan, units, end)
    has_touchpoints = bool(tables.find_channels(engine))
    checks = [usable, *check_enrolment(plan, enrolment, has_touchpoints=has_touchpoints)]
    checks.append(check_clusters(enrolment.units))
    numbers = {arm: i for i, arm in enumerate(plan.arms)}
    rows: list[Row] = []
    valued = tables.find_outcomes(engine)
    for outcome in dict.fromkeys((plan.outcome, *(plan.outcomes or valued))):
        observed = observe(numbers, enrolment.units, tables.read_conversions(engine, name, outcome))
        if outcome == plan.outcome:
            checks += _compare_before(plan, enrolment.units, observed, first)
        metrics = ("rate", "value") if valued.get(outcome) else ("rate",)
        kind = {"is_interaction": outcome not in valued}
        for metric in metrics:
            of_arms = read_arms(plan, enrolment, outcome, metric, observed)
            rows += [kind | row for row in of_arms]
    failed = any(check.status == "failed" for check in checks)
    may_read = "none" if failed else enrolment.may_read
    return finish_rows(name, plan, rows, may_read, enrolment.readable_on), checks


def _compare_before(
    plan: ExperimentSettings,
    units: pl.DataFrame,
    observed: Observed,
    first: datetime | None,
) -> list[Check]:
    """Compare the arms before the assignment, where there is data of that time."""
    if units.is_empty():
        return [Check("pre_period", "waiting", "There are no users to compare yet.")]

    def by_arm(values: np.ndarray) -> dict[str, Arm]:
        by_number = observed.arms(values)
        return {arm: by_number[i] for i, arm in enumerate(plan.arms) if i in by_number}

    known = check_known_users(by_arm(units["was_known"].to_numpy().astype(float)), units)
    if first is None or first >= units["assigned_at"][0]:
        text = "There is no data before the first assignment."
        return [known, Check("pre_period", "not_checked", text)]
    return [known, check_pre_period(by_arm(observed.covariates[:, 0]), plan.outcome)]


def _undeclared(engine: Engine, plans: Mapping[str, ExperimentSettings]) -> list[tuple[str, Check]]:
    """Return a check for each experiment that has users and is not declared."""
    if not engine.exists("inputs.experiments"):
        return []
    counts = engine.rows(
        "select experiment, count(distinct user_id) from inputs.experiments"
        " group by experiment order by experiment"
    )
    text = "It is not declared in the settings, under [experiments], and is not read."
    return [
        (name, Check("declaration", "warning", text, int(n)))
        for name, n in counts
        if name not in plans
    ]


def _write(engine: Engine, rows: list[Row], checks: list[tuple[str, Check]]) -> None:
    local = engine.local
    local.store(READOUT, pl.DataFrame(rows, schema=COLUMNS, orient="row"))
    of_checks = [{"experiment": name, **asdict(check)} for name, check in checks]
    local.store(CHECKS, pl.DataFrame(of_checks, schema=_CHECK_COLUMNS, orient="row"))
