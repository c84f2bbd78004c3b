"""Verdicts: what the evidence so far says of each rival."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from lydite.evaluation.confidence_sequence import ConfidenceSequence, RestartedSequences
from lydite.evaluation.segments import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.evaluation.scores import Scores

Verdict = Literal["best", "contender", "no_better_than_volume", "too_early", "refuted"]
NULL = "touch_volume"
WORTHWHILE = 0.005
# Losses that agree this closely come from the same forecast, written differently.
SAME_LOSS = 1e-7


@dataclass(frozen=True)
class ModelVerdict:
    """The verdict on one rival, and what it rests on.

    Attributes
    ----------
    history
        What the verdict was after each period; the last one counts. ``refuted``: another rival's
        lead over it excludes 0. ``best``: ahead of the null hypothesis, and the only one left that
        is. ``contender``: ahead of the null hypothesis, one of several. ``no_better_than_volume``:
        a gain worth having is excluded. ``too_early``: none of these yet.
    gain
        Gain over the null hypothesis, in bits per landmark, after each period.
    refuted_by, refuted_in
        The rival with the surest lead, and the number of the period after which its lead was
        first sure.
    moved_in
        The number of the period after which a lead had turned that was sure before: of another
        rival over this one or the other way round.
    same_forecast_as
        Rivals with the very same forecast: no data on outcomes can tell them apart. Empty for a
        rival whose forecast is, so far, that of the null hypothesis.
    """

    history: tuple[Verdict, ...]
    gain: ConfidenceSequence
    refuted_by: str | None = None
    refuted_in: int | None = None
    moved_in: int | None = None
    same_forecast_as: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The verdict after all periods."""
        return self.history[-1]


@dataclass(frozen=True)
class Pair:
    """The evidence on two rivals, or on a rival and the null hypothesis.

    Attributes
    ----------
    first, second
        Names; by how much the first loses less than the second is the difference.
    sequence
        The difference, in bits per landmark, after each period.
    signs : (periods,) array
        What was sure after each period: 1 that `first` is ahead, -1 that it is behind, 0 neither.
    level
        The probability with which the evidence on this pair may ever be wrong.
    counted_from
        The number of the period from which on `shown` counts: 0 unless a lead has turned.
    shown
        The evidence to show for the lead after the last period: `sequence`, or where that holds a
        lead from before a turn, what came since.
    """

    first: str
    second: str
    sequence: ConfidenceSequence
    signs: NDArray[np.intp]
    level: float
    counted_from: int
    shown: ConfidenceSequence


@dataclass(frozen=True)
class SegmentVerdicts:
    """All verdicts on one outcome or segment, and the evidence on every pair.

    Attributes
    ----------
    verdicts
        By name of the rival.
    pairs
        Every pair of rivals with different forecasts, and each of them with the null hypothesis.
    """

    verdicts: dict[str, ModelVerdict]
    pairs: list[Pair]


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
    return np.allclose(a.log_loss, b.log_loss, rtol=SAME_LOSS, atol=SAME_LOSS)


def judge_models(
    scores: Mapping[str, Scores],
    null: Scores,
    alpha: float = 0.05,
    worthwhile: float = WORTHWHILE,
) -> dict[str, ModelVerdict]:
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
    return judge_segments({ALL: (scores, null)}, alpha, worthwhile)[ALL].verdicts


def judge_segments(
    slices: Mapping[str, tuple[Mapping[str, Scores], Scores]],
    alpha: float = 0.05,
    worthwhile: float = WORTHWHILE,
) -> dict[str, SegmentVerdicts]:
    """Judge the same rivals in several slices of users, as one family.

    After every period each comparison is tested in all slices by Holm's procedure, on the smallest
    p-values up to then, so that the chance that anything is ever wrong in any slice is at most
    ``alpha``: when a true hypothesis is first rejected, its p-value is below ``alpha`` over the
    number of true ones. What was said stays what it was as periods come in.

    Parameters
    ----------
    slices
        Scores of the rivals by name, and those of touch volume, by slice.
    alpha, worthwhile
        As in `judge_models`.

    References
    ----------
    Holm (1979), "A simple sequentially rejective multiple test procedure", *Scandinavian Journal
    of Statistics* 6(2).
    """
    alike = _alike_everywhere([scores for scores, _ in slices.values()])
    names = _one_of_each(alike)
    pairs = [*combinations(names, 2), *((name, NULL) for name in names)]
    if not pairs:
        return {name: SegmentVerdicts({}, []) for name in slices}
    share = alpha / len(pairs)
    windows = {
        # Bounds are shown at the level that holds in all slices; Holm's are for decisions alone.
        name: RestartedSequences.from_differences(
            _differences(own, null, pairs), null.landmarks, share / len(slices)
        )
        for name, (own, null) in slices.items()
    }
    levels = holm_levels(np.array([own.log_p for own in windows.values()]), share)
    return {
        name: _judged(pairs, names, alike, windows[name], level, slices[name], worthwhile)
        for (name, level) in zip(slices, levels, strict=True)
    }


