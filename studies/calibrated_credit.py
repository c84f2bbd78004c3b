"""Whether credit that experiments have calibrated is nearer to what channels cause.

    .venv/bin/python -m studies.calibrated_credit            # run what is missing
    .venv/bin/python -m studies.calibrated_credit --write    # write the tables

A run of the part `left_out` draws a market, holds out every channel twice, and predicts each
experiment from the others. A run of another part simulates storefronts with holdouts of some
channels, and calibrates the credit by them. All append lines to
`var/studies/calibrated_credit.jsonl`; finished runs are skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.experiments.calibrated_credit import calibrate_credit
from lydite.experiments.incrementality import estimate_incrementality
from lydite.experiments.left_out import predict_left_out, r_squared
from lydite.simulation._experiments import SimulatedExperiment
from lydite.simulation._market import STOREFRONT
from studies import resumable
from studies.programmes import MODELS, OUTCOME, draw_market, run_programme, true_increments

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from studies.programmes import Programme
    from studies.resumable import Row

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "var" / "studies" / "calibrated_credit.jsonl"
DOCUMENT = ROOT / "docs" / "calibration.md"
STUDY = "calibrated_credit"
COMMAND = ".venv/bin/python -m studies.calibrated_credit"
FIRST_SEED, SEEDS = 7000, 50
WEEKS = 24
#: The first day of the holdouts of a history, and how many days they take.
FIRST_DAY, DAYS = 42, 119
#: The channels of the storefront that can be held out.
TESTABLE = (
    "paid_search_brand", "paid_search_generic", "paid_social", "display", "retargeting", "email",
    "affiliate", "video",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One kind of simulated programme.

    Attributes
    ----------
    unit
        What a seed makes.
    users
        Users in each history.
    tested
        How many channels of the storefront are tested, in a history each. Empty for a drawn market,
        where each channel is tested twice.
    orders
        Which of them are tested first: drawn alike, or in proportion to their credit by last touch.
    """

    unit: str
    users: int
    tested: tuple[int, ...] = ()
    orders: tuple[str, ...] = ("any", "large")


PARTS = {
    "left_out": Part("markets", 40_000),
    "storefront": Part("storefronts", 40_000, tested=(1, 3, 6)),
    "large_storefront": Part("storefronts", 160_000, tested=(3, 6), orders=("large",)),
}
_FIRST = {"any": "any", "large": "large first"}


def run(part: str, seed: int) -> list[Row]:
    """Simulate one programme of a part; return its rows."""
    kind = PARTS[part]
    rows = storefront(kind, seed) if kind.tested else left_out(seed, kind.users)
    return [{"part": part, "seed": seed, "users": kind.users} | row for row in rows]


# --- the storefront: calibrated credit against true increments ------------------------------------


def storefront(kind: Part, seed: int) -> list[Row]:
    """Return a row per order, number of tested channels, model and channel.

    Each order and number has a separate history, in which only the tested channels are held out.
    """
    rows: list[Row] = []
    for order, tested in product(kind.orders, kind.tested):
        channels = _draw_order(order, kind, seed)[:tested]
        experiments = [
            SimulatedExperiment(
                name, name, first_day=FIRST_DAY, assignment_days=1, window_days=DAYS
            )
            for name in channels
        ]
        made = run_programme(STOREFRONT, experiments, kind.users, seed, WEEKS, with_effects=True)
        for model in MODELS:
            about = {"order": order, "tested": tested, "model": model}
            rows += [about | row for row in _calibrated(made, model)]
    return rows


@cache
def _usual_credit(users: int) -> pl.DataFrame:
    """Return the credit in a history without experiments."""
    return run_programme(STOREFRONT, [], users, FIRST_SEED, WEEKS).credit


