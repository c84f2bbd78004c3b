"""Conversions that follow another of the same user without a touch in between."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lydite.engine import Engine
    from lydite.settings import AfterConversion


def count_repeats(engine: Engine, outcome: str, lookback: timedelta) -> int:
    """Return how many conversions depend on the setting `after_conversion` alone.

    They have no touch since the user's previous conversion of the outcome, but earlier touches
    within the lookback: with ``"continue"`` these touches earn them, with ``"restart"`` they are
    unattributed.

    Parameters
    ----------
    engine
        Holds the journeys, built with either setting.
    outcome
        Name of the outcome.
    lookback
        The lookback of the outcome.
    """
    parameters = {"outcome": outcome, "lookback_us": lookback // timedelta(microseconds=1)}
    return int(engine.scalar("journeys/repeats", parameters))


def note_on_repeats(
    repeats: int, conversions: int, after_conversion: AfterConversion
) -> str | None:
    """Return what `after_conversion` does to conversions without a new touch; None without any.

    Examples
    --------
    >>> note_on_repeats(0, 10, "continue")
    >>> note_on_repeats(2, 10, "restart")[:73]
    '2 of 10 conversions follow another of the user without a touch in between'
    """
    if not repeats:
        return None
    text = (
        f"{repeats:,} of {conversions:,} conversions follow another of the user without a touch in"
        " between"
    )
    if after_conversion == "restart":
        return (
            f'{text}: they are unattributed. With after_conversion = "continue" the touches before'
            " the previous conversion earn them, as in GA4"
        )
    return (
        f"{text}: touches before the previous conversion earn them. With after_conversion ="
        ' "restart" they are unattributed'
    )
