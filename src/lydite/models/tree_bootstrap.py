"""Decision trees on sets of channels, grown for all replicates of a bootstrap at once.

The trees are those of `sklearn.tree.DecisionTreeClassifier`, which sorts the rows by every column
at every node. Columns of 0 and 1 need no sorting: what a split is chosen by are sums of counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from lydite.models.mixture import base_rate
from lydite.models.sets import LEAST, MOST, SetModel

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray
    from sklearn.base import BaseEstimator

    from lydite.paths.landmarks import UniqueFeatures

# Of two splits that separate the same landmarks, sums in another order make neither the better one.
_TIE = 1e-12


def least_leaf_share(estimator: BaseEstimator) -> float | None:
    """Return the least share of all weight in a leaf of a plain decision tree.

    None for any other estimator, and for a tree with further parameters.
    """
    from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415 - it takes a second

    if type(estimator) is not DecisionTreeClassifier:
        return None
    given = estimator.get_params()
    free = {name: given[name] for name in ("min_weight_fraction_leaf", "random_state")}
    plain: dict[str, object] = DecisionTreeClassifier(**free).get_params()
    return float(free["min_weight_fraction_leaf"]) if plain == given else None


@dataclass(frozen=True)
class Trees:
    """Decision trees on sets of channels, as arrays over the nodes of all of them.

    Attributes
    ----------
    size
        How many trees; their roots are the first nodes.
    channel
        The channel that each node asks for; -1 in a leaf.
    child : (nodes, 2) integers
        The next node without and with the channel; a leaf is its own.
    rate
        The share of each node's landmarks that convert.
    depth
        The most questions until a leaf.
    """

    size: int
    channel: NDArray[np.intp]
    child: NDArray[np.intp]
    rate: NDArray[np.float64]
    depth: int

    def forecast(self, sets: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (trees, k) rates of the leaves that k sets of channels reach."""
        node = np.repeat(np.arange(self.size)[:, None], len(sets), axis=1)
        number = np.arange(len(sets))
        for _ in range(self.depth):
            node = self.child[node, sets[number, self.channel[node]].astype(np.intp)]
        return np.asarray(self.rate[node])


def grow(
    sets: NDArray[np.bool_],
    trials: NDArray[np.float64],
    conversions: NDArray[np.float64],
    least_share: float,
) -> Trees:
    """Grow a tree for each row of counts, by the splits that lower Gini's impurity most.

    Nodes are split level by level, until their landmarks have one outcome or no split leaves
    enough on both sides. Of equally good splits the first channel's is taken.

    Parameters
    ----------
    sets : (k, channels) bool
    trials, conversions : (trees, k) counts
    least_share
        The share of a tree's landmarks that a leaf has at least.
    """
    columns, size = sets.astype(float), len(trials)
    node: NDArray[np.intp]
    of_set: NDArray[np.intp]
    node, of_set = np.nonzero(trials > 0)
    n, k = trials[node, of_set], conversions[node, of_set]
    least = least_share * trials.sum(axis=1)
    channels, children, rates = [], [], []
    first = 0  # number of the level's first node
    while True:
        nodes = len(least)
        starts = np.searchsorted(node, np.arange(nodes + 1))
        with_channel: list[NDArray[np.float64]] = []
        total: list[NDArray[np.float64]] = []
        for counts in (n, k):
            matrix = sparse.csr_array((counts, of_set, starts), shape=(nodes, len(sets)))
            with_channel.append(matrix @ columns)
            total.append(np.asarray(matrix.sum(axis=1)))
        best = _best_channels(with_channel, total, least)
        split = np.flatnonzero(best >= 0)
        number = first + np.arange(nodes)
        child = np.column_stack([number, number])
        after = first + nodes
        child[split] = after + np.arange(2 * len(split)).reshape(-1, 2)
        channels.append(best)
        children.append(child)
        rates.append(total[1] / np.where(total[0] > 0, total[0], 1))
        if not len(split):
            break
        # Landmarks of nodes that are split go to the next level, in the order of its nodes.
        stays = best[node] >= 0
        node, of_set = node[stays], of_set[stays]
        node = child[node, sets[of_set, best[node]].astype(np.intp)] - after
        order = np.argsort(node, kind="stable")
        node, of_set = node[order], of_set[order]
        n, k = n[stays][order], k[stays][order]
        least, first = np.repeat(least[split], 2), after
    return Trees(
        size,
        np.concatenate(channels),
        np.concatenate(children),
        np.concatenate(rates),
        len(channels) - 1,
    )