def holm_levels(log_p: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    """Return the level at which each of several tests is decided, by Holm's procedure.

    The smallest p-value is tested at ``alpha / s``, the next at ``alpha / (s - 1)``, and so on; the
    first that fails lends its level to all that come after.

    Parameters
    ----------
    log_p : (s, ...) array
        Logarithms of p-values; those along the first axis are a family.
    alpha
        Chance of any wrong rejection in a family.

    Returns
    -------
    (s, ...) array
    """
    size = len(log_p)
    rank = log_p.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    steps = np.log(alpha / (size - np.arange(size)))
    fails = np.sort(log_p, axis=0) >= steps.reshape(-1, *(1,) * (log_p.ndim - 1))
    first = np.where(fails.any(axis=0), fails.argmax(axis=0), size - 1)
    return np.asarray(alpha / (size - np.minimum(rank, first)))


def _alike_everywhere(slices: Sequence[Mapping[str, Scores]]) -> dict[str, tuple[str, ...]]:
    """Return, for each model, the others whose forecasts are the same in every slice."""
    found = [same_forecasts(scores) for scores in slices]
    return {
        name: tuple(other for other in others if all(other in own[name] for own in found))
        for name, others in (found[0].items() if found else ())
    }


def _one_of_each(alike: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the first of each group of rivals with the same forecast."""
    kept: list[str] = []
    for name, others in alike.items():
        if not any(other in kept for other in others):
            kept.append(name)
    return kept


def _differences(
    scores: Mapping[str, Scores], null: Scores, pairs: Iterable[tuple[str, str]]
) -> NDArray[np.float64]:
    """Return by how much less the first of each pair loses, (pairs, periods, buckets), in bits.

    Rounding is no lead: losses that are the same but for it differ by nothing.
    """
    own = {**scores, NULL: null}
    differences = np.array([own[b].log_loss - own[a].log_loss for a, b in pairs])
    return np.where(np.abs(differences) <= SAME_LOSS * (1 + null.log_loss), 0.0, differences)


def _judged(
    pairs: list[tuple[str, str]],
    names: list[str],
    alike: Mapping[str, tuple[str, ...]],
    windows: RestartedSequences,
    level: NDArray[np.float64],
    scored: tuple[Mapping[str, Scores], Scores],
    worthwhile: float,
) -> SegmentVerdicts:
    """Judge the rivals of one slice."""
    scores, null = scored
    signs = windows.signs(level)
    found = [
        Pair(
            *pair,
            windows.full[number],
            signs[number],
            float(level[number, -1]),
            *windows.shown(number, int(signs[number, -1])),
        )
        for number, pair in enumerate(pairs)
    ]
    by_name = {(pair.first, pair.second): pair for pair in found}
    leads = {
        **{(a, b): pair.signs for (a, b), pair in by_name.items()},
        **{(b, a): -pair.signs for (a, b), pair in by_name.items()},
    }
    so_far = null.log_loss.sum(axis=1).cumsum() / np.maximum(null.landmarks.sum(axis=1).cumsum(), 1)
    gains = {name: by_name[name, NULL] for name in names}
    histories = _histories(names, leads, gains, worthwhile * so_far)
    judgements = {}
    for name in scores:
        group = name if name in gains else next(other for other in alike[name] if other in gains)
        by, since = _refuter(group, names, leads, by_name)
        judgements[name] = ModelVerdict(
            histories[group],
            gains[group].sequence,
            by,
            since,
            _last_turn([leads[other, group] for other in names if other != group]),
            # What forecasts as the null does has not been told apart yet, not for good.
            () if _alike(scores[name], null) else alike[name],
        )
    return SegmentVerdicts(judgements, found)


def _histories(
    names: Sequence[str],
    leads: Mapping[tuple[str, str], NDArray[np.intp]],
    gains: Mapping[str, Pair],
    worth: NDArray[np.float64],
) -> dict[str, tuple[Verdict, ...]]:
    """Return the verdict on each rival after every period."""
    rows: dict[str, list[Verdict]] = {name: [] for name in names}
    for t, least in enumerate(worth):
        now = {}
        for name in names:
            refuted = any(leads[other, name][t] > 0 for other in names if other != name)
            gain = gains[name]
            now[name] = _verdict(
                refuted=refuted,
                sign=int(gain.signs[t]),
                most=float(gain.sequence.high[t]),
                worth=float(least),
            )
        ahead = [name for name in names if now[name] == "contender"]
        if len(ahead) == 1:
            now[ahead[0]] = "best"
        for name in names:
            rows[name].append(now[name])
    return {name: tuple(row) for name, row in rows.items()}


def _verdict(*, refuted: bool, sign: int, most: float, worth: float) -> Verdict:
    if refuted:
        return "refuted"
    if sign > 0:
        return "contender"
    return "no_better_than_volume" if sign < 0 or most < worth else "too_early"


def _refuter(
    name: str,
    names: Sequence[str],
    leads: Mapping[tuple[str, str], NDArray[np.intp]],
    pairs: Mapping[tuple[str, str], Pair],
) -> tuple[str | None, int | None]:
    """Return the rival with the surest lead, and the period after which it was first sure."""

    def surest(other: str) -> float:
        if (other, name) in pairs:
            return float(pairs[other, name].sequence.low[-1])
        return -float(pairs[name, other].sequence.high[-1])

    refuting = [other for other in names if other != name and leads[other, name][-1] > 0]
    if not refuting:
        return None, None
    strongest = max(refuting, key=surest)
    lead = leads[strongest, name]
    behind = np.flatnonzero(lead < 0)
    begin = int(behind[-1]) + 1 if behind.size else 0
    return strongest, begin + int(np.flatnonzero(lead[begin:] > 0)[0])


def _last_turn(leads: Iterable[NDArray[np.intp]]) -> int | None:
    """Return the last period after which a lead had turned that was sure the other way before."""
    turns = []
    for lead in leads:
        sure = np.flatnonzero(lead)
        turned = sure[1:][lead[sure][1:] != lead[sure][:-1]]
        turns.extend(turned[-1:].tolist())
    return max(turns, default=None)
