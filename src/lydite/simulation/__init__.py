"""Simulation: worlds with known truth, to test attribution models on."""

from __future__ import annotations

import difflib
from datetime import date

from lydite.errors import InputError
from lydite.simulation._hypotheses import HYPOTHESES
from lydite.simulation.single_truth import simulate_single_truth
from lydite.simulation.storefront import CLAIM, simulate_storefront
from lydite.simulation.world import World

__all__ = ["WORLDS", "World", "simulate"]

WORLDS: dict[str, str] = {name: hypothesis.claim for name, hypothesis in HYPOTHESES.items()} | {
    "storefront": CLAIM
}


def simulate(
    world: str,
    *,
    users: int = 20_000,
    seed: int = 0,
    weeks: int = 26,
    start: date = date(2025, 1, 6),
) -> World:
    """Simulate touchpoints and conversions in a world whose truth is known.

    Parameters
    ----------
    world : str
        A name of `WORLDS`.
    users : int
        Number of users; a larger world has the same first users.
    seed : int
        The same seed gives the same world.
    weeks : int
        Length of the history.
    start : date
        Its first day (UTC).

    Returns
    -------
    World
        The input tables and the truth.

    Raises
    ------
    InputError
        When the world is unknown or a number is below 1.
    """
    if world not in WORLDS:
        near = difflib.get_close_matches(str(world), WORLDS, n=2, cutoff=0.5) or sorted(WORLDS)
        raise InputError(f"no world is called {world!r}; did you mean {' or '.join(near)}?")
    for name, number in (("users", users), ("weeks", weeks)):
        if number < 1:
            raise InputError(f"{name} must be at least 1, not {number}")
    if world == "storefront":
        return simulate_storefront(users, seed, weeks, start)
    return simulate_single_truth(world, users, seed, weeks, start)