def _calibrated(made: Programme, model: str) -> list[Row]:
    """Return a row per channel, calibrated by all experiments of a programme."""
    truth = made.world.truth["outcomes"][OUTCOME]
    credit = made.credit.filter(model=model)
    credited = dict(credit.select("channel", "credited").rows())
    table = calibrate_credit(
        credited,
        truth["conversions"],
        estimate_incrementality(list(credited), made.tests[model]),
        variance=dict(credit.select("channel", "variance").rows()),
    )
    return [
        {
            "channel": row["channel"],
            "is_tested": row["experiments"] > 0,
            "true": truth["channels"][row["channel"]]["incremental_conversions"],
            "credited": row["credited"],
            "calibrated": row["conversions"],
            "low": row["conversions_low"],
            "high": row["conversions_high"],
        }
        for row in table.iter_rows(named=True)
        if row["channel"] in credited
    ]


def _draw_order(order: str, kind: Part, seed: int) -> list[str]:
    credit = _usual_credit(kind.users).filter(pl.col("channel").is_in(TESTABLE), model="last_touch")
    share = (credit["credited"] / credit["credited"].sum()).to_numpy()
    chances = share if order == "large" else None
    names, rng = credit["channel"].to_list(), np.random.default_rng([1, seed])
    return [str(name) for name in rng.choice(names, max(kind.tested), replace=False, p=chances)]


# --- other markets: experiments predicted from the others -----------------------------------------


def left_out(seed: int, users: int) -> list[Row]:
    """Return a row per experiment and model, of a market that is drawn at random."""
    market = draw_market(np.random.default_rng([2, seed]))
    experiments = [
        SimulatedExperiment(
            f"{name}_{wave}", name, first_day=first_day, assignment_days=1, window_days=56
        )
        for name in market.channel_names
        for wave, first_day in enumerate((28, 105), start=1)
    ]
    made = run_programme(market, experiments, users, seed, WEEKS)
    caused = true_increments(market, experiments, made.world, seed, WEEKS)
    rows: list[Row] = []
    for model in MODELS:
        tests = made.tests[model]
        once, channel = (predict_left_out(tests, by_channel=whole) for whole in (False, True))
        rows += [
            {
                "model": model,
                "experiment": each.name,
                "channel": test.channel,
                "true": caused[each.name],
                "measured": test.measured,
                "noise": test.variance,
                "credited": test.credited,
                "calibrated": float(once.predicted[place]),
                "sd": float(once.sd[place]),
                "effect_sd": float(once.effect_sd[place]),
                "untested": float(channel.predicted[place]),
                "untested_sd": float(channel.sd[place]),
                "untested_effect_sd": float(channel.effect_sd[place]),
            }
            for place, (each, test) in enumerate(zip(experiments, tests, strict=True))
        ]
    return rows


# --- tables ---------------------------------------------------------------------------------------


