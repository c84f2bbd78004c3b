"""Comparisons made by hand, with every kind of verdict."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from lydite.models.registry import DEFAULT_MODELS
from lydite.results import Comparison
from tests.helpers.made_rows import (
    CREDIT,
    DAILY,
    EVIDENCE,
    MODEL,
    PAIRS,
    QUALITY,
    WARNINGS,
    credit_rows,
    evidence_rows,
    model_rows,
    pair_rows,
    record_of,
)

CHANNELS = (
    "paid_search", "branded_search", "social", "display", "email", "affiliate", "video",
    "direct", "retargeting", "podcast",
)  # fmt: skip

#: model, verdict, explained, refuted by, same forecast as
BEST = (
    ("linear", "best", 0.034, None, ""),
    ("time_decay", "refuted", 0.029, "linear", ""),
    ("markov_2", "refuted", 0.021, "linear", ""),
    ("last_touch", "refuted", 0.012, "linear", "markov_1"),
    ("markov_1", "refuted", 0.012, "linear", "last_touch"),
    ("position_based", "refuted", 0.011, "time_decay", ""),
    ("last_non_direct", "refuted", 0.009, "linear", ""),
    ("first_touch", "refuted", 0.001, "linear", ""),
)
#: All primary models but one are refuted by it, and three secondary models stand.
BEST_OF_PRIMARY = (
    ("shapley", "contender", 0.036, None, ""),
    ("linear", "contender", 0.034, None, ""),
    ("first_touch", "no_better_than_volume", 0.004, None, ""),
    ("time_decay", "refuted", 0.003, "linear", ""),
    ("last_touch", "refuted", 0.002, "shapley", "markov_1"),
    ("markov_1", "refuted", 0.002, "shapley", "last_touch"),
    ("w_shaped", "too_early", 0.001, None, ""),
)
CONTENDERS = (
    ("linear", "contender", 0.034, None, ""),
    ("last_touch", "contender", 0.030, None, "markov_1"),
    ("markov_1", "contender", 0.030, None, "last_touch"),
    ("first_touch", "refuted", 0.001, "linear", ""),
)
TOO_EARLY = (
    ("linear", "too_early", 0.01, None, ""),
    ("first_touch", "too_early", -0.002, None, ""),
)
NO_BETTER = (
    ("linear", "no_better_than_volume", 0.001, None, ""),
    ("first_touch", "no_better_than_volume", -0.002, None, ""),
)
ALL_REFUTED = (
    ("linear", "refuted", 0.01, "first_touch", ""),
    ("first_touch", "refuted", 0.01, "linear", ""),
)
_LONGEST_FIRST = sorted(DEFAULT_MODELS, key=len, reverse=True)
MANY = (
    *(
        (model, "contender", 0.034 - place / 500, None, "")
        for place, model in enumerate(_LONGEST_FIRST[:6])
    ),
    *(
        (model, "refuted", 0.01 - place / 500, "position_based_fitted", "")
        for place, model in enumerate(_LONGEST_FIRST[6:])
    ),
    ("hopeless", "refuted", -0.9, "position_based_fitted", ""),
)
EVERY_KIND = {
    "best": BEST,
    "best_of_primary": BEST_OF_PRIMARY,
    "contenders": CONTENDERS,
    "too_early": TOO_EARLY,
    "no_better": NO_BETTER,
    "all_refuted": ALL_REFUTED,
}
#: Five segments: linear leads in three, is refuted in one, and one has too little data.
SEGMENTS = {
    "customer_type = new": CONTENDERS,
    "customer_type = returning": CONTENDERS,
    "region = east": (("linear", "best", 0.04, None, ""),),
    "region = north": TOO_EARLY,
    "region = west": (
        ("time_decay", "best", 0.05, None, ""),
        ("linear", "refuted", 0.02, "time_decay", ""),
    ),
}
#: Models whose verdict changed: the verdict before, and the number of weeks that it lasted.
CHANGED = {"first_touch": ("best", 9), "last_touch": ("refuted", 13)}
AFTER_A_CHANGE = (
    ("first_touch", "refuted", 0.034, "last_touch", ""),
    ("last_touch", "best", 0.030, None, ""),
    ("linear", "refuted", 0.001, "last_touch", ""),
)


def make_comparison(
    *outcomes: tuple[str, tuple[Any, ...]],
    note: str = "",
    channels: tuple[str, ...] = CHANNELS,
    quarantined: dict[str, dict[str, int]] | None = None,
    segments: dict[str, tuple[Any, ...]] | None = None,
    changed: dict[str, tuple[str, int]] | None = None,
    warnings: tuple[tuple[str | None, str, str], ...] = (),
    projections: dict[tuple[str, str], tuple[int, int] | None] | None = None,
) -> Comparison:
    """Return a comparison of these outcomes, each with rivals such as those of `EVERY_KIND`.

    Parameters
    ----------
    segments
        The rivals of each segment.
    changed
        Earlier verdicts, as in `CHANGED`.
    warnings
        Model, kind and text of each.
    projections
        Further weeks and users that a pair needs, by (ahead, behind); None for never. The default
        is 100 weeks times the position of the pair.
    """
    outcomes = outcomes or (("purchase", BEST),)
    records, models, credit, evidence, pairs, texts = [], [], [], [], [], []
    for outcome, rivals in outcomes:
        records.append(record_of(outcome, note))
        credit += credit_rows(outcome, rivals, channels)
        texts += [(outcome, "all", *warning) for warning in warnings]
        for segment, own in {"all": rivals, **(segments or {})}.items():
            models += model_rows(outcome, segment, own, changed or {})
            evidence += evidence_rows(outcome, segment, own, changed or {})
            pairs += pair_rows(outcome, segment, own, projections or {})
    days = [
        {**row, "date": date(2025, 1, 6) + timedelta(days=i), "campaign": None}
        for i, row in enumerate(credit)
    ]
    quality = [("touchpoints", "accepted", 120_345), ("touchpoints", "duplicate", 12)]
    marts = {
        "model_comparison": pl.DataFrame(models, schema=MODEL),
        "channel_credit": pl.DataFrame(credit, schema=CREDIT),
        "evidence": pl.DataFrame(evidence, schema=EVIDENCE),
        "pairs": pl.DataFrame(pairs, schema=PAIRS),
        "warnings": pl.DataFrame(texts, schema=WARNINGS, orient="row"),
        "credit_daily": pl.DataFrame(days, schema=DAILY),
        "data_quality": pl.DataFrame(quality, schema=QUALITY, orient="row"),
    }
    return Comparison(marts, records, quarantined or {}, alpha=0.05)


def make_path_comparison(rivals: tuple[Any, ...] = BEST) -> Comparison:
    """Return a comparison on a path table: no clock, no cost, no value, no evidence."""
    full = make_comparison(("conversion", rivals))
    record = {
        **full.outcomes[0], "lookback": None, "as_of": None, "periods": 5, "attributed": 2_311,
        "unattributed": 0,
    }  # fmt: skip
    credit, models = full.marts["channel_credit"], full.marts["model_comparison"]
    kept = ("conversions", "share")
    unknown = [name for name in credit.columns[5:] if name.split("_")[0] not in kept]
    marts = {
        "model_comparison": models.with_columns(
            pl.lit(None, dtype=pl.Date).alias("refuted_in"), pl.lit(5).alias("periods")
        ),
        "channel_credit": credit.filter(pl.col("channel") != "(unattributed)").with_columns(
            pl.lit(None, dtype=pl.Float64).alias(name) for name in unknown
        ),
        "evidence": full.marts["evidence"].clear(),
        "pairs": full.marts["pairs"].with_columns(
            pl.lit(None, dtype=pl.Int64).alias("more_users"),
            pl.lit(None, dtype=pl.Int64).alias("more_periods"),
            pl.when(pl.col("separated"))
            .then(None)
            .otherwise(pl.lit("2.5 times as many journeys"))
            .alias("projection"),
        ),
        "warnings": full.marts["warnings"],
    }
    left_out = {"time_decay": "it needs to know when touches happened"}
    return Comparison(marts, [record], {}, left_out)


def make_empty(outcome: str = "purchase") -> Comparison:
    """Return a comparison whose frames hold no row."""
    full = make_comparison((outcome, BEST))
    return Comparison(
        {name: frame.clear() for name, frame in full.marts.items()}, full.outcomes, {}
    )
