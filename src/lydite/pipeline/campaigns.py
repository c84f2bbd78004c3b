"""Credit and spend of campaigns over the whole period, from the marts by day."""

from __future__ import annotations

import polars as pl


def campaign_table(
    daily: pl.DataFrame, activity: pl.DataFrame, outcomes: pl.DataFrame
) -> pl.DataFrame:
    """Return credit and spend by outcome, model, channel and campaign.

    Parameters
    ----------
    daily, activity, outcomes
        The marts ``credit_daily``, ``channel_activity`` and ``outcomes``.
    """
    group, key = ["outcome", "model"], ["channel", "campaign"]
    known = pl.col("value").count() > 0
    credited = daily.group_by(*group, *key).agg(
        pl.col("conversions").sum().round(9),
        pl.when(known).then(pl.col("value").sum().round(6)).alias("value"),
    )
    # Every model of an outcome has all spend, also of campaigns that it does not credit.
    spent = pl.col("spend")
    spend = activity.group_by(key).agg(
        pl.when(spent.count() > 0).then(spent.sum().round(6)).alias("spend")
    )
    charged = (
        credited.group_by(group)
        .agg(pl.when(known).then(0.0).alias("no_value"))
        .join(outcomes.select("outcome", "cost_share"), on="outcome")
        .join(spend, how="cross")
        .with_columns(pl.col("spend") * pl.col("cost_share"))
        .drop("cost_share")
    )
    conversions = pl.col("conversions").fill_null(0)
    return (
        charged.join(credited, on=[*group, *key], how="full", coalesce=True, nulls_equal=True)
        .with_columns(conversions, pl.col("value").fill_null(pl.col("no_value")))
        .with_columns(
            cpa=pl.when(conversions > 0).then(pl.col("spend") / conversions),
            roas=pl.when(pl.col("spend") > 0).then(pl.col("value") / pl.col("spend")),
        )
        .select(*group, *key, "spend", "conversions", "value", "cpa", "roas")
        .sort(*group, "conversions", *key, descending=[False, False, True, False, False])
    )
