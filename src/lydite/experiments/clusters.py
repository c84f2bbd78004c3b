r"""Users who belong together: how much larger a test of whole clusters is than one of users.

People of one account influence each other. If only some of them get a channel, the others hear
of it, and a test by user measures too little. So whole accounts are drawn. That makes no test
smaller: users of one account behave alike, so each adds less than a user who is drawn alone. A
test of clusters needs more users than one of users, by the design effect

.. math::

    D = 1 + (m - 1) \rho

where :math:`\rho` is the correlation of two users of one cluster, and :math:`m` the number of
users per cluster (Donner & Klar 2000); where sizes differ, the mean size over the users,
:math:`m = \sum n_a^2 / \sum n_a` (Kerry & Bland 2001). The correlation is estimated from the data.
With :math:`n_a` users and :math:`y_a` conversions of cluster :math:`a`, and the rate
:math:`p = \sum y_a / \sum n_a`,

.. math::

    D = \frac{A}{A - 1} \frac{\sum (y_a - p n_a)^2}{p (1 - p) \sum n_a}, \quad
    \rho = (D - 1) / (m - 1)

These are the variances by which an experiment with clusters is read
(`lydite.experiments.two_samples`).

References
----------
A. Donner and N. Klar (2000), the monograph on cluster randomization in health research, Arnold.
S. M. Kerry and J. M. Bland (2001), on unequal cluster sizes, Statistics in Medicine 20, 377-390.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Clusters:
    """Sums over the clusters of the users of a channel, each user counted once a week.

    A user without a cluster is one alone.

    Attributes
    ----------
    column
        The column of `users` whose values are the clusters, such as ``account_id``.
    weeks
        The length of the history.
    number
        How many clusters there are.
    people
        How many different users they have.
    users, squared_users
        Users, counted once a week, and the sum of the squares of their number per cluster.
    conversions, squared_conversions
        Conversions, and the sum of the squares of their number per cluster.
    products
        The sum, over the clusters, of users times conversions.
    """

    column: str
    weeks: int
    number: int
    people: int
    users: int
    squared_users: int
    conversions: int
    squared_conversions: int
    products: int

    @property
    def size_per_week(self) -> float:
        """The mean number of users of a cluster in a week."""
        return self.users / self.number / self.weeks

    @property
    def correlation(self) -> float:
        """The correlation of two users of one cluster; 0 where the estimate is negative."""
        rate = self.conversions / self.users
        expected = rate * (1 - rate) * self.users
        size = self.squared_users / self.users
        if self.number < 2 or size <= 1 or expected <= 0:
            return 0.0
        squares = (
            self.squared_conversions
            - 2 * rate * self.products
            + rate**2 * self.squared_users
        )  # fmt: skip
        effect = self.number / (self.number - 1) * squares / expected
        return min(max((effect - 1) / (size - 1), 0.0), 1.0)

    def design_effect(self, weeks: float) -> float:
        """Return how many times the users of a test by user it takes, if it takes some weeks.

        The clusters of the history are assumed to come back: a longer test has larger clusters,
        and not more of them.
        """
        return 1 + (self.mean_size(weeks) - 1) * self.correlation

    def mean_size(self, weeks: float) -> float:
        """Return the mean size over the users of the clusters, in a test of some weeks."""
        return max(self.squared_users / self.users * weeks / self.weeks, 1.0)
