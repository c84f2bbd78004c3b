"""The models by name: what `--models` and `lydite.toml` may ask for."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from lydite.errors import InputError
from lydite.models.markov import Markov
from lydite.models.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lydite.models.base import Model

_RULES: dict[str, tuple[str, str]] = {
    "first_touch": (
        "the first touch of the path",
        "case when position = 1 then 1.0 else 0.0 end",
    ),
    "last_touch": (
        "the last touch of the path",
        "case when position_from_end = 1 then 1.0 else 0.0 end",
    ),
    "last_non_direct": (
        "the last touch that is not direct traffic",
        """case
            when position = coalesce(last_non_direct_position, path_length) then 1.0
            else 0.0
        end""",
    ),
    "linear": (
        "every touch of the path alike",
        "1.0",
    ),
    "position_based": (
        "the first and the last touch (40 % each) more than those between (20 % together)",
        """case
            when path_length <= 2 then 1.0
            when position = 1 or position_from_end = 1 then 0.4
            else 0.2 / (path_length - 2)
        end""",
    ),
    "time_decay": (
        "recent touches more: a touch loses half its weight in 7 days",
        "power(0.5, hours_before_end / 168.0)",
    ),
}
_MARKOV_ORDERS = (1, 2)

#: Names of the rivals that are compared unless others are asked for.
DEFAULT_MODELS: tuple[str, ...] = (*_RULES, *(f"markov_{order}" for order in _MARKOV_ORDERS))


def make_model(name: str) -> Model:
    """Return a fresh model by its name.

    Raises
    ------
    InputError
        When there is no model of that name; the message names the nearest one.
    """
    if name in _RULES:
        claim, expression = _RULES[name]
        return Rule(name, claim, expression)
    if name in DEFAULT_MODELS:
        return Markov(order=int(name.removeprefix("markov_")))
    near = difflib.get_close_matches(name, DEFAULT_MODELS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise InputError(
        f"there is no model {name!r}.{hint} The models are: {', '.join(DEFAULT_MODELS)}."
    )


def make_models(names: Iterable[str] | None = None) -> list[Model]:
    """Return fresh models by their names, all default rivals where None, each name once."""
    return [make_model(name) for name in dict.fromkeys(DEFAULT_MODELS if names is None else names)]
