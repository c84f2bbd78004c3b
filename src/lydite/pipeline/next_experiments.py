"""The mart of the next experiments: which channel to test, how, and what results would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.decisions.evidence import EXPERIMENT_VERDICTS, read_refutations, rivals_of
from lydite.experiments.candidates import Belief, Candidate
from lydite.experiments.clusters import Clusters
from lydite.experiments.incrementality import estimate_incrementality
from lydite.experiments.next_test import TABLE, rank_tests, to_table
from lydite.journeys.clusters import cluster_column
from lydite.pipeline.calibrated_credit import AGREEMENT, past_tests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from lydite.engine import Engine
    from lydite.experiments.next_test import NextTest

    Marts = Mapping[str, pl.DataFrame]

NEXT_EXPERIMENTS = "next_experiments"
READ = (
    "outcomes", "model_comparison", "champions", "channel_credit", "channel_roles", "weekly_reach",
    "segment_credit",
)  # fmt: skip
CLUSTER_TOTALS = "evaluation.cluster_totals"
_UNATTRIBUTED = "(unattributed)"
_REGION = "region"
_DAYS_PER_MONTH, _DAYS_PER_WEEK = 365 / 12, 7
_RECENT_WEEKS = 4  # a channel without users in these is not running
_RESULTS = {"if_no_effect": 0, "if_as_credited": -1}
SCHEMA: dict[str, Any] = {
    "outcome": pl.String,
    **TABLE,
    **{
        f"{name}_{result}": kind
        for result in _RESULTS
        for name, kind in (
            ("keep", pl.Boolean),
            ("moved", pl.Float64),
            ("moved_to", pl.String),
            ("refuted", pl.String),
        )
    },
}


def build_next_experiments(engine: Engine, margins: Mapping[str, float] | None) -> None:
    """Build the mart from the others; it is empty without spend or value.

    Where users belong together, their touches and credit by cluster are summed first.

    Parameters
    ----------
    engine
        Holds the marts of a comparison and, with clusters, the journeys and the credit of touches.
    margins
        The margin as a share of the value of a conversion, by outcome; 1 where it is not said.
    """
    local = engine.local
    marts = {
        name: local.frame(f"from mart.{name}")
        for name in (*READ, AGREEMENT, EXPERIMENT_VERDICTS)
        if local.exists(f"mart.{name}")
    }
    parts = [pl.DataFrame(schema=SCHEMA)]
    if marts.keys() >= set(READ):
        clusters = _sum_by_cluster(engine)
        for outcome in marts["outcomes"]["outcome"]:
            margin = (margins or {}).get(outcome, 1.0)
            candidates = find_candidates(marts, outcome, margin, clusters)
            parts.append(_table(outcome, rank_tests(candidates)))
    local.store(f"evaluation.{NEXT_EXPERIMENTS}", pl.concat(parts))
    local.create(f"mart.{NEXT_EXPERIMENTS}", f"marts/{NEXT_EXPERIMENTS}")
    local.comment(f"mart.{NEXT_EXPERIMENTS}", f"marts/{NEXT_EXPERIMENTS}")


def _sum_by_cluster(engine: Engine) -> pl.DataFrame | None:
    """Return sums over the clusters of each channel; None where users do not belong together.

    Regions are tested in another way.
    """
    local = engine.local
    local.drop(CLUSTER_TOTALS)
    column = cluster_column(local)
    if column is None or column.lower() == _REGION:
        return None
    engine.append_local(CLUSTER_TOTALS, "evaluation/cluster_totals")
    return local.frame(f"from {CLUSTER_TOTALS}").with_columns(column=pl.lit(column))


def find_candidates(
    marts: Marts, outcome: str, margin: float = 1.0, clusters: pl.DataFrame | None = None
) -> list[Candidate]:
    """Return the channels that cost money and run, as candidates for a test.

    Users are counted once a week, and so are the rates: what matters for a test of rare
    conversions is their number, not whether a user comes back in another week.

    Parameters
    ----------
    marts
        The marts of a comparison.
    outcome
        Name of the outcome.
    margin
        The margin as a share of the value of a conversion.
    clusters
        Sums over clusters of users (``evaluation/cluster_totals``), and the ``column`` they are of.
    """
    credit = marts["channel_credit"].filter(pl.col("outcome") == outcome)
    models = _models(marts, outcome, credit)
    weeks, users = _reach(marts["weekly_reach"])
    if not models or not weeks:
        return []
    value = _value_per_conversion(credit, models[0])
    months = weeks * _DAYS_PER_WEEK / _DAYS_PER_MONTH
    roles = marts["channel_roles"].filter(pl.col("outcome") == outcome)
    on_path = dict(roles.select("channel", "on_path").rows())
    counted = marts["outcomes"].filter(pl.col("outcome") == outcome)["conversions"][0]
    regions = _regions(marts["segment_credit"], outcome)
    factors = _factors(marts, outcome, models, sorted(set(credit["channel"])))
    grouped = _clusters(clusters, outcome, weeks)
    found = []
    for channel, cost in _paid(credit, models[0]):
        per_model = credit.filter(pl.col("channel") == channel, pl.col("model").is_in(models))
        conversions = dict(per_model.select("model", "conversions").rows())
        rate = on_path.get(channel, 0) / (users[channel] * weeks) if users.get(channel) else 0.0
        if not 0 < rate < 1 or not conversions.get(models[0]):
            continue
        found.append(
            Candidate(
                channel=channel,
                spend=cost / months,
                margin=value * margin,
                beliefs={
                    model: Belief(n / months, *factors[model, channel])
                    for model, n in conversions.items()
                },
                model=models[0],
                users=users[channel],
                rate=rate,
                regions=regions,
                regional_conversions=counted / weeks,
                clusters=grouped.get(channel),
            )
        )
    return found


def _factors(
    marts: Marts, outcome: str, models: Sequence[str], channels: list[str]
) -> dict[tuple[str, str], tuple[float, float]]:
    """Return mean and sd of the factor of every model and channel, after the experiments so far."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for model in models:
        posterior = estimate_incrementality(channels, past_tests(marts, outcome, model, channels))
        pairs = zip(posterior.mean.tolist(), posterior.sd.tolist(), strict=True)
        found |= {(model, channel): pair for channel, pair in zip(channels, pairs, strict=True)}
    return found


