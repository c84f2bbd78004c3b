"""How often the 95 % intervals of credit cover the true value, over many simulated worlds.

    .venv/bin/python -m studies.credit_coverage            # run what is missing
    .venv/bin/python -m studies.credit_coverage --write    # write the tables

A run appends one line per world, seed and model to `var/studies/credit_coverage.jsonl`. It can be
stopped and started again: finished runs are skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.journeys import find_outcomes
from lydite.models import make_models
from lydite.settings import EvaluationSettings, Settings, SourceSettings
from lydite.simulation import _variants, simulate
from studies import resumable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from studies.resumable import Row

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "var" / "studies" / "credit_coverage.jsonl"
DOCUMENT = ROOT / "docs" / "calibration.md"
STUDY = "credit_coverage"
COMMAND = ".venv/bin/python -m studies.credit_coverage"
FIRST_SEED = 1000

#: The models that are true in each world, and others whose coverage is measured too. A variant of
#: the world follows after a slash.
STUDIED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "linear": (("linear",), ("markov_1",)),
    "linear/accounts": (("linear",), ("markov_1",)),
    "w_shaped": (("w_shaped",), ("shapley",)),
    "time_decay": (("time_decay", "time_decay_fitted"), ("markov_1",)),
    "last_touch": (("last_touch", "markov_1"), ("linear",)),
    "markov_3": (("markov_3",), ("linear",)),
    "channel_set": (("shapley",), ("position_based", "markov_1")),
    "logistic": (("bagged_logistic",), ("last_touch",)),
    "hazard": (("additive_hazard",), ("linear",)),
}
FIGURES = ("conversions", "value", "share")

#: In a world of this size the credit of a model is near its limit, to a few percent of an interval.
LIMIT_USERS = 200_000
LIMIT_SEEDS = (901,)

#: Channels with fewer conversions are left out of the means: their bounds are as coarse as counts.
MIN_CONVERSIONS = 20

ACCOUNT_SIZE = _variants.VARIANTS["accounts"].account_size

Key = tuple[str, int]


# --- one world ------------------------------------------------------------------------------------


def run(world: str, seed: int, users: int) -> list[Row]:
    """Compute the credit of one world by its models; return a row for each.

    The number of users, or of accounts, is Poisson, as the bootstrap assumes; on average there are
    as many users as given. Their names differ between worlds, so that they are in other buckets.
    """
    true, others = STUDIED[world]
    hypothesis, _, variant = world.partition("/")
    size = ACCOUNT_SIZE if variant == "accounts" else 1
    number = int(np.random.default_rng(seed).poisson(users / size)) * size
    made = simulate(hypothesis, users=number, seed=seed, variant=variant or None)
    tables = {"touchpoints": made.touchpoints, "conversions": made.conversions}
    names = ["user_id"]
    if variant == "accounts":
        tables["users"] = made.users.select("user_id", "account_id")
        names.append("account_id")
    settings = Settings(
        sources=SourceSettings(touchpoints="-", conversions="-"),
        # Simulated users start a new path after a conversion.
        evaluation=EvaluationSettings(seed=seed, after_conversion="restart"),
    )
    models = make_models((*true, *others))
    with DuckDBEngine(threads=1) as engine:
        pipeline.load_inputs(
            engine,
            {name: _renamed(table, names, seed) for name, table in tables.items()},
        )
        lookbacks = settings.lookbacks(find_outcomes(engine))
        paths = settings.path_options(lookbacks)
        pipeline.build_journeys(engine, lookbacks, settings.evaluation.period, paths)
        pipeline.build_samples(engine, settings.evaluation.max_landmarks)
        pipeline.attribute_conversions(engine, models, settings.evaluation.seed)
        pipeline.build_marts(engine, ["channel_credit"])
        credit = engine.frame(
            "select * from mart.channel_credit where share is not null order by model, channel"
        )
    return [
        {"world": world, "seed": seed, "users": users, "model": name, **_figures(credit, name)}
        for name in (*true, *others)
    ]


def _renamed(table: pl.DataFrame, names: Sequence[str], seed: int) -> pl.DataFrame:
    """Return a table with the seed in the names of users and accounts."""
    known = [name for name in names if name in table.columns]
    return table.with_columns(pl.format("{}-{}", pl.lit(seed), name).alias(name) for name in known)


def _figures(credit: pl.DataFrame, model: str) -> Row:
    """Return the channels and, of each figure, estimate, low and high bound by channel."""
    own = credit.filter(pl.col("model") == model)
    return {"channels": own["channel"].to_list()} | {
        name: [own[f"{name}{side}"].to_list() for side in ("", "_low", "_high")] for name in FIGURES
    }


# --- all runs -------------------------------------------------------------------------------------


def read(path: Path, users: int) -> dict[Key, list[Row]]:
    """Return the rows of each finished world and seed."""
    finished = {}
    for (world, seed, size), rows in resumable.read(path, "world", "seed", "users").items():
        by_model = {row["model"]: row for row in rows}
        names = [name for names in STUDIED.get(world, ()) for name in names]
        if size == users and names and set(names) <= set(by_model):
            finished[world, seed] = [by_model[name] for name in names]
    return finished


def study(worlds: Sequence[str], seeds: int, users: int, jobs: int) -> None:
    """Run what is missing: the large worlds, then seed by seed over all worlds."""
    keys = [(world, seed, LIMIT_USERS) for seed in LIMIT_SEEDS for world in worlds]
    keys += [
        (world, seed, users) for seed in range(FIRST_SEED, FIRST_SEED + seeds) for world in worlds
    ]
    done = {(*pair, size) for size in (users, LIMIT_USERS) for pair in read(RESULTS, size)}
    resumable.run_missing(run, keys, done, RESULTS, jobs)


# --- coverage -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Coverage:
    """How often intervals hold a target.

    Attributes
    ----------
    held : (seeds, channels) array
        Whether each interval does.
    channels
        Names of the channels.
    """

    held: NDArray[np.bool_]
    channels: Sequence[str]

    @property
    def by_seed(self) -> NDArray[np.float64]:
        """The share of the channels of each seed whose interval holds the target."""
        return np.asarray(self.held.mean(axis=1))

    @property
    def mean(self) -> float:
        """The mean over seeds and channels."""
        return float(self.held.mean())

    @property
    def error(self) -> float:
        """The standard error of the mean; channels of one seed go together."""
        return standard_error(self.by_seed)

    @property
    def lowest(self) -> tuple[float, str]:
        """The lowest coverage of a channel, and its name."""
        return min(zip(self.held.mean(axis=0).tolist(), self.channels, strict=True))


@dataclass(frozen=True)
class Estimates:
    """One figure by one model in all seeds of a world.

    Attributes
    ----------
    point, low, high : (seeds, channels) arrays
    channels
        Names of the channels.
    """

    point: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    channels: Sequence[str]

    @classmethod
    def of(cls, rows: Sequence[Row], figure: str) -> Estimates:
        """Take one figure from rows; a channel that a row lacks has 0 throughout."""
        channels = sorted({channel for row in rows for channel in row["channels"]})
        found = np.zeros((3, len(rows), len(channels)))
        for number, row in enumerate(rows):
            found[:, number, np.searchsorted(channels, row["channels"])] = row[figure]
        return cls(*found, channels)

    def of_channels(self, kept: NDArray[np.bool_]) -> Estimates:
        """Keep some of the channels."""
        names = [name for name, keep in zip(self.channels, kept, strict=True) if keep]
        return Estimates(self.point[:, kept], self.low[:, kept], self.high[:, kept], names)

    @property
    def means_of_others(self) -> NDArray[np.float64]:
        """For each seed the mean of the other seeds' estimates, (seeds, channels).

        A seed's own estimate is left out: it lies in its own interval.
        """
        return np.asarray((self.point.sum(axis=0) - self.point) / (len(self.point) - 1))

    @property
    def width(self) -> float:
        """How wide the intervals are, as a share of the estimate."""
        return float(((self.high - self.low).mean(axis=0) / self.point.mean(axis=0)).mean())

    def coverage(self, target: NDArray[np.float64]) -> Coverage:
        """Return how often the intervals hold a target, by channel or by seed and channel."""
        return Coverage((self.low <= target) & (target <= self.high), self.channels)


def counted_channels(rows: Sequence[Row]) -> NDArray[np.bool_]:
    """Return which channels have conversions enough for the means, on average over the rows."""
    return np.asarray(Estimates.of(rows, "conversions").point.mean(axis=0) >= MIN_CONVERSIONS)


def standard_error(values: NDArray[np.float64]) -> float:
    """Return the standard error of a mean."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def limit(rows: Sequence[Row], figure: str, users: int) -> dict[str, float]:
    """Return by channel what a model says in the large worlds, for so many users."""
    scale = 1.0 if figure == "share" else users / LIMIT_USERS
    large = Estimates.of(rows, figure)
    return dict(zip(large.channels, (large.point.mean(axis=0) * scale).tolist(), strict=True))


