"""How input tables are loaded."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lydite.errors import InputError
from lydite.settings import ChannelSettings, DeclaredEnds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lydite.settings import CurrencySettings, RuleName, RuleSettings


@dataclass(frozen=True)
class LoadOptions:
    """How input tables are loaded.

    Attributes
    ----------
    now
        Rows later than this are set aside; the current time when None. A time without zone is UTC.
    ends
        The declared ends of the data. Rows after them are set aside too.
    names
        How channels are named; by default there is no mapping.
    keep_raw
        Whether to keep all rows, before they are checked, as tables of the schema ``raw``.
    keep_duplicates
        Whether equal conversions without an id are kept; otherwise they are counted once.
    rules
        Severity and threshold of rules about touchpoints (`lydite.inputs.rules`).
    first_only
        Outcomes of which only the first conversion of a user counts.
    currency
        The currency that amounts are converted to, and the rates; None to convert nothing.
    timezone
        The time zone of times without a zone, and of days; None for UTC.
    """

    now: datetime | None = None
    ends: DeclaredEnds = field(default_factory=DeclaredEnds)
    names: ChannelSettings = field(default_factory=ChannelSettings)
    keep_raw: bool = False
    keep_duplicates: bool = False
    rules: Mapping[RuleName, RuleSettings] | None = None
    first_only: Collection[str] = ()
    currency: CurrencySettings | None = None
    timezone: str | None = None

    def at_fixed_time(self) -> LoadOptions:
        """Return the options with `now` in UTC and without a zone, like the times of the tables.

        Raises
        ------
        InputError
            When a declared end of the data is later.
        """
        now = datetime.now(UTC) if self.now is None else self.now
        now = now if now.tzinfo is None else now.astimezone(UTC).replace(tzinfo=None)
        ends = (self.ends.conversions, *self.ends.by_outcome.values())
        last = max((end for end in ends if end is not None), default=now)
        if last > now:
            raise InputError(
                f"as_of = {last} is in the future: it is the instant up to which the data is"
                " complete. Give an instant in the past, or leave it out."
            )
        return replace(self, now=now)
