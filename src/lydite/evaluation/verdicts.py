"""Verdicts: what the evidence so far says of each rival."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from lydite.evaluation.sequential import ConfidenceSequence, confidence_sequence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.evaluation.scores import Scores

Verdict = Literal["best", "contender", "no_better_than_volume", "too_early", "refuted"]
NULL = "touch_volume"
WORTHWHILE = 0.005
# Losses that agree this closely come from the same forecast, written differently.
SAME = 1e-7


@dataclass(frozen=True)
class Judgement:
    """The verdict on one rival, and what it rests on.

    Attributes
    ----------
    verdict
        ``refuted``: another rival's lead over it excludes 0. ``best``: ahead of the null
        hypothesis, and the only one left that is. ``contender``: ahead of the null hypothesis, one
        of several. ``no_better_than_volume``: a gain worth having is excluded. ``too_early``:
        none of these yet.
    refuted_by, refuted_in
        The rival with the surest lead, and the number of the period after which its lead was
        first sure.
    same_forecast_as
        Rivals with the very same forecast: no data on outcomes can tell them apart. Empty for a
        rival whose forecast is, so far, that of the null hypothesis.
    gain
        Gain over the null hypothesis, in bits per landmark, after each period.
    """

    verdict: Verdict
    gain: ConfidenceSequence
    refuted_by: str | None = None
    refuted_in: int | None = None
    same_forecast_as: tuple[str, ...] = ()


def same_forecasts(scores: Mapping[str, Scores]) -> dict[str, tuple[str, ...]]:
    """Return, for each model, the others whose forecasts are the same."""
    names = list(scores)
    alike: dict[str, list[str]] = {name: [] for name in names}
    for a, b in combinations(names, 2):
        if _alike(scores[a], scores[b]):
            alike[a].append(b)
            alike[b].append(a)
    return {name: tuple(others) for name, others in alike.items()}


def _alike(a: Scores, b: Scores) -> bool:
    return np.allclose(a.log_loss, b.log_loss, rtol=SAME, atol=SAME)


def judge(
    scores: Mapping[str, Scores],
    null: Scores,
    alpha: float = 0.05,
    worthwhile: float = WORTHWHILE,
) -> dict[str, Judgement]:
    """Judge all rivals of one outcome.

    A sequential model confidence set (Arnold et al. 2024): each pair of rivals, and each rival
    against its null, has a confidence sequence at ``alpha / number of comparisons``, so that the
    chance that any of them is ever wrong is at most ``alpha``.

    Parameters
    ----------
    scores
        Scores of the rivals by name; baselines and the ceiling get no verdict.
    null
        Scores of touch volume.
    alpha
        Chance of any wrong separation, ever.
    worthwhile
        The smallest gain worth having, as a share of the null's loss.
    """
    alike = same_forecasts(scores)
    groups = _one_of_each(alike)
    share = alpha / max(1, _comparisons(len(groups)))
    leads = {
        (a, b): _lead(scores[a], scores[b], share)
        for i, a in enumerate(groups)
        for j, b in enumerate(groups)
        if i != j
    }
    gains = {name: _lead(scores[name], null, share) for name in groups}
    worth = worthwhile * null.log_loss_bits
    judged = {name: _judge_one(name, groups, leads, gains[name], worth) for name in groups}
    contenders = [name for name in groups if judged[name].verdict == "contender"]
    if len(contenders) == 1:
        judged[contenders[0]] = replace(judged[contenders[0]], verdict="best")
    return {
        name: replace(
            judged[next(g for g in groups if g == name or g in alike[name])],
            # What forecasts as the null does has not been told apart yet, not for good.
            same_forecast_as=() if _alike(scores[name], null) else alike[name],
        )
        for name in scores
    }


def _one_of_each(alike: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the first of each group of rivals with the same forecast."""
    kept: list[str] = []
    for name, others in alike.items():
        if not any(other in kept for other in others):
            kept.append(name)
    return kept


def _comparisons(rivals: int) -> int:
    """Return how many comparisons are made: every pair, and every rival against the null."""
    return rivals * (rivals - 1) // 2 + rivals


def _lead(ahead: Scores, behind: Scores, alpha: float) -> ConfidenceSequence:
    """Return by how much less `ahead` loses than `behind`, in bits per landmark.

    Rounding is no lead: losses that are the same but for it differ by nothing.
    """
    difference = behind.log_loss - ahead.log_loss
    if _alike(ahead, behind):
        difference = np.zeros_like(difference)
    return confidence_sequence(difference, ahead.landmarks, alpha)


def _judge_one(
    name: str,
    groups: Sequence[str],
    leads: Mapping[tuple[str, str], ConfidenceSequence],
    gain: ConfidenceSequence,
    worth: float,
) -> Judgement:
    against = {other: leads[other, name] for other in groups if other != name}
    refuting = {other: lead for other, lead in against.items() if lead.low[-1] > 0}
    if refuting:
        strongest = max(refuting, key=lambda other: float(refuting[other].low[-1]))
        since = refuting[strongest].first_above_zero()
        return Judgement("refuted", gain, strongest, since)
    if gain.low[-1] > 0:
        return Judgement("contender", gain)
    if gain.high[-1] < worth:
        return Judgement("no_better_than_volume", gain)
    return Judgement("too_early", gain)
