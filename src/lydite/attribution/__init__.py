"""Credit: every model's division of every conversion, with an interval on every figure."""

from lydite.attribution.bootstrap import Replicates, credit_replicates, draw_buckets
from lydite.attribution.credit import UNATTRIBUTED, channel_names, credit_outcome, start_credit

__all__ = [
    "UNATTRIBUTED",
    "Replicates",
    "channel_names",
    "credit_outcome",
    "credit_replicates",
    "draw_buckets",
    "start_credit",
]
