"""Attribution of conversions to the touches of their paths, in one pass for all models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lydite.attribution.bootstrap import Replicates, draw_buckets, fixed_replicates
from lydite.attribution.converted_paths import (
    FOREVER,
    converted_path_tables,
    load_channel_sets,
)
from lydite.attribution.credit_sql import credit_sums_sql, touch_credit_sql
from lydite.attribution.differences import SCHEMA as DIFFERENCES
from lydite.attribution.differences import credit_differences
from lydite.attribution.fits import Fits, bucket_matrix, fit_models
from lydite.models.base import weight_columns
from lydite.models.markov import Markov
from lydite.models.posterior import credit_kinds
from lydite.paths.landmarks import N_BUCKETS
from lydite.paths.touch_weights import explain_weight_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from lydite.engine import DuckDBEngine, Engine
    from lydite.models import Landmarks, Model, Paths

UNATTRIBUTED = "(unattributed)"
TOUCH_CREDIT = "credit.touch_credit"
TABLES = (
    "credit.statistics",
    "credit.daily",
    "credit.intervals",
    "credit.differences",
    "credit.removal_effects",
    "credit.kinds",
)
_SET_SHARES = "credit.set_shares"
_FIGURES = ("conversions", "value", "share")
_COLUMNS = {
    "credit.intervals": [f"{name}_{side}" for name in _FIGURES for side in ("low", "high")],
    "credit.removal_effects": ["removal_effect"],
}
_KINDS = {"outcome": pl.String, "model": pl.String, "credit": pl.String}


def channel_names(engine: Engine) -> list[str]:
    """Return the channels in the order of their numbers."""
    return [c for (c,) in engine.rows("select channel from journeys.channels order by channel_key")]


def reset_credit_tables(engine: Engine, *, keep_touches: bool = False) -> None:
    """Drop the tables of credit, and create those that may stay empty.

    Parameters
    ----------
    engine
        Holds the tables.
    keep_touches
        Keep the credit of touches, which is then replaced outcome by outcome or in part.
    """
    for table in TABLES if keep_touches else (TOUCH_CREDIT, *TABLES):
        engine.drop(table)
        engine.local.drop(table)
    for table, columns in _COLUMNS.items():
        names = dict.fromkeys(("outcome", "model", "channel"), pl.String)
        engine.local.store(table, pl.DataFrame(schema=names | dict.fromkeys(columns, pl.Float64)))
    engine.local.store("credit.kinds", pl.DataFrame(schema=_KINDS))
    differences = {"outcome": pl.String, **DIFFERENCES}
    engine.local.store("credit.differences", pl.DataFrame(schema=differences))


def attribute_outcome(
    engine: Engine,
    outcome: str,
    models: Sequence[Model],
    landmarks: Landmarks,
    seed: int | None = 0,
    until: datetime = FOREVER,
) -> Fits:
    """Fit models, and attribute all conversions of one outcome with each, with intervals.

    Adds rows to these tables:

    - ``credit.touch_credit``: a row per touch on the path of a conversion, a column per model;
    - ``credit.statistics``: credit by bucket, channel and model;
    - ``credit.daily``: credit by day, channel, campaign and model;
    - ``credit.intervals``: 95 % intervals by channel and model;
    - ``credit.differences``: by channel and model, against last touch;
    - ``credit.removal_effects``: by channel and Markov model;
    - ``credit.kinds``: how the credit of each model is computed.

    Parameters
    ----------
    engine
        Holds the journeys.
    outcome
        Name of the outcome.
    models
        The models; copies of them are fitted.
    landmarks
        The mature landmarks that models are fitted on.
    seed
        Seeds the bootstrap; None for no intervals, which take most of the time.
    until
        In the replicates, conversions up to this instant are attributed by refitted models, and
        later ones by the fitted models.

    Returns
    -------
    The fitted models, with which `attribute_with` attributes further conversions.
    """
    channels, draws = landmarks.channels, _draws(seed)
    with converted_path_tables(engine, outcome, len(channels)):
        fits = fit_models(engine, models, landmarks, draws, until)
        _replace_touch_credit(engine, outcome, fits, channels)
    _write_sums(engine, outcome, fits, channels, draws)
    return fits


def attribute_with(
    engine: DuckDBEngine,
    outcome: str,
    fits: Fits,
    channels: Sequence[str],
    seed: int | None = 0,
    users: str | None = None,
) -> None:
    """Attribute the conversions of one outcome with models that are fitted already.

    Adds rows to the same tables as `attribute_outcome`.

    Parameters
    ----------
    engine
        Holds the journeys, and the credit of touches of the other users.
    outcome
        Name of the outcome.
    fits
        The models.
    channels
        Names of the channels, as they were when the models were fitted.
    seed
        As when the models were fitted.
    users
        A table with the ``user_key`` of the users whose credit of touches is replaced; None for
        all users.
    """
    with converted_path_tables(engine, outcome, len(channels), users):
        _replace_touch_credit(engine, outcome, fits, channels, users)
    _write_sums(engine, outcome, fits, channels, _draws(seed))


def credit_users(
    engine: Engine,
    outcome: str,
    models: Sequence[Model],
    landmarks: Landmarks,
    users: str,
    table: str,
) -> None:
    """Attribute the conversions of some users with models that are fitted on some landmarks.

    Appends to a table with the columns of ``credit.touch_credit``.

    Parameters
    ----------
    engine
        Holds the journeys.
    outcome
        Name of the outcome.
    models
        The models; copies of them are fitted.
    landmarks
        The landmarks that models are fitted on.
    users
        A table with the ``user_key`` of the users.
    table
        The table to append to.
    """
    with converted_path_tables(engine, outcome, len(landmarks.channels), users):
        fits = fit_models(engine, models, landmarks, None)
        _append_touch_credit(engine, fits, landmarks.channels, table)


def _draws(seed: int | None) -> NDArray[np.float64] | None:
    return None if seed is None else draw_buckets(N_BUCKETS, seed)


# --- credit of touches ----------------------------------------------------------------------------


def _replace_touch_credit(
    engine: Engine, outcome: str, fits: Fits, channels: Sequence[str], users: str | None = None
) -> None:
    """Replace the credit of the touches of some users, or of all, for one outcome."""
    if engine.exists(TOUCH_CREDIT) and engine.local is engine:  # Spark has no rows to delete
        of_users = f" and user_key in (select user_key from {users})" if users else ""
        engine.local.run(
            f"delete from {TOUCH_CREDIT} where outcome = $outcome{of_users}", {"outcome": outcome}
        )
    weights = weight_columns(fits.models).values()
    with explain_weight_errors(engine, weights, "credit.paths", "conversion_key"):
        _append_touch_credit(engine, fits, channels, TOUCH_CREDIT)


def _append_touch_credit(engine: Engine, fits: Fits, channels: Sequence[str], table: str) -> None:
    """Append the credit of the touches on the converted paths to a table."""
    by_set = [model for model in fits.models if not model.weights_touches]
    _write_set_shares(engine, by_set, load_channel_sets(engine, channels).sets)
    engine.append(table, touch_credit_sql(fits.models))
    engine.drop(_SET_SHARES)


def _write_set_shares(engine: Engine, models: Sequence[Model], sets: Paths) -> None:
    """Write the share of each channel of each set, with a column per model."""
    entries = sets.path
    shares = {model.name: channel_shares(model, sets) for model in models}
    keys = {"set_key": entries.row, "channel_key": entries.channel}
    engine.store(_SET_SHARES, pl.DataFrame(keys | shares))


def channel_shares(model: Model, paths: Paths) -> NDArray[np.float64]:
    """Return the share of each channel on each path, one per entry of `paths`: an (m,) array."""
    features, entries = model.encode_paths(paths), paths.path
    if not len(entries.row):  # scipy would return a sparse array for an empty index
        return np.zeros(0)
    shares = model.shares(features)[features.inverse[entries.row], entries.channel]
    result: NDArray[np.float64] = np.asarray(shares).ravel()
    return result


# --- sums and intervals ---------------------------------------------------------------------------

#: With whether the conversion came after those in the replicates of the fits.
_SINCE_FIT = f"(select *, converted_at > $until as is_after_fit from {TOUCH_CREDIT})"


def _write_sums(
    engine: Engine,
    outcome: str,
    fits: Fits,
    channels: Sequence[str],
    draws: NDArray[np.float64] | None,
) -> None:
    """Sum the credit of touches, and append all that is computed from the sums."""
    models = fits.models
    parameters = {"outcome": outcome, "until": fits.until}
    for table, columns in (
        ("credit.statistics", "outcome, bucket, channel_key, is_after_fit"),
        ("credit.daily", "outcome, converted_on, channel_key, campaign"),
    ):
        engine.append_local(table, credit_sums_sql(models, columns, _SINCE_FIT), parameters)
    kinds = [(outcome, name, kind) for name, kind in credit_kinds(models).items()]
    with engine.local.registered(pl.DataFrame(kinds, schema=_KINDS, orient="row")) as frame:
        engine.local.append("credit.kinds", f"from {frame}")
    effects = {model.name: _removal_effects(model) for model in models if isinstance(model, Markov)}
    _append(engine.local, "credit.removal_effects", outcome, effects)
    if draws is None:
        return
    unattributed = _unattributed_intervals(engine, outcome, draws)
    credit, replicates, intervals = {}, {}, {}
    for model in models:
        until_fit, after_fit = _credit_by_bucket(engine.local, outcome, model, len(channels))
        conversions, value = until_fit + after_fit
        credit[model.name] = (conversions.sum(axis=0), value.sum(axis=0))
        if model.name in fits.replicates:
            later = fixed_replicates(after_fit[0], after_fit[1], draws)
            replicates[model.name] = fits.replicates[model.name].plus(later)
        else:  # a rule needs no refit
            replicates[model.name] = fixed_replicates(conversions, value, draws)
        intervals[model.name] = pl.concat(
            [_intervals(channels, replicates[model.name], conversions, value), unattributed],
            how="diagonal",
        )
    _append(engine.local, "credit.intervals", outcome, intervals)
    differences = credit_differences(channels, credit, replicates)
    with engine.local.registered(
        differences.select(pl.lit(outcome).alias("outcome"), pl.all())
    ) as f:
        engine.local.append("credit.differences", f"from {f}")


def _credit_by_bucket(
    engine: DuckDBEngine, outcome: str, model: Model, channels: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the credit of the conversions in the replicates of the fits, and of later ones.

    Both are (2, buckets, channels) arrays: conversions, then value.
    """
    sums = engine.fetch_numpy(
        "select bucket, channel_key, conversions, coalesce(value, 0) as value, is_after_fit"
        " from credit.statistics where outcome = $outcome and model = $model",
        {"outcome": outcome, "model": model.name},
    )
    after = sums["is_after_fit"].astype(bool)

    def matrices(rows: NDArray[np.bool_]) -> NDArray[np.float64]:
        chosen = {name: column[rows] for name, column in sums.items()}
        figures = ("conversions", "value")
        return np.array([bucket_matrix(chosen, figure, channels) for figure in figures])

    return matrices(~after), matrices(after)


