"""Verdicts: what the evidence so far says about each model."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from lydite.evaluation.confidence_sequence import ConfidenceSequence, RestartedSequences
from lydite.evaluation.segments import ALL

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.evaluation.error_budget import ErrorBudget
    from lydite.evaluation.scores import Scores

Verdict = Literal["best", "contender", "no_better_than_volume", "too_early", "refuted"]
VOLUME, BASE_RATE = "touch_volume", "base_rate"
#: The baselines. The null hypothesis is the better of the two.
BASELINES = (VOLUME, BASE_RATE)
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
        over it excludes 0. ``contender``: its leads over both baselines exclude 0. ``best``: the
        same, and every model with another forecast is refuted. ``no_better_than_volume``: a
        worthwhile gain over a baseline is excluded. ``too_early``: none of these yet.
    gain
        Gain over the null hypothesis, in bits per landmark, after each period.
    refuted_by, refuted_in
        The model with the clearest lead over this one, and the number of the period after which
        that lead was first significant.
    moved_in
        The number of the last period after which a significant lead between this model and another
        had turned.
    same_forecast_as
        Models with exactly the same forecast, which no data on outcomes can separate. Empty where
        the forecast is, so far, that of the null hypothesis.
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
    """The evidence on two models, or on a model and a baseline.

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
        The probability with which the bounds of `sequence` may ever be wrong.
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
        Every pair of models with different forecasts, and each of them with the null hypothesis.
    null
        The name of the null hypothesis: the better baseline so far.
    """

    verdicts: dict[str, ModelVerdict]
    pairs: list[Pair]
    null: str = VOLUME


class SegmentScores(NamedTuple):
    """The scores of one segment.

    Attributes
    ----------
    models
        Scores of the models by name.
    volume, base_rate
        Scores of the baselines: of activity alone, and of a constant rate.
    """

    models: Mapping[str, Scores]
    volume: Scores
    base_rate: Scores

    @property
    def by_name(self) -> dict[str, Scores]:
        """The scores of models and baselines by name."""
        return {**self.models, VOLUME: self.volume, BASE_RATE: self.base_rate}

    @property
    def null(self) -> str:
        """The name of the null hypothesis: the baseline with the smaller loss."""
        losses = [own.log_loss.sum() for own in (self.volume, self.base_rate)]
        return BASE_RATE if losses[1] < losses[0] * (1 - SAME_LOSS) else VOLUME


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
    scores: SegmentScores,
    budget: ErrorBudget,
    worthwhile: float = WORTHWHILE,
    *,
    restarts: bool = True,
) -> SegmentVerdicts:
    """Return the verdicts on all models of one outcome.

    A sequential model confidence set [1]_: each pair of models, and each model against the null
    hypothesis, has a confidence sequence at its share of the budget, so the probability that any of
    them is ever wrong is at most the whole budget.

    The null hypothesis is that a baseline forecasts as well. A model is better only if it is better
    than both baselines, each tested at the full share: both tests are needed, so the chance that
    the statement is wrong is not larger than that of one.

    Parameters
    ----------
    scores
        Scores of the models and the baselines.
    budget
        Probability of any wrong separation, ever.
    worthwhile
        The smallest worthwhile gain, as a share of the null hypothesis' loss.
    restarts
        Whether the evidence restarts from time to time; not for folds, which are not in time.

    References
    ----------
    .. [1] Arnold et al. (2024), "Sequential model confidence sets", arXiv:2404.18678.
    """
    return judge_segments({ALL: scores}, budget, worthwhile, restarts=restarts)[ALL]


def judge_segments(
    segments: Mapping[str, SegmentScores],
    budget: ErrorBudget,
    worthwhile: float = WORTHWHILE,
    *,
    restarts: bool = True,
) -> dict[str, SegmentVerdicts]:
    """Return the verdicts on the same models in several segments, as one family of tests.

    After every period each comparison is tested in all segments by Holm's procedure [1]_, on the
    smallest p-values so far. The probability that anything is ever wrong in any segment is at most
    the budget: when a true hypothesis is first rejected, its p-value is below its level over the
    number of true ones. Past verdicts never change as periods come in.

    Parameters
    ----------
    segments
        The scores by segment.
    budget, worthwhile, restarts
        As in `judge_models`.

    References
    ----------
    .. [1] Holm (1979), "A simple sequentially rejective multiple test procedure", *Scandinavian
       Journal of Statistics* 6(2).
    """
    same = _same_in_all([own.models for own in segments.values()])
    names = _one_per_group(same, budget.primary)
    pairs = [*combinations(names, 2), *((name, VOLUME) for name in names)]
    if not pairs:
        return {name: SegmentVerdicts({}, [], own.null) for name, own in segments.items()}
    # Both baselines stand for one hypothesis, so that comparisons with the second need no share.
    share = budget.of_pairs(pairs, BASELINES)
    pairs += [(name, BASE_RATE) for name in names]
    share = np.append(share, share[len(share) - len(names) :])
    sequences = {
        # Shown bounds use the level that holds in all segments. Holm's levels are for decisions.
        name: RestartedSequences.from_differences(
            _differences(own, pairs),
            own.volume.landmarks,
            own.volume.conversions,
            share / len(segments),
            restarts=restarts,
        )
        for name, own in segments.items()
    }
    levels = holm_levels(np.array([own.log_p for own in sequences.values()]), share[:, None])
    return {
        name: _judge_segment(pairs, names, same, sequences[name], level, segments[name], worthwhile)
        for name, level in zip(segments, levels, strict=True)
    }


def holm_levels(
    log_p: NDArray[np.float64], alpha: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the level of each of several tests by Holm's procedure.

    The smallest p-value is tested at ``alpha / s``, the next at ``alpha / (s - 1)``, and so on. All
    tests after the first that fails have its level.

    Parameters
    ----------
    log_p : (s, ...) array
        Logarithms of p-values; those along the first axis are a family.
    alpha : number or array that broadcasts to ``log_p[0]``
        Probability of any wrong rejection in each family.

    Returns
    -------
    (s, ...) array
    """
    size = len(log_p)
    rank = log_p.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    left = (size - np.arange(size)).reshape(-1, *(1,) * (log_p.ndim - 1))
    fails = np.sort(log_p, axis=0) >= np.log(alpha / left)
    first_fail = np.where(fails.any(axis=0), fails.argmax(axis=0), size - 1)
    return np.asarray(alpha / (size - np.minimum(rank, first_fail)))


