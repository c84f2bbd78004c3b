"""How often verdicts are wrong, and how soon they are right, over many simulated histories.

    .venv/bin/python -m studies.error_control            # run what is missing
    .venv/bin/python -m studies.error_control --write    # write the tables

A run appends one line per history to `var/studies/error_control.jsonl`. It can be stopped and
started again: finished histories are skipped. Remove the file to run all of them again.
"""

from __future__ import annotations

import time
from collections import Counter
from itertools import combinations, groupby
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.stats import norm

from lydite.evaluation.segments import ALL
from lydite.evaluation.verdicts import SAME_LOSS, same_forecasts
from lydite.models import DEFAULT_MODELS, TouchVolume
from lydite.simulation._hypotheses import HYPOTHESES
from studies import resumable
from studies.backtests import EVALUATION, backtest
from studies.histories import AFTER, BEFORE, WEEKS, simulate_history
from studies.resumable import Row
from studies.worlds_and_models import TRUE_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.evaluation.scores import Scores
    from studies.backtests import Backtests, Tables

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "var" / "studies" / "error_control.jsonl"
DOCUMENT = ROOT / "docs" / "calibration.md"
STUDY = "error_control"
COMMAND = ".venv/bin/python -m studies.error_control"
FIRST_SEED = 5000
LOOKS = 26
ALPHA, PRIMARY = EVALUATION.alpha, EVALUATION.primary

Cell = tuple[str, str, int]
WITHOUT_SIGNAL = ("null", "activity")
TRUTHS = ("last_touch", "linear", "time_decay")
SIZES = (5_000, 20_000)
CALENDARS = ("season", "random_walk", "shocks", "weekday", "hours", "sale")
#: Worlds in which channels have no effect: variant, world, users.
NULL_CELLS: tuple[Cell, ...] = (
    *(("plain", world, users) for users in SIZES for world in WITHOUT_SIGNAL),
    *(
        (variant, world, 5_000)
        for variant in ("returning", "fragmented", "late")
        for world in WITHOUT_SIGNAL
    ),
    *(
        (variant, world, users)
        for variant in (*CALENDARS, "accounts", "bots")
        for users in SIZES
        for world in WITHOUT_SIGNAL
    ),
    *((variant, "null", users) for variant in ("sparse", "countries") for users in SIZES),
)
#: Worlds in which one model is true.
TRUE_CELLS: tuple[Cell, ...] = (
    *(("plain", world, 5_000) for world in HYPOTHESES if world not in WITHOUT_SIGNAL),
    *((variant, "linear", 5_000) for variant in ("returning", "fragmented", "late")),
    *(
        (variant, world, users)
        for variant in ("season", "random_walk", "shocks")
        for users in SIZES
        for world in TRUTHS
    ),
    *((variant, "linear", 5_000) for variant in ("accounts", "bots")),
    ("drift", BEFORE, 5_000),
)
CELLS = (*NULL_CELLS, *TRUE_CELLS)
#: Enough users to fill the evaluation sample: the smallest bias would show as a difference.
#: A history takes minutes, so there are few.
LARGE_USERS, LARGE_SEEDS = 700_000, 2
LARGE: tuple[Cell, ...] = (
    *(("plain", world, LARGE_USERS) for world in HYPOTHESES),
    ("season", "null", LARGE_USERS),
    ("season", "last_touch", LARGE_USERS),
    ("hours", "null", LARGE_USERS),
    ("drift", BEFORE, LARGE_USERS),
)


# --- one history ----------------------------------------------------------------------------------


def run(variant: str, world: str, users: int, seed: int) -> list[Row]:
    """Compare all default models in one history; return the verdicts of every look."""
    began = time.process_time()
    backtests = backtest(simulate_history(variant, world, users, seed), LOOKS)
    found, null = backtests.compare(), backtests.on_all_users(TouchVolume.name)
    row: Row = {
        "variant": variant,
        "world": world,
        "users": users,
        "seed": seed,
        "looks": len(null.landmarks),
        "landmarks": int(null.landmarks.sum()),
        "conversions": int(null.conversions.sum()),
        "segments": _segments(found),
        "models": _verdicts(found),
    }
    truth = TRUE_MODEL[world]
    if truth is None:
        row["primary_separated"] = _primary_separated(backtests, found)
        row["naive"] = _naive(backtests)
    else:
        row["refuted_by"] = _refuter(truth, backtests, found)
    return [row | {"cpu_seconds": round(time.process_time() - began, 2)}]


_ON_ALL_USERS = pl.col("segment") == ALL


def _histories(tables: Tables) -> dict[str, dict[str, str]]:
    """Return the first letters of the verdicts after each look, by segment and model."""
    found: dict[str, dict[str, str]] = {}
    evidence = tables["evidence"].drop_nulls("verdict")
    for (segment, model), rows in evidence.group_by("segment", "model", maintain_order=True):
        history = "".join(verdict[0] for verdict in rows.sort("period_start")["verdict"])
        found.setdefault(str(segment), {})[str(model)] = history
    return found


