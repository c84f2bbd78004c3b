"""The baselines, and the models that can run on the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from lydite import attribution
from lydite.errors import InputError
from lydite.models import BaseRate, TouchVolume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.engine import Engine
    from lydite.models import Model


def make_baselines() -> list[Model]:
    """Return the baselines that every comparison includes, unfitted."""
    return [BaseRate(), TouchVolume()]


def usable_models(engine: Engine, models: Sequence[Model], *, required: bool) -> list[Model]:
    """Return the models that can run on this data; ``evaluation.left_out`` lists the others.

    Parameters
    ----------
    engine
        Holds the journeys.
    models
        The models to compare.
    required
        Raise an error when any of them cannot run, as for models chosen by name.

    Raises
    ------
    InputError
        When a required model cannot run; the message gives the reason.
    """
    channels = len(attribution.channel_names(engine))
    reasons = {
        model.name: model.refusal(channels) or _engine_refusal(engine, model) for model in models
    }
    refused = {name: reason for name, reason in reasons.items() if reason}
    if refused and required:
        raise InputError("\n".join(refused.values()))
    names = {"model": pl.String, "reason": pl.String}
    engine.local.store(
        "evaluation.left_out", pl.DataFrame(list(refused.items()), schema=names, orient="row")
    )
    return [model for model in models if model.name not in refused]


def _engine_refusal(engine: Engine, model: Model) -> str | None:
    """Return why the engine cannot compute the model's weights, None where it can."""
    for expression in model.weight_columns.values():
        reason = engine.translation_error(str(expression))
        if reason is not None:
            return f"the model {model.name!r} cannot run on this engine: {reason}"
    return None
