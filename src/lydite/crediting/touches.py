"""Credit of single touches: what a model gives to paths that are handed over as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.crediting.division import entry_shares
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.models.base import weight_sums
from lydite.models.landmarks import PathChannels, Paths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.models import Model

_ENTRIES = """
select path_number, channel, count(*) as touches{weights}
from touches
group by path_number, channel
"""
_WEIGHTS = """
select row_number, path_number, channel, coalesce(cast(({weight}) as double), 0) as weight
from touches
order by row_number
"""


def weigh(model: Model, paths: pl.DataFrame) -> NDArray[np.float64]:
    """Return the credit of every touch of the given paths (`Model.weights`)."""
    numbered = paths.with_row_index("row_number").with_columns(
        path_number=pl.col("path").rank("dense") - 1
    )
    with DuckDBEngine() as engine:
        engine.store("main.touches", numbered)
        try:
            entries = engine.frame(_ENTRIES.format(weights=weight_sums(model.weight_columns)))
            touches = engine.frame(_WEIGHTS.format(weight=model.touch_weight))
        except engine.binder_error as error:
            raise InputError(f"the paths do not fit the model {model.name!r}: {error}") from error
    channels = _channels(model, entries)
    entries = entries.with_columns(
        channel_key=pl.col("channel").replace_strict(
            list(channels), range(len(channels)), return_dtype=pl.Int64
        )
    ).sort("path_number", "channel_key")
    entries = entries.with_columns(share=_shares(model, channels, entries))
    return _divided(touches, entries)


def _channels(model: Model, entries: pl.DataFrame) -> tuple[str, ...]:
    """Return the channels by number: those that the model was fitted on, where it was."""
    met: list[str] = entries["channel"].unique().sort().to_list()
    known: tuple[str, ...] = tuple(getattr(model, "channels_", ())) if model.learns else tuple(met)
    strange = [channel for channel in met if channel not in known]
    if strange:
        raise InputError(
            f"the model {model.name!r} has never met the channel {strange[0]!r}; it was fitted on"
            f" {', '.join(known) or 'nothing'}. Fit it on landmarks that hold the channel."
        )
    return known


def _shares(model: Model, channels: tuple[str, ...], entries: pl.DataFrame) -> pl.Series:
    row = entries["path_number"].to_numpy().astype(np.intp)
    weights = {name: entries[name].to_numpy() for name in model.weight_columns}
    path = PathChannels(
        row, entries["channel_key"].to_numpy(), entries["touches"].to_numpy(), weights
    )
    size = int(row.max(initial=-1)) + 1
    ones = np.ones(size)
    paths = Paths(channels, np.zeros(size, dtype=np.intp), ones, ones, path)
    return pl.Series(entry_shares(model, model.encode_paths(paths), paths))


def _divided(touches: pl.DataFrame, entries: pl.DataFrame) -> NDArray[np.float64]:
    """Divide each channel's share over its touches on the path."""
    met = ["path_number", "channel"]
    total = pl.col("weight").sum().over(met)
    part = pl.when(total > 0).then(pl.col("weight") / total).otherwise(1 / pl.len().over(met))
    joined = touches.with_columns(part=part).join(entries.select(*met, "share"), on=met)
    credit: NDArray[np.float64] = (
        joined.sort("row_number").select(pl.col("share") * pl.col("part")).to_series().to_numpy()
    )
    return credit
