"""Simulation: worlds with known truth, to test attribution models on."""

from __future__ import annotations

import difflib
from datetime import date

from lydite.errors import InputError
from lydite.simulation import _variants
from lydite.simulation._experiments import EXPERIMENTS
from lydite.simulation._hypotheses import HYPOTHESES
from lydite.simulation.single_truth import simulate_single_truth
from lydite.simulation.storefront import CLAIM, simulate_storefront
from lydite.simulation.world import World

__all__ = ["VARIANTS", "WORLDS", "World", "simulate"]

WORLDS: dict[str, str] = {name: hypothesis.claim for name, hypothesis in HYPOTHESES.items()} | {
    "storefront": CLAIM
}
VARIANTS: dict[str, str] = {name: variant.claim for name, variant in _variants.VARIANTS.items()}


def simulate(
    world: str,
    *,
    users: int = 20_000,
    seed: int = 0,
    weeks: int = 26,
    start: date = date(2025, 1, 6),
    variant: str | None = None,
    experiments: bool = False,
) -> World:
    """Simulate touchpoints and conversions in a world whose truth is known.

    In each world but ``storefront`` one hypothesis is true by construction; in ``null`` and
    ``activity`` channels have no effect. A variant adds what misleads an evaluation of real data,
    and leaves the hypothesis true:

    - ``season``: conversion rates and the mix of channels follow a trend and slow waves together;
    - ``random_walk``: they follow a random walk by week;
    - ``shocks``: they change every week, independently;
    - ``weekday``: they depend on the weekday;
    - ``hours``: they depend on the hour of the day;
    - ``sale``: in sales of a few days, more users arrive, and rates are higher;
    - ``accounts``: five users of an account share all touches, and convert together;
    - ``bots``: 1.5 % of the users have hundreds of touches, and never convert;
    - ``sparse``: all users together convert about once a week;
    - ``countries``: users come from 30 countries.

    In all worlds but ``storefront`` a user starts a new path after a conversion: the hypothesis is
    true for ``lydite.compare(..., after_conversion="restart")``.

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
    variant : str, optional
        A name of `VARIANTS`; for all worlds but ``storefront``.
    experiments : bool
        Whether three experiments take place in ``storefront``: holdouts of branded search and of
        retargeting, and two subjects of e-mails. They need 25 weeks.

    Returns
    -------
    World
        The input tables and the truth.

    Raises
    ------
    InputError
        When the world or the variant is unknown, the arguments do not go together, or a number is
        below 1.

    Examples
    --------
    >>> world = simulate("null", users=100, variant="accounts")
    >>> world.users["account_id"].n_unique()
    20
    """
    _check_name("world", world, WORLDS)
    if variant is not None:
        _check_name("variant", variant, VARIANTS)
        if world == "storefront":
            raise InputError("the world 'storefront' has no variants; leave out the variant")
    for name, number in (("users", users), ("weeks", weeks)):
        if number < 1:
            raise InputError(f"{name} must be at least 1, not {number}")
    if world == "storefront":
        return simulate_storefront(users, seed, weeks, start, EXPERIMENTS if experiments else ())
    if experiments:
        raise InputError(f"the world {world!r} has no experiments; they are in 'storefront'")
    return simulate_single_truth(world, users, seed, weeks, start, variant)


def _check_name(kind: str, name: str, known: dict[str, str]) -> None:
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=2, cutoff=0.5) or sorted(known)
        raise InputError(f"no {kind} is called {name!r}; did you mean {' or '.join(near)}?")