def _verdicts(tables: Tables) -> Row:
    """Return every verdict on all users by model, and the evidence after the last look."""
    histories = _histories(tables)[ALL]
    rows = tables["model_comparison"].filter(_ON_ALL_USERS).to_dicts()
    return {
        row["model"]: {
            "history": histories[row["model"]],
            "explained": row["explained"],
            "low": row["explained_low"],
            "high": row["explained_high"],
            "turned": row["moved_in"] is not None,
        }
        for row in rows
        if row["model"] in histories
    }


def _segments(tables: Tables) -> Row:
    """Return how many segments there are, and whether any model of any was judged wrongly."""
    histories = [own for segment, own in _histories(tables).items() if segment != ALL]
    return {
        "number": len(histories),
        "better": any(_says(history, BETTER) for own in histories for history in own.values()),
        "refuted": any(_says(history, REFUTED) for own in histories for history in own.values()),
    }


def _primary_separated(backtests: Backtests, tables: Tables) -> bool:
    """Return whether two primary models were separated after any look."""
    histories = _histories(tables)[ALL]
    refuted = {
        look
        for name in PRIMARY
        for look, letter in enumerate(histories[name], 1)
        if letter == REFUTED
    }
    among_primary = (
        pl.col("separated") & pl.col("ahead").is_in(PRIMARY) & pl.col("behind").is_in(PRIMARY)
    )
    return any(
        not backtests.compare(look)["pairs"].filter(_ON_ALL_USERS & among_primary).is_empty()
        for look in sorted(refuted)
    )


def _refuter(truth: str, backtests: Backtests, tables: Tables) -> str | None:
    """Return the model that first refuted the true one, if any did."""
    look = _histories(tables)[ALL][truth].find(REFUTED) + 1
    if not look:
        return None
    rows = backtests.compare(look)["model_comparison"].filter(_ON_ALL_USERS)
    refuter: str = rows.filter(pl.col("model") == truth)["refuted_by"].item()
    return refuter


def _naive(backtests: Backtests) -> Row:
    """Return the results of a test for one look and one comparison, applied at every look."""
    names = [model.name for model in backtests.models]
    own = {name: backtests.on_all_users(name) for name in (*names, TouchVolume.name)}
    gains = [(name, TouchVolume.name) for name in names]
    same = same_forecasts({name: own[name] for name in names})
    leads = [pair for pair in combinations(names, 2) if pair[1] not in same[pair[0]]]
    gain, lead = (np.array([_z(own, a, b) for a, b in pairs]) for pairs in (gains, leads))
    result: Row = {}
    for kind, level in (("one", ALPHA), ("bonferroni", ALPHA / len(gains + leads))):
        edge = norm.isf(level / 2)
        result[kind] = {
            "better": bool((gain > edge).any()),
            "separated": bool((np.abs(lead) > edge).any()),
        }
    return result


def _z(scores: Mapping[str, Scores], ahead: str, behind: str) -> NDArray[np.float64]:
    """Return the z-value of a mean difference after each look, between buckets."""
    null = scores[TouchVolume.name]
    difference = scores[behind].log_loss - scores[ahead].log_loss
    difference[np.abs(difference) <= SAME_LOSS * (1 + null.log_loss)] = 0  # rounding is no lead
    sums, counts = difference.cumsum(axis=0), null.landmarks.cumsum(axis=0)
    total = sums.sum(axis=1)
    spread = sums - counts * (total / counts.sum(axis=1))[:, None]
    variance = (spread**2).sum(axis=1)
    return np.asarray(total / np.sqrt(np.where(variance > 0, variance, np.inf)))


# --- all runs -------------------------------------------------------------------------------------


Key = tuple[str, str, int, int]


def read(path: Path) -> dict[Key, Row]:
    """Return the row of each finished history."""
    names = ("variant", "world", "users", "seed")
    return {key: rows[-1] for key, rows in resumable.read(path, *names).items()}


def keys(cells: Sequence[Cell], null_seeds: int, true_seeds: int) -> Iterator[Key]:
    """Yield the histories, seed by seed over all cells, so that partial results are balanced."""
    for number in range(max(null_seeds, true_seeds)):
        for cell in cells:
            if number < (null_seeds if cell in NULL_CELLS else true_seeds) and cell not in LARGE:
                yield (*cell, FIRST_SEED + number)
    for number in range(LARGE_SEEDS):
        for cell in cells:
            if cell in LARGE:
                yield (*cell, FIRST_SEED + number)


# --- tables ---------------------------------------------------------------------------------------