def storefront_table(rows: Sequence[Row]) -> str:
    """Return the table of storefronts: errors and coverage by design and model.

    The error of a seed is the sum over channels of the distance from the true increment.
    """
    frame = pl.DataFrame(rows).with_columns(
        raw_error=(pl.col("credited") - pl.col("true")).abs(),
        error=(pl.col("calibrated") - pl.col("true")).abs(),
        covered=pl.col("true").is_between(pl.col("low"), pl.col("high")),
    )
    lines = [
        "| tested | model | error lower in | credit | calibrated | covered, tested | untested |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    designs = frame.select("order", "tested").unique(maintain_order=True).sort("order").rows()
    for (order, tested), model in product(designs, MODELS):
        own = frame.filter(order=order, tested=tested, model=model)
        if len(own):
            lines.append(_storefront_line(f"{tested}, {_FIRST[order]}", model, own))
    return "\n".join(lines)


def _storefront_line(about: str, model: str, rows: pl.DataFrame) -> str:
    of_seeds = rows.group_by("seed").agg(pl.col("raw_error", "error").sum())
    lower = (of_seeds["error"] < of_seeds["raw_error"]).mean()
    covered = [rows.filter(is_tested=is_tested)["covered"].mean() for is_tested in (True, False)]
    cells = [
        about,
        f"`{model}`",
        f"{lower:.0%}",
        f"{of_seeds['raw_error'].mean():,.0f}",
        f"{of_seeds['error'].mean():,.0f}",
        *(f"{share:.1%}" for share in covered),
    ]
    return f"| {' | '.join(cells)} |"


def left_out_table(rows: Sequence[Row]) -> str:
    """Return the table of predictions of left-out experiments, by method and model."""
    frame = pl.DataFrame(rows)
    lines = [
        "| by | model | R² | true | to 0 | error | half | 9 in 10 | lower in | covered | true |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    truth = frame.filter(model=MODELS[0]).with_columns(predicted=pl.col("true"))
    lines.append(_left_out_line("the true increment", "", truth))
    for about, column, sds in (
        ("calibrated", "calibrated", ("sd", "effect_sd")),
        ("calibrated, channel never tested", "untested", ("untested_sd", "untested_effect_sd")),
        ("credit", "credited", None),
    ):
        for model in MODELS:
            of_model = frame.filter(model=model)
            if len(of_model):
                made = of_model.with_columns(predicted=pl.col(column))
                lines.append(_left_out_line(about, f"`{model}`", made, sds))
    return "\n".join(lines)


def _left_out_line(
    about: str, model: str, rows: pl.DataFrame, sds: tuple[str, str] | None = None
) -> str:
    predicted, true, measured = (
        rows[name].to_numpy() for name in ("predicted", "true", "measured")
    )
    error = (pl.col("predicted") - pl.col("true")).abs()
    of_channels = rows.group_by("seed", "channel").agg(error=error.mean())["error"]
    explained = (
        r_squared(measured, predicted),
        r_squared(true, predicted),
        r_squared(true, predicted, zero=True),
    )
    intervals = ["", "", ""]
    if sds is not None:
        pairs = zip(("measured", "true"), sds, strict=True)
        covered = (_covered(rows, column, sd) for column, sd in pairs)
        intervals = [f"{_lower(rows):.0%}", *(f"{share:.1%}" for share in covered)]
    cells = [
        about,
        model,
        *("" if value is None else f"{value:.2f}".replace("-", "−") for value in explained),
        f"{rows.select(error.mean()).item():,.0f}",
        f"{of_channels.median():,.0f}",
        f"{of_channels.quantile(0.9):,.0f}",
        *intervals,
    ]
    return f"| {' | '.join(cells)} |"


def _lower(rows: pl.DataFrame) -> float:
    """Return the share of markets where predictions have a lower error than credit as it is."""
    own, raw = ((pl.col(name) - pl.col("true")).abs().sum() for name in ("predicted", "credited"))
    return float(rows.group_by("seed").agg(own < raw).select(pl.last().mean()).item())


def _covered(rows: pl.DataFrame, column: str, sd: str) -> float:
    """Return the share of increments within the 95 % interval of their prediction."""
    inside = (pl.col(column) - pl.col("predicted")).abs() <= 1.96 * pl.col(sd)
    return float(rows.select(inside.mean()).item())


def table(part: str, rows: Iterable[Row]) -> str:
    """Return the text for the document about one part."""
    kind, done = PARTS[part], list(rows)
    made = (storefront_table if kind.tested else left_out_table)(done)
    about = resumable.provenance(_runs(done), kind.unit)
    return "\n".join([f"    {COMMAND} --part {part}", "", made, "", about])


def _runs(rows: Sequence[Row]) -> list[Row]:
    """Return one row of each run."""
    return list({row["seed"]: row for row in rows}.values())


def main() -> None:
    """Run what is missing, or write the tables."""
    parser = resumable.parser_of(__doc__ or "", SEEDS, FIRST_SEED)
    parser.add_argument("--part", choices=list(PARTS), help="only this part")
    options = parser.parse_args()
    done = resumable.read(RESULTS, "part", "seed")
    if options.write:
        for part in PARTS:
            rows = [row for (of, _), own in done.items() if of == part for row in own]
            if rows:
                resumable.replace_between(DOCUMENT, f"{STUDY}_{part}", table(part, rows))
        return
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    parts = [options.part] if options.part else list(PARTS)
    keys = [(part, seed) for seed in seeds for part in parts]
    if resumable.run_missing(run, keys, done, RESULTS, options.jobs):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
