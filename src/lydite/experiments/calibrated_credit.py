"""Credit calibrated by experiments: credited conversions times the share that is incremental.

The share is that of `lydite.experiments.incrementality`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy.special import ndtri

from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lydite.experiments.incrementality import Incrementality

#: The row of conversions that no channel is credited with after calibration.
BASELINE = "(baseline)"
_Z = float(ndtri(0.975))
#: The columns of `calibrate_credit`.
CALIBRATED: dict[str, Any] = {
    "channel": pl.String,
    "credited": pl.Float64,
    "incrementality": pl.Float64,
    "incrementality_low": pl.Float64,
    "incrementality_high": pl.Float64,
    "conversions": pl.Float64,
    "conversions_low": pl.Float64,
    "conversions_high": pl.Float64,
    "share_from_experiments": pl.Float64,
    "experiments": pl.Int64,
}


def calibrate_credit(
    credited: Mapping[str, float],
    conversions: float,
    posterior: Incrementality,
    *,
    variance: Mapping[str, float] | None = None,
) -> pl.DataFrame:
    r"""Return the conversions of each channel that are incremental, and the baseline.

    The interval of a channel has the variance
    :math:`\iota^2 Var K + K^2 Var \iota + 2 \iota K Cov(K, \iota)`; the last term is there
    because the users of an experiment have credit too. The channels do not have to sum
    to all conversions: the row `BASELINE` is what is left, which would have come without any of
    them. It is negative where the experiments say that channels cause more than there is.

    Parameters
    ----------
    credited
        Conversions that the model credits to each channel.
    conversions
        All conversions of the outcome.
    posterior
        The factors of these channels.
    variance
        Variances of `credited`; 0 when None.

    Returns
    -------
    polars.DataFrame
        ``channel, credited, incrementality, incrementality_low, incrementality_high, conversions,
        conversions_low, conversions_high, share_from_experiments, experiments``: a row per channel,
        and one for the baseline. Intervals are 95 %.

    Raises
    ------
    InputError
        When a channel with credit has no factor.
    """
    missing = [channel for channel in credited if channel not in posterior.channels]
    if missing:
        raise InputError(f"the channel {missing[0]!r} has credit, and no incrementality factor")
    place = [posterior.channels.index(channel) for channel in credited]
    k = np.array(list(credited.values()), dtype=float)
    var_k = np.array([(variance or {}).get(channel, 0.0) for channel in credited])
    cov = posterior.credit_covariance[place]
    iota, iota_cov = posterior.mean[place], posterior.covariance[np.ix_(place, place)]
    own, sd = posterior.own_share[place], np.sqrt(np.diag(iota_cov))
    calibrated = iota * k
    each = iota**2 * var_k + k**2 * np.diag(iota_cov) + 2 * iota * k * cov
    error = np.sqrt(np.maximum(each, 0))
    # The factors of channels are correlated; credit is taken as independent between channels.
    total = each.sum() + k @ iota_cov @ k - (k**2 * np.diag(iota_cov)).sum()
    left, left_error = conversions - calibrated.sum(), math.sqrt(max(total, 0.0))
    rows: dict[str, list[Any]] = {
        "channel": [*credited, BASELINE],
        "credited": [*k, None],
        "incrementality": [*iota, None],
        "incrementality_low": [*(iota - _Z * sd), None],
        "incrementality_high": [*(iota + _Z * sd), None],
        "conversions": [*calibrated, left],
        "conversions_low": [*(calibrated - _Z * error), left - _Z * left_error],
        "conversions_high": [*(calibrated + _Z * error), left + _Z * left_error],
        "share_from_experiments": [*own, None],
        "experiments": [*posterior.experiments[place], None],
    }
    return pl.DataFrame(rows, schema=CALIBRATED)
