"""Comparable scores: models that were scored at different times, on the same landmarks."""

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
    """Return scores that are of the same landmarks and outcomes, whatever the model.

    A model that came later was scored with what was known by then. So in a period in which models
    were scored on other data, the restated scores of all of them stand in the place of the first.
    Buckets in which they differ even so count for no model, as where the sample has shrunk since,
    or a user went to another segment.

    The ceiling, which looks at fewer landmarks by design, takes nothing from the models: it is its
    own buckets that count no more where it does not know what they know.

    Parameters
    ----------
    first
        Scores as they were first written.
    restated
        The same with what is known by now; None where nothing else is.

    Returns
    -------
    The two; None for the second where it does not differ from the first by now.
    """
    if restated is not None:
        apart = _differ(first[name][ALL] for name in _models(first))
        first = {
            name: {
                segment: _replaced(first[name].get(segment), own, apart)
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
    """Return the names of all but the ceiling."""
    return [name for name in scores if name != CEILING]


def _differ(scores: Iterable[Scores]) -> NDArray[np.bool_]:
    """Return in which periods and buckets the counts of some scores are not those of the others."""
    counts = np.array([[getattr(own, name) for name in _COUNTS] for own in scores])
    return np.asarray((counts != counts[0]).any(axis=(0, 1)))


def _replaced(first: Scores | None, other: Scores, apart: NDArray[np.bool_]) -> Scores:
    """Put other scores in the place of the first, in the periods in which any bucket is apart."""
    first = first or Scores.empty(len(apart))
    chosen = apart.any(axis=1, keepdims=True)
    names = [field.name for field in fields(Scores)]
    return Scores(*(np.where(chosen, getattr(other, n), getattr(first, n)) for n in names))


def _in_common(scores: ByModel) -> ByModel:
    """Leave out the buckets, period by period, in which models have other landmarks."""
    result: dict[str, dict[str, Scores]] = {name: dict(own) for name, own in scores.items()}
    models = _models(scores)
    for segment in {segment for name in models for segment in scores[name]}:
        having = [name for name in models if segment in scores[name]]
        apart = _differ(scores[name][segment] for name in having)
        for name in having:
            result[name][segment] = _without(scores[name][segment], apart)
        if segment in scores.get(CEILING, {}):
            seen, known = scores[CEILING][segment], result[having[0]][segment]
            result[CEILING][segment] = _without(seen, _differ((seen, known)))
    return result


def _without(scores: Scores, apart: NDArray[np.bool_]) -> Scores:
    """Leave out some periods and buckets."""
    if not apart.any():
        return scores
    kept = {sums: np.where(apart, 0.0, getattr(scores, sums)) for sums in _SUMS}
    return replace(scores, **kept)
