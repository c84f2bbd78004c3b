"""Which model is in use: decisions that people took, and the record of tested hypotheses."""

from lydite.decisions.champions import DEFAULT_CHAMPION, make_champions
from lydite.decisions.current import with_log
from lydite.decisions.evidence import Refutation, read_refutations
from lydite.decisions.log import Decision, read_log
from lydite.decisions.promotion import promote

__all__ = [
    "DEFAULT_CHAMPION",
    "Decision",
    "Refutation",
    "make_champions",
    "promote",
    "read_log",
    "read_refutations",
    "with_log",
]
