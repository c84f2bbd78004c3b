"""Caveats: what a reader of the verdicts must beware of, as a table of warnings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lydite.evaluation.segments import ALL
from lydite.evaluation.verdicts import NULL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lydite.evaluation.calendar import Calendar
    from lydite.evaluation.scores import Scores
    from lydite.evaluation.verdicts import SegmentVerdicts

SHORT_PERIODS = 8
MOST_IMMATURE = 1 / 3
LEAST_OF_CEILING = 0.5
MOST_REPLACED = 0.5
_AHEAD = {"best", "contender"}

#: What is said of each kind of warning.
_TEXTS = {
    "short_history": "only {periods} {period}s could be forecast; from {least} on the verdicts are"
    " steadier",
    "immature": "{share:.0%} of the touches are so recent that their outcome is not known yet; a"
    " shorter lookback would use more of them",
    "replaced": "most of the landmarks that were scored before are other ones now: if the data is"
    " another, remove the warehouse file and so start the evidence afresh",
    "restated": "{more:+,} conversions came in for periods that had been scored; the scores stay,"
    " and the restated ones stand beside them{verdicts}",
    "drift": "a lead turned in the {period} of {day}: {model} was {before} before and is {now} now;"
    " what decides may have changed",
    "ceiling": "no model explains more than {share:.0%} of what could be explained: something"
    " matters that no model sees",
    "volume": "touch volume is as good as any model: how active customers are says as much as what"
    " the models make of the channels",
}
_SCHEMA = {
    "outcome": pl.String,
    "segment": pl.String,
    "model": pl.String,
    "kind": pl.String,
    "text": pl.String,
}


@dataclass(frozen=True)
class DataSize:
    """How large the data of an outcome is, beyond what was scored.

    Attributes
    ----------
    users, landmarks
        Users that were touched, and their landmarks, mature or not.
    immature
        Landmarks whose outcome is not known yet.
    """

    users: int
    landmarks: int
    immature: int


def warnings_table(
    outcome: str,
    comparison: pl.DataFrame,
    judged: SegmentVerdicts,
    calendar: Calendar | None,
    size: DataSize | None,
    first: Scores,
    restated: Scores | None,
) -> pl.DataFrame:
    """Return what to beware of in the verdicts on one outcome.

    Parameters
    ----------
    comparison
        The rows of the outcome in ``model_comparison``.
    judged
        The verdicts on all users.
    calendar
        The periods that were forecast; None where folds were.
    size
        How large the data is beyond what was scored.
    first, restated
        Touch volume's scores as first written, and with all that has come in since.
    """
    everyone = comparison.filter(pl.col("segment") == ALL)
    found = [
        *_history(calendar, size),
        *_restatement(everyone, first, restated),
        *_drift(judged, calendar),
        *_fit(everyone),
    ]
    rows = [
        {"model": values.get("model"), "kind": kind, "text": _TEXTS[kind].format(**values)}
        for kind, values in found
    ]
    of_models = everyone.filter(pl.col("warning") != "").select("model", "warning").rows()
    rows += [{"model": model, "kind": "model", "text": text} for model, text in of_models]
    return pl.DataFrame(
        [{"outcome": outcome, "segment": ALL, **row} for row in rows], schema=_SCHEMA
    )


_Found = tuple[str, dict[str, Any]]


def _history(calendar: Calendar | None, size: DataSize | None) -> Iterator[_Found]:
    if calendar is not None and len(calendar) < SHORT_PERIODS:
        yield (
            "short_history",
            {"periods": len(calendar), "period": calendar.period, "least": SHORT_PERIODS},
        )
    if size is not None and size.landmarks and size.immature > MOST_IMMATURE * size.landmarks:
        yield "immature", {"share": size.immature / size.landmarks}


def _restatement(
    everyone: pl.DataFrame, first: Scores, restated: Scores | None
) -> Iterator[_Found]:
    if restated is None:
        return
    if np.abs(restated.landmarks - first.landmarks).sum() > MOST_REPLACED * first.landmarks.sum():
        yield "replaced", {}
    other = everyone.filter(pl.col("verdict") != pl.col("restated_verdict"))["model"].to_list()
    verdicts = f"; of {', '.join(other)} the verdict would be another" if other else ""
    more = int(restated.conversions.sum() - first.conversions.sum())
    yield "restated", {"more": more, "verdicts": verdicts}


def _drift(judged: SegmentVerdicts, calendar: Calendar | None) -> Iterator[_Found]:
    """Yield the last turn of a lead that put a rival ahead of touch volume, or out of the lead."""
    if calendar is None:
        return
    for name, own in judged.verdicts.items():
        group = {name, *own.same_forecast_as}
        turns = [
            (now, before)
            for pair in judged.pairs
            if group & {pair.first, pair.second} and pair.second != NULL
            for before, now in _turns(pair.signs)
            if (own.history[before] in _AHEAD) != (own.history[now] in _AHEAD)
        ]
        now, before = max(turns, default=(0, 0))
        if not turns or own.history[before] == own.verdict:
            continue
        turned = {
            "period": calendar.period,
            "day": calendar.starts[now].astype("datetime64[D]").item(),
            "before": own.history[before].replace("_", " "),
            "now": own.verdict.replace("_", " "),
        }
        yield "drift", {"model": name, **turned}


def _turns(signs: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Return the periods in which a lead was last sure the one way, and then sure the other way."""
    sure = np.flatnonzero(signs)
    turned = signs[sure][1:] != signs[sure][:-1]
    return list(zip(sure[:-1][turned].tolist(), sure[1:][turned].tolist(), strict=True))


def _fit(everyone: pl.DataFrame) -> Iterator[_Found]:
    rivals = everyone.filter(pl.col("verdict").is_not_null())
    share = rivals["share_of_ceiling"].max()
    if isinstance(share, float) and share < LEAST_OF_CEILING:
        yield "ceiling", {"share": max(share, 0.0)}
    if not {*_AHEAD, "too_early"} & set(rivals["verdict"]) and len(rivals):
        yield "volume", {}
