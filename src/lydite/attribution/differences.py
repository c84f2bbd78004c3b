"""How the credit of a model differs from that of another, with intervals of the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.attribution.bootstrap import interval, shares_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.attribution.bootstrap import Replicates

    Credit = tuple[NDArray[Any], NDArray[Any]]

#: The model whose credit others are compared with.
REFERENCE = "last_touch"
_FIGURES = ("conversions", "value", "share")
SCHEMA: dict[str, Any] = dict.fromkeys(("model", "reference", "channel"), pl.String) | {
    f"{figure}{side}": pl.Float64 for figure in _FIGURES for side in ("", "_low", "_high")
}


def credit_differences(
    channels: Sequence[str],
    credit: Mapping[str, Credit],
    replicates: Mapping[str, Replicates],
    reference: str = REFERENCE,
) -> pl.DataFrame:
    """Return the credit of every model minus that of a reference, with 95 % intervals.

    All models are refitted on the same bootstrap draws. The interval is that of the difference
    within a draw: much narrower than the intervals of both together.

    Parameters
    ----------
    channels
        Names of the channels.
    credit
        Conversions and value by channel, (channels,) arrays, by name of the model.
    replicates
        Of the same models.
    reference
        Name of the reference.

    Returns
    -------
    polars.DataFrame
        A row per model and channel; none where the reference is not among the models.
    """
    if reference not in credit:
        return pl.DataFrame(schema=SCHEMA)
    first = _figures(*credit[reference])
    drawn_first = _figures(replicates[reference].conversions, replicates[reference].value)
    parts = [pl.DataFrame(schema=SCHEMA)]
    for name in credit:
        if name == reference:
            continue
        own = _figures(*credit[name])
        drawn = _figures(replicates[name].conversions, replicates[name].value)
        columns: dict[str, Any] = {
            "model": [name] * len(channels),
            "reference": [reference] * len(channels),
            "channel": list(channels),
        }
        for figure in _FIGURES:
            difference = own[figure] - first[figure]
            low, high = interval(drawn[figure] - drawn_first[figure], difference)
            columns |= {figure: difference, f"{figure}_low": low, f"{figure}_high": high}
        parts.append(pl.DataFrame(columns, schema=SCHEMA))
    return pl.concat(parts)


def _figures(conversions: NDArray[Any], value: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {"conversions": conversions, "value": value, "share": shares_of(conversions)}
