"""Scores with given losses, made without a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lydite.evaluation.scores import Scores

if TYPE_CHECKING:
    from collections.abc import Sequence

PERIODS = 10


def loses(
    bits: float | Sequence[float],
    noise: float = 0.0,
    seed: int = 0,
    periods: int = PERIODS,
    landmarks: int = 100,
) -> Scores:
    """Return scores with a mean loss of `bits` per landmark; part of the noise is shared by all.

    A twentieth of the landmarks convert.

    Parameters
    ----------
    bits
        One number, or one for each period.
    noise
        Standard deviation of the independent part of a bucket's loss per landmark.
    seed
        Seed of the independent part.
    landmarks
        Landmarks in each period and bucket.
    """
    scores = Scores.empty(periods)
    scores.landmarks += landmarks
    scores.conversions += landmarks / 20
    shared = np.random.default_rng(99).normal(0, 0.05, scores.log_loss.shape)
    own = np.random.default_rng(seed).normal(0, 1, scores.log_loss.shape)
    own -= own.mean()
    mean = np.broadcast_to(np.asarray(bits, dtype=float), periods)[:, None]
    scores.log_loss += landmarks * (mean + shared + noise * own)
    return scores


def only_in_buckets(scores: Scores, buckets: int) -> Scores:
    """Return the scores of the first buckets only, like those of a small segment."""
    kept = Scores.empty(len(scores.landmarks))
    for name in ("landmarks", "conversions", "log_loss", "brier"):
        getattr(kept, name)[:, :buckets] = getattr(scores, name)[:, :buckets]
    return kept