def _best_channels(
    with_channel: list[NDArray[np.float64]],
    total: list[NDArray[np.float64]],
    least: NDArray[np.float64],
) -> NDArray[np.intp]:
    """Return the channel that each node is split by; -1 for none.

    Parameters
    ----------
    with_channel
        Landmarks and conversions of each node with each channel, (nodes, channels) arrays.
    total
        The same of each node.
    least
        The landmarks that each side of a split has at least.
    """
    (n, k), (all_n, all_k) = with_channel, (own[:, None] for own in total)
    enough = (n > 0) & (all_n - n > 0)
    enough &= np.minimum(n, all_n - n) >= least[:, None] * (1 - _TIE)
    enough &= (all_k > 0) & (all_k < all_n)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Gini's impurity is lowest where this sum is largest.
        value = np.where(enough, k**2 / n + (all_k - k) ** 2 / (all_n - n), -1.0)
    largest = value.max(axis=1, keepdims=True)
    best = (value >= largest * (1 - _TIE)).argmax(axis=1)
    return np.where(largest[:, 0] >= 0, best, -1)


class TreeReplicates(SetModel):
    """One decision tree after the other of several replicates, as a model that credits.

    Parameters
    ----------
    sets
        k distinct sets of channels: feature rows.
    trials, conversions : (replicates, k) counts
    least_share
        As for `grow`.
    """

    name, claim = "tree_replicates", "which channels were met, as a tree of resampled counts asks"

    def __init__(
        self,
        sets: sparse.csr_array[np.float64],
        trials: NDArray[np.float64],
        conversions: NDArray[np.float64],
        least_share: float,
    ) -> None:
        # Channels are in an order that depends on counts alone, as for the fit: it breaks ties.
        sums = [counts.sum(axis=0) @ sets for counts in (conversions, trials)]
        self._order = np.lexsort(sums)
        self._trees = grow(self._ordered(sets), trials, conversions, least_share)
        self._base_rate = [base_rate(*own) for own in zip(trials, conversions, strict=True)]
        self._constant = [
            not own.any() or bool((own == n).all())
            for own, n in zip(conversions, trials, strict=True)
        ]
        self._forecasts: dict[int, tuple[object, NDArray[np.float64]]] = {}
        self.number = 0

    def _ordered(self, sets: sparse.csr_array[np.float64]) -> NDArray[np.bool_]:
        return np.asarray(sets.toarray()[:, self._order] > 0)

    def fit_counts(
        self,
        features: UniqueFeatures,
        trials: NDArray[np.floating],
        conversions: NDArray[np.floating],
    ) -> Self:
        """Return the same model: its trees are grown."""
        del features, trials, conversions
        return self

    def forecast_unique(self, features: UniqueFeatures) -> NDArray[np.float64]:
        """Return the forecast of the tree with the present `number` for each set."""
        rows = features.rows
        if self._constant[self.number]:
            return np.full(rows.shape[0], self._base_rate[self.number])
        if id(rows) not in self._forecasts:  # all replicates are asked for the same sets
            forecast = np.clip(self._trees.forecast(self._ordered(rows)), LEAST, MOST)
            self._forecasts[id(rows)] = rows, forecast
        return np.asarray(self._forecasts[id(rows)][1][self.number])
