"""Proposed experiments that were made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from lydite.pipeline.next_experiments import SCHEMA
from tests.helpers.made_comparisons import CONTENDERS, make_comparison

if TYPE_CHECKING:
    from lydite.results import Comparison

SEARCH = {
    "outcome": "purchase", "channel": "paid_search", "rank": 1, "value": 2300.0,
    "value_per_month": 250.0, "conversions_given_up": 12.0, "expected_factor": 0.5,
    "factor_sd": 1.1, "break_even_factor": 0.4, "unit": "user", "holdout_share": 0.1,
    "users": 52_000, "weeks": 4, "is_feasible": True, "keep_if_no_effect": False,
    "moved_if_no_effect": 9000.0, "moved_to_if_no_effect": "email",
    "refuted_if_no_effect": "linear, last_touch",
    "keep_if_as_credited": True, "moved_if_as_credited": 0.0, "moved_to_if_as_credited": None,
    "refuted_if_as_credited": "", "base_rate": 0.03, "smallest_effect": 0.05,
}  # fmt: skip
SOCIAL = SEARCH | {"channel": "social", "rank": 2, "value": -20.0, "unit": "region", "weeks": 1,
                  "holdout_share": 0.5}  # fmt: skip
ACCOUNTS = SEARCH | {
    "unit": "cluster", "holdout_share": 0.5, "users": 4_800, "weeks": 8,
    "cluster_column": "account_id", "clusters": 412, "cluster_size": 5.0,
    "cluster_correlation": 0.1, "design_effect": 2.43, "weeks_by_user": 4, "clusters_needed": 300,
}  # fmt: skip
FEW_ACCOUNTS = ACCOUNTS | {
    "weeks": 12_000, "is_feasible": False, "clusters_needed": 9_800, "value": -1e6,
}  # fmt: skip
VIDEO = SEARCH | {"channel": "video", "rank": 3, "weeks": 90, "is_feasible": False}


def compare_with_proposals(*rows: dict[str, object]) -> Comparison:
    """Return a comparison for purchases with these proposed experiments."""
    made = make_comparison(("purchase", CONTENDERS))
    table = pl.DataFrame(rows, schema=SCHEMA)
    return replace(made, marts={**made.marts, "next_experiments": table})
