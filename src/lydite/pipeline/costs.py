"""How the costs of channels are charged to outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lydite.engine import Engine
    from lydite.settings import Cost

_RULES, _SHARES = "evaluation.cost_rules", "credit.cost_shares"


def refuse_costs_without_value(engine: Engine, costs: Mapping[str, Cost]) -> None:
    """Raise where an outcome shares costs by value, and no conversion of it has a value.

    Parameters
    ----------
    engine
        Holds the conversions.
    costs
        How costs are charged, by outcome.

    Raises
    ------
    InputError
        The message names the setting and what to write.
    """
    shared = [outcome for outcome, cost in costs.items() if cost == "by_value"]
    if not shared:
        return
    values = dict(
        engine.rows("select outcome, count(value) from inputs.conversions group by outcome")
    )
    for outcome in shared:
        if not values.get(outcome):
            raise InputError(
                f'outcomes.{outcome}.cost = "by_value": no conversion of {outcome} has a value;'
                ' write "full" or "none"'
            )


def write_cost_shares(engine: Engine, costs: Mapping[str, Cost]) -> None:
    """Write ``credit.cost_shares``: the share of the costs that each outcome is charged with.

    Parameters
    ----------
    engine
        Holds the journeys.
    costs
        How costs are charged, by outcome; in full where it is not said.
    """
    rules = pl.DataFrame(
        list(costs.items()), schema={"outcome": pl.String, "cost": pl.String}, orient="row"
    )
    engine.local.store(_RULES, rules)
    engine.copy_from_local(_RULES)
    engine.local.drop(_SHARES)
    engine.append_local(_SHARES, "credit/cost_shares")
    engine.copy_from_local(_SHARES)
