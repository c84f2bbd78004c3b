"""Channels that give the outcome away: (nearly) every touch of them is followed by a conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: A channel gives the outcome away if at least this share of its landmarks converts, of at least so
#: many, and at most that share of the landmarks of other channels.
MIN_RATE = 0.98
MIN_LANDMARKS = 20
MAX_OTHER_RATE = 0.5
_MOST_NAMED = 5


def note_on_outcome_channels(counts: Iterable[tuple[str, float, float]]) -> str | None:
    """Return which channels give the outcome away, and what to do; None if there are none.

    Such a channel often records the conversion itself: a thank-you page that is sent as a touch.

    Parameters
    ----------
    counts
        For each channel its name, its landmarks, and how many of them convert.

    Examples
    --------
    >>> note_on_outcome_channels([("ads", 900, 30), ("email", 500, 20)])
    >>> note_on_outcome_channels([("ads", 900, 30), ("thank_you", 50, 50)])[:58]
    "50 of 50 touches of 'thank_you' are followed by a conversi"
    """
    counts = list(counts)
    found = [row for row in counts if row[1] >= MIN_LANDMARKS and row[2] >= MIN_RATE * row[1]]
    others = [row for row in counts if row not in found]
    landmarks, conversions = sum(row[1] for row in others), sum(row[2] for row in others)
    if not found or not landmarks or conversions > MAX_OTHER_RATE * landmarks:
        return None
    found.sort(key=lambda row: (-row[1], row[0]))
    parts = [
        f"{converted:,.0f} of {touches:,.0f} touches of {name!r}"
        for name, touches, converted in found[:_MOST_NAMED]
    ]
    more = len(found) - _MOST_NAMED
    parts += [f"those of {more} more channels"] if more > 0 else []
    others_rate = conversions / landmarks
    return (
        f"{', '.join(parts)} are followed by a conversion, and {others_rate:.1%} of the others:"
        " if a channel records the conversion itself, such as a thank-you page, it gives the"
        " outcome away to every model. Exclude it from the data and compare again"
    )
