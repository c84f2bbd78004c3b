"""Settings of channels, people and currencies."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from lydite.settings.types import Section


class ChannelSettings(Section):
    """How the channels of touchpoints and spend are named.

    Attributes
    ----------
    mapping
        CSV file with the columns ``pattern`` and ``channel``, which overrides all other names.
    direct
        More names of direct traffic. Case and punctuation do not matter.
    exclude_referrals
        Domains whose links continue a visit, such as the own one: a touch from there has the
        channel of the user's touch before. Payment and login providers are excluded anyway.
    """

    mapping: str | None = None
    direct: tuple[str, ...] = ()
    exclude_referrals: tuple[str, ...] = ()


class PeopleSettings(Section):
    """Which rows belong to one person, and whether journeys are those of persons or accounts.

    Attributes
    ----------
    identities
        ``"seen_by_then"``: a row belongs to the person by the pairs of `identities` that were seen
        by its time. ``"always"``: by all pairs, also later ones. That makes histories of converters
        longer than others where ids are seen together at a conversion.
    max_partners
        Ids with more partners in `identities` join nothing, such as that of a shared terminal.
    unit
        ``"account"``: all users with the same `account_id` have one journey.
    """

    identities: Literal["seen_by_then", "always"] = "seen_by_then"
    max_partners: Annotated[int, Field(ge=1)] = 50
    unit: Literal["user", "account"] = "user"


def _parse_currency(value: object) -> object:
    text = value.strip().upper() if isinstance(value, str) else ""
    if not re.fullmatch("[A-Z]{3}", text):
        raise ValueError('write the three letters of a currency in quotes, such as "EUR"')
    return text


class CurrencySettings(Section):
    """The currency of all results, where amounts are in several.

    Attributes
    ----------
    reporting
        The currency that amounts of conversions and spend are converted to, such as ``"EUR"``.
    rates
        A CSV or Parquet file with the columns ``date``, ``currency`` and ``rate`` (what one unit is
        worth in the reporting currency), or ``"ecb"`` for the reference rates of the ECB.
    """

    reporting: Annotated[str, BeforeValidator(_parse_currency)]
    rates: str | None = None
