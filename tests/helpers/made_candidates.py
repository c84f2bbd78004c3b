"""A channel that could be tested, made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy import stats

from lydite.experiments.candidates import Belief, Candidate
from lydite.experiments.clusters import Clusters

if TYPE_CHECKING:
    import numpy as np

#: The sum of the normal quantiles of a level of 5 % and a power of 80 %.
Z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
SEARCH = Candidate(
    channel="search", spend=9_000, margin=30, model="linear",
    beliefs={"linear": Belief(600, 0.6, 0.3), "last_touch": Belief(900, 0.5, 0.3)},
    users=60_000, rate=0.01, regions=40,
)  # fmt: skip


def sum_clusters(
    users: np.ndarray, conversions: np.ndarray, weeks: int, column: str = "account_id"
) -> Clusters:
    """Return the sums over clusters, of their users and conversions."""
    return Clusters(
        column=column,
        weeks=weeks,
        number=len(users),
        people=int(users.sum()),
        users=int(users.sum()),
        squared_users=int((users**2).sum()),
        conversions=int(conversions.sum()),
        squared_conversions=int((conversions**2).sum()),
        products=int((users * conversions).sum()),
    )
