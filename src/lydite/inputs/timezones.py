"""Refuses times with mixed or unknown zones: a wrong guess would shift them unnoticed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lydite.errors import InputError

if TYPE_CHECKING:
    from lydite.engine import Engine
    from lydite.inputs.source_rows import Relation

_UTC = {"Z", "UTC", "GMT", "+0000", "-0000"}
_NUMBER = "number"
_ADVICE = "Convert it to UTC first, or cast it in a .sql source"

# The text after the time of day, such as +02:00; empty without a zone. After the ninth character of
# a date there is no further hyphen, so that the next one starts an offset.
_DESIGNATORS = r"""
    select
        case
            when regexp_full_match({text}, '[+-]?[0-9]+([.][0-9]+)?') then 'number'
            when {time} is not null then regexp_extract(substr({text}, 10), '[^0-9:.,Tt ].*\z')
        end as designator,
        count(*) as count,
        min({text}) as example
    from {relation}
    where {text} is not null
    group by designator
    order by count desc, designator
"""


@dataclass(frozen=True)
class _Group:
    """The values of a column with the same zone designator."""

    designator: str
    count: int
    example: str

    @property
    def zone(self) -> str:
        """The designator, normalised: Z, +00, +0000 and +00:00 are the same zone."""
        digits = self.designator.upper().replace(":", "")
        offset = f"{digits:0<5}" if re.fullmatch(r"[+-]\d\d", digits) else digits
        return "Z" if offset in _UTC else offset

    def __str__(self) -> str:
        zone = self.designator or "no zone"
        return f"{self.count} with {zone} (such as {self.example!r})"


#: What the times of a column say about their zone: epochs are UTC, though nothing is written.
Zone = Literal["given", "none", "epoch"]


def zone_in(text: str) -> Zone | None:
    """Return what the text of a time says about its zone; None for days and other numbers.

    Examples
    --------
    >>> [zone_in(time) for time in ("2026-03-01T09:30Z", "2026-03-01 09:30", "1772357400")]
    ['given', 'none', 'epoch']
    """
    if re.fullmatch(r"\d+(\.\d*)?", text):
        number = float(text)
        is_epoch = number > 1e8 and not 1.9e13 < number < 2.2e13  # 20260301093000 has no zone
        return "epoch" if is_epoch else None
    if ":" not in text:
        return None
    return "given" if re.search(r"[^0-9:.,Tt ].*\Z", text[9:]) else "none"


def refuse_mixed_zones(
    engine: Engine, relation: Relation, column: str, text: str, time: str
) -> Zone | None:
    """Raise when a text column of times has more than one zone.

    Parameters
    ----------
    engine
        Reads the rows.
    relation
        The source.
    column
        The column's name in the source.
    text, time
        SQL expressions of its trimmed text, and of the time parsed from it (null if invalid).

    Returns
    -------
    Zone or None
        What the times say about their zone; ``"epoch"`` where the column has numbers and no other
        times, None where it has neither.

    Raises
    ------
    InputError
        The message has the designators, each with its count and an example.
    """
    rows = engine.rows(_DESIGNATORS.format(text=text, time=time, relation=relation.sql))
    groups = [_Group(*row) for row in rows if row[0] is not None]
    times = [group for group in groups if group.designator != _NUMBER]
    if len({group.zone for group in times}) > 1:
        found = ", ".join(map(str, times[:5])) + (", and more" if len(times) > 5 else "")
        raise InputError(
            f"{relation.place}: column {column!r} mixes time zones: {found}. {_ADVICE}."
        )
    if groups and not times:
        return "epoch"
    return ("given" if times[0].designator else "none") if times else None
