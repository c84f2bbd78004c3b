"""Attribution: credit per touch and channel for every conversion, with bootstrap intervals."""

from lydite.attribution.bootstrap import Replicates, credit_replicates, draw_buckets
from lydite.attribution.credit import (
    UNATTRIBUTED,
    attribute_outcome,
    attribute_with,
    channel_names,
    reset_credit_tables,
)
from lydite.attribution.frame_credit import touch_credit

__all__ = [
    "UNATTRIBUTED",
    "Replicates",
    "attribute_outcome",
    "attribute_with",
    "channel_names",
    "credit_replicates",
    "draw_buckets",
    "reset_credit_tables",
    "touch_credit",
]
