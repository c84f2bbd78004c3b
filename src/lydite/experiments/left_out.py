r"""Predicts what each experiment measured from the others, and summarises the errors.

An estimate of incrementality is worth as much as its predictions of experiments that it has not
seen (Gordon, Moakler & Zettelmeyer 2023). The factors are estimated without one experiment, and
predict its increment: :math:`\hat M_j = E[\iota_c | \text{others}] K_j`, with the variance

.. math::

    K_j^2 (Var(\iota_c | \text{others}) + \tau_w^2) + V_j

The ages of the others are their distances in time from the experiment that is predicted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lydite.experiments.incrementality import Prior, estimate_incrementality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lydite.experiments.incrementality import ChannelTest

#: The channel of the summary over all channels.
ALL_CHANNELS = "(all)"
#: How an increment is predicted: by calibrated credit, or by credit as it is.
CALIBRATED, CREDIT = "calibrated", "credit"
#: The columns of `summarise_predictions`, after the keys.
SUMMARY: dict[str, Any] = {
    "channel": pl.String, "experiments": pl.Int64, "r_squared": pl.Float64,
    "r_squared_zero": pl.Float64, "mean_absolute_error": pl.Float64, "mean_error": pl.Float64,
    "covered": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class LeftOut:
    """Predictions of e experiments, each from the others.

    Attributes
    ----------
    predicted : (e,) array
        Predicted increments.
    effect_sd : (e,) array
        Standard deviations of the true increments around them.
    sd : (e,) array
        Standard deviations of the measured increments around them.
    others, others_on_channel : (e,) array of int
        How many others each is predicted from, and how many of them are on its channel.
    """

    predicted: NDArray[np.float64]
    effect_sd: NDArray[np.float64]
    sd: NDArray[np.float64]
    others: NDArray[np.int64]
    others_on_channel: NDArray[np.int64]


def predict_left_out(
    tests: Sequence[ChannelTest], prior: Prior | None = None, *, by_channel: bool = False
) -> LeftOut:
    """Predict each experiment by credit that the others have calibrated.

    An experiment in which the model credits the channel nothing is predicted as 0, and says nothing
    about the others.

    Parameters
    ----------
    tests
        The experiments.
    prior
        What is assumed before any; the default one when None.
    by_channel
        Leave out all experiments on the channel, as if it had never been tested.

    Raises
    ------
    InputError
        When a number of an experiment is out of range.

    Examples
    --------
    >>> from lydite.experiments.incrementality import ChannelTest
    >>> tests = [ChannelTest("search", 20, 100, 200), ChannelTest("search", 9, 100, 100)]
    >>> predict_left_out(tests).predicted.round(1).tolist()
    [19.4, 10.4]
    """
    prior = prior or Prior()
    channels = sorted({test.channel for test in tests})
    predicted, effect_sd = np.zeros(len(tests)), np.zeros(len(tests))
    others = np.zeros((2, len(tests)), dtype=np.int64)
    for place, test in enumerate(tests):
        used = [
            replace(other, months=abs(other.months - test.months))
            for number, other in enumerate(tests)
            if number != place
            and other.credited > 0
            and not (by_channel and other.channel == test.channel)
        ]
        others[:, place] = len(used), sum(other.channel == test.channel for other in used)
        if test.credited > 0:
            posterior = estimate_incrementality(channels, used, prior)
            channel = channels.index(test.channel)
            predicted[place] = posterior.mean[channel] * test.credited
            spread = posterior.covariance[channel, channel] + prior.within**2
            effect_sd[place] = np.sqrt(spread) * test.credited
    noise = np.array([test.variance for test in tests], dtype=float)
    return LeftOut(predicted, effect_sd, np.sqrt(effect_sd**2 + noise), others[0], others[1])


def r_squared(
    actual: NDArray[np.float64], predicted: NDArray[np.float64], *, zero: bool = False
) -> float | None:
    """Return how much of the actual values the predictions explain; None where nothing varies.

    Parameters
    ----------
    actual, predicted : (e,) array
        Increments.
    zero
        Whether the predictions are compared with 0 for all, and not with the mean of `actual`.
    """
    if not len(actual):
        return None
    total = float(((actual - (0 if zero else actual.mean())) ** 2).sum())
    return 1 - float(((actual - predicted) ** 2).sum()) / total if total > 0 else None


def summarise_predictions(predictions: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Return the errors of each method over all channels, and by channel.

    R² is only computed over all channels.

    Parameters
    ----------
    predictions
        ``channel, measured, predicted, predicted_low, predicted_high`` and the keys; the bounds may
        be null.
    keys
        Columns that name a method.

    Returns
    -------
    polars.DataFrame
        The keys and `SUMMARY`, sorted.
    """
    kinds = {key: predictions.schema[key] for key in keys}
    rows: list[dict[str, Any]] = []
    for names, group in predictions.group_by(*keys, maintain_order=True):
        named = dict(zip(keys, names, strict=True))
        actual, predicted = group["measured"].to_numpy(), group["predicted"].to_numpy()
        explained = {
            "r_squared": r_squared(actual, predicted),
            "r_squared_zero": r_squared(actual, predicted, zero=True),
        }
        rows.append(named | _errors(ALL_CHANNELS, group) | explained)
        for (channel,), own in group.group_by("channel"):
            rows.append(named | _errors(str(channel), own))
    return pl.DataFrame(rows, schema={**kinds, **SUMMARY}).sort(*keys, "channel")


def _errors(channel: str, rows: pl.DataFrame) -> dict[str, Any]:
    error = rows["predicted"] - rows["measured"]
    inside = rows["measured"].is_between(rows["predicted_low"], rows["predicted_high"])
    return {
        "channel": channel,
        "experiments": len(rows),
        "mean_absolute_error": error.abs().mean(),
        "mean_error": error.mean(),
        "covered": inside.mean(),
    }
