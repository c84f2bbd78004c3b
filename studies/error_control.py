"""How often verdicts are wrong, and how soon they are right, over many simulated histories.

    .venv/bin/python -m studies.error_control            # run what is missing
    .venv/bin/python -m studies.error_control --write    # write the tables

A run appends one line per history to `var/studies/error_control.jsonl`. It can be stopped and
started again: finished histories are skipped.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations, groupby
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
import polars as pl
from scipy.stats import norm

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.evaluation.backtest import backtest
from lydite.evaluation.segments import ALL
from lydite.evaluation.verdicts import SAME_LOSS, judge_segments, same_forecasts
from lydite.journeys import find_outcomes
from lydite.models import DEFAULT_MODELS, TouchVolume, make_models
from lydite.settings import Settings, SourceSettings
from lydite.simulation import simulate, single_truth
from lydite.simulation._hypotheses import HYPOTHESES
from studies import resumable
from studies.resumable import Row
from studies.worlds_and_models import TRUE_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from lydite.evaluation.scores import Scores
    from lydite.evaluation.verdicts import SegmentVerdicts

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "var" / "studies" / "error_control.jsonl"
DOCUMENT = ROOT / "docs" / "calibration.md"
STUDY = "error_control"
COMMAND = ".venv/bin/python -m studies.error_control"
FIRST_SEED = 5000
START = date(2025, 1, 6)
#: So many weeks leave 26 that are scored, after what the first fit needs and the lookback.
WEEKS, LOOKS = 40, 26
ALPHAS = (0.05, 0.10)
WITHOUT_SIGNAL = ("null", "activity")
#: The world before and after the truth has changed half-way.
BEFORE, AFTER = "first_touch", "last_touch"

#: The histories: variant, world, users.
CELLS: tuple[tuple[str, str, int], ...] = (
    *(
        ("plain", world, 5_000)
        for world in sorted(HYPOTHESES, key=lambda w: w not in WITHOUT_SIGNAL)
    ),
    *(("returning", world, 5_000) for world in (*WITHOUT_SIGNAL, "linear")),
    *(("fragmented", world, 5_000) for world in (*WITHOUT_SIGNAL, "linear")),
    *(("late", world, 5_000) for world in (*WITHOUT_SIGNAL, "linear")),
    ("drift", BEFORE, 5_000),
    *(("plain", world, 20_000) for world in WITHOUT_SIGNAL),
)
#: Enough users to fill the evaluation sample: the smallest bias would show as a difference.
#: A history takes minutes, so there are few.
LARGE_USERS, LARGE_SEEDS = 700_000, 2
LARGE = (
    *(("plain", world, LARGE_USERS) for _, world, _ in CELLS[: len(HYPOTHESES)]),
    ("drift", BEFORE, LARGE_USERS),
)


# --- one history ----------------------------------------------------------------------------------


def run(variant: str, world: str, users: int, seed: int) -> list[Row]:
    """Compare all default models in one history; return the verdicts of every look."""
    touchpoints, conversions = VARIANTS[variant](world, users, seed)
    scores = _scores(touchpoints, conversions)
    null = scores.pop(TouchVolume.name)
    row: Row = {
        "variant": variant,
        "world": world,
        "users": users,
        "seed": seed,
        "looks": len(null.landmarks),
        "landmarks": int(null.landmarks.sum()),
        "naive": _naive(scores, null),
    }
    for alpha in ALPHAS:
        judged = judge_segments({ALL: (scores, null)}, alpha)[ALL]
        row[f"at {alpha}"] = _verdicts(judged, null)
    return [row]


def _plain(
    world: str, users: int, seed: int, weeks: int = WEEKS, start: date = START
) -> tuple[pl.DataFrame, pl.DataFrame]:
    made = simulate(world, users=users, seed=seed, weeks=weeks, start=start)
    # Other names in each history, so that users are in other buckets.
    named = pl.format("{}-{}", pl.lit(seed), "user_id").alias("user_id")
    return (
        made.touchpoints.with_columns(named).drop("touchpoint_id"),
        made.conversions.with_columns(named).drop("conversion_id"),
    )


def _returning(world: str, users: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Let nearly all users come back, again and again over the whole history."""
    with (
        patch.object(single_truth, "_RETURN_AFTER_CONVERSION", 0.95),
        patch.object(single_truth, "_RETURN_AFTER_PAUSE", 0.95),
    ):
        return _plain(world, users, seed)


