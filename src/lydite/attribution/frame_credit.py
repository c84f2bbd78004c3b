"""Credit of single touches: attribute paths that are given as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.attribution.credit import channel_shares
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.paths.landmarks import PathChannels, Paths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.models import Model

_WEIGHTS = """
select coalesce(cast(({weight}) as double), 0) as weight, cast(({rate}) as double) as rate
from touches
order by row_number
"""


def touch_credit(model: Model, paths: pl.DataFrame) -> NDArray[np.float64]:
    """Return the credit that a model gives to every touch; it sums to 1 over each path.

    Parameters
    ----------
    model
        A rule, or a fitted model.
    paths
        One row per touch, with the columns ``path`` (any identifier) and `PATH_COLUMNS`. Columns
        that the model does not depend on may be missing.

    Returns
    -------
    (len(paths),) array
        In the order of the rows.

    Raises
    ------
    InputError
        When `paths` lacks a column that the model depends on, or has a channel that a fitted model
        does not know.

    Examples
    --------
    >>> import polars as pl
    >>> from lydite.attribution import touch_credit
    >>> from lydite.models import make_model
    >>> paths = pl.DataFrame(
    ...     {"path": [1, 1, 2], "channel": ["ads", "mail", "ads"], "path_length": [2, 2, 1]}
    ... )
    >>> touch_credit(make_model("linear"), paths).tolist()
    [0.5, 0.5, 1.0]
    """
    if "channel" not in paths.columns:
        raise InputError("paths need a column 'channel', the channel of each touch")
    channels = _channels(model, paths)
    touches = paths.with_row_index("row_number").with_columns(
        path_number=pl.col("path").rank("dense") - 1,
        channel_key=pl.col("channel").replace_strict(
            list(channels), range(len(channels)), return_dtype=pl.Int64
        ),
    )
    if model.weights_touches:
        return _normalise(_weights(model, touches), touches)
    return _split_channel_shares(model, channels, touches)


def _weights(model: Model, touches: pl.DataFrame) -> pl.DataFrame:
    """Return the weight and the rate of every touch."""
    with DuckDBEngine() as engine:
        engine.store("main.touches", touches)
        try:
            rate = model.touch_rate or "1.0"
            return engine.frame(_WEIGHTS.format(weight=model.touch_weight, rate=rate))
        except engine.binder_error as error:
            raise InputError(f"the paths do not fit the model {model.name!r}: {error}") from error


def _normalise(weights: pl.DataFrame, touches: pl.DataFrame) -> NDArray[np.float64]:
    """Divide weight times rate by the sum of the path; weights are equal where their sum is 0."""
    weighed = pl.col("weight").sum().over("path_number") > 0
    part = pl.when(weighed).then(pl.col("weight")).otherwise(1.0) * pl.col("rate")
    # In two steps: older versions of polars do not nest window expressions.
    parts = touches.with_columns(weights).with_columns(part=part)
    credit = pl.col("part") / pl.col("part").sum().over("path_number")
    return parts.select(credit).to_series().to_numpy()


def _split_channel_shares(
    model: Model, channels: tuple[str, ...], touches: pl.DataFrame
) -> NDArray[np.float64]:
    """Return each channel's share of its path, split equally among its touches on the path."""
    keys = ["path_number", "channel_key"]
    entries = touches.group_by(keys).len("touches").sort(keys)
    row = entries["path_number"].to_numpy().astype(np.intp)
    path = PathChannels(row, entries["channel_key"].to_numpy(), entries["touches"].to_numpy())
    size = int(row.max(initial=-1)) + 1
    ones = np.ones(size)
    shares = channel_shares(model, Paths(channels, np.zeros(size, dtype=np.intp), ones, ones, path))
    share = entries.select(*keys, share=pl.Series(shares) / pl.col("touches"))
    joined = touches.join(share, on=keys, how="left", maintain_order="left")
    return joined["share"].to_numpy()


def _channels(model: Model, paths: pl.DataFrame) -> tuple[str, ...]:
    """Return the channels in the order of their numbers: those of the fit, if there was one."""
    present: list[str] = paths["channel"].unique().sort().to_list()
    known = tuple(getattr(model, "channels_", ())) if model.learns else tuple(present)
    unknown = [channel for channel in present if channel not in known]
    if unknown:
        raise InputError(
            f"the model {model.name!r} does not know the channel {unknown[0]!r}; it was fitted on"
            f" {', '.join(known) or 'nothing'}. Fit it on landmarks that include the channel."
        )
    return known
