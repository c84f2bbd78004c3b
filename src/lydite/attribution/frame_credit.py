"""Credit of the touches of paths in a data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.attribution.credit import entry_shares
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.paths.landmarks import PathChannels, Paths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.models import Model

_WEIGHTS = """
select coalesce(cast(({weight}) as double), 0) as weight
from touches
order by row_number
"""


def touch_credit(model: Model, paths: pl.DataFrame) -> NDArray[np.float64]:
    """Return the credit of every touch of the given paths; it sums to 1 over each path.

    Parameters
    ----------
    model
        A rule, or a model that has been fitted.
    paths
        One row per touch, with the columns ``path`` (any identifier) and
        `lydite.models.PATH_COLUMNS`; those that the model does not use may be missing.

    Returns
    -------
    (len(paths),) array, in the order of the rows.

    Raises
    ------
    InputError
        When `paths` lacks a column that the model uses, or has a channel that the model was not
        fitted on.
    """
    if "channel" not in paths.columns:
        raise InputError("paths need a column 'channel', the channel of each touch")
    channels = _channels(model, paths)
    numbered = paths.with_row_index("row_number").with_columns(
        path_number=pl.col("path").rank("dense") - 1,
        channel_key=pl.col("channel").replace_strict(
            list(channels), range(len(channels)), return_dtype=pl.Int64
        ),
    )
    if model.weights_touches:
        return _divided(_weights(model, numbered), numbered)
    return _shared(model, channels, numbered)


def _weights(model: Model, touches: pl.DataFrame) -> pl.Series:
    """Return the weight of every touch."""
    with DuckDBEngine() as engine:
        engine.store("main.touches", touches)
        try:
            return engine.frame(_WEIGHTS.format(weight=model.touch_weight))["weight"]
        except engine.binder_error as error:
            raise InputError(f"the paths do not fit the model {model.name!r}: {error}") from error


def _divided(weights: pl.Series, touches: pl.DataFrame) -> NDArray[np.float64]:
    """Return weights as shares of their path's; without any, the touches of a path are alike."""
    weight = pl.col("weight")
    total = weight.sum().over("path_number")
    part = pl.when(total > 0).then(weight / total).otherwise(1 / pl.len().over("path_number"))
    return touches.with_columns(weight=weights).select(part).to_series().to_numpy()


def _shared(model: Model, channels: tuple[str, ...], touches: pl.DataFrame) -> NDArray[np.float64]:
    """Return each channel's share, divided by its touches on the path."""
    met = ["path_number", "channel_key"]
    entries = touches.group_by(met).len("touches").sort(met)
    row = entries["path_number"].to_numpy().astype(np.intp)
    path = PathChannels(row, entries["channel_key"].to_numpy(), entries["touches"].to_numpy())
    size = int(row.max(initial=-1)) + 1
    ones = np.ones(size)
    found = entry_shares(model, Paths(channels, np.zeros(size, dtype=np.intp), ones, ones, path))
    share = entries.select(*met, share=pl.Series(found) / pl.col("touches"))
    joined = touches.join(share, on=met, how="left", maintain_order="left")
    return joined["share"].to_numpy()


def _channels(model: Model, paths: pl.DataFrame) -> tuple[str, ...]:
    """Return the channels by number: those that the model was fitted on, where it was."""
    met: list[str] = paths["channel"].unique().sort().to_list()
    known: tuple[str, ...] = tuple(getattr(model, "channels_", ())) if model.learns else tuple(met)
    strange = [channel for channel in met if channel not in known]
    if strange:
        raise InputError(
            f"the model {model.name!r} has never met the channel {strange[0]!r}; it was fitted on"
            f" {', '.join(known) or 'nothing'}. Fit it on landmarks that hold the channel."
        )
    return known