def _fragmented(world: str, users: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Let three touches in ten be on a second device, and know users by device only."""
    touchpoints, conversions = _plain(world, users, seed)
    device = np.random.default_rng(seed).random(touchpoints.height) < 0.3
    touchpoints = touchpoints.with_columns(
        device=pl.format("{}-{}", "user_id", pl.Series(device.astype(int)))
    )
    # A conversion happens on the device of the touch before it.
    conversions = conversions.sort("converted_at").join_asof(
        touchpoints.select("user_id", "touched_at", "device").sort("touched_at"),
        left_on="converted_at",
        right_on="touched_at",
        by="user_id",
    )
    by_device = pl.col("device").alias("user_id")
    return (
        touchpoints.with_columns(by_device).drop("device"),
        conversions.with_columns(by_device).drop("device", "touched_at"),
    )


def _late(world: str, users: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Let every tenth conversion be reported too late for its period's score."""
    touchpoints, conversions = _plain(world, users, seed)
    known = np.random.default_rng(seed).random(conversions.height) < 0.9
    return touchpoints, conversions.filter(pl.Series(known))


def _drift(world: str, users: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make another model true for users who arrive in the second half."""
    half = WEEKS // 2
    before = _plain(world, users // 2, seed, half)
    after = _plain(AFTER, users // 2, seed + 500_000, half, START + timedelta(weeks=half))
    touchpoints, conversions = (pl.concat(parts) for parts in zip(before, after, strict=True))
    return touchpoints, conversions


VARIANTS = {
    "plain": _plain,
    "returning": _returning,
    "fragmented": _fragmented,
    "late": _late,
    "drift": _drift,
}


def _scores(touchpoints: pl.DataFrame, conversions: pl.DataFrame) -> dict[str, Scores]:
    """Backtest all models, and keep the first looks."""
    settings = Settings(sources=SourceSettings(touchpoints="-", conversions="-"))
    models = make_models()
    with DuckDBEngine(threads=1) as engine:
        pipeline.load_inputs(engine, {"touchpoints": touchpoints, "conversions": conversions})
        pipeline.build_journeys(
            engine, settings.lookbacks(find_outcomes(engine)), settings.evaluation.period
        )
        pipeline.build_samples(engine, settings.evaluation.max_landmarks)
        [(_, _, own)] = pipeline.load_splits(engine, models)
    return {model.name: backtest(model, own).first(LOOKS) for model in (TouchVolume(), *models)}


def _verdicts(judged: SegmentVerdicts, null: Scores) -> Row:
    """Return every verdict by model, in order."""
    leads = [pair for pair in judged.pairs if pair.second != TouchVolume.name]
    gains = [pair for pair in judged.pairs if pair.second == TouchVolume.name]
    loss = null.log_loss_bits
    return {
        "any_above_null": any(bool((pair.signs > 0).any()) for pair in gains),
        "any_separated": any(bool(pair.signs.any()) for pair in leads),
        "models": {
            name: {
                "history": [verdict[0] for verdict in own.history],
                "explained": own.gain.mean[-1] / loss,
                "low": own.gain.low[-1] / loss,
                "high": own.gain.high[-1] / loss,
                "refuted_by": own.refuted_by,
                "moved_in": own.moved_in,
            }
            for name, own in judged.verdicts.items()
        },
    }


def _naive(scores: Mapping[str, Scores], null: Scores) -> Row:
    """Return the results of a test for one look and one comparison, applied at every look."""
    own, names = {**scores, TouchVolume.name: null}, list(scores)
    gains = [(name, TouchVolume.name) for name in names]
    same = same_forecasts(scores)
    leads = [pair for pair in combinations(names, 2) if pair[1] not in same[pair[0]]]
    z = {
        kind: np.array([_z(own, a, b) for a, b in pairs])
        for kind, pairs in (("any_above_null", gains), ("any_separated", leads))
    }
    result: Row = {}
    for alpha in ALPHAS:
        for kind, share in (("one", alpha), ("bonferroni", alpha / len(gains + leads))):
            edge = norm.isf(share / 2)
            result[f"{kind} at {alpha}"] = {
                "any_above_null": bool((z["any_above_null"] > edge).any()),
                "any_separated": bool((np.abs(z["any_separated"]) > edge).any()),
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
    return {key: rows[-1] for key, rows in resumable.read(path, *names).items()}  # type: ignore[misc]


def study(cells: Iterable[tuple[str, str, int]], seeds: int, jobs: int) -> None:
    """Run missing histories, seed by seed over all cells, so that partial results are balanced."""
    chosen, some = list(cells), range(FIRST_SEED, FIRST_SEED + seeds)
    large = [(*cell, seed) for seed in some[:LARGE_SEEDS] for cell in chosen if cell in LARGE]
    keys = [(*cell, seed) for seed in some for cell in chosen if cell not in LARGE] + large
    resumable.run_missing(run, keys, set(read(RESULTS)), RESULTS, jobs)


# --- tables ---------------------------------------------------------------------------------------


def tables(done: Mapping[Key, Row]) -> str:
    """Return all tables in Markdown."""
    runs, large = (
        {cell: [row for key, row in sorted(done.items()) if key[:3] == cell] for cell in cells}
        for cells in (CELLS, LARGE)
    )
    lines = [
        f"{LOOKS} weekly looks, all {len(DEFAULT_MODELS)} default models, seeds from",
        f"{FIRST_SEED} on. This command simulates the histories, and writes the tables with",
        "`--write`:",
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


_Runs = dict[tuple[str, str, int], list[Row]]


_ERROR_HEAD = (
    "| World | Variant | Users | Histories | alpha | Better than volume | naive | Bonferroni |"
    " Separated | naive | Bonferroni |"
)
_TRUTH_HEAD = (
    "| World | Variant | Histories | Ever refuted | Better than volume from look |"
    " Best from look | Others refuted | Rank | Bounds cover |"
)


def _errors(runs: _Runs) -> list[str]:
    lines = [
        "Share of histories in which, at any look, any model was called better than touch volume,",
        "or any pair was separated. *Naive* is a test for one look and one comparison;",
        "*Bonferroni* is the same at alpha over the number of comparisons.",
        "",
        _ERROR_HEAD,
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for (variant, world, users), rows in runs.items():
        if world not in WITHOUT_SIGNAL or not rows:
            continue
        for alpha in ALPHAS:
            cells = [
                _share([found[kind] for found in by])
                for kind in ("any_above_null", "any_separated")
                for by in (
                    [row[f"at {alpha}"] for row in rows],
                    [row["naive"][f"one at {alpha}"] for row in rows],
                    [row["naive"][f"bonferroni at {alpha}"] for row in rows],
                )
            ]
            head = f"| `{world}` | {variant} | {users:,} | {len(rows)} | {alpha:.2f} |"
            lines.append(f"{head} {' | '.join(cells)} |")
    return lines if lines[-1].startswith("| `") else []


def _share(found: Iterable[bool]) -> str:
    """Return a share in percent with its standard error; of none, the bound of 95 %."""
    values = list(found)
    n, share = len(values), fmean(values)
    if share == 0:
        return f"0 (< {100 * (1 - 0.05 ** (1 / n)):.1f}) %"
    return f"{100 * share:.1f} ± {100 * (share * (1 - share) / n) ** 0.5:.1f} %"


def _truths(runs: _Runs) -> list[str]:
    lines = [
        "Share of histories in which the true model was ever refuted, at alpha 0.05; the median",
        "look after which it was better than touch volume for sure, and the only such model; the",
        "mean share of the other models that were refuted in the end; its mean rank by loss; how",
        "often its final bounds covered what it explains on average over all histories.",
        "",
        _TRUTH_HEAD,
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for (variant, world, _), rows in runs.items():
        truth = TRUE_MODEL.get(world)
        if truth is None or variant == "drift" or not rows:
            continue
        by_history = [row["at 0.05"]["models"] for row in rows]
        own = [models[truth] for models in by_history]
        mean = fmean(model["explained"] for model in own)
        cells = [
            _share("r" in model["history"] for model in own),
            _first(own, "cb"),
            _first(own, "b"),
            f"{100 * fmean(_refuted(models, truth) for models in by_history):.0f} %",
            f"{fmean(_rank(models, truth) for models in by_history):.1f}",
            _share(model["low"] <= mean <= model["high"] for model in own),
        ]
        lines.append(f"| `{world}` | {variant} | {len(rows)} | {' | '.join(cells)} |")
    return lines if lines[-1].startswith("| `") else []


def _first(own: Iterable[Row], verdicts: str) -> str:
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
    return 1 + sum(
        model["explained"] > models[truth]["explained"] + 1e-9 for model in models.values()
    )


def _turns(rows: list[Row]) -> list[str]:
    if not rows:
        return []
    by_history = [row["at 0.05"]["models"] for row in rows]
    half = LOOKS // 2
    statements = {
        f"`{BEFORE}` was better than touch volume and not refuted at look {half}": [
            models[BEFORE]["history"][half - 1] in "cb" for models in by_history
        ],
        f"`{BEFORE}` was refuted at look {LOOKS}": [
            models[BEFORE]["history"][-1] == "r" for models in by_history
        ],
        "a lead was reported to have turned": [
            any(model["moved_in"] is not None for model in models.values()) for models in by_history
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
        f"Single histories of {LARGE_USERS:,} users, at alpha 0.05. *Truth* lists the verdicts on",
        "the true model in order; where channels have no effect, those on any model. *Left* are",
        "the models that in the end were better than touch volume for sure, and not refuted.",
        "",
        "| World | Variant | Landmarks | Truth | Rank | Left |",
        "|---|---|--:|---|--:|---|",
    ]
    for (variant, world, _), rows in runs.items():
        truth = TRUE_MODEL.get(world)  # after a drift, the first one
        for row in rows:
            models = row["at 0.05"]["models"]
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
    parser.add_argument("--only", default="", help="cells whose variant, world and users hold this")
    options = parser.parse_args()
    if options.write:
        resumable.replace_between(DOCUMENT, STUDY, tables(read(RESULTS)))
    else:
        cells = [cell for cell in (*CELLS, *LARGE) if options.only in " ".join(map(str, cell))]
        study(cells, options.seeds, options.jobs)


if __name__ == "__main__":
    main()
