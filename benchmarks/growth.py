"""Benchmark: what the whole run costs as data grow in other directions than touches.

One property at a time is changed at the same number of touches: channels, touches of a user,
outcomes, periods, models. Reports the growth of processor time of the whole run and its parts.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from benchmarks import measure, tables, whole_run
from lydite.models import DEFAULT_MODELS
from lydite.settings import EvaluationSettings, ModelSettings, Settings, SourceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from benchmarks.measure import Figures

NAME = "growth"
START = np.datetime64("2025-01-06", "us")
_STAY = 0.5  # chance of a touch to be of the channel of the one before
_CONVERTING = 0.1  # conversions to a touch, at most: all shapes have about as many


@dataclass(frozen=True)
class Shape:
    """What data look like, and what is asked of them.

    Attributes
    ----------
    channels
        How many there are; some are more frequent than others.
    length
        Touches of a user, on average; the most a path can have is 50.
    outcomes
        How many kinds of conversion there are.
    periods
        Weeks of touches, in addition to the three before the first fit.
    models
        How many rivals: the default ones up to all of them, then custom rules.
    """

    channels: int = 10
    length: int = 4
    outcomes: int = 1
    periods: int = 26
    models: int = 17


#: What is measured in each direction, about one and the same shape.
DIRECTIONS: Mapping[str, tuple[int, ...]] = {
    "channels": (5, 20, 50, 100, 200),
    "length": (1, 4, 12, 25, 50),
    "outcomes": (1, 3, 10),
    "periods": (4, 13, 26, 52, 104),
    "models": (5, 10, 17, 25),
}


@dataclass(frozen=True)
class Plan:
    """What is measured: so many touches, the least and the largest of each direction or all."""

    touches: int
    ends_only: bool = False


FULL, QUICK = Plan(50_000), Plan(50_000, ends_only=True)


# --- work -----------------------------------------------------------------------------------------


def make_touches(touches: int, shape: Shape, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draw the touches and conversions of users.

    Users come at any time, with gaps of some hours up to days between their touches. Some convert
    soon after the last one, more of them by some channels than by others.

    Returns
    -------
    Touchpoints and conversions.
    """
    rng = np.random.default_rng(seed)
    users = -(-touches // shape.length)
    size = rng.poisson(shape.length - 1, users) + 1
    user, first = np.repeat(np.arange(users), size), np.cumsum(size) - size
    popularity = 1 / np.sqrt(np.arange(1, shape.channels + 1))
    channel = rng.choice(shape.channels, len(user), p=popularity / popularity.sum())
    # Users like to stay: a touch is of the channel of the last one that was freely chosen.
    chosen = rng.random(len(user)) > _STAY
    chosen[first] = True
    channel = channel[np.maximum.accumulate(np.where(chosen, np.arange(len(user)), 0))]
    span = 24 * 7 * (shape.periods + 3)
    # The gaps of long journeys are shorter, so that all of them lie within the history.
    gap = rng.exponential(min(48, 0.25 * span / shape.length), len(user))
    gap[first] = rng.uniform(0, 0.85 * span, users)
    hours = np.cumsum(gap)
    hours -= np.repeat(hours[first] - gap[first], size)
    last = first + size - 1
    pull = 2 * _CONVERTING * shape.length * (channel[last] + 0.5) / shape.channels
    converts = np.flatnonzero(rng.random(users) < np.minimum(pull, 0.9))
    touchpoints = pl.DataFrame(
        {
            "user_id": pl.Series(user).cast(pl.String),
            "touched_at": _at(hours),
            "channel": pl.Series(channel).cast(pl.String),
        }
    )
    conversions = pl.DataFrame(
        {
            "user_id": pl.Series(converts).cast(pl.String),
            "converted_at": _at(hours[last[converts]] + rng.exponential(0.5, len(converts))),
            "outcome": pl.Series(rng.integers(0, shape.outcomes, len(converts))).cast(pl.String),
        }
    )
    return touchpoints, conversions


def _at(hours: NDArray[np.float64]) -> pl.Series:
    return pl.Series(START + np.rint(3.6e9 * hours).astype("timedelta64[us]"))


def settings(shape: Shape) -> Settings:
    """Return settings with so many models.

    Custom rules are added to the default models, of which one that cannot be fitted is left out;
    fewer models than the default ones are chosen by name.
    """
    own = range(1, shape.models - len(DEFAULT_MODELS) + 1)
    few = DEFAULT_MODELS[: shape.models] if shape.models < len(DEFAULT_MODELS) else ()
    rules = [ModelSettings(name=f"rule_{n}", rule=f"1 + {n} * position / path_length") for n in own]
    return Settings(
        sources=SourceSettings(touchpoints="-", conversions="-"),
        evaluation=EvaluationSettings(lookback=timedelta(days=7)),
        models=(*(ModelSettings(name=name) for name in few), *rules),
    )


def run(touches: int, shape: Mapping[str, int]) -> Figures:
    """Run all steps over data of a shape, from files to report; figures as in `whole_run`."""
    own = Shape(**shape)
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / f"{name}.parquet") for name in ("touchpoints", "conversions")]
        for file, frame in zip(files, make_touches(touches, own), strict=True):
            frame.write_parquet(file)
        return whole_run.run_with(files[0], files[1], settings(own))