@dataclass(frozen=True)
class Finding:
    """What was found of one figure by one model in one world.

    Attributes
    ----------
    seeds
        They are the rows of the arrays.
    estimates
        Of the channels that count.
    of_mean
        Coverage of the mean of the other seeds' estimates.
    of_limit
        Coverage of the limit, where the large worlds have been run.
    left_out
        Channels with too few conversions.
    """

    world: str
    model: str
    figure: str
    seeds: Sequence[int]
    estimates: Estimates
    of_mean: Coverage
    of_limit: Coverage | None
    left_out: Sequence[str]

    @property
    def is_true(self) -> bool:
        """Whether the model is the truth of the world."""
        return self.model in STUDIED[self.world][0]


def findings(
    small: Mapping[Key, list[Row]], large: Mapping[Key, list[Row]], users: int
) -> list[Finding]:
    """Return what was found of every world with two seeds or more."""
    found = []
    for world, (true, others) in STUDIED.items():
        seeds = sorted(seed for name, seed in small if name == world)
        if len(seeds) < 2:
            continue
        for place, model in enumerate((*true, *others)):
            rows = [small[world, seed][place] for seed in seeds]
            wide = [own[place] for (name, _), own in sorted(large.items()) if name == world]
            found += [find(model, rows, figure, wide, users) for figure in FIGURES]
    return found


