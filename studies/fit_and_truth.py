"""Whether the models that forecast best credit the channels that made the conversions.

    .venv/bin/python -m studies.fit_and_truth            # run what is missing
    .venv/bin/python -m studies.fit_and_truth --write    # write the table

A run simulates the storefront, whose truth is known: how many purchases would not have happened
with a channel switched off. It compares all default models on purchases, and appends one line per
seed and model to `var/studies/fit_and_truth.jsonl`. Finished runs are skipped.
"""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import polars as pl
from scipy.stats import spearmanr

import lydite
from lydite.models import DEFAULT_MODELS
from lydite.simulation import simulate
from studies import resumable
from studies.backtests import backtest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from studies.resumable import Row

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "var" / "studies" / "fit_and_truth.jsonl"
DOCUMENT = ROOT / "docs" / "method.md"
STUDY = "fit_and_truth"
COMMAND = ".venv/bin/python -m studies.fit_and_truth"
OUTCOME = "purchase"
FIRST_SEED = 1
SEEDS, USERS = 5, 20_000


# --- one run --------------------------------------------------------------------------------------


def run(seed: int, users: int) -> list[Row]:
    """Compare all default models in one storefront; return a row for each."""
    made = simulate("storefront", users=users, seed=seed)
    conversions = made.conversions.filter(pl.col("outcome") == OUTCOME)
    compared = backtest({"touchpoints": made.touchpoints, "conversions": conversions}).compare()
    rows = {row["model"]: row for row in compared["model_comparison"].to_dicts()}
    credit = lydite.credit(
        touchpoints=made.touchpoints,
        conversions=conversions,
        after_conversion="restart",
        intervals=False,
    ).table.filter(pl.col("channel") != "(unattributed)")
    effects = made.truth["outcomes"][OUTCOME]["channels"]
    increments = {name: effect["incremental_conversions"] for name, effect in effects.items()}
    return [
        {
            "seed": seed,
            "users": users,
            "model": name,
            "explained": rows[name]["explained"],
            "stands": rows[name]["stands"],
            "misplaced": misplaced(
                dict(credit.filter(model=name).select("channel", "conversions").rows()), increments
            ),
        }
        for name in DEFAULT_MODELS
    ]


def misplaced(credit: Mapping[str, float], increments: Mapping[str, float]) -> float:
    """Return the share of the credit that is on channels that did not earn it.

    Parameters
    ----------
    credit
        Credited conversions by channel.
    increments
        The conversions that would not have happened without the channel; negative ones count as 0.

    Returns
    -------
    float
        0 where credit and increments are proportional, 1 where they have no channel in common.
    """
    earned = {name: max(increment, 0.0) for name, increment in increments.items()}
    given, made = sum(credit.values()), sum(earned.values())
    channels = {*credit, *earned}
    shares = ((credit.get(c, 0.0) / given, earned.get(c, 0.0) / made) for c in channels)
    return 0.5 * sum(abs(a - b) for a, b in shares)


# --- all runs -------------------------------------------------------------------------------------


def read(path: Path, users: int) -> dict[int, list[Row]]:
    """Return the rows of each finished seed."""
    found = resumable.read(path, "seed", "users")
    return {
        seed: rows
        for (seed, size), rows in sorted(found.items())
        if size == users and {row["model"] for row in rows} == set(DEFAULT_MODELS)
    }


def correlation(rows: list[Row]) -> float:
    """Return the rank correlation of fit and closeness to the truth, over the models."""
    closeness = [1 - row["misplaced"] for row in rows]
    return float(spearmanr([row["explained"] for row in rows], closeness).statistic)


_HEAD = (
    "| Seed | Correlation | Best forecast | Credit misplaced | Closest to the truth | Credit"
    " misplaced |"
)


def table(done: dict[int, list[Row]], users: int) -> str:
    """Return the table in Markdown."""
    lines = [
        f"{users:,} users in each storefront, all default models, purchases.",
        resumable.provenance((rows[0] for rows in done.values()), "storefronts"),
        "This command runs the comparisons, and writes the table with `--write`:",
        "",
        f"    {COMMAND}",
        "",
        _HEAD,
        "|--:|--:|---|--:|---|--:|",
    ]
    for seed, rows in done.items():
        best = max(rows, key=lambda row: row["explained"])
        closest = min(rows, key=lambda row: row["misplaced"])
        lines.append(
            f"| {seed} | {_signed(correlation(rows))} | `{best['model']}` |"
            f" {100 * best['misplaced']:.0f} % | `{closest['model']}` |"
            f" {100 * closest['misplaced']:.0f} % |"
        )
    found = [correlation(rows) for rows in done.values()]
    negative = sum(value < 0 for value in found)
    mean = _signed(fmean(found)) if found else "unknown"
    lines += ["", f"The correlation is negative in {negative} of {len(found)}, {mean} on average."]
    return "\n".join(lines)


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def main() -> None:
    """Run the missing seeds, or write the table."""
    parser = resumable.parser_of(__doc__ or "", SEEDS, FIRST_SEED)
    parser.add_argument("--users", type=int, default=USERS, help="in each storefront")
    options = parser.parse_args()
    if options.write:
        done = read(RESULTS, options.users)
        resumable.replace_between(DOCUMENT, STUDY, table(done, options.users))
        return
    keys = [(seed, options.users) for seed in range(FIRST_SEED, FIRST_SEED + options.seeds)]
    done_keys = {(seed, options.users) for seed in read(RESULTS, options.users)}
    resumable.run_missing(run, keys, done_keys, RESULTS, options.jobs)


if __name__ == "__main__":
    main()
