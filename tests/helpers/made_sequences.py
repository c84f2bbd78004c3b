"""Confidence sequences of differences that were made by hand: every landmark converts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.evaluation.confidence_sequence import (
    ConfidenceSequence,
    RestartedSequences,
    confidence_sequence,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def bounded(
    difference: NDArray[np.float64], landmarks: NDArray[np.float64], alpha: ArrayLike
) -> ConfidenceSequence:
    """Return the confidence sequence of a difference."""
    return confidence_sequence(difference, landmarks, landmarks, alpha)


def restarted(
    difference: NDArray[np.float64], landmarks: NDArray[np.float64], alpha: ArrayLike
) -> RestartedSequences:
    """Return the sequences of differences from every start."""
    return RestartedSequences.from_differences(difference, landmarks, landmarks, alpha)
