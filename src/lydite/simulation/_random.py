"""Random numbers keyed by seed, user, purpose and step, so that no draw depends on another.

The numbers of an ordinary generator depend on the order of the draws: without one channel, all
later draws would change. Here a draw is a hash of its key. A world that is simulated again with one
channel off differs only where that channel matters, and the first thousand users are the same in a
small world and in a large one.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Words = NDArray[np.uint64]
Step = int | Ints

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_MULTIPLY_1 = 0xBF58476D1CE4E5B9
_MULTIPLY_2 = 0x94D049BB133111EB


class KeyedRandom:
    """Draws for an array of n users, each a pure function of (seed, user, purpose, step).

    Parameters
    ----------
    seed : int
        Any integer; used modulo 2**64.
    users : ndarray of int, shape (n,)
        Numbers of the users.

    Notes
    -----
    The hash is the finaliser of splitmix64 (Steele, Lea & Flood 2014), applied once to the user and
    once to each draw.
    """

    def __init__(self, seed: int, users: Ints) -> None:
        words = users.astype(np.uint64) * np.uint64(_GOLDEN) + np.uint64(_mix_int(seed & _MASK))
        self._keys = _mix(words)

    def take(self, rows: Ints | Bools) -> KeyedRandom:
        """Return the draws of some of the users."""
        taken = object.__new__(KeyedRandom)
        taken._keys = self._keys[rows]
        return taken

    def uniform(self, purpose: str, step: Step = 0) -> Floats:
        """Draw uniform numbers strictly between 0 and 1, for every user; steps may differ."""
        words = _mix(self._keys + _salt(purpose, step))
        words >>= np.uint64(12)
        numbers = words.astype(np.float64)
        numbers += 0.5
        numbers *= 2.0**-52
        return numbers

    def chance(self, purpose: str, probability: Floats | float, step: Step = 0) -> Bools:
        """Draw true with the given probability, for every user."""
        return np.asarray(self.uniform(purpose, step) < probability)

    def exponential(self, purpose: str, step: Step = 0) -> Floats:
        """Draw exponential numbers of mean 1."""
        return -np.log(self.uniform(purpose, step))

    def normal(self, purpose: str, step: Step = 0) -> Floats:
        """Draw standard normal numbers."""
        return np.asarray(ndtri(self.uniform(purpose, step)), dtype=np.float64)

    def choice(self, purpose: str, cumulative: Floats, step: Step = 0) -> Ints:
        """Draw indices from cumulative probabilities.

        Parameters
        ----------
        purpose, step
            The key of the draw.
        cumulative : ndarray, shape (k,) or (n, k)
            Ascending to 1 along the last axis; the same for all users, or a row per user.
        """
        draws = self.uniform(purpose, step)
        if cumulative.ndim == 1:
            return np.searchsorted(cumulative[:-1], draws, side="right").astype(np.int64)
        return np.asarray((draws[:, None] >= cumulative[:, :-1]).sum(axis=1), dtype=np.int64)


def _mix(words: Words) -> Words:
    """Scramble 64-bit words in place (splitmix64's finaliser)."""
    words ^= words >> np.uint64(30)
    words *= np.uint64(_MULTIPLY_1)
    words ^= words >> np.uint64(27)
    words *= np.uint64(_MULTIPLY_2)
    words ^= words >> np.uint64(31)
    return words


def _mix_int(word: int) -> int:
    return int(_mix(np.array([word], dtype=np.uint64))[0])


@lru_cache(maxsize=256)
def _purpose_word(purpose: str) -> int:
    return _mix_int(zlib.crc32(purpose.encode()))


def _salt(purpose: str, step: Step) -> Words | np.uint64:
    """Hash a purpose and a step to a 64-bit word, or to one per step."""
    word = _purpose_word(purpose)
    if isinstance(step, int):
        return np.uint64(_mix_int((word + step * _GOLDEN) & _MASK))
    return _mix(step.astype(np.uint64) * np.uint64(_GOLDEN) + np.uint64(word))