def tables(done: Mapping[Key, Row]) -> str:
    """Return all tables in Markdown."""
    runs, large = (
        {cell: [row for key, row in sorted(done.items()) if key[:3] == cell] for cell in cells}
        for cells in (CELLS, LARGE)
    )
    shown = [row for by_cell in (runs, large) for rows in by_cell.values() for row in rows]
    lines = [
        f"{LOOKS} weekly looks, all {len(DEFAULT_MODELS)} default models, alpha {ALPHA:.2f}, seeds",
        f"from {FIRST_SEED} on. {resumable.provenance(shown, 'histories')}",
        "This command simulates the histories, and writes the tables with `--write`:",
        "",
        f"    {COMMAND}",
    ]
    sections = {
        "Channels have no effect": _errors(runs),
        "One model is true": _truths(runs),
        "The true model changes half-way": _turns(runs["drift", BEFORE, 5_000]),
        "Millions of landmarks": _large(large),
    }
    for title, section in sections.items():
        if section:  # empty as long as none of its histories has run
            lines += ["", f"### {title}", "", *section]
    return "\n".join(lines)


_Runs = dict[Cell, list[Row]]
#: First letters of verdicts: better than volume, and refuted.
BETTER, REFUTED = "cb", "r"


def _says(history: str, letters: str) -> bool:
    """Return whether any of the verdicts was ever given."""
    return any(letter in history for letter in letters)


def _any_model(row: Row, letters: str, names: Iterable[str] | None = None) -> bool:
    """Return whether any of the verdicts was ever given on any model of all users."""
    models = row["models"]
    return any(_says(models[name]["history"], letters) for name in names or models)


_ERROR_HEAD = (
    "| World | Variant | Users | Histories | Better than volume | Separated | Primary | Segments |"
    " Naive | Bonferroni |"
)
_TRUTH_HEAD = (
    "| World | Variant | Users | Histories | Ever refuted | By | Better than volume from look |"
    " Best from look | Others refuted | Rank | Bounds cover |"
)


