"""The mart of calibrated credit: the credit of the model in use, corrected by experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from scipy.special import ndtri

from lydite.experiments.calibrated_credit import CALIBRATED, calibrate_credit
from lydite.experiments.incrementality import ChannelTest, estimate_incrementality

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lydite.engine import DuckDBEngine

    Marts = Mapping[str, pl.DataFrame]

CALIBRATED_CREDIT = "calibrated_credit"
AGREEMENT = "experiment_agreement"
READ = ("outcomes", "champions", "channel_credit", AGREEMENT)
_UNATTRIBUTED = "(unattributed)"
_DAYS_PER_MONTH = 365 / 12
_Z = float(ndtri(0.975))
SCHEMA: dict[str, Any] = {"outcome": pl.String, "model": pl.String, **CALIBRATED}


def build_calibrated_credit(engine: DuckDBEngine) -> None:
    """Build the mart from the others; it is empty for outcomes without experiments.

    Parameters
    ----------
    engine
        Holds the marts of a comparison, and of experiments if there are any.
    """
    marts = {
        name: engine.frame(f"from mart.{name}") for name in READ if engine.exists(f"mart.{name}")
    }
    parts = [pl.DataFrame(schema=SCHEMA)]
    if marts.keys() >= set(READ):
        parts += [
            calibrate_outcome(marts, outcome, model)
            for outcome, model in marts["champions"].select("outcome", "model").rows()
        ]
    engine.store(f"evaluation.{CALIBRATED_CREDIT}", pl.concat(parts))
    engine.create(f"mart.{CALIBRATED_CREDIT}", f"marts/{CALIBRATED_CREDIT}")
    engine.comment(f"mart.{CALIBRATED_CREDIT}", f"marts/{CALIBRATED_CREDIT}")


def calibrate_outcome(marts: Marts, outcome: str, model: str) -> pl.DataFrame:
    """Return the calibrated credit of one model; no rows without an experiment on the outcome.

    Parameters
    ----------
    marts
        The marts of a comparison, and ``experiment_agreement``.
    outcome, model
        Whose credit is calibrated.
    """
    own = (pl.col("outcome") == outcome) & (pl.col("model") == model)
    credit = marts["channel_credit"].filter(own, pl.col("channel") != _UNATTRIBUTED)
    channels = credit["channel"].to_list()
    tests = past_tests(marts, outcome, model, channels)
    if not tests:
        return pl.DataFrame(schema=SCHEMA)
    half = (pl.col("conversions_high") - pl.col("conversions_low")) / (2 * _Z)
    variance = credit.select("channel", half**2).rows()
    counted = marts["outcomes"].filter(pl.col("outcome") == outcome)["conversions"][0]
    table = calibrate_credit(
        dict(credit.select("channel", "conversions").rows()),
        float(counted),
        estimate_incrementality(channels, tests),
        variance=dict(variance),
    )
    return table.select(pl.lit(outcome).alias("outcome"), pl.lit(model).alias("model"), *CALIBRATED)


def past_tests(marts: Marts, outcome: str, model: str, channels: list[str]) -> list[ChannelTest]:
    """Return the experiments on channels with credit, as tests of the credit of one model.

    Experiments in which the model credits the channel nothing give no factor, and are left out.

    Parameters
    ----------
    marts
        Has ``outcomes`` and, where there are experiments, ``experiment_agreement``.
    outcome, model
        Whose credit.
    channels
        The channels with credit.
    """
    if AGREEMENT not in marts:
        return []
    as_of = marts["outcomes"].filter(pl.col("outcome") == outcome)["as_of"][0]
    rows = marts[AGREEMENT].filter(
        pl.col("outcome") == outcome,
        pl.col("model") == model,
        pl.col("channel").is_in(channels),
        pl.col("credited") > 0,
        pl.col("measured_variance") > 0,
    )
    return to_tests(rows, as_of)


def to_tests(rows: pl.DataFrame, as_of: datetime) -> list[ChannelTest]:
    """Return rows of ``experiment_agreement`` as tests, in their order.

    Parameters
    ----------
    rows
        Rows with a variance above 0.
    as_of
        When their age is counted from.
    """
    return [
        ChannelTest(
            channel=row["channel"],
            measured=row["measured"],
            variance=row["measured_variance"],
            credited=row["credited"],
            months=max((as_of.date() - row["read_on"]).days, 0) / _DAYS_PER_MONTH,
            credited_variance=row["credited_variance"],
            covariance=row["covariance"],
        )
        for row in rows.iter_rows(named=True)
    ]
