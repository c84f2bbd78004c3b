"""Warnings: what to know before relying on the verdicts, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.evaluation.segments import ALL
from lydite.evaluation.verdicts import BASELINES, turns_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lydite.evaluation.calendar import Calendar
    from lydite.evaluation.scores import Scores
    from lydite.evaluation.verdicts import SegmentVerdicts, Verdict

#: A warning is given below so many periods, above this share of landmarks without a known outcome,
#: where the best model explains less than this share of the ceiling, and where more than this share
#: of the scored landmarks was replaced.
STABLE_PERIODS = 8
MAX_IMMATURE_SHARE = 1 / 3
MIN_SHARE_OF_CEILING = 0.5
MAX_REPLACED_SHARE = 0.5
#: The most channels that a warning names.
_MOST_NAMED = 5
_AHEAD = {"best", "contender"}

#: The text of each kind of warning.
_TEXTS = {
    "short_history": "only {periods} {period}s could be forecast; with {least} or more the verdicts"
    " are more stable",
    "immature": "{share:.0%} of the touches are so recent that their outcome is not known yet; a"
    " shorter lookback would use more of them",
    "replaced": "most of the touches that were scored before have been replaced; if this is other"
    " data, remove the warehouse file to start the evidence again",
    "restated": "{more:+,} conversions came in for periods that had been scored; the first scores"
    " stay, and updated scores are shown next to them{verdicts}",
    "drift": "a lead turned in the {period} of {day}: {model} was {before} before and is {now} now;"
    " what drives conversions may have changed",
    "ceiling": "no model achieves more than {share:.0%} of the best forecast achieved, which uses"
    " everything known at the touch: something matters that no model takes into account",
    "unreachable_channel": "no conversion follows {channels}, directly or after other channels:"
    " Markov models give such channels no credit",
    "volume": "no model is better than the baselines, activity alone and a constant rate: the"
    " channels on the paths add nothing worthwhile to the forecast",
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
    """Size of the data of one outcome, scored or not.

    Attributes
    ----------
    users, landmarks
        Users with touches, and their landmarks.
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
    unreachable: Sequence[str] = (),
    findings: Sequence[tuple[str, str]] = (),
) -> pl.DataFrame:
    """Return the warnings about the verdicts on one outcome.

    Parameters
    ----------
    comparison
        The rows of the outcome in ``model_comparison``.
    judged
        The verdicts on all users.
    calendar
        The periods that were forecast; None for folds.
    size
        Size of the data; None where unknown.
    first, restated
        The null hypothesis' scores as first written, and with the data that has arrived since;
        None for the second where nothing has.
    unreachable
        Channels from which no sequence of touches leads to a conversion.
    findings
        Kind and text of each warning about the data; they come first.

    Returns
    -------
    polars.DataFrame
        ``outcome, segment, model, kind, text``.
    """
    all_users = comparison.filter(pl.col("segment") == ALL)
    found = [
        *_history(calendar, size),
        *_restatement(all_users, first, restated),
        *_drift(judged, calendar),
        *_fit(all_users),
        *_unreachable(unreachable),
    ]
    of_models = all_users.filter(pl.col("warning") != "").select("model", "warning").rows()
    return _table(outcome, found, findings, of_models)


def unjudged_warnings(
    outcome: str,
    reason: str,
    unreachable: Sequence[str],
    findings: Sequence[tuple[str, str]],
) -> pl.DataFrame:
    """Return the warnings about an outcome without verdicts; see `warnings_table`.

    Parameters
    ----------
    reason
        Why there are no verdicts.
    unreachable, findings
        As in `warnings_table`.
    """
    return _table(outcome, list(_unreachable(unreachable)), [("no_verdict", reason), *findings])


#: The kind of a warning, and what its text is filled with.
_Found = tuple[str, dict[str, object]]


