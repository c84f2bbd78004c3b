"""Names the channels of touchpoints and spend: mapping, default groups, excluded referrals."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from lydite.engine import load_sql
from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from lydite.engine import DuckDBEngine, Engine
    from lydite.inputs.schema import Table
    from lydite.settings import ChannelSettings

#: Domains of payment and login providers. A visit that they link to continues an earlier one.
EXCLUDED_REFERRALS = (
    "paypal.com", "stripe.com", "klarna.com", "adyen.com", "mollie.com", "sofort.com",
    "paydirekt.de", "giropay.de", "ideal.nl", "afterpay.com", "clearpay.co.uk", "affirm.com",
    "sezzle.com", "worldpay.com", "sagepay.com", "opayo.co.uk", "authorize.net", "braintree.com",
    "braintreegateway.com", "checkout.com", "squareup.com", "payu.com", "razorpay.com",
    "mercadopago.com", "przelewy24.pl", "bancontact.com", "multisafepay.com", "saferpay.com",
    "datatrans.com", "computop-paygate.com", "payone.com", "arcot.com", "3dsecure.io",
    "cardinalcommerce.com", "pay.google.com", "payments.google.com", "payments.amazon.com",
    "payments.amazon.de", "payments.amazon.co.uk", "checkout.shopify.com", "shop.app",
    "accounts.google.com", "appleid.apple.com", "login.microsoftonline.com", "login.live.com",
    "login.yahoo.com", "auth0.com", "okta.com", "onelogin.com",
)  # fmt: skip
_RULES = {
    "position": pl.Int64,
    "source": pl.String,
    "medium": pl.String,
    "campaign": pl.String,
    "is_name": pl.Boolean,
    "channel": pl.String,
}
_ANY = "%"
#: Most names that a note lists.
_MOST_NAMED = 5


@dataclass(frozen=True)
class ChannelRule:
    """One row of a mapping file.

    Parameters
    ----------
    pattern
        ``source``, ``source / medium`` or ``source / medium / campaign``, where ``*`` is any text
        and ``?`` any character. A pattern of one part is also compared with the channel's name.
    channel
        The name of the channel.
    """

    pattern: str
    channel: str

    def row(self, position: int) -> tuple[object, ...]:
        """Return the row of the table of rules: patterns for ``like``."""
        parts = [_like(part) for part in re.split(r"\s+/\s+", self.pattern.strip())]
        source, medium, campaign = (*parts, *[_ANY] * (3 - len(parts)))
        return (position, source, medium, campaign, len(parts) == 1, self.channel)


def _like(pattern: str) -> str:
    """Return a pattern with ``*`` and ``?`` as one for ``like`` over lower-case text."""
    escaped = re.sub(r"([\\%_])", r"\\\1", pattern.lower())
    return escaped.replace("*", "%").replace("?", "_")


def read_mapping(path: str | Path) -> list[ChannelRule]:
    """Read a mapping file: CSV with the columns ``pattern`` and ``channel``.

    Raises
    ------
    InputError
        When it cannot be read, or a row has no pattern, no channel or more than three parts.
    """
    place = f"channels.mapping ({path})"
    try:
        with Path(path).expanduser().open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
    except FileNotFoundError as error:
        raise InputError(f"{place}: there is no such file") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{place}: cannot be read: {error}") from error
    if rows and not {"pattern", "channel"} <= set(rows[0]):
        found = ", ".join(repr(name) for name in rows[0])
        raise InputError(f"{place}: needs the columns 'pattern' and 'channel'; it has {found}")
    return [_rule(place, number, row) for number, row in enumerate(rows, start=2)]


def _rule(place: str, line: int, row: dict[str, str | None]) -> ChannelRule:
    pattern, channel = (row["pattern"] or "").strip(), (row["channel"] or "").strip()
    if not pattern or not channel:
        raise InputError(f"{place}: line {line} lacks a pattern or a channel")
    if len(re.split(r"\s+/\s+", pattern)) > 3:
        raise InputError(
            f"{place}: line {line}: {pattern!r} has more than three parts; write"
            " 'source / medium / campaign'"
        )
    return ChannelRule(pattern, channel)


# --- naming ---------------------------------------------------------------------------------------


def needs_names(table: Table, columns: Collection[str], settings: ChannelSettings) -> bool:
    """Return whether channels of a source, with the given columns about visits, need names."""
    return bool(table.traffic) and (bool(columns) or settings.mapping is not None)


def create_macros(engine: DuckDBEngine) -> None:
    """Create the macros of `sql/channels/macros.sql`, which sources may use too."""
    engine.run(load_sql("channels/macros"))


def name_channels(
    engine: Engine, table: Table, select: str, settings: ChannelSettings, *, has_traffic: bool
) -> str:
    """Return the select of the rows with their channels.

    ``inputs.channels_of_<table>`` describes how the channels came about.

    Parameters
    ----------
    engine
        Reads the rows. DuckDB needs the macros (`create_macros`).
    table
        The input table.
    select
        The rows, with the columns ``source``, ``medium``, ``platform`` and ``referrer``.
    settings
        The mapping and the excluded referrals.
    has_traffic
        Whether the source has any of these columns; otherwise they are null.
    """
    rules = [] if settings.mapping is None else read_mapping(settings.mapping)
    rows = [rule.row(position) for position, rule in enumerate(rules)]
    domains = [domain.lower() for domain in (*EXCLUDED_REFERRALS, *settings.exclude_referrals)]
    engine.store("raw.channel_rules", pl.DataFrame(rows, schema=_RULES, orient="row"))
    engine.store("raw.excluded_referrals", pl.DataFrame({"domain": domains}))
    engine.create_view("raw.visits", select)
    engine.create("raw.channel_names", "channels/names", {"has_traffic": has_traffic})
    engine.create(f"inputs.channels_of_{table.name}", _SUMMARY)
    takes_previous = engine.scalar(
        "select count(*) > 0 from raw.channel_names where rule = 'excluded_referral'"
    )
    if table.name == "touchpoints" and takes_previous:
        engine.create_view("raw.named_rows", "channels/named_rows")
        return load_sql("channels/previous_channel")
    return f"select * exclude takes_previous from (\n{load_sql('channels/named_rows')}\n)"


_SUMMARY = """
select channel, rule, named_source as source, named_medium as medium, sum(visits) as rows
from raw.channel_names
group by all
order by rows desc, channel, source, medium
"""


def drop_names(engine: Engine) -> None:
    """Drop the tables that `name_channels` needs while a table is loaded."""
    for name in ("named_rows", "visits", "channel_names", "channel_rules", "excluded_referrals"):
        engine.drop(f"raw.{name}")


# --- notes ----------------------------------------------------------------------------------------

_EXCLUDED = """
select source, sum(rows) as visits
from inputs.channels_of_touchpoints
where rule = 'excluded_referral'
group by source
order by visits desc, source
"""
_UNASSIGNED = """
select coalesce(source, '(not set)') || ' / ' || coalesce(medium, '(not set)'), sum(rows) as visits
from inputs.channels_of_touchpoints
where channel = 'Unassigned'
group by 1
order by visits desc, 1
"""
_ALIKE = r"""
select string_agg('''' || channel || '''', ' and ' order by channel)
from journeys.channels
group by lower(regexp_replace(channel, '[\s\x0B\p{Z}\x{FEFF}]+', '', 'g'))
having count(*) > 1
order by 1
"""


def channel_notes(engine: Engine) -> list[tuple[str, str]]:
    """Return kind and text of each note about the names of channels.

    The kinds are ``excluded_referrals``, ``unassigned_channel`` and ``similar_channels``, names
    that differ only by case or blanks.
    """
    notes = []
    if engine.exists("inputs.channels_of_touchpoints"):
        notes += [*_excluded(engine), *_unassigned(engine)]
    alike = [names for (names,) in engine.rows(_ALIKE)]
    if alike:
        text = "channels differ only by case or blanks; map them to one name in channels.mapping"
        notes.append(("similar_channels", f"{text}: {_enumerate(alike)}"))
    return notes


def _excluded(engine: Engine) -> Iterator[tuple[str, str]]:
    found = engine.rows(_EXCLUDED)
    if found:
        total = sum(visits for _, visits in found)
        names = _enumerate([f"{source} ({visits:,})" for source, visits in found])
        text = "touches from excluded referrals have the channel of the touch before"
        yield "excluded_referrals", f"{total:,} {text}: {names}"


def _unassigned(engine: Engine) -> Iterator[tuple[str, str]]:
    found = engine.rows(_UNASSIGNED)
    if found:
        total = sum(visits for _, visits in found)
        names = _enumerate([f"{name!r} ({visits:,})" for name, visits in found])
        text = "touches are Unassigned, as no default group fits; add them to channels.mapping"
        yield "unassigned_channel", f"{total:,} {text}: {names}"


def _enumerate(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join([*names[:_MOST_NAMED], *([f"{more} more"] if more > 0 else [])])