def measured(plan: Plan, repeats: int) -> dict[str, Any]:
    """Measure everything in the plan, and return the result that `section` describes."""
    machine, runs = measure.machine(), []
    for direction, values in DIRECTIONS.items():
        for value in (values[0], values[-1]) if plan.ends_only else values:
            shape = asdict(replace(Shape(), **{direction: value}))
            print(direction, value)
            figures = measure.alone(measure.call(run, plan.touches, shape), repeats)
            runs.append({"direction": direction, "value": value, "run": figures})
    return {"machine": machine, "repeats": repeats, "plan": asdict(plan), "runs": runs}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, store its result and print it."""

    def once(plan: Plan, _: int) -> dict[str, Any]:
        """Measure in one round, since there are many shapes."""
        return measured(plan, 1)

    measure.perform(NAME, __doc__, (FULL, QUICK), once, section, arguments)


# --- report ---------------------------------------------------------------------------------------


def section(result: Mapping[str, Any]) -> str:
    """Return the section about a result, in Markdown."""
    rows = []
    for direction in DIRECTIONS:
        runs = [own for own in result["runs"] if own["direction"] == direction]
        for number, own in enumerate(runs):
            figures = own["run"]
            parts = [f"{figures[f'{part}_cpu']['median']:.1f} s" for part in whole_run.PARTS]
            power = _power(runs[number - 1], own) if number else ""
            rows.append(
                (
                    _WORDS[direction] if number == 0 else "",
                    f"{own['value']}",
                    f"{figures['seconds_cpu']['median']:.1f} s",
                    power,
                    *parts,
                    tables.megabytes(figures["peak_mb"]),
                )
            )
    base = Shape()
    return f"""\
## Growth in other directions

`{measure.command(NAME)}`

Processor time of the whole run over {result["plan"]["touches"]:,} touches of {base.channels}
channels, {base.length} touches of a user on average, {base.outcomes} outcome, {base.periods} weekly
periods and {base.models} models, where one of these is changed. The power is the exponent of growth
from the row above: 1 means that twice as many take twice as long.

{tables.table((*_HEAD, *whole_run.PARTS, "peak"), rows)}
"""


_HEAD = ("what grows", "to", "all", "power")
_WORDS = {
    "channels": "channels",
    "length": "touches of a user",
    "outcomes": "outcomes",
    "periods": "periods",
    "models": "models",
}


def _power(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    taken = [own["run"]["seconds_cpu"]["median"] for own in (before, after)]
    return f"{tables.exponent([before['value'], after['value']], taken):.2f}"


if __name__ == "__main__":
    main()
