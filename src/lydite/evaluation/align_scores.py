"""Makes the scores of models that were scored at different times comparable."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from lydite.evaluation.ceiling import NAME as CEILING
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    #: Scores by name of the model and segment.
    ByModel = Mapping[str, Mapping[str, Scores]]

_COUNTS = ("landmarks", "conversions")
_SUMS = (*_COUNTS, "log_loss", "brier")


def align_scores(first: ByModel, restated: ByModel | None) -> tuple[ByModel, ByModel | None]:
    """Return scores in which every model has the same landmarks and outcomes.

    A model that was added later was scored with the data of that time. In a period in which models
    were scored on different data, the restated scores of all models replace the first ones. Buckets
    that differ even then are dropped for all models, for example where the sample has become
    smaller or a user has moved to another segment.

    The ceiling forecasts fewer landmarks by design and does not change the scores of models. Its
    own buckets are dropped where its data differs from theirs.

    Parameters
    ----------
    first
        Scores as first written.
    restated
        Scores with the data of today; None where nothing has changed.

    Returns
    -------
    tuple
        Both, aligned; None for the second where it equals the first.
    """
    if restated is not None:
        differ = _differ(first[name][ALL] for name in _models(first))
        first = {
            name: {
                segment: _replace_periods(first[name].get(segment), own, differ)
                for segment, own in segments.items()
            }
            for name, segments in restated.items()
        }
        restated = _in_common(restated)
    first = _in_common(first)
    if restated is not None and not any(
        _differ((first[name][ALL], restated[name][ALL])).any() for name in _models(first)
    ):
        restated = None
    return first, restated


def _models(scores: ByModel) -> list[str]:
    """Return the names of all models but the ceiling."""
    return [name for name in scores if name != CEILING]


def _differ(scores: Iterable[Scores]) -> NDArray[np.bool_]:
    """Return the periods and buckets in which the counts of some scores differ from the others."""
    counts = np.array([[getattr(own, name) for name in _COUNTS] for own in scores])
    return np.asarray((counts != counts[0]).any(axis=(0, 1)))


def _replace_periods(first: Scores | None, other: Scores, differ: NDArray[np.bool_]) -> Scores:
    """Replace the first scores by others in the periods in which any bucket differs."""
    first = first or Scores.empty(len(differ))
    replaced = differ.any(axis=1, keepdims=True)
    names = [field.name for field in fields(Scores)]
    return Scores(*(np.where(replaced, getattr(other, n), getattr(first, n)) for n in names))


def _in_common(scores: ByModel) -> ByModel:
    """Drop the periods and buckets in which models have different landmarks."""
    result: dict[str, dict[str, Scores]] = {name: dict(own) for name, own in scores.items()}
    models = _models(scores)
    for segment in {segment for name in models for segment in scores[name]}:
        scored = [name for name in models if segment in scores[name]]
        differ = _differ(scores[name][segment] for name in scored)
        for name in scored:
            result[name][segment] = _drop(scores[name][segment], differ)
        if segment in scores.get(CEILING, {}):
            ceiling, model = scores[CEILING][segment], result[scored[0]][segment]
            result[CEILING][segment] = _drop(ceiling, _differ((ceiling, model)))
    return result


def _drop(scores: Scores, dropped: NDArray[np.bool_]) -> Scores:
    """Drop some periods and buckets."""
    if not dropped.any():
        return scores
    kept = {sums: np.where(dropped, 0.0, getattr(scores, sums)) for sums in _SUMS}
    return replace(scores, **kept)
