"""The marts of the last run with the decisions of today."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from lydite.decisions.champions import make_champions
from lydite.decisions.log import check_copy, log_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lydite.decisions.evidence import Marts
    from lydite.decisions.log import Decision


def with_log(marts: Marts, path: Path, log: Sequence[Decision]) -> dict[str, pl.DataFrame]:
    """Return the marts of a run as they are after the decisions that were taken since.

    Parameters
    ----------
    marts
        All marts of the run.
    path
        The log of decisions, for messages.
    log
        Its decisions.

    Raises
    ------
    InputError
        When the log lacks a decision that the run has copied.
    """
    if "decisions" not in marts:  # an earlier version wrote them
        return dict(marts)
    known = marts["decisions"].select("number", "hash").rows()
    check_copy(path, log, known)
    champions = make_champions(marts, log)
    in_use = champions.select("outcome", "model", is_champion=pl.lit(value=True))
    credit = marts["channel_credit"].drop("is_champion").join(
        in_use, on=["outcome", "model"], how="left", maintain_order="left"
    )  # fmt: skip
    return {
        **marts,
        "decisions": log_table(log),
        "champions": champions,
        "channel_credit": credit.with_columns(pl.col("is_champion").fill_null(value=False)).select(
            marts["channel_credit"].columns
        ),
        "timeline": _timeline(marts["timeline"], log[len(known) :]),
    }


def _timeline(timeline: pl.DataFrame, new: Sequence[Decision]) -> pl.DataFrame:
    """Append decisions to the timeline."""
    rows = []
    for decision in new:
        decided_at = datetime.fromisoformat(decision.decided_at)
        rows.append(
            {
                "outcome": decision.outcome,
                "day": decided_at.date(),
                "event": "decision",
                "model": decision.to_model,
                "caused_by": decision.decided_by,
                "text": decision.reason,
                "recorded_at": decided_at,
            }
        )
    schema = {name: kind for name, kind in timeline.schema.items() if name != "number"}
    events = pl.concat([timeline.drop("number"), pl.DataFrame(rows, schema=schema)])
    number = pl.int_range(1, pl.len() + 1).over("outcome").cast(timeline.schema["number"])
    return events.with_columns(number=number).select(timeline.columns).sort("outcome", "number")