def _errors(runs: _Runs) -> list[str]:
    lines = [
        "Share of histories in which, at any look, any model was called better than touch volume,",
        "or any pair of models was separated; *primary*: any of the primary models was called",
        "better, or any pair of them was separated; *segments*: any model was called better or",
        "refuted in any segment. *Naive* separates pairs by a test for one look and one",
        "comparison, *Bonferroni* by the same at alpha over the number of comparisons.",
        "",
        _ERROR_HEAD,
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for (variant, world, users), rows in runs.items():
        if world not in WITHOUT_SIGNAL or not rows:
            continue
        segments = [row["segments"] for row in rows]
        cells = [
            _share(_any_model(row, BETTER) for row in rows),
            _share(_any_model(row, REFUTED) for row in rows),
            _share(_any_model(row, BETTER, PRIMARY) or row["primary_separated"] for row in rows),
            _share(own["better"] or own["refuted"] for own in segments)
            if any(own["number"] for own in segments)
            else "–",
            *(_share(row["naive"][kind]["separated"] for row in rows) for kind in _NAIVE),
        ]
        head = f"| `{world}` | {variant} | {users:,} | {len(rows)} |"
        lines.append(f"{head} {' | '.join(cells)} |")
    return lines if lines[-1].startswith("| `") else []


_NAIVE = ("one", "bonferroni")


def _share(found: Iterable[bool]) -> str:
    """Return a share in percent with its standard error; of none, the bound of 95 %."""
    values = list(found)
    n, share = len(values), fmean(values)
    if share == 0:
        return f"0 (< {100 * (1 - 0.05 ** (1 / n)):.1f}) %"
    return f"{100 * share:.1f} ± {100 * (share * (1 - share) / n) ** 0.5:.1f} %"


def _truths(runs: _Runs) -> list[str]:
    lines = [
        "Share of histories in which the true model was ever refuted, and by which models; the",
        "median look after which it was better than touch volume for sure, and the only such",
        "model; the mean share of the other models that were refuted in the end; its mean rank by",
        "loss; how often its final bounds covered what it explains on average over all histories.",
        "",
        _TRUTH_HEAD,
        "|---|---|--:|--:|--:|---|--:|--:|--:|--:|--:|",
    ]
    for (variant, world, users), rows in runs.items():
        truth = TRUE_MODEL.get(world)
        if truth is None or variant == "drift" or not rows:
            continue
        own = [row["models"][truth] for row in rows]
        mean = fmean(model["explained"] for model in own)
        cells = [
            _share(_says(model["history"], REFUTED) for model in own),
            _counted(row["refuted_by"] for row in rows),
            _first_look(own, BETTER),
            _first_look(own, "b"),
            f"{100 * fmean(_refuted(row['models'], truth) for row in rows):.0f} %",
            f"{fmean(_rank(row['models'], truth) for row in rows):.1f}",
            _share(_within(model, mean) for model in own),
        ]
        lines.append(f"| `{world}` | {variant} | {users:,} | {len(rows)} | {' | '.join(cells)} |")
    return lines if lines[-1].startswith("| `") else []


def _counted(names: Iterable[str | None]) -> str:
    """Return names with how often each occurs."""
    counts = Counter(name for name in names if name is not None)
    return ", ".join(f"`{name}` {n}" for name, n in counts.most_common()) or "–"


def _within(model: Row, value: float) -> bool:
    """Return whether the final bounds, which may be missing, cover a value."""
    low, high = model["low"], model["high"]
    return (low is None or low <= value) and (high is None or value <= high)


def _first_look(own: Iterable[Row], verdicts: str) -> str:
    """Return the median look after which one of the verdicts was first given, and how often."""
    looks = [
        next((n + 1 for n, letter in enumerate(model["history"]) if letter in verdicts), None)
        for model in own
    ]
    ever = [look for look in looks if look is not None]
    if not ever:
        return "never"
    return f"{median(ever):.0f} (in {100 * len(ever) / len(looks):.0f} %)"


def _refuted(models: Mapping[str, Row], truth: str) -> float:
    others = [model["history"][-1] == "r" for name, model in models.items() if name != truth]
    return fmean(others)


def _rank(models: Mapping[str, Row], truth: str) -> int:
    losing = models[truth]["explained"] + 1e-9
    return 1 + sum(bool(model["explained"] > losing) for model in models.values())


def _turns(rows: list[Row]) -> list[str]:
    if not rows:
        return []
    by_history = [row["models"] for row in rows]
    half = LOOKS // 2
    statements = {
        f"`{BEFORE}` was better than touch volume and not refuted at look {half}": [
            models[BEFORE]["history"][half - 1] in "cb" for models in by_history
        ],
        f"`{BEFORE}` was refuted at look {LOOKS}": [
            models[BEFORE]["history"][-1] == "r" for models in by_history
        ],
        "a lead was reported to have turned": [
            any(model["turned"] for model in models.values()) for models in by_history
        ],
    }
    lines = [
        f"`{BEFORE}` is true for users who arrive in the first {WEEKS // 2} weeks, `{AFTER}`",
        f"for those who arrive later; {len(rows)} histories.",
        "",
        "| Statement | Share |",
        "|---|--:|",
    ]
    return lines + [f"| {text} | {_share(found)} |" for text, found in statements.items()]


def _large(runs: _Runs) -> list[str]:
    lines = [
        f"Single histories of {LARGE_USERS:,} users. *Truth* lists the verdicts on",
        "the true model in order; where channels have no effect, those on any model. *Left* are",
        "the models that in the end were better than touch volume for sure, and not refuted.",
        "",
        "| World | Variant | Landmarks | Truth | Rank | Left |",
        "|---|---|--:|---|--:|---|",
    ]
    for (variant, world, _), rows in runs.items():
        truth = TRUE_MODEL.get(world)  # after a drift, the first one
        for row in rows:
            models = row["models"]
            own = models.values() if truth is None else [models[truth]]
            histories = sorted({tuple(_distinct(model["history"])) for model in own})
            cells = [
                f"{row['landmarks']:,}",
                "; ".join(
                    ", ".join(_VERDICTS[letter] for letter in history) for history in histories
                ),
                "–" if truth is None else str(_rank(models, truth)),
                ", ".join(f"`{name}`" for name, own in models.items() if own["history"][-1] in "cb")
                or "none",
            ]
            lines.append(f"| `{world}` | {variant} | {' | '.join(cells)} |")
    return lines if lines[-1].startswith("| `") else []


_VERDICTS = {
    "b": "best",
    "c": "contender",
    "n": "no better than volume",
    "t": "too early",
    "r": "refuted",
}


def _distinct(history: Iterable[str]) -> list[str]:
    """Return the verdicts in order without repetitions."""
    return [letter for letter, _ in groupby(history)]


def main() -> None:
    """Run the study, or write its tables."""
    parser = resumable.parser_of(__doc__, 200, FIRST_SEED)
    parser.add_argument(
        "--true-seeds", type=int, default=50, help="how many for worlds with a true model"
    )
    parser.add_argument("--only", default="", help="cells whose variant, world and users hold this")
    options = parser.parse_args()
    if options.write:
        resumable.replace_between(DOCUMENT, STUDY, tables(read(RESULTS)))
    else:
        cells = [cell for cell in (*CELLS, *LARGE) if options.only in " ".join(map(str, cell))]
        missing = keys(cells, options.seeds, options.true_seeds)
        resumable.run_missing(run, missing, set(read(RESULTS)), RESULTS, options.jobs)


if __name__ == "__main__":
    main()
