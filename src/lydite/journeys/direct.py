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


def sql_parameters(more: Iterable[str] = ()) -> dict[str, str]:
    """Return the parameters of `sql/journeys/channels.sql`, with more names of direct traffic."""
    names = (*DIRECT_NAMES, *filter(None, map(_compact, more)))
    return {"direct_names": f",{','.join(names)},", "punctuation": PUNCTUATION}


def is_direct(name: str) -> bool:
    """Return whether a channel is direct traffic by its name.

    Examples
    --------
    >>> [name for name in ("(direct) / (none)", "Direct Entry", "direct mail") if is_direct(name)]
    ['(direct) / (none)', 'Direct Entry']
    """
    return _compact(name) in DIRECT_NAMES


def _compact(name: str) -> str:
    """Return a name in lower case, without punctuation and blanks."""
    # One letter for each letter, as `lower` in SQL.
    return re.sub(PUNCTUATION, "", name.replace("İ", "i").lower())


def note_on_direct(direct: Iterable[str]) -> str | None:
    """Return a note on the channels that count as direct traffic; None if it is only 'direct'."""
    found = sorted(direct)
    if not found or [name.lower() for name in found] == ["direct"]:
        return None
    return (
        f"treated as direct traffic, which last_non_direct ignores: {', '.join(map(repr, found))}"
    )
