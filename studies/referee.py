"""Whether experiments name the model whose credit is right, and contradict no true model.

    .venv/bin/python -m studies.referee            # run what is missing
    .venv/bin/python -m studies.referee --write    # write the tables

A run simulates one world with holdouts, and compares a few models with them. In the storefront,
forecasts are confounded by intent, and the increments of the held-out channels are known: the
treated users are simulated again without the channel. In the other worlds one model is true. A run
appends a line per model to `var/studies/referee.jsonl`. Finished runs are skipped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy import stats

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.models import models_from_settings
from lydite.pipeline.marts import attribute_conversions
from lydite.pipeline.whole import prepare
from lydite.settings import parse_settings
from lydite.simulation._experiments import SimulatedExperiment
from lydite.simulation.single_truth import simulate_single_truth
from lydite.simulation.storefront import simulate_storefront
from studies import resumable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lydite.settings import Settings
    from lydite.simulation import World
    from studies.resumable import Row

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "var" / "studies" / "referee.jsonl"
DOCUMENT = ROOT / "docs" / "calibration.md"
STUDY = "referee"
COMMAND = ".venv/bin/python -m studies.referee"
FIRST_SEED, SEEDS = 7000, 50
START, WEEKS = date(2021, 1, 4), 26
ALPHA = 0.05
MODELS = ("last_touch", "linear", "time_decay", "markov_2", "bagged_logistic", "shapley")


@dataclass(frozen=True)
class Kind:
    """One kind of run: a world with so many users, and the channels that are held out.

    Attributes
    ----------
    world, users
        As for `lydite.simulate`.
    channels
        The channels that are held out, each in an experiment with all users.
    window_days
        How long after the assignment conversions count.
    true_model
        The model whose claim is true; None in the storefront.
    """

    world: str
    users: int
    channels: tuple[str, ...]
    window_days: int
    true_model: str | None = None

    @property
    def outcome(self) -> str:
        """The outcome that decides."""
        return "purchase" if self.true_model is None else "conversion"

    @property
    def experiments(self) -> list[SimulatedExperiment]:
        """The holdouts."""
        return [
            SimulatedExperiment(name, name, window_days=self.window_days) for name in self.channels
        ]


_STOREFRONT = ("paid_search_brand", "retargeting", "paid_social")
#: What every seed simulates, by name.
KINDS: dict[str, Kind] = {
    "storefront": Kind("storefront", 48_000, _STOREFRONT, 91),
    "tiny": Kind("storefront", 1_500, _STOREFRONT, 91),
    **{
        world: Kind(world, 20_000, ("email", "social"), 28, model)
        for world, model in (
            ("last_touch", "last_touch"),
            ("linear", "linear"),
            ("time_decay", "time_decay"),
            ("markov_2", "markov_2"),
            ("logistic", "bagged_logistic"),
            ("channel_set", "shapley"),
        )
    },
}

_LOSSES = "select model, sum(log_loss) from ledger.scores where segment = 'all' group by model"


# --- one run --------------------------------------------------------------------------------------


def run(kind: str, seed: int) -> list[Row]:
    """Simulate one world of a kind, and return a row per model."""
    chosen = KINDS[kind]
    made = simulate(chosen, seed, chosen.experiments)
    found = compare(chosen, made, with_fit=kind == "storefront")
    truth = true_increments(chosen, seed, made) if chosen.true_model is None else {}
    return [
        {
            "kind": kind,
            "seed": seed,
            **row,
            "distance_to_truth": None if not truth else _distance(row["credited"], truth),
            "increments": truth,
        }
        for row in found
    ]


def simulate(kind: Kind, seed: int, experiments: Sequence[SimulatedExperiment]) -> World:
    """Simulate the world of a kind with some experiments."""
    if kind.true_model is not None:
        return simulate_single_truth(
            kind.world, kind.users, seed, WEEKS, START, experiments=experiments
        )
    return simulate_storefront(kind.users, seed, WEEKS, START, experiments, with_effects=False)


def compare(kind: Kind, made: World, *, with_fit: bool) -> list[Row]:
    """Compare the models with the holdouts and, if chosen, by their forecasts."""
    conversions = made.conversions.filter(pl.col("outcome") == kind.outcome)
    sources = {"touchpoints": made.touchpoints, "conversions": conversions}
    if made.experiments is not None:
        sources["experiments"] = made.experiments
    settings = settings_of(kind)
    models = models_from_settings(settings)
    with DuckDBEngine(threads=1) as engine:
        prepare(engine, sources, settings)
        pipeline.build_samples(engine, settings.evaluation.max_landmarks)
        fit: dict[str, float] = {}
        if with_fit:
            names = {model.name for model in (*pipeline.make_baselines(), *models)}
            pipeline.backtest_models(engine, models, 0, only=names)
            loss = dict(engine.rows(_LOSSES))
            null = min(loss[model.name] for model in pipeline.make_baselines())
            fit = {name: 1 - own / null for name, own in loss.items()}
        attribute_conversions(engine, models, None)
        pipeline.read_experiments(engine, settings)
        pipeline.compare_with_experiments(engine, settings, models)
        credit = engine.frame("from mart.experiment_agreement")
        checked = engine.frame("from mart.experiment_hypotheses")
        verdicts = engine.frame("from mart.experiment_verdicts")
    rows = []
    for row in verdicts.iter_rows(named=True):
        own = credit.filter(model=row["model"])
        of_hypothesis = checked.filter(model=row["model"])
        rows.append(
            {
                "model": row["model"],
                "verdict": row["verdict"],
                "p_value": row["p_value"],
                "hypothesis_verdict": row["hypothesis_verdict"],
                "hypothesis_p_value": row["hypothesis_p_value"],
                "rank": row["distance_rank"],
                "credited": dict(own.select("channel", "credited").iter_rows()),
                "measured": dict(own.select("channel", "measured").iter_rows()),
                "errors": dict(
                    own.select("channel", pl.col("measured_variance").sqrt()).iter_rows()
                ),
                "statuses": own["status"].to_list(),
                "expected": dict(of_hypothesis.select("channel", "expected").iter_rows()),
                "z": dict(of_hypothesis.select("channel", "z").iter_rows()),
                "hypothesis_statuses": of_hypothesis["status"].to_list(),
                "explained": fit.get(row["model"]),
            }
        )
    return rows


def settings_of(kind: Kind) -> Settings:
    """Return the settings of a comparison; the credit of a rule is that which its claim implies."""
    plans = {
        name: {
            "channel": name,
            "hypothesis": f"{name} brings conversions.",
            "outcome": kind.outcome,
            "window": f"{kind.window_days}d",
            "smallest_effect": 0.1,
            "planned_users": kind.users,
            "alpha": ALPHA,
        }
        for name in kind.channels
    }
    return parse_settings(
        {
            "sources": {"touchpoints": "-", "conversions": "-"},
            "models": list(MODELS),
            "evaluation": {"after_conversion": "restart", "credit": "posterior", "alpha": ALPHA},
            "experiments": plans,
        },
        STUDY,
    )


def true_increments(kind: Kind, seed: int, made: World) -> dict[str, float]:
    """Return the conversions of the treated users that each channel has caused.

    The same users are simulated again, each time with one channel held out in both arms.
    """
    found = {}
    for held_out in kind.experiments:
        without = [
            replace(each, factors=dict.fromkeys(each.factors, 0.0)) if each == held_out else each
            for each in kind.experiments
        ]
        both = (made, simulate(kind, seed, without))
        with_channel, removed = (_conversions(kind, world, held_out.name) for world in both)
        found[held_out.channel] = float(with_channel - removed)
    return found


def _conversions(kind: Kind, world: World, experiment: str) -> int:
    """Return the conversions of the treated users of an experiment in their windows."""
    assert world.experiments is not None
    treated = world.experiments.filter(experiment=experiment, arm="treated")
    since = pl.col("converted_at") - pl.col("assigned_at")
    window = timedelta(days=kind.window_days)
    return (
        world.conversions.filter(outcome=kind.outcome)
        .join(treated, on="user_id")
        .filter(since >= timedelta(0), since < window)
        .height
    )


def _distance(credited: dict[str, float], truth: dict[str, float]) -> float:
    """Return the root of the mean squared difference of credit and increments."""
    return float(np.sqrt(np.mean([(credited[name] - truth[name]) ** 2 for name in truth])))


# --- tables ---------------------------------------------------------------------------------------


def tables(rows: Iterable[Row]) -> str:
    """Return the tables of the document."""
    by_run: dict[str, dict[int, list[Row]]] = {kind: {} for kind in KINDS}
    for row in rows:
        by_run[row["kind"]].setdefault(row["seed"], []).append(row)
    return "\n\n".join([_storefront(by_run), _true_models(by_run)])


def named(rows: Sequence[Row]) -> Row:
    """Return the model that the experiments name: the closest one of those they do not contradict.

    Where they contradict all, that is the closest of all.
    """
    standing = [row for row in rows if row["verdict"] != "contradicted"]
    return min(standing or rows, key=lambda row: row["rank"])


def _storefront(by_run: dict[str, dict[int, list[Row]]]) -> str:
    runs = list(by_run["storefront"].values())
    right = sum(named(rows) == min(rows, key=lambda row: row["distance_to_truth"]) for rows in runs)
    other = sum(
        max(rows, key=lambda row: row["explained"])["model"] != named(rows)["model"]
        for rows in runs
    )
    contradicted = sum(
        max(rows, key=lambda row: row["explained"])["verdict"] == "contradicted" for rows in runs
    )
    tiny = [row for rows in by_run["tiny"].values() for row in rows]
    unsure = sum(row["verdict"] == "uninformative" for row in tiny)
    lines = ["| storefront | found | 95 % interval |", "|---|--:|---|"]
    lines += [
        _line("experiments name the model whose credit is nearest the truth", right, len(runs)),
        _line("forecasts prefer another model", other, len(runs)),
        _line("experiments contradict the model that forecasts best", contradicted, len(runs)),
        _line("tiny experiments: the verdict on a model is uninformative", unsure, len(tiny)),
    ]
    return "\n".join(lines)


def _true_models(by_run: dict[str, dict[int, list[Row]]]) -> str:
    lines = [
        "| world with one true model | p ≤ 0.05 | contradicted | promised |",
        "|---|--:|--:|--:|",
    ]
    for kind, chosen in KINDS.items():
        rows = [
            row for own in by_run[kind].values() for row in own if row["model"] == chosen.true_model
        ]
        if not rows:
            continue
        rejected = sum(row["hypothesis_p_value"] <= ALPHA for row in rows)
        wrong = sum(row["hypothesis_verdict"] == "contradicted" for row in rows)
        promised = ALPHA / len(MODELS)
        lines.append(
            f"| {kind} | {rejected} of {len(rows)} | {wrong} of {len(rows)} | {promised:.1%} |"
        )
    return "\n".join(lines)


def _line(about: str, found: int, n: int) -> str:
    if not n:
        return f"| {about} | none was run | |"
    bounds = stats.binomtest(found, n).proportion_ci(method="wilson")
    return f"| {about} | {found} of {n} | {bounds.low:.0%} to {bounds.high:.0%} |"


def write(rows: Iterable[Row]) -> None:
    """Write the tables into the document."""
    done = list(rows)
    runs = list({(row["kind"], row["seed"]): row for row in done}.values())
    resumable.replace_between(
        DOCUMENT, STUDY, f"{tables(done)}\n\n{resumable.provenance(runs, 'simulated worlds')}"
    )


def main() -> None:
    """Run what is missing, or write the tables."""
    parser = resumable.parser_of(__doc__ or "", SEEDS, FIRST_SEED)
    parser.add_argument("--kinds", default=",".join(KINDS), help="kinds, with commas between")
    options = parser.parse_args()
    done = resumable.read(RESULTS, "kind", "seed")
    if options.write:
        write(row for rows in done.values() for row in rows)
        return
    kinds = options.kinds.split(",")
    if unknown := set(kinds) - set(KINDS):
        parser.error(f"no such kind: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    keys = [(kind, seed) for seed in seeds for kind in kinds]
    if resumable.run_missing(run, keys, done, RESULTS, options.jobs):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
