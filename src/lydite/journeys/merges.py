"""Which ids belong to one person, and from when on: the components of pairs of ids over time.

Ids are numbers from 0 in the order of their text. While pairs are seen one after the other, parts
of the graph merge. Each part that exists for a while is a node of a tree: the leaves are the single
ids, and a merge makes a new node above two others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The time of what holds at all times.
ALWAYS = np.iinfo(np.int64).min
#: The end of what does not end.
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Pairs:
    """Pairs of ids that belong to one person.

    Attributes
    ----------
    ids
        Number of ids.
    first, second : (m,) integers
        The numbers of the two ids; the second one is that of the user or the account.
    seen_us : (m,) int64
        When they were first seen together, in microseconds; `ALWAYS` for an account.
    accounts
        Ids from this number on are accounts.
    """

    ids: int
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    seen_us: NDArray[np.int64]
    accounts: int

    def take(self, kept: NDArray[np.bool_]) -> Pairs:
        """Return some of the pairs."""
        return Pairs(
            self.ids, self.first[kept], self.second[kept], self.seen_us[kept], self.accounts
        )


def count_partners(pairs: Pairs) -> NDArray[np.int64]:
    """Return the number of other ids that each id is seen with, (n,) integers; accounts are none.

    Examples
    --------
    >>> numbers = np.array([0, 0, 1]), np.array([1, 2, 0])
    >>> count_partners(Pairs(3, *numbers, seen_us=np.zeros(3, dtype=np.int64), accounts=3))
    array([2, 1, 1])
    """
    seen = pairs.take(pairs.second < pairs.accounts)
    low, high = np.minimum(seen.first, seen.second), np.maximum(seen.first, seen.second)
    different = np.unique(low * pairs.ids + high)
    ends = np.concatenate([different // pairs.ids, different % pairs.ids])
    return np.bincount(ends, minlength=pairs.ids)


def without_hubs(pairs: Pairs, partners: NDArray[np.int64], most: int) -> Pairs:
    """Return the pairs without ids that have more partners than `most`; accounts stay."""
    hub = partners > most
    return pairs.take(~(hub[pairs.first] | hub[pairs.second]) | (pairs.second >= pairs.accounts))


def find_components(pairs: Pairs) -> NDArray[np.int64]:
    """Return the number of the component of each id, (n,) integers."""
    ones = np.ones(len(pairs.first), dtype=np.int8)
    graph = sparse.coo_array((ones, (pairs.first, pairs.second)), shape=(pairs.ids, pairs.ids))
    return np.asarray(
        sparse.csgraph.connected_components(graph.tocsr(), directed=False)[1], dtype=np.int64
    )


def find_roots(pairs: Pairs) -> NDArray[np.int64]:
    """Return the id that each person is named by, (n,) integers: an account, a user, or any id.

    Examples
    --------
    >>> numbers = np.array([0, 1]), np.array([2, 2])
    >>> find_roots(Pairs(4, *numbers, seen_us=np.zeros(2, dtype=np.int64), accounts=4))
    array([2, 2, 2, 3])
    """
    component = find_components(pairs)
    order = np.lexsort((np.arange(pairs.ids), _rank(pairs), component))
    _, first = np.unique(component[order], return_index=True)
    return np.asarray(order[first][component], dtype=np.int64)


def _rank(pairs: Pairs) -> NDArray[np.int64]:
    """Return 0 for accounts, 1 for users and 2 for other ids."""
    rank = np.full(pairs.ids, 2)
    rank[pairs.second] = 1
    rank[pairs.accounts :] = 0
    return rank


@dataclass(frozen=True)
class MergeTree:
    """The parts of the graph over time; node i < n is the single id i.

    Attributes
    ----------
    up : (k,) integers
        The node that each node is merged into, -1 for none.
    root : (k,) integers
        The id that the person is named by.
    start_us, end_us : (k,) int64
        From when to when the part exists. Both are equal if it is merged again at once.
    first_leaf, last_leaf : (k,) integers
        The ids of a node have consecutive positions, from the first one to before the last.
    """

    up: NDArray[np.int64]
    root: NDArray[np.int64]
    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    first_leaf: NDArray[np.int64]
    last_leaf: NDArray[np.int64]

    @property
    def exists(self) -> NDArray[np.bool_]:
        """Whether a node exists for a while, (k,) booleans."""
        return self.start_us < self.end_us


def merge_over_time(pairs: Pairs) -> MergeTree:
    """Merge the ids of pairs in order of time.

    A person is named by an account, if there is one, else by the user that was seen first, else by
    the first id in order. So a name stays when more ids join.
    """
    n, users = pairs.ids, 0
    # A smaller key is a better name: accounts, then users from their first pair on.
    key = [2 * n + number for number in range(pairs.accounts)] + list(range(n - pairs.accounts))
    # Lists, as single items of arrays are slow. Each part is led by one of its ids (union-find with
    # path halving).
    leader, node, root, size = list(range(n)), list(range(n)), list(range(n)), [1] * n
    start, lefts, rights = [int(ALWAYS)] * n, list[int](), list[int]()
    order = np.lexsort((pairs.second, pairs.first, pairs.seen_us))
    columns = (pairs.first[order], pairs.second[order], pairs.seen_us[order])
    for one, other, seen_us in zip(*(column.tolist() for column in columns), strict=True):
        if key[other] >= 2 * n:
            key[other], users = n + users, users + 1
        a = one
        while leader[a] != a:
            leader[a] = a = leader[leader[a]]
        b = other
        while leader[b] != b:
            leader[b] = b = leader[leader[b]]
        if a == b:
            continue
        left, right = node[a], node[b]
        best = root[left] if key[root[left]] < key[root[right]] else root[right]
        root.append(best if key[best] < key[other] else other)
        start.append(seen_us)
        size.append(size[left] + size[right])
        lefts.append(left)
        rights.append(right)
        if size[left] < size[right]:
            a, b = b, a
        leader[b] = a
        node[a] = len(root) - 1
    return _tree(lefts, rights, root, start, size)


def _tree(
    lefts: list[int], rights: list[int], root: list[int], start: list[int], size: list[int]
) -> MergeTree:
    """Return the tree of merges as arrays, with the ends of its nodes and the places of their ids.

    Parameters
    ----------
    lefts, rights
        The two nodes of each merge; its own node follows those of the single ids.
    root, start, size
        Of all nodes.
    """
    n = len(root) - len(lefts)
    up, sizes, start_us = np.full(len(root), -1), np.array(size), np.array(start)
    up[lefts] = up[rights] = np.arange(n, len(root))
    first_leaf = np.zeros(len(root), dtype=np.int64)
    top = np.flatnonzero(up < 0)
    first_leaf[top] = np.cumsum(sizes[top]) - sizes[top]
    first = first_leaf.tolist()
    for number in range(len(lefts) - 1, -1, -1):
        left, begin = lefts[number], first[n + number]
        first[left] = begin
        first[rights[number]] = begin + size[left]
    first_leaf = np.array(first, dtype=np.int64)
    end_us = np.where(up < 0, NEVER, start_us[up])
    return MergeTree(up, np.array(root), start_us, end_us, first_leaf, first_leaf + sizes)


class Members(NamedTuple):
    """Ids with the nodes that their rows belong to.

    Attributes
    ----------
    number, node : (r,) integers
        The number of the id, and a node that contains it.
    """

    number: NDArray[np.int64]
    node: NDArray[np.int64]


def find_members(
    tree: MergeTree,
    number: NDArray[np.int64],
    first_us: NDArray[np.int64],
    last_us: NDArray[np.int64],
    history_us: NDArray[np.int64] | int,
) -> Members:
    """Return the nodes that concern the rows of each id.

    Parameters
    ----------
    number : (i,) integers
        Numbers of the ids that have rows.
    first_us, last_us : (i,) int64
        The times of their first and last row.
    history_us : (i,) int64, or one number
        A node has rows of the id from so long before its start on.
    """
    found: list[Members] = []
    node, exists, until_us = number, tree.exists, last_us + history_us
    while len(number):
        concerned = exists[node] & (tree.end_us[node] >= first_us)
        found.append(Members(number[concerned], node[concerned]))
        above = tree.up[node]
        goes_on = (above >= 0) & (tree.start_us[above] <= until_us)
        number, first_us, until_us = number[goes_on], first_us[goes_on], until_us[goes_on]
        node = above[goes_on]
    if not found:
        return Members(number, number)
    return Members(*(np.concatenate(columns) for columns in zip(*found, strict=True)))