def _models(marts: Marts, outcome: str, credit: pl.DataFrame) -> list[str]:
    """Return the models that stand, the one in use first, or the best one where that is refuted."""
    refuted = {model for of, model in read_refutations(marts) if of == outcome}
    order = [pl.col("primary").fill_null(value=True).not_(), "rank", "model"]
    rivals = rivals_of(marts, outcome).sort(order, nulls_last=True)["model"].to_list()
    champion = marts["champions"].filter(pl.col("outcome") == outcome)["model"].to_list()
    standing = [name for name in dict.fromkeys([*champion, *rivals]) if name not in refuted]
    credited = set(credit["model"])
    return [name for name in standing or champion if name in credited]


def _value_per_conversion(credit: pl.DataFrame, model: str) -> float:
    rows = credit.filter(pl.col("model") == model)
    conversions = float(rows["conversions"].sum())
    return float(rows["value"].fill_null(0).sum()) / conversions if conversions else 0.0


def _paid(credit: pl.DataFrame, model: str) -> list[tuple[str, float]]:
    rows = credit.filter(
        pl.col("model") == model, pl.col("channel") != _UNATTRIBUTED, pl.col("cost") > 0
    )
    return [(channel, cost) for channel, cost in rows.select("channel", "cost").rows()]


def _reach(reach: pl.DataFrame) -> tuple[int, dict[str, float]]:
    """Return the number of weeks, and the users per week of each channel that still runs."""
    if reach.is_empty():
        return 0, {}
    last: date = reach["week"].max()  # type: ignore[assignment]  # polars does not say the type
    first: date = reach["week"].min()  # type: ignore[assignment]
    weeks = (last - first).days // _DAYS_PER_WEEK + 1
    recent = pl.col("week") > last - pl.duration(weeks=_RECENT_WEEKS)
    running = reach.filter(recent)["channel"].unique()
    sums = reach.group_by("channel").agg(pl.col("users").sum()).sort("channel")
    kept = sums.filter(pl.col("channel").is_in(running.implode()))
    return weeks, {channel: n / weeks for channel, n in kept.rows()}


def _regions(segments: pl.DataFrame, outcome: str) -> int:
    """Return the number of values of the column ``region`` of the users."""
    own = segments.filter(
        pl.col("outcome") == outcome,
        pl.col("segment").str.starts_with(f"{_REGION} = "),
        pl.col("segment") != f"{_REGION} = (unknown)",
    )
    return own["segment"].n_unique()


def _clusters(sums: pl.DataFrame | None, outcome: str, weeks: int) -> dict[str, Clusters]:
    """Return the clusters of each channel."""
    if sums is None:
        return {}
    rows = sums.filter(pl.col("outcome") == outcome).drop("outcome")
    return {
        row.pop("channel"): Clusters(weeks=weeks, number=row.pop("clusters"), **row)
        for row in rows.iter_rows(named=True)
    }


def _table(outcome: str, tests: Sequence[NextTest]) -> pl.DataFrame:
    """Return the rows of one outcome."""
    changes = [
        {
            column: value
            for result, place in _RESULTS.items()
            for own in [test.consequences[place]]
            for column, value in (
                (f"keep_{result}", own.keep),
                (f"moved_{result}", own.moved),
                (f"moved_to_{result}", test.moved_to(own)),
                (f"refuted_{result}", ", ".join(own.refuted)),
            )
        }
        for test in tests
    ]
    schema = {name: kind for name, kind in SCHEMA.items() if name not in {"outcome", *TABLE}}
    named = to_table(tests).select(pl.lit(outcome).alias("outcome"), pl.all())
    return pl.concat([named, pl.DataFrame(changes, schema=schema)], how="horizontal")
