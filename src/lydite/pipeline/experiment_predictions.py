"""The marts that predict each experiment from the others, by calibrated credit and by credit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from scipy.special import ndtri

from lydite.experiments.left_out import (
    CALIBRATED,
    CREDIT,
    predict_left_out,
    summarise_predictions,
)
from lydite.pipeline.calibrated_credit import AGREEMENT, to_tests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lydite.engine import DuckDBEngine

    Marts = Mapping[str, pl.DataFrame]

EXPERIMENT_PREDICTIONS = "experiment_predictions"
PREDICTION_SUMMARY = "experiment_prediction_summary"
READ = ("outcomes", "champions", AGREEMENT)
_KEYS = ("outcome", "method", "model")
_Z = float(ndtri(0.975))
SCHEMA: dict[str, Any] = {
    "experiment": pl.String, "outcome": pl.String, "channel": pl.String, "method": pl.String,
    "model": pl.String, "read_on": pl.Date, "measured": pl.Float64, "measured_error": pl.Float64,
    "predicted": pl.Float64, "predicted_low": pl.Float64, "predicted_high": pl.Float64,
    "error": pl.Float64, "others": pl.Int64, "others_on_channel": pl.Int64,
}  # fmt: skip


def build_experiment_predictions(engine: DuckDBEngine) -> None:
    """Build both marts from the others; they are empty without experiments.

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
        parts += [predict_experiments(marts, outcome) for outcome in marts["outcomes"]["outcome"]]
    predictions = pl.concat(parts).sort("experiment", "method", "model")
    summary = summarise_predictions(predictions, _KEYS)
    for name, table in ((EXPERIMENT_PREDICTIONS, predictions), (PREDICTION_SUMMARY, summary)):
        engine.store(f"evaluation.{name}", table)
        engine.create(f"mart.{name}", f"marts/{name}")
        engine.comment(f"mart.{name}", f"marts/{name}")


def predict_experiments(marts: Marts, outcome: str) -> pl.DataFrame:
    """Return a row per experiment on an outcome and method.

    The method ``calibrated`` is credit of the model in use, times the factor that the other
    experiments give; ``credit`` takes what a model credits as the increment.

    Parameters
    ----------
    marts
        ``outcomes``, ``champions`` and ``experiment_agreement``.
    outcome
        Name of the outcome.
    """
    rows = marts[AGREEMENT].filter(pl.col("outcome") == outcome, pl.col("measured_variance") > 0)
    rows = rows.sort("experiment", "model").with_columns(
        measured_error=pl.col("measured_variance").sqrt()
    )
    nothing = pl.lit(None)
    raw = rows.with_columns(
        method=pl.lit(CREDIT),
        predicted=pl.col("credited"),
        predicted_low=nothing,
        predicted_high=nothing,
        others=nothing,
        others_on_channel=nothing,
    )
    champion = marts["champions"].filter(outcome=outcome)["model"].to_list()
    used = rows.filter(pl.col("model").is_in(champion))
    as_of = marts["outcomes"].filter(outcome=outcome)["as_of"][0]
    found = predict_left_out(to_tests(used, as_of))
    calibrated = used.with_columns(
        method=pl.lit(CALIBRATED),
        predicted=pl.Series(found.predicted),
        predicted_low=pl.Series(found.predicted - _Z * found.sd),
        predicted_high=pl.Series(found.predicted + _Z * found.sd),
        others=pl.Series(found.others),
        others_on_channel=pl.Series(found.others_on_channel),
    )
    return pl.concat(
        [
            part.with_columns(error=pl.col("predicted") - pl.col("measured"))
            .select(list(SCHEMA))
            .cast(pl.Schema(SCHEMA))
            for part in (calibrated, raw)
        ]
    )