def _same_in_all(segments: Sequence[Mapping[str, Scores]]) -> dict[str, tuple[str, ...]]:
    """Return, for each model, the others with the same forecasts in every segment."""
    found = [same_forecasts(scores) for scores in segments]
    return {
        name: tuple(other for other in others if all(other in own[name] for own in found))
        for name, others in (found[0].items() if found else ())
    }


def _one_per_group(same: Mapping[str, tuple[str, ...]], primary: Collection[str]) -> list[str]:
    """Return one of each group of models with the same forecast: a primary one, or the first."""
    kept: list[str] = []
    for name in sorted(same, key=lambda name: name not in primary):
        if not any(other in kept for other in same[name]):
            kept.append(name)
    return [name for name in same if name in kept]


def _differences(scores: SegmentScores, pairs: Iterable[tuple[str, str]]) -> NDArray[np.float64]:
    """Return by how much less the first of each pair loses, (pairs, periods, buckets), in bits.

    Differences within rounding error are 0.
    """
    by_name, rounding = scores.by_name, SAME_LOSS * (1 + scores.volume.log_loss)
    differences = np.array([by_name[b].log_loss - by_name[a].log_loss for a, b in pairs])
    return np.where(np.abs(differences) <= rounding, 0.0, differences)


def _judge_segment(
    names_of_pairs: list[tuple[str, str]],
    names: list[str],
    same: Mapping[str, tuple[str, ...]],
    sequences: RestartedSequences,
    levels: NDArray[np.float64],
    scores: SegmentScores,
    worthwhile: float,
) -> SegmentVerdicts:
    """Return the verdicts on the models of one segment."""
    null = scores.by_name[scores.null]
    signs = sequences.signs(levels)
    pairs = [
        Pair(
            *both,
            sequences.full[number],
            signs[number],
            float(levels[number, -1] * sequences.alpha_shares[0]),
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
    gains = {name: [by_names[name, baseline] for baseline in BASELINES] for name in names}
    histories = _histories(names, leads, gains, worthwhile * null_loss)
    verdicts = {}
    for name in scores.models:
        group = name if name in gains else next(other for other in same[name] if other in gains)
        refuted_by, refuted_in = _refuter(group, names, leads, by_names)
        turns = [turn for o in names if o != group for turn in turns_of(leads[o, group])]
        verdicts[name] = ModelVerdict(
            histories[group],
            by_names[group, scores.null].sequence,
            refuted_by,
            refuted_in,
            max((now for _, now in turns), default=None),
            # A forecast like that of a baseline may differ later, so it is no group yet.
            () if _same_loss(scores.models[name], null) else same[name],
        )
    other = next(baseline for baseline in BASELINES if baseline != scores.null)
    shown = [pair for pair in pairs if pair.second != other]
    return SegmentVerdicts(verdicts, shown, scores.null)


def _histories(
    names: Sequence[str],
    leads: Mapping[tuple[str, str], NDArray[np.intp]],
    gains: Mapping[str, Sequence[Pair]],
    worthwhile: NDArray[np.float64],
) -> dict[str, tuple[Verdict, ...]]:
    """Return the verdict on each model after every period.

    Parameters
    ----------
    gains
        The evidence on each model and each baseline.
    worthwhile : (periods,) array
        The smallest worthwhile gain, in bits.
    """
    histories: dict[str, list[Verdict]] = {name: [] for name in names}
    for period, least in enumerate(worthwhile):
        now = {
            name: _verdict(
                refuted=any(leads[other, name][period] > 0 for other in names if other != name),
                sign=min(int(pair.signs[period]) for pair in gains[name]),
                largest_gain=min(float(pair.sequence.high[period]) for pair in gains[name]),
                worthwhile=float(least),
            )
            for name in names
        }
        standing = [name for name in names if now[name] != "refuted"]
        if len(standing) == 1 and now[standing[0]] == "contender":
            now[standing[0]] = "best"
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
