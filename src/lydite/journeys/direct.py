"""Names of direct traffic: visits without a known source, which `last_non_direct` ignores."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Names of direct traffic, compared without case, punctuation and blanks: "(direct) / (none)" is
#: `directnone`.
DIRECT_NAMES = (
    "direct",
    "none",
    "directnone",
    "nonedirect",
    "directdirect",
    "directnotset",
    "directentry",
    "directentries",
    "directtraffic",
    "trafficdirect",
    "directvisit",
    "directvisits",
    "directaccess",
    "directload",
    "directnavigation",
    "directchannel",
    "directtypein",
    "directtyped",
    "directbookmark",
    "directbookmarks",
    "directbookmarked",
    "directtypedbookmarked",
    "typein",
    "typedin",
    "typedbookmark",
    "typedbookmarks",
    "typedbookmarked",
)
#: A regular expression of what does not count in a name in lower case. DuckDB, Java and Python read
#: it in the same way.
PUNCTUATION = r"[\x00-/:-`{-\x7f" + "\u00a0\u2007\u202f\u2010-\u2015\u2192]"
#: For SQL: values of the parameters of `sql/journeys/channels.sql`.
SQL_PARAMETERS = {"direct_names": f",{','.join(DIRECT_NAMES)},", "punctuation": PUNCTUATION}


def is_direct(name: str) -> bool:
    """Return whether a channel is direct traffic.

    Examples
    --------
    >>> [name for name in ("(direct) / (none)", "Direct Entry", "direct mail") if is_direct(name)]
    ['(direct) / (none)', 'Direct Entry']
    """
    # One letter for each letter, as `lower` in SQL.
    lower = name.replace("İ", "i").lower()
    return re.sub(PUNCTUATION, "", lower) in DIRECT_NAMES


def note_on_direct(channels: Iterable[str]) -> str | None:
    """Return which channels count as direct traffic; None if it is at most 'direct'."""
    found = sorted(name for name in channels if is_direct(name))
    if not found or [name.lower() for name in found] == ["direct"]:
        return None
    return (
        f"treated as direct traffic, which last_non_direct ignores: {', '.join(map(repr, found))}"
    )
