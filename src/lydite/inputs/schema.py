"""The input tables, their columns, and the reasons to set rows aside."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(Enum):
    """The kind of a column's values, which decides how they are cast."""

    IDENTIFIER = "identifier"  # text, unchanged; numbers become text
    LABEL = "label"  # text, trimmed
    INSTANT = "instant"
    DAY = "day"
    NUMBER = "number"


_TYPES = {
    Kind.IDENTIFIER: "VARCHAR",
    Kind.LABEL: "VARCHAR",
    Kind.INSTANT: "TIMESTAMP",
    Kind.DAY: "DATE",
    Kind.NUMBER: "DOUBLE",
}


@dataclass(frozen=True)
class Column:
    """One column of an input table.

    Parameters
    ----------
    name
        The column's name; a source may write it in any case.
    kind
        The kind of its values.
    description
        One line of documentation.
    required
        Whether a source must have the column.
    default
        The value where a source has none; None is null.
    unit
        The unit of its values, empty if there is none.
    is_kept
        Whether the loaded table has the column; otherwise it only changes others.
    """

    name: str
    kind: Kind
    description: str
    required: bool = False
    default: str | None = None
    unit: str = ""
    is_kept: bool = True

    @property
    def type(self) -> str:
        """The SQL type of the loaded column."""
        return _TYPES[self.kind]


@dataclass(frozen=True)
class Table:
    """One input table.

    Parameters
    ----------
    name
        The table's name in the schemas ``raw``, ``inputs`` and ``quarantine``.
    description
        One line of documentation.
    columns
        The columns, in the order of the loaded table.
    required
        Whether a source must be given and have at least one usable row.
    distinct
        Whether rows that are equal in every loaded column are counted once. Two equal rows of
        `spend` are two bookings; equal touchpoints are merged when journeys are built.
    id
        The column with the id of a row in the source; equal rows without one may be kept.
    has_segments
        Whether all other columns of the source are kept, as text.
    traffic
        Columns from which the channel is named where the source has any of them. They are not kept.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    required: bool = False
    distinct: bool = False
    id: str | None = None
    has_segments: bool = False
    traffic: tuple[Column, ...] = ()

    @property
    def sql(self) -> str:
        """The name of the SQL file that checks the table's rows."""
        return f"inputs/{self.name}"

    @property
    def has_time(self) -> bool:
        """Whether rows have a time or day."""
        return any(column.kind in {Kind.INSTANT, Kind.DAY} for column in self.columns)

    @property
    def time(self) -> Column:
        """The column with the time or day of a row."""
        return next(column for column in self.columns if column.kind in {Kind.INSTANT, Kind.DAY})


_USER = Column(
    "user_id",
    Kind.IDENTIFIER,
    "the user; a number and its text are the same user",
    required=True,
)
_CHANNEL = Column("channel", Kind.LABEL, "the marketing channel, such as email", required=True)
_CAMPAIGN = Column("campaign", Kind.LABEL, "the campaign within the channel")
_SOURCE = Column("source", Kind.LABEL, "where the visit came from, such as google or utm_source")
_MEDIUM = Column("medium", Kind.LABEL, "the kind of link, such as cpc or utm_medium")

_CURRENCY = Column(
    "currency",
    Kind.LABEL,
    "the currency of the amounts of the row, such as USD",
    is_kept=False,
)

_TABLES = (
    Table(
        "touchpoints",
        "contacts of users with channels",
        (
            _USER,
            Column("touched_at", Kind.INSTANT, "when it happened", required=True, unit="UTC"),
            _CHANNEL,
            _CAMPAIGN,
            Column("interaction", Kind.LABEL, "the kind of contact, such as click or impression"),
            Column("cost", Kind.NUMBER, "what this one contact cost", unit="currency"),
            Column("touchpoint_id", Kind.IDENTIFIER, "id of the contact in the source"),
        ),
        required=True,
        traffic=(
            _SOURCE,
            _MEDIUM,
            Column("click_ids", Kind.LABEL, "URL of the landing page, or names of click ids in it"),
            Column("referrer", Kind.LABEL, "URL or host that linked to the site"),
        ),
    ),
    Table(
        "conversions",
        "events that the business wants",
        (
            _USER,
            Column("converted_at", Kind.INSTANT, "when it happened", required=True, unit="UTC"),
            Column("outcome", Kind.LABEL, "which event it is", default="conversion"),
            Column(
                "value",
                Kind.NUMBER,
                "what it is worth; a negative value with the id of an earlier row is its refund",
                unit="currency",
            ),
            Column(
                "conversion_id",
                Kind.IDENTIFIER,
                "id of the event in the source; rows of a user with one id are one conversion",
            ),
            Column(
                "refund",
                Kind.NUMBER,
                "what was paid back: of this order, or of the one with this id if value is empty",
                unit="currency",
                is_kept=False,
            ),
            _CURRENCY,
        ),
        required=True,
        distinct=True,
        id="conversion_id",
    ),
    Table(
        "spend",
        "cost that is booked per day and not per contact",
        (
            Column("date", Kind.DAY, "the day of the booking", required=True, unit="UTC day"),
            _CHANNEL,
            _CAMPAIGN,
            Column("cost", Kind.NUMBER, "what was spent", required=True, unit="currency"),
            _CURRENCY,
        ),
        traffic=(_SOURCE, _MEDIUM),
    ),
    Table(
        "users",
        "one row per user; every other column is a segment",
        (_USER,),
        distinct=True,
        has_segments=True,
    ),
    Table(
        "identities",
        "pairs of ids that belong to one person",
        (
            Column(
                "anonymous_id",
                Kind.IDENTIFIER,
                "an id without a login, such as that of a cookie or a device",
                required=True,
            ),
            Column(
                "user_id",
                Kind.IDENTIFIER,
                "the user; both ids may be the user_id of other tables",
                required=True,
            ),
            Column(
                "seen_at",
                Kind.INSTANT,
                "when they were first seen together, such as at a login",
                required=True,
                unit="UTC",
            ),
        ),
        distinct=True,
    ),
    Table(
        "erasures",
        "users whose rows are deleted; of the ids, only digests are stored",
        (_USER,),
        distinct=True,
    ),
    Table(
        "experiments",
        "assignments of users to the arms of randomised experiments",
        (
            Column("experiment", Kind.LABEL, "name of the experiment", required=True),
            _USER,
            Column("arm", Kind.LABEL, "the arm that the user was drawn for", required=True),
            Column("assigned_at", Kind.INSTANT, "when that was", required=True, unit="UTC"),
        ),
        distinct=True,
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _TABLES})
"""The input tables by name."""

