"""Simulated programmes of experiments: markets, holdouts of their channels, and true increments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from lydite import pipeline
from lydite.attribution.credit_sql import named_touches_sql
from lydite.engine import DuckDBEngine
from lydite.experiments.agreement import compare_credit
from lydite.experiments.incrementality import ChannelTest
from lydite.inputs import LoadOptions
from lydite.journeys import find_outcomes
from lydite.models import choose
from lydite.settings import EvaluationSettings, Settings, SourceSettings
from lydite.simulation._calendar import Calendar
from lydite.simulation._experiments import assign
from lydite.simulation._market import (
    BASE_PROBABILITY,
    INTENT_PROBABILITY,
    Campaign,
    Channel,
    Interaction,
    Market,
)
from lydite.simulation._random import KeyedRandom
from lydite.simulation._users import simulate_users
from lydite.simulation.storefront import simulate_storefront

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lydite.simulation._experiments import Assignment, SimulatedExperiment
    from lydite.simulation.world import World

START = date(2022, 1, 3)
OUTCOME = "purchase"
MODELS = ("last_touch", "linear", "time_decay", "markov_2", "bagged_logistic", "additive_hazard")
_PURCHASE = 2  # number of the outcome in the simulation
_DAY = 86_400
_MAX_LANDMARKS = 30_000


# --- markets --------------------------------------------------------------------------------------


def draw_market(rng: np.random.Generator) -> Market:
    """Draw a market of five to twelve channels.

    Channels differ in reach, frequency, how much they follow the interest of users, what a touch
    adds to the probability of a purchase (a third add nothing), and how long that lasts. Users
    differ in how many buy without interest, and with it.
    """
    channels = tuple(_draw_channel(rng, f"channel_{n}") for n in range(rng.integers(5, 13)))
    without, with_interest = rng.uniform(0.5, 1.5, 2)
    return Market(
        channels=channels,
        base_probability={
            name: (new * without, returning * without)
            for name, (new, returning) in BASE_PROBABILITY.items()
        },
        intent_probability={
            name: value * with_interest for name, value in INTENT_PROBABILITY.items()
        },
    )


def _draw_channel(rng: np.random.Generator, name: str) -> Channel:
    follows_interest, adds = rng.random(2) < (0.5, 2 / 3)
    pull = rng.uniform(0.05, 0.35) if follows_interest else 0.0
    base = float(np.exp(rng.uniform(np.log(0.01), np.log(0.15))))
    # Frequent touches add less each: a channel adds a comparable number of purchases.
    effect = rng.uniform(0.1, 1.0) * 0.0015 / (base + 0.05) if adds else 0.0
    clicked = rng.uniform(0.02, 1.0)
    return Channel(
        name=name,
        reach=rng.uniform(0.4, 1.0),
        base=base,
        pull=pull,
        searched=bool(rng.random() < 0.4),
        effect=(0.0, effect, effect),
        half_life_days=rng.uniform(1.0, 8.0),
        interactions=(
            Interaction("impression", 1 - clicked),
            Interaction("click", clicked, strength=rng.uniform(1.0, 2.5)),
        ),
        campaigns=(Campaign("first", 0.6), Campaign("second", 0.4, strength=rng.uniform(0.5, 2))),
    )


# --- one programme --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Programme:
    """One simulated history with its experiments.

    Attributes
    ----------
    world
        Its tables; the truth has the effects of channels, if these were computed.
    tests
        By model, its credit in each experiment, in their order.
    credit
        ``model, channel, credited, variance`` over the whole history.
    """

    world: World
    tests: dict[str, list[ChannelTest]]
    credit: pl.DataFrame


def run_programme(
    market: Market,
    experiments: Sequence[SimulatedExperiment],
    users: int,
    seed: int,
    weeks: int,
    *,
    with_effects: bool = False,
) -> Programme:
    """Simulate a programme, attribute its purchases and read its experiments.

    Parameters
    ----------
    market
        The channels.
    experiments
        The holdouts, each with all users.
    users, seed, weeks
        As for `lydite.simulate`.
    with_effects
        Whether the true effects of all channels over the whole history are computed.
    """
    world = simulate_storefront(
        users, seed, weeks, START, experiments, market, with_effects=with_effects
    )
    touches = _attribute(world, weeks)
    tests: dict[str, list[ChannelTest]] = {model: [] for model in MODELS}
    for experiment in experiments:
        months = (weeks * 7 - experiment.last_day) * 12 / 365
        for model, test in _read(world, experiment, touches, months).items():
            tests[model].append(test)
    return Programme(world, tests, _credit(touches, users))


def _attribute(world: World, weeks: int) -> pl.DataFrame:
    """Return the credit of each touch before a purchase, a column per model.

    The models are fitted once, on all users.
    """
    end = (START + timedelta(weeks=weeks)).isoformat()
    settings = Settings(
        sources=SourceSettings(touchpoints="-", conversions="-"),
        evaluation=EvaluationSettings(after_conversion="restart", as_of=end),
    )
    tables = {
        "touchpoints": world.touchpoints.drop("touchpoint_id"),
        "conversions": world.conversions.filter(outcome=OUTCOME).drop("conversion_id"),
    }
    with DuckDBEngine(threads=1) as engine, threadpool_limits(1, user_api="blas"):
        pipeline.load_inputs(engine, tables, LoadOptions(ends=settings.declared_ends()))
        lookbacks = settings.lookbacks(find_outcomes(engine))
        period, paths = settings.evaluation.period, settings.path_options(lookbacks)
        pipeline.build_journeys(engine, lookbacks, period, paths)
        pipeline.build_samples(engine, _MAX_LANDMARKS)
        pipeline.attribute_conversions(engine, choose(MODELS), None)
        return engine.frame(named_touches_sql(engine.columns("credit.touch_credit")))


def _read(
    world: World, experiment: SimulatedExperiment, touches: pl.DataFrame, months: float
) -> dict[str, ChannelTest]:
    """Return one experiment, read as Lydite reads it, as a test of each model."""
    users = world.experiments.filter(experiment=experiment.name).select(
        "user_id", "arm", "assigned_at"
    )
    window = timedelta(days=experiment.window_days)

    def of_users(rows: pl.DataFrame, at: str, *, before: bool, sums: Sequence[str]) -> pl.DataFrame:
        since = pl.col(at) - pl.col("assigned_at")
        start = -window if before else timedelta()
        inside = rows.join(users, on="user_id").filter(since >= start, since < start + window)
        found = inside.group_by("user_id").agg(pl.len().alias("n"), pl.col(sums).sum())
        return users.join(found, on="user_id", how="left", maintain_order="left").fill_null(0)

    purchases = world.conversions.filter(outcome=OUTCOME)
    credited = touches.join(users.select("user_id", "assigned_at"), on="user_id").filter(
        pl.col("channel") == experiment.channel, pl.col("touched_at") >= pl.col("assigned_at")
    ).drop("assigned_at")  # fmt: skip
    credit = of_users(credited, "converted_at", before=False, sums=MODELS)
    after = of_users(purchases, "converted_at", before=False, sums=())["n"]
    covariates = [
        of_users(rows, at, before=True, sums=())["n"]
        for rows, at in ((purchases, "converted_at"), (world.touchpoints, "touched_at"))
    ]
    found = {}
    for model in MODELS:
        agreement = compare_credit(
            after.to_numpy().astype(float),
            credit[model].to_numpy().astype(float),
            (users["arm"] == "treated").to_numpy(),
            np.arange(len(users)),
            np.column_stack([values.to_numpy().astype(float) for values in covariates]),
        )
        found[model] = ChannelTest(
            experiment.channel,
            agreement.measured,
            agreement.measured_variance,
            agreement.credited,
            months,
            agreement.credited_variance,
            agreement.covariance,
        )
    return found


def _credit(touches: pl.DataFrame, users: int) -> pl.DataFrame:
    """Return the credit of all users, with its variance over them.

    The variance takes the parameters of the models as known.
    """
    by_user = touches.group_by("channel", "user_id").agg(pl.col(MODELS).sum())
    return (
        by_user.unpivot(MODELS, index="channel", variable_name="model", value_name="credit")
        .group_by("model", "channel")
        .agg(
            credited=pl.col("credit").sum(),
            variance=pl.col("credit").pow(2).sum() - pl.col("credit").sum().pow(2) / users,
        )
        .sort("model", "channel")
    )


# --- truth ----------------------------------------------------------------------------------------


def true_increments(
    market: Market,
    experiments: Sequence[SimulatedExperiment],
    world: World,
    seed: int,
    weeks: int,
) -> dict[str, float]:
    """Return, by experiment, the purchases of the treated users that the channel caused.

    The same users with the same random numbers are simulated again in the control arm. Who is
    treated in several experiments on a channel gets into the control arm of one of them, and stands
    for the others there.
    """
    calendar, users = Calendar(START, weeks * 7), len(world.users)
    random = KeyedRandom(seed, np.arange(users))
    assignments = [assign(each, market, random, calendar) for each in experiments]
    user, second = _purchases(world)
    caused: dict[str, float] = {}
    for channel in dict.fromkeys(each.channel for each in experiments):
        places = [n for n, each in enumerate(experiments) if each.channel == channel]
        is_treated = np.array([assignments[place].arm == 1 for place in places])
        rows = np.flatnonzero(is_treated.any(axis=0))
        # Which of the experiments they are treated in: by turns.
        turn = 1 + rows % is_treated[:, rows].sum(axis=0)
        chosen = (is_treated[:, rows].cumsum(axis=0) < turn).sum(axis=0)
        of_copies = [assignment.take(rows) for assignment in assignments]
        for number, place in enumerate(places):
            moved = np.where(chosen == number, 0, of_copies[place].arm)
            of_copies[place] = replace(of_copies[place], arm=moved)
        without = simulate_users(
            random.take(rows), np.arange(len(rows)), calendar, None, market, of_copies
        ).conversions.filter(outcome=_PURCHASE)
        for number, place in enumerate(places):
            some = rows[chosen == number]
            happened = _count(assignments[place], user, second)[some].sum()
            lost = _count(
                of_copies[place], without["user"].to_numpy(), without["second"].to_numpy()
            )[chosen == number].sum()
            scale = is_treated[number].sum() / max(len(some), 1)
            caused[experiments[place].name] = float((happened - lost) * scale)
    return caused


def _purchases(world: World) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of the user, and the second of the world, of every purchase."""
    numbers = world.users.select("user_id", number=pl.int_range(pl.len()))
    found = world.conversions.filter(outcome=OUTCOME).join(numbers, on="user_id")
    second = found.select((pl.col("converted_at") - pl.lit(START)).dt.total_seconds())
    return found["number"].to_numpy(), second["converted_at"].to_numpy()


def _count(
    assignment: Assignment, user: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return how many of the purchases of each user are in the window after the assignment."""
    since = second // _DAY - assignment.first_day[user]
    inside = (since >= 0) & (since < assignment.days)
    return np.bincount(user[inside], minlength=len(assignment.arm))
