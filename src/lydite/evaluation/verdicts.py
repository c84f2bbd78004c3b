"""Verdicts: what the evidence so far says about each model."""

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
# Losses that agree this closely come from the same forecast; the rest is rounding.
SAME_LOSS = 1e-7


@dataclass(frozen=True)
class ModelVerdict:
    """The verdict on one model, and the evidence for it.

    Attributes
    ----------
    history
        The verdict after each period; the last one counts. ``refuted``: the lead of another model
        over it excludes 0. ``best``: the only model left that is better than touch volume.
        ``contender``: one of several that are. ``no_better_than_volume``: a worthwhile gain over
        touch volume is excluded. ``too_early``: none of these yet.
    gain
        Gain over touch volume, in bits per landmark, after each period.
    refuted_by, refuted_in
        The model with the clearest lead over this one, and the number of the period after which
        that lead was first significant.
    moved_in
        The number of the last period after which a significant lead between this model and another
        had turned.
    same_forecast_as
        Models with exactly the same forecast, which no data on outcomes can separate. Empty where
        the forecast is, so far, that of touch volume.
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
    """The evidence on two models, or on a model and touch volume.

    Attributes
    ----------
    first, second
        Names. The difference is the loss of the second minus that of the first.
    sequence
        The difference, in bits per landmark, after each period.
    signs : (periods,) array
        The significant sign of the difference after each period: 1 where `first` is ahead, -1 where
        `second` is, 0 for neither.
    level
        The probability with which the evidence on this pair may ever be wrong.
    counted_from
        The number of the first period of `shown`: 0 unless a lead has turned.
    shown
        The evidence to show for the lead after the last period: `sequence`, or only the periods
        since the lead turned.
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
    """The verdicts on one outcome or segment, and the evidence on every pair.

    Attributes
    ----------
    verdicts
        By name of the model.
    pairs
        Every pair of models with different forecasts, and each of them with touch volume.
    """

    verdicts: dict[str, ModelVerdict]
    pairs: list[Pair]


def same_forecasts(scores: Mapping[str, Scores]) -> dict[str, tuple[str, ...]]:
    """Return, for each model, the others with the same forecasts."""
    names = list(scores)
    same: dict[str, list[str]] = {name: [] for name in names}
    for a, b in combinations(names, 2):
        if _same_loss(scores[a], scores[b]):
            same[a].append(b)
            same[b].append(a)
    return {name: tuple(others) for name, others in same.items()}


def _same_loss(a: Scores, b: Scores) -> bool:
    return np.allclose(a.log_loss, b.log_loss, rtol=SAME_LOSS, atol=SAME_LOSS)


def judge_models(
    scores: Mapping[str, Scores],
    null: Scores,
    alpha: float = 0.05,
    worthwhile: float = WORTHWHILE,
) -> dict[str, ModelVerdict]:
    """Return the verdicts on all models of one outcome.

    A sequential model confidence set [1]_: each pair of models, and each model against touch
    volume, has a confidence sequence at ``alpha / number of comparisons``, so the probability that
    any of them is ever wrong is at most ``alpha``.

    Parameters
    ----------
    scores
        Scores of the models by name. Baselines and the ceiling get no verdict.
    null
        Scores of touch volume.
    alpha
        Probability of any wrong separation, ever.
    worthwhile
        The smallest worthwhile gain, as a share of touch volume's loss.

    References
    ----------
    .. [1] Arnold et al. (2024), "Sequential model confidence sets", arXiv:2404.18678.
    """
    return judge_segments({ALL: (scores, null)}, alpha, worthwhile)[ALL].verdicts