MONTH_FIRST = "the month comes first"
"""How advice about times ends that are read with another pattern."""
_ISO = "write it as ISO-8601, such as 2026-03-01T09:30:00Z, or parse it in a .sql source:"


def _parse(column: str, pattern: str) -> str:
    """Return the advice for times of another form, such as 03/31/2026 09:30."""
    return f"{_ISO} strptime({column}, '{pattern}') where {MONTH_FIRST}"


_PAST = "correct it, or cast it to UTC in a .sql source if it is local time"

#: The reason to set aside rows after a declared end of the data.
AFTER_AS_OF = "after_as_of"
#: The reason to set aside refunds whose order is not in the data: it may be older.
REFUND_WITHOUT_ORDER = "refund_without_order"
#: The reason to set aside later conversions of outcomes of which only the first one counts.
NOT_FIRST = "not_first"

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "missing_user_id": "user_id is null or blank; fill it, or leave the row out",
        "duplicate_user_id": "another row has this user with other segments; keep one row per user",
        "invalid_touched_at": "touched_at is missing or not a time; "
        + _parse("touched_at", "%m/%d/%Y %H:%M"),
        "future_touched_at": f"touched_at is in the future; {_PAST}",
        "invalid_converted_at": "converted_at is missing or not a time; "
        + _parse("converted_at", "%m/%d/%Y %H:%M"),
        "future_converted_at": f"converted_at is in the future; {_PAST}",
        AFTER_AS_OF: "it is later than the declared as_of; raise as_of to use the row",
        "invalid_date": "date is missing or not a day; " + _parse("date", "%m/%d/%Y"),
        "future_date": "date is in the future; correct it, or leave planned spend out",
        "missing_anonymous_id": "anonymous_id is null or blank; fill it, or leave the row out",
        "same_id": "anonymous_id and user_id are the same, which joins nothing; leave the row out",
        "invalid_seen_at": "seen_at is missing or not a time; "
        + _parse("seen_at", "%m/%d/%Y %H:%M"),
        "future_seen_at": f"seen_at is in the future; {_PAST}",
        "missing_experiment": "experiment is null or blank; fill it, or leave the row out",
        "missing_arm": "arm is null or blank; fill it, or leave the row out",
        "invalid_assigned_at": "assigned_at is missing or not a time; "
        + _parse("assigned_at", "%m/%d/%Y %H:%M"),
        "future_assigned_at": f"assigned_at is in the future; {_PAST}",
        "missing_channel": "channel is null or blank; fill it, or leave the row out",
        "missing_cost": "cost is null or blank; fill it, or leave the row out",
        "invalid_cost": "cost is not a number, or its separator is unclear; write digits, such"
        " as 1234.50",
        "not_finite_cost": "cost is NaN or infinite; leave it empty where it is unknown",
        "negative_cost": "cost is below zero; record refunds separately",
        "invalid_value": "value is not a number, or its separator is unclear; write digits, such"
        " as 1234.50",
        "not_finite_value": "value is NaN or infinite; leave it empty where it is unknown",
        "malformed_line": "the line of the CSV file has more or fewer cells than the header, or an"
        " open quote; quarantine.malformed_lines has its text",
        "near_duplicates": "a touch of the same user, channel and campaign came just before it;"
        " remove the second tag or export",
        "bursts": "the user has many touches within a second, as programs make; see whether it is a"
        " person",
        "bot_like_users": "the user has more touches than people make; remove the user in the"
        " source",
        "one_touch_users": "on its channel nearly all users have one touch; see whether they are"
        " people",
        "invalid_refund": "refund is text that is not a number; write it as digits, such as 12.50",
        "not_finite_refund": "refund is NaN or infinite; leave it empty where there was none",
        REFUND_WITHOUT_ORDER: "value is negative, or a refund has no value next to it, and no order"
        " has its conversion_id; give it the id of its order, and load the order",
        NOT_FIRST: "the user has converted before, and first_only is set for the outcome",
        "missing_currency": "currency is null or blank next to an amount; fill it",
        "unknown_currency": "there is no rate of the currency on that day or before; correct it,"
        " or add rates",
        "repeated_id": "an earlier row of the user has this conversion_id, and counts; give"
        " different conversions different ids",
    }
)
"""Why a row is set aside, and what to do, by reason; `lydite.inputs.rules` has the rules."""

#: Reasons with which nothing is wrong: the settings chose them, by a rule or a declared end, or a
#: row is a refund of an order from before the data.
CHOSEN_REASONS = frozenset(
    {
        AFTER_AS_OF,
        REFUND_WITHOUT_ORDER,
        NOT_FIRST,
        "near_duplicates",
        "bursts",
        "bot_like_users",
        "one_touch_users",
    }
)
