"""What a model expects of a channel: conversions with its touches, less those without them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lydite.paths.arrays import group_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST, _MOST = 1e-9, 1 - 1e-6  # a forecast of 0 or 1 would have no odds
_LOWEST_LOG = -700.0  # exp of it is 0


@dataclass(frozen=True)
class WindowLandmarks:
    """Landmarks of users after they were assigned, as columns of length n.

    Attributes
    ----------
    user : (n,) integers
        Number of the user; the landmarks of a user follow each other, in order of time.
    is_removed : (n,) bool
        Whether the landmark is a touch of the channel: without it there is no landmark.
    converted : (n,) bool
        Whether the next event is a conversion.
    in_window : (n,) array in [0, 1]
        The share of conversions after such a landmark that come before the end of the window.
    """

    user: NDArray[np.integer]
    is_removed: NDArray[np.bool_]
    converted: NDArray[np.bool_]
    in_window: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of landmarks."""
        return len(self.user)


@dataclass(frozen=True)
class Increments:
    """The expected increments of users, and how they change with the forecasts.

    Attributes
    ----------
    by_user : (users,) array
        Conversions with the channel less those without it.
    slope, slope_without : (n,) arrays
        The derivative of a user's increment by the forecast of each landmark, with and without the
        touches of the channel.
    """

    by_user: NDArray[np.float64]
    slope: NDArray[np.float64]
    slope_without: NDArray[np.float64]


def expected_increments(
    landmarks: WindowLandmarks,
    forecast: NDArray[np.float64],
    forecast_without: NDArray[np.float64],
    users: int,
) -> Increments:
    """Return how many conversions a model expects to be lost without a channel.

    Each touch is a landmark, and the forecast is that a conversion comes next. So the forecasts of
    a user's landmarks add up to the expected conversions that follow a touch. Without the channel,
    its touches are no landmarks, and the others have shorter paths.

    What a user does after a landmark may depend on whether a conversion follows. A user who did not
    convert after a touch of the channel is seen afterwards more rarely than without that touch, and
    one who did would not have converted then. The landmarks without the channel are therefore
    weighted by how much likelier the conversions so far are without it (importance sampling)::

        sum_t f_t p_t - sum_t f_t w_t q_t,   w_t = prod_(s < t) q_s / p_s or (1 - q_s) / (1 - p_s)

    with the first ratio where a conversion follows landmark *s*, and the second where none does.

    Parameters
    ----------
    landmarks
        At least those from the first touch of the channel on: the others cancel.
    forecast : (n,) array
        ``p``, with the touches of the channel.
    forecast_without : (n,) array
        ``q``, without them; ignored where the landmark is removed.
    users
        The number of users.
    """
    share, removed, hit = landmarks.in_window, landmarks.is_removed, landmarks.converted
    p = np.clip(forecast, _LEAST, _MOST)
    q = np.where(removed, 0.0, np.clip(forecast_without, _LEAST, _MOST))
    with np.errstate(divide="ignore"):
        ratio = np.where(hit, np.log(q) - np.log(p), np.log1p(-q) - np.log1p(-p))
    ratio = np.maximum(ratio, _LOWEST_LOG)
    weight = np.exp(_sums_before(ratio, landmarks.user))
    lost = share * weight * q
    increments = group_sums(landmarks.user, share * p - lost, users)
    total = group_sums(landmarks.user, lost, users)[landmarks.user]
    later = np.maximum(total - _sums_before(lost, landmarks.user) - lost, 0.0)
    safe = np.where(removed, 1.0, q)
    by_forecast = np.where(hit, -1 / p, 1 / (1 - p))
    by_without = np.where(hit, 1 / safe, -1 / (1 - q))
    slope_without = np.where(removed, 0.0, -share * weight - later * by_without)
    return Increments(increments, share - later * by_forecast, slope_without)


def _sums_before(values: NDArray[np.float64], user: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the sum of a user's values before each entry."""
    if not len(values):
        return values
    before = np.cumsum(values) - values
    begin = np.flatnonzero(np.diff(user, prepend=-1))
    return before - np.repeat(before[begin], np.diff(begin, append=len(user)))