def judge_segments(
    segments: Mapping[str, tuple[Mapping[str, Scores], Scores]],
    alpha: float = 0.05,
    worthwhile: float = WORTHWHILE,
) -> dict[str, SegmentVerdicts]:
    """Return the verdicts on the same models in several segments, as one family of tests.

    After every period each comparison is tested in all segments by Holm's procedure [1]_, on the
    smallest p-values so far. The probability that anything is ever wrong in any segment is at most
    ``alpha``: when a true hypothesis is first rejected, its p-value is below ``alpha`` over the
    number of true ones. Past verdicts never change as periods come in.

    Parameters
    ----------
    segments
        By segment the scores of the models by name, and those of touch volume.
    alpha, worthwhile
        As in `judge_models`.

    References
    ----------
    .. [1] Holm (1979), "A simple sequentially rejective multiple test procedure", *Scandinavian
       Journal of Statistics* 6(2).
    """
    same = _same_in_all([scores for scores, _ in segments.values()])
    names = _one_per_group(same)
    pairs = [*combinations(names, 2), *((name, NULL) for name in names)]
    if not pairs:
        return {name: SegmentVerdicts({}, []) for name in segments}
    share = alpha / len(pairs)
    sequences = {
        # Shown bounds use the level that holds in all segments. Holm's levels are for decisions.
        name: RestartedSequences.from_differences(
            _differences(scores, null, pairs), null.landmarks, share / len(segments)
        )
        for name, (scores, null) in segments.items()
    }
    levels = holm_levels(np.array([own.log_p for own in sequences.values()]), share)
    return {
        name: _judge_segment(pairs, names, same, sequences[name], level, segments[name], worthwhile)
        for name, level in zip(segments, levels, strict=True)
    }