def find(
    model: str, rows: Sequence[Row], figure: str, large: Sequence[Row] = (), users: int = 0
) -> Finding:
    """Return what one model's rows of one world say of one figure.

    Parameters
    ----------
    model
        Its name.
    rows
        A row for each seed.
    figure
        One of `FIGURES`.
    large
        The model's rows of the large worlds.
    users
        For how many users the limit is, as many as `rows` are about.
    """
    every, kept = Estimates.of(rows, figure), counted_channels(rows)
    own = every.of_channels(kept)
    known = limit(large, figure, users) if large else {}
    target = np.array([known.get(channel, 0.0) for channel in own.channels])
    return Finding(
        rows[0]["world"],
        model,
        figure,
        [row["seed"] for row in rows],
        own,
        own.coverage(own.means_of_others),
        own.coverage(target) if large else None,
        sorted(set(every.channels) - set(own.channels)),
    )


# --- tables ---------------------------------------------------------------------------------------


def tables(found: Sequence[Finding], users: int, rows: Iterable[Row] = ()) -> str:
    """Return a table of all worlds, and one for each, in Markdown; `rows` are those of all runs."""
    lines = [
        f"{users:,} users on average in each world, seeds from {FIRST_SEED} on; limits from",
        f"a world of {LIMIT_USERS:,} users. {resumable.provenance(rows, 'worlds and models')}",
        "This command simulates the worlds, and writes the tables with `--write`:",
        "",
        f"    {COMMAND}",
        "",
        "All worlds together, in percent of the intervals:",
        "",
        *_together(found),
    ]
    for world in dict.fromkeys(one.world for one in found):
        lines += [
            "",
            f"### `{world}`",
            "",
            *_of_world([one for one in found if one.world == world]),
        ]
    return "\n".join(lines)


def _together(found: Sequence[Finding]) -> list[str]:
    lines = ["| Models | Figure | Cover the mean | Cover the limit |", "|---|---|--:|--:|"]
    for true, name in ((True, "true"), (False, "others")):
        for figure in FIGURES:
            own = [one for one in found if one.is_true == true and one.figure == figure]
            of_mean = [(one.seeds, one.of_mean) for one in own]
            of_limit = [(one.seeds, one.of_limit) for one in own if one.of_limit is not None]
            cells = " | ".join(_mean_over(pairs) for pairs in (of_mean, of_limit))
            lines.append(f"| {name} | {figure} | {cells} |")
    return lines


def _mean_over(pairs: Iterable[tuple[Sequence[int], Coverage]]) -> str:
    """Return a mean over worlds and models; those of one seed go together."""
    by_seed: dict[int, list[float]] = {}
    for seeds, coverage in pairs:
        for seed, value in zip(seeds, coverage.by_seed.tolist(), strict=True):
            by_seed.setdefault(seed, []).append(value)
    means = np.array([np.mean(values) for values in by_seed.values()])
    return _percent(means.mean(), standard_error(means)) if len(means) > 1 else "–"


def _of_world(found: Sequence[Finding]) -> list[str]:
    left_out = {one.model: one.left_out for one in found if one.left_out}
    lines = [
        "| Model | Figure | Cover the mean | Lowest | Cover the limit | Lowest | Width |",
        "|---|---|--:|---|--:|---|--:|",
    ]
    for one in found:
        name = f"**`{one.model}`**" if one.is_true else f"`{one.model}`"
        cells = [name, one.figure, *_cells(one.of_mean), *_cells(one.of_limit)]
        lines.append(f"| {' | '.join(cells)} | {100 * one.estimates.width:.0f} % |")
    lines += ["", f"{len(found[0].seeds)} seeds."]
    lines += [
        f"`{model}` credits fewer than {MIN_CONVERSIONS} conversions to {', '.join(names)}."
        for model, names in left_out.items()
    ]
    return lines


def _cells(coverage: Coverage | None) -> list[str]:
    if coverage is None or not coverage.channels:
        return ["–", "–"]
    lowest, channel = coverage.lowest
    return [_percent(coverage.mean, coverage.error), f"{100 * lowest:.1f} {channel}"]


def _percent(mean: float, error: float) -> str:
    return f"{100 * mean:.1f} ± {100 * error:.1f}"


def main() -> None:
    """Run the study, or write its tables."""
    parser = resumable.parser_of(__doc__, 200, FIRST_SEED)
    options = resumable.parse_with_worlds(parser, 5_000, STUDIED)
    if options.write:
        small, large = read(RESULTS, options.users), read(RESULTS, LIMIT_USERS)
        rows = [row for own in (*small.values(), *large.values()) for row in own]
        text = tables(findings(small, large, options.users), options.users, rows)
        resumable.replace_between(DOCUMENT, STUDY, text)
    else:
        study(options.worlds, options.seeds, options.users, options.jobs)


if __name__ == "__main__":
    main()
