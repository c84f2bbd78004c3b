"""The champion of every outcome, the model in use, and its challenger."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.decisions.evidence import read_refutations, rivals_of
from lydite.engine.changes import append_changes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lydite.decisions.evidence import Marts
    from lydite.decisions.log import Decision
    from lydite.engine import DuckDBEngine

#: The champion of an outcome about which no decision was taken.
DEFAULT_CHAMPION = "last_touch"
#: What such a champion is called, and one that was promoted.
IN_USE = "in use until somebody decides"
DECIDED = "decided"

#: The champions of the last run, and every change of them or of their challengers.
TABLE = "evaluation.champions"
CHANGES = "decisions.champions"
CHAMPIONS: dict[str, Any] = {
    "outcome": pl.String,
    "model": pl.String,
    "status": pl.String,
    "decided_at": pl.Datetime("us"),
    "decided_by": pl.String,
    "reason": pl.String,
    "despite": pl.String,
    "verdict": pl.String,
    "is_refuted": pl.Boolean,
    "refuted_by": pl.String,
    "refuted_by_experiment": pl.String,
    "refuted_in": pl.Date,
    "challenger": pl.String,
    "challenger_verdict": pl.String,
}

_CHANGED = f"""
with last as (
    from {CHANGES}
    qualify row_number() over (partition by outcome order by number desc) = 1
)
select current.*
from {TABLE} as current
left join last using (outcome)
where
    last.number is null
    or current.model is distinct from last.model
    or current.decided_at is distinct from last.decided_at
    or current.is_refuted is distinct from last.is_refuted
    or current.refuted_by is distinct from last.refuted_by
    or current.refuted_by_experiment is distinct from last.refuted_by_experiment
    or current.challenger is distinct from last.challenger
order by outcome
"""


def last_decisions(log: Iterable[Decision]) -> dict[str, Decision]:
    """Return the decision that holds for each outcome about which there is one."""
    return {decision.outcome: decision for decision in log}


def make_champions(marts: Marts, log: Sequence[Decision]) -> pl.DataFrame:
    """Return the champion and the challenger of every outcome.

    Parameters
    ----------
    marts
        The tables ``outcomes`` and ``model_comparison``, and ``experiment_verdicts`` if any.
    log
        All decisions.

    Returns
    -------
    polars.DataFrame
        A row per outcome, with the columns `CHAMPIONS`.
    """
    decisions, refutations = last_decisions(log), read_refutations(marts)
    rows = []
    for outcome in marts["outcomes"]["outcome"].unique(maintain_order=True):
        decision = decisions.get(outcome)
        model = decision.to_model if decision else DEFAULT_CHAMPION
        verdicts = dict(rivals_of(marts, outcome).select("model", "verdict").rows())
        refutation = refutations.get((outcome, model))
        challenger = find_challenger(marts, outcome, model)
        rows.append(
            {
                "outcome": outcome,
                "model": model,
                "status": DECIDED if decision else IN_USE,
                **_decided(decision),
                "verdict": verdicts.get(model),
                "is_refuted": refutation is not None,
                "refuted_by": refutation and refutation.by,
                "refuted_by_experiment": refutation and refutation.experiment,
                "refuted_in": refutation and refutation.since,
                "challenger": challenger,
                "challenger_verdict": verdicts.get(challenger or ""),
            }
        )
    return pl.DataFrame(rows, schema=CHAMPIONS)


def _decided(decision: Decision | None) -> dict[str, object]:
    if decision is None:
        return {}
    return {
        "decided_at": datetime.fromisoformat(decision.decided_at),
        "decided_by": decision.decided_by,
        "reason": decision.reason,
        "despite": decision.despite or None,
    }


def find_challenger(marts: Marts, outcome: str, champion: str) -> str | None:
    """Return the model that the evidence would put in the place of the champion.

    Of the models that stand, that is the first primary one by rank, else the first of the others.
    None where it is the champion, makes the same forecasts, or no model stands.
    """
    refuted = {model for of, model in read_refutations(marts) if of == outcome}
    standing = rivals_of(marts, outcome).filter(~pl.col("model").is_in(list(refuted)))
    ordered = standing.sort(
        pl.col("primary").fill_null(value=True).not_(), pl.col("rank").fill_null(10**9), "model"
    )
    if ordered.is_empty():
        return None
    first = ordered.row(0, named=True)
    same = (first["same_forecast_as"] or "").split(", ")
    stands = champion in ordered["model"].to_list()
    if first["model"] == champion or (stands and champion in same):
        return None
    return str(first["model"])


def write_champions(engine: DuckDBEngine, champions: pl.DataFrame) -> None:
    """Write the champions of this run, and append those that have changed to `CHANGES`."""
    engine.store(TABLE, champions)
    append_changes(engine, CHANGES, f"from {TABLE}", _CHANGED)