def holm_levels(log_p: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    """Return the level of each of several tests by Holm's procedure.

    The smallest p-value is tested at ``alpha / s``, the next at ``alpha / (s - 1)``, and so on. All
    tests after the first that fails have its level.

    Parameters
    ----------
    log_p : (s, ...) array
        Logarithms of p-values; those along the first axis are a family.
    alpha
        Probability of any wrong rejection in a family.

    Returns
    -------
    (s, ...) array
    """
    size = len(log_p)
    rank = log_p.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    steps = np.log(alpha / (size - np.arange(size)))
    fails = np.sort(log_p, axis=0) >= steps.reshape(-1, *(1,) * (log_p.ndim - 1))
    first_fail = np.where(fails.any(axis=0), fails.argmax(axis=0), size - 1)
    return np.asarray(alpha / (size - np.minimum(rank, first_fail)))


def _same_in_all(segments: Sequence[Mapping[str, Scores]]) -> dict[str, tuple[str, ...]]:
    """Return, for each model, the others with the same forecasts in every segment."""
    found = [same_forecasts(scores) for scores in segments]
    return {
        name: tuple(other for other in others if all(other in own[name] for own in found))
        for name, others in (found[0].items() if found else ())
    }


def _one_per_group(same: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the first of each group of models with the same forecast."""
    kept: list[str] = []
    for name, others in same.items():
        if not any(other in kept for other in others):
            kept.append(name)
    return kept


def _differences(
    scores: Mapping[str, Scores], null: Scores, pairs: Iterable[tuple[str, str]]
) -> NDArray[np.float64]:
    """Return by how much less the first of each pair loses, (pairs, periods, buckets), in bits.

    Differences within rounding error are 0.
    """
    by_name = {**scores, NULL: null}
    differences = np.array([by_name[b].log_loss - by_name[a].log_loss for a, b in pairs])
    return np.where(np.abs(differences) <= SAME_LOSS * (1 + null.log_loss), 0.0, differences)


def _judge_segment(
    names_of_pairs: list[tuple[str, str]],
    names: list[str],
    same: Mapping[str, tuple[str, ...]],
    sequences: RestartedSequences,
    levels: NDArray[np.float64],
    scored: tuple[Mapping[str, Scores], Scores],
    worthwhile: float,
) -> SegmentVerdicts:
    """Return the verdicts on the models of one segment."""
    scores, null = scored
    signs = sequences.signs(levels)
    pairs = [
        Pair(
            *both,
            sequences.full[number],
            signs[number],
            float(levels[number, -1]),
            *sequences.shown(number, int(signs[number, -1])),
        )
        for number, both in enumerate(names_of_pairs)
    ]
    by_names = {(pair.first, pair.second): pair for pair in pairs}
    leads = {
        **{(a, b): pair.signs for (a, b), pair in by_names.items()},
        **{(b, a): -pair.signs for (a, b), pair in by_names.items()},
    }
    null_loss = null.log_loss.sum(axis=1).cumsum()
    null_loss /= np.maximum(null.landmarks.sum(axis=1).cumsum(), 1)
    gains = {name: by_names[name, NULL] for name in names}
    histories = _histories(names, leads, gains, worthwhile * null_loss)
    verdicts = {}
    for name in scores:
        group = name if name in gains else next(other for other in same[name] if other in gains)
        refuted_by, refuted_in = _refuter(group, names, leads, by_names)
        turns = [turn for o in names if o != group for turn in turns_of(leads[o, group])]
        verdicts[name] = ModelVerdict(
            histories[group],
            gains[group].sequence,
            refuted_by,
            refuted_in,
            max((now for _, now in turns), default=None),
            # A forecast like that of touch volume may differ later, so it is no group yet.
            () if _same_loss(scores[name], null) else same[name],
        )
    return SegmentVerdicts(verdicts, pairs)


def _histories(
    names: Sequence[str],
    leads: Mapping[tuple[str, str], NDArray[np.intp]],
    gains: Mapping[str, Pair],
    worthwhile: NDArray[np.float64],
) -> dict[str, tuple[Verdict, ...]]:
    """Return the verdict on each model after every period; a worthwhile gain is in bits."""
    histories: dict[str, list[Verdict]] = {name: [] for name in names}
    for period, least in enumerate(worthwhile):
        now = {
            name: _verdict(
                refuted=any(leads[other, name][period] > 0 for other in names if other != name),
                sign=int(gains[name].signs[period]),
                largest_gain=float(gains[name].sequence.high[period]),
                worthwhile=float(least),
            )
            for name in names
        }
        contenders = [name for name in names if now[name] == "contender"]
        if len(contenders) == 1:
            now[contenders[0]] = "best"
        for name in names:
            histories[name].append(now[name])
    return {name: tuple(history) for name, history in histories.items()}


def _verdict(*, refuted: bool, sign: int, largest_gain: float, worthwhile: float) -> Verdict:
    if refuted:
        return "refuted"
    if sign > 0:
        return "contender"
    return "no_better_than_volume" if sign < 0 or largest_gain < worthwhile else "too_early"


def _refuter(
    name: str,
    names: Sequence[str],
    leads: Mapping[tuple[str, str], NDArray[np.intp]],
    pairs: Mapping[tuple[str, str], Pair],
) -> tuple[str | None, int | None]:
    """Return the model with the clearest lead, and the period after which it was significant."""

    def lower_bound(other: str) -> float:
        if (other, name) in pairs:
            return float(pairs[other, name].sequence.low[-1])
        return -float(pairs[name, other].sequence.high[-1])

    refuting = [other for other in names if other != name and leads[other, name][-1] > 0]
    if not refuting:
        return None, None
    strongest = max(refuting, key=lower_bound)
    lead = leads[strongest, name]
    behind = np.flatnonzero(lead < 0)
    begin = int(behind[-1]) + 1 if behind.size else 0
    return strongest, begin + int(np.flatnonzero(lead[begin:] > 0)[0])


def turns_of(signs: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Return the turns of a lead, as pairs of periods.

    Each is the last period with one significant sign, and the first with the other.

    Examples
    --------
    >>> turns_of(np.array([0, 1, 1, 0, -1]))
    [(2, 4)]
    """
    significant = np.flatnonzero(signs)
    turned = signs[significant][1:] != signs[significant][:-1]
    return list(
        zip(significant[:-1][turned].tolist(), significant[1:][turned].tolist(), strict=True)
    )