def _table(
    outcome: str,
    found: Sequence[_Found],
    findings: Sequence[tuple[str, str]],
    of_models: Sequence[tuple[str, str]] = (),
) -> pl.DataFrame:
    """Return the warnings as a table."""
    rows: list[dict[str, object]] = [
        {"model": None, "kind": kind, "text": text} for kind, text in findings
    ]
    rows += [
        {"model": values.get("model"), "kind": kind, "text": _TEXTS[kind].format(**values)}
        for kind, values in found
    ]
    rows += [{"model": model, "kind": "model", "text": text} for model, text in of_models]
    return pl.DataFrame(
        [{"outcome": outcome, "segment": ALL, **row} for row in rows], schema=_SCHEMA
    )


def _history(calendar: Calendar | None, size: DataSize | None) -> Iterator[_Found]:
    """Yield warnings about the length of the history."""
    if calendar is not None and len(calendar) < STABLE_PERIODS:
        yield (
            "short_history",
            {"periods": len(calendar), "period": calendar.period, "least": STABLE_PERIODS},
        )
    if size is not None and size.immature > MAX_IMMATURE_SHARE * size.landmarks:
        yield "immature", {"share": size.immature / size.landmarks}


def _restatement(
    all_users: pl.DataFrame, first: Scores, restated: Scores | None
) -> Iterator[_Found]:
    """Yield warnings about data that has changed since it was scored."""
    if restated is None:
        return
    replaced = np.abs(restated.landmarks - first.landmarks).sum()
    if replaced > MAX_REPLACED_SHARE * first.landmarks.sum():
        yield "replaced", {}
    other = all_users.filter(pl.col("verdict") != pl.col("restated_verdict"))["model"].to_list()
    verdicts = f"; the verdict on {', '.join(other)} would change" if other else ""
    more = int(restated.conversions.sum() - first.conversions.sum())
    yield "restated", {"more": more, "verdicts": verdicts}


def _drift(judged: SegmentVerdicts, calendar: Calendar | None) -> Iterator[_Found]:
    """Yield for each model the last turn of a lead that made it better than the null or not."""
    if calendar is None:
        return
    for name, own in judged.verdicts.items():
        group = {name, *own.same_forecast_as}
        turns = [
            (now, before)
            for pair in judged.pairs
            if group & {pair.first, pair.second} and pair.second not in BASELINES
            for before, now in turns_of(pair.signs)
            if (own.history[before] in _AHEAD) != (own.history[now] in _AHEAD)
        ]
        now, before = max(turns, default=(0, 0))
        if not turns or own.history[before] == own.verdict:
            continue
        turned = {
            "period": calendar.period,
            "day": calendar.first_day(now),
            "before": _in_words(own.history[before]),
            "now": _in_words(own.verdict),
        }
        yield "drift", {"model": name, **turned}


def _in_words(verdict: Verdict) -> str:
    return verdict.replace("volume", "a_baseline").replace("_", " ")


def _fit(all_users: pl.DataFrame) -> Iterator[_Found]:
    """Yield warnings about models that explain little."""
    rivals = all_users.filter(pl.col("verdict").is_not_null())
    share = rivals["share_of_ceiling"].max()
    # Where no model is better than the null hypothesis, the ceiling's lead may be chance too.
    ahead = bool(_AHEAD & set(rivals["verdict"]))
    if ahead and isinstance(share, float) and share < MIN_SHARE_OF_CEILING:
        yield "ceiling", {"share": max(share, 0.0)}
    if not {*_AHEAD, "too_early"} & set(rivals["verdict"]) and len(rivals):
        yield "volume", {}


def _unreachable(channels: Sequence[str]) -> Iterator[_Found]:
    """Yield a warning about channels that never lead to a conversion."""
    if channels:
        more = len(channels) - _MOST_NAMED
        named = [repr(name) for name in channels[:_MOST_NAMED]]
        if more > 0:
            named.append(f"{more} more channels")
        yield "unreachable_channel", {"channels": ", ".join(named)}
