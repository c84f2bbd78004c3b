"""How every default model performs in every single-truth world, over many seeds.

    .venv/bin/python -m studies.worlds_and_models            # run what is missing
    .venv/bin/python -m studies.worlds_and_models --write    # write the tables

A run appends one line per world, seed and model to `var/studies/worlds_and_models.jsonl`. It can be
stopped and started again: finished runs are skipped.
"""

from __future__ import annotations

from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING

import polars as pl

from lydite.evaluation.verdicts import SAME_LOSS
from lydite.models import DEFAULT_MODELS
from lydite.simulation import simulate
from lydite.simulation._hypotheses import HYPOTHESES
from studies import resumable
from studies.backtests import backtest

if TYPE_CHECKING:
    from studies.resumable import Row

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "var" / "studies" / "worlds_and_models.jsonl"
DOCUMENT = ROOT / "docs" / "rivals.md"
STUDY = "worlds_and_models"
COMMAND = ".venv/bin/python -m studies.worlds_and_models"
FIRST_SEED = 1000

#: The model that is the truth, where it has another name than the world.
TRUE_MODEL: dict[str, str | None] = {
    **{world: world for world in HYPOTHESES},
    "channel_set": "shapley",
    "logistic": "bagged_logistic",
    "hazard": "additive_hazard",
    "null": None,
    "activity": None,
}


# --- one run --------------------------------------------------------------------------------------


def run(world: str, seed: int, users: int) -> list[Row]:
    """Compare all default models in one world; return a row for each."""
    made = simulate(world, users=users, seed=seed)
    backtests = backtest({"touchpoints": made.touchpoints, "conversions": made.conversions})
    names = [model.name for model in backtests.models]
    compared = backtests.compare()["model_comparison"].filter(pl.col("model").is_in(names))
    return [
        {
            "world": world,
            "seed": seed,
            "users": users,
            "model": row["model"],
            "loss": row["log_loss_bits"],
            "explained": row["explained"],
            "verdict": row["verdict"],
            "refuted_by": row["refuted_by"],
            "above_null": (row["explained_low"] or 0) > 0,
            "same_forecast_as": list(filter(None, row["same_forecast_as"].split(", "))),
        }
        for row in compared.to_dicts()
    ]


# --- all runs -------------------------------------------------------------------------------------


def read(path: Path, users: int) -> dict[tuple[str, int], list[Row]]:
    """Return the rows of each finished world and seed."""
    finished = {}
    for (world, seed, size), rows in resumable.read(path, "world", "seed", "users").items():
        by_model = {row["model"]: row for row in rows}
        if size == users and set(DEFAULT_MODELS) <= set(by_model):
            finished[world, seed] = [by_model[name] for name in DEFAULT_MODELS]
    return finished


def study(worlds: list[str], seeds: int, users: int, jobs: int) -> None:
    """Run missing worlds, seed by seed, so that partial results are balanced."""
    done = {(*pair, users) for pair in read(RESULTS, users)}
    keys = [
        (world, seed, users) for seed in range(FIRST_SEED, FIRST_SEED + seeds) for world in worlds
    ]
    resumable.run_missing(run, keys, done, RESULTS, jobs)


# --- tables ---------------------------------------------------------------------------------------


def ranks(rows: list[Row]) -> dict[str, int]:
    """Return the rank of each model by loss; models with the same loss share the better rank."""
    return {
        row["model"]: 1 + sum(other["loss"] < row["loss"] * (1 - SAME_LOSS) for other in rows)
        for row in rows
    }


def tables(done: dict[tuple[str, int], list[Row]], users: int) -> str:
    """Return both tables in Markdown."""
    runs_of: dict[str, list[list[Row]]] = {world: [] for world in HYPOTHESES}
    for (world, _), rows in sorted(done.items()):
        runs_of[world].append(rows)
    return "\n".join(
        [
            f"{users:,} users in each world, seeds from {FIRST_SEED} on.",
            resumable.provenance((rows[0] for rows in done.values()), "worlds"),
            "This command runs the comparisons, and writes the tables with `--write`:",
            "",
            f"    {COMMAND}",
            "",
            *_truth_table(runs_of),
            "",
            *_model_table(runs_of),
        ]
    )


_TRUTH_HEAD = (
    "| World | Seeds | True model | Not refuted | Rank 1 | Better than volume | Explains |"
    " Others better |"
)


def _truth_table(runs_of: dict[str, list[list[Row]]]) -> list[str]:
    lines = [
        _TRUTH_HEAD,
        "|---|--:|---|--:|--:|--:|--:|--:|",
    ]
    for world, runs in runs_of.items():
        truth = TRUE_MODEL[world]
        better = ("best", "contender")
        others = [
            sum(row["verdict"] in better and row["model"] != truth for row in rows) for rows in runs
        ]
        cells = ["–"] * 5
        if truth is not None and runs:
            own = [next(row for row in rows if row["model"] == truth) for rows in runs]
            cells = [
                f"`{truth}`",
                str(sum(row["verdict"] != "refuted" for row in own)),
                str(sum(ranks(rows)[truth] == 1 for rows in runs)),
                str(sum(row["verdict"] in better for row in own)),
                f"{100 * median(row['explained'] for row in own):.1f} %",
            ]
        mean = f"{fmean(others):.1f}" if others else "–"
        lines.append(f"| `{world}` | {len(runs)} | {' | '.join(cells)} | {mean} |")
    return lines


def _model_table(runs_of: dict[str, list[list[Row]]]) -> list[str]:
    places = {world: [ranks(rows) for rows in runs] for world, runs in runs_of.items()}
    lines = [
        "| Model | " + " | ".join(f"`{world}`" for world in runs_of) + " |",
        "|---|" + "--:|" * len(runs_of),
        "| seeds | " + " | ".join(str(len(runs)) for runs in runs_of.values()) + " |",
    ]
    for name in DEFAULT_MODELS:
        cells = []
        for world, runs in runs_of.items():
            own = [row for rows in runs for row in rows if row["model"] == name]
            kept = sum(row["verdict"] != "refuted" for row in own)
            cell = f"{kept} · {fmean(p[name] for p in places[world]):.1f}" if runs else "–"
            cells.append(f"**{cell}**" if TRUE_MODEL[world] == name else cell)
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Run the study, or write its tables."""
    parser = resumable.parser_of(__doc__, 20, FIRST_SEED)
    options = resumable.parse_with_worlds(parser, 20_000, HYPOTHESES)
    if options.write:
        text = tables(read(RESULTS, options.users), options.users)
        resumable.replace_between(DOCUMENT, STUDY, text)
    else:
        study(options.worlds, options.seeds, options.users, options.jobs)


if __name__ == "__main__":
    main()