def _intervals(
    channels: Sequence[str],
    replicates: Replicates,
    conversions: NDArray[np.float64],
    value: NDArray[np.float64],
) -> pl.DataFrame:
    """Return the bounds of every channel's figures, a row per channel.

    Parameters
    ----------
    conversions, value : (buckets, channels) arrays
        The credit.
    """
    bounds: dict[str, Any] = replicates.bounds(conversions.sum(axis=0), value.sum(axis=0))
    return pl.DataFrame({"channel": list(channels), **bounds})


def _unattributed_intervals(
    engine: Engine, outcome: str, draws: NDArray[np.float64]
) -> pl.DataFrame:
    """Return the intervals of conversions without a path, which are the same for all models."""
    sums = engine.fetch_numpy(
        "select bucket, count(*) as conversions, coalesce(sum(value), 0) as value"
        " from journeys.conversions where outcome = $outcome and path_length = 0 group by bucket",
        {"outcome": outcome},
    )
    conversions, value = np.zeros((2, N_BUCKETS, 1))
    conversions[sums["bucket"], 0], value[sums["bucket"], 0] = sums["conversions"], sums["value"]
    resampled = fixed_replicates(conversions, value, draws)
    intervals = _intervals([UNATTRIBUTED], resampled, conversions, value)
    return intervals.drop("share_low", "share_high")


def _removal_effects(model: Markov) -> pl.DataFrame:
    effects = model.effects
    return pl.DataFrame({"channel": list(effects), "removal_effect": list(effects.values())})


def _append(
    engine: DuckDBEngine, table: str, outcome: str, by_model: Mapping[str, pl.DataFrame]
) -> None:
    """Append the rows of all models to a table."""
    if not by_model:
        return
    rows = pl.concat(
        frame.select(pl.lit(outcome).alias("outcome"), pl.lit(name).alias("model"), pl.all())
        for name, frame in by_model.items()
    )
    with engine.registered(rows) as frame:
        engine.append(table, f"from {frame}")
