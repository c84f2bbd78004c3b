"""Scores made by hand: losses that are what a test says, whatever model would have them."""

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
    """Return scores that lose `bits` per landmark on average, and the same in all that is shared.

    Parameters
    ----------
    bits
        One number, or one for each period.
    noise
        Standard deviation of what a bucket's loss per landmark has of its own.
    seed
        Seeds that noise.
    landmarks
        So many in each period and bucket.
    """
    scores = Scores.empty(periods)
    scores.landmarks += landmarks
    shared = np.random.default_rng(99).normal(0, 0.05, scores.log_loss.shape)
    own = np.random.default_rng(seed).normal(0, 1, scores.log_loss.shape)
    own -= own.mean()
    mean = np.broadcast_to(np.asarray(bits, dtype=float), periods)[:, None]
    scores.log_loss += landmarks * (mean + shared + noise * own)
    return scores


def only_in_buckets(scores: Scores, buckets: int) -> Scores:
    """Return the scores of the first buckets alone, as a small slice of users has them."""
    kept = Scores.empty(len(scores.landmarks))
    for name in ("landmarks", "conversions", "log_loss", "brier"):
        getattr(kept, name)[:, :buckets] = getattr(scores, name)[:, :buckets]
    return kept
