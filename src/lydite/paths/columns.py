"""Columns of a touch on its path, and the weights that are computed from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lydite.engine.duckdb import quote_literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: What the weight of a touch may refer to, and what each column means.
PATH_COLUMNS: dict[str, str] = {
    "position": "1 for the path's first touch",
    "path_length": "touches on the path",
    "position_from_end": "1 for the path's last touch",
    "last_non_direct_position": "position of the last touch that is not direct, null if all are",
    "hours_before_end": "hours from the touch to the path's last touch",
    "hours_after_start": "hours from the path's first touch to the touch",
    "channel": "channel of the touch",
    "campaign": "campaign of the touch, if any",
    "interaction": "kind of contact, if known",
}

#: The position of the last touch before a milestone; null where none is on the path. A user's rule
#: cannot refer to it.
MILESTONE_POSITION = "milestone_position"
#: The columns that say more of a path than the order of its channels.
BEYOND_ORDER = frozenset(
    {"hours_before_end", "hours_after_start", "campaign", "interaction", MILESTONE_POSITION}
)


@dataclass(frozen=True)
class ExponentialDecay:
    """A weight that loses half its value per half-life before the end of the path.

    Its text is the SQL expression. Several models use it, so that paths compute it with numpy.

    Parameters
    ----------
    half_life_hours
        Above 0.

    Examples
    --------
    >>> str(ExponentialDecay(24))
    'power(0.5, hours_before_end / 24.0)'
    """

    half_life_hours: float

    def __str__(self) -> str:
        """Return the SQL expression."""
        return f"power(0.5, hours_before_end / {float(self.half_life_hours)})"

    def values(self, hours_before_end: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights of touches so many hours before the end of their paths."""
        exponent = hours_before_end / -self.half_life_hours
        return np.asarray(np.exp2(exponent, out=exponent))


@dataclass(frozen=True)
class UserWeight:
    """A weight that a user has written: its statement stops at a negative or huge value.

    Its text is the SQL expression.

    Attributes
    ----------
    name
        Name of the rule, for messages.
    written
        The expression as the user wrote it, for messages.
    expression
        The same, checked and safe in any statement.
    """

    name: str
    written: str
    expression: str

    @classmethod
    def checked(cls, name: str, written: str) -> UserWeight:
        """Check what a user has written.

        Raises
        ------
        InputError
            When it is no expression over `PATH_COLUMNS`, or may do anything but weigh a touch.
        """
        from lydite.paths.expressions import check_expression  # noqa: PLC0415  (as in `columns_used`)

        return cls(name, written, check_expression(name, written))

    def __str__(self) -> str:
        """Return the SQL expression with the check of its value."""
        weight = f"cast(({self.expression}) as double)"
        message = (
            f"concat({quote_literal(self.message_start)}, {weight}, ' to touch ', position, ' of ',"
            " path_length, ' on a path, of channel ', channel)"
        )
        return (
            f"case when {self.is_refused} then cast(error({message}) as double) else {weight} end"
        )

    @property
    def message_start(self) -> str:
        """How the error of a refused value starts."""
        return f"the rule {self.name!r} gives the weight "

    @property
    def is_refused(self) -> str:
        """The SQL condition that the value is negative or huge."""
        return f"not (coalesce(cast(({self.expression}) as double), 0) between 0 and {MOST_WEIGHT})"


#: The largest weight that a user may give. Sums are kept in single precision, up to 3e38.
MOST_WEIGHT = "1e30"

#: The weight of a touch: a SQL expression over `PATH_COLUMNS`, or an object whose text is one.
Weight: TypeAlias = str | ExponentialDecay | UserWeight
#: Weights by the name of the column in `PathChannels.weights` that holds their sums.
WeightColumns: TypeAlias = Mapping[str, Weight]


def columns_used(weight: Weight) -> frozenset[str]:
    """Return the columns of a touch that a weight depends on.

    Of plain SQL text, which comes from a model and not from a user, every word that names a column
    counts, at worst one in quotes too many: so most commands need no SQL parser, whose import takes
    a fifth of a second.

    Examples
    --------
    >>> sorted(columns_used("case when position = 1 then 0.4 else 0.2 / (path_length - 2) end"))
    ['path_length', 'position']
    """
    if isinstance(weight, UserWeight):
        from lydite.paths.expressions import columns_of  # noqa: PLC0415

        return columns_of(str(weight))
    columns = {*PATH_COLUMNS, MILESTONE_POSITION}
    return frozenset(_WORD.findall(str(weight).lower())) & columns


_WORD = re.compile(r"\w+")
