"""Types of settings: durations, instants, time zones, texts without secrets."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from lydite.durations import parse_duration
from lydite.environment import is_reference, mask, references
from lydite.errors import InputError
from lydite.timezones import check_timezone


class Section(BaseModel):
    """A table of the settings: without unknown keys, and without values in messages."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _parse_lookback(value: object, what: str = "lookback") -> timedelta:
    if not isinstance(value, str | timedelta):
        raise ValueError('write it in quotes, with a unit: "12h", "30d" or "4w"')  # noqa: TRY004
    try:
        return parse_duration(value, what)
    except InputError as error:
        raise ValueError(str(error)) from error


def _parse_delay(value: object) -> timedelta:
    return _parse_lookback(value, "delay")


def _parse_instant(value: object) -> datetime:
    """Return an instant in UTC without a zone; a day is its first instant."""
    try:
        given = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        given = None
    if isinstance(given, datetime):
        return given.astimezone(UTC).replace(tzinfo=None) if given.tzinfo else given
    if isinstance(given, date):
        return datetime.combine(given, time())
    raise ValueError("write it as ISO-8601 in UTC, such as 2026-03-01 or 2026-03-01T06:00")


Lookback = Annotated[timedelta, BeforeValidator(_parse_lookback)]
#: The lookback of each kind of contact, such as ``{"impression": "1d"}``.
LookbackByInteraction = dict[Annotated[str, Field(min_length=1)], Lookback]
Delay = Annotated[timedelta, BeforeValidator(_parse_delay)]
Instant = Annotated[datetime, BeforeValidator(_parse_instant)]


#: Whether paths start again after a conversion of their outcome, or keep the touches before it.
AfterConversion = Literal["restart", "continue"]


def _parse_look_back(value: object) -> timedelta:
    return _parse_lookback(value, "look_back")


LookBack = Annotated[timedelta, BeforeValidator(_parse_look_back)]


_INSTEAD = (
    "put it in an environment variable or a file, and write ${NAME} or ${file:/path} in its place"
)


def _check_references(text: str) -> str:
    if re.match(r"env:|file:(?!//)", text) and not is_reference(text):
        raise ValueError("write env:NAME with the name of one environment variable, or file:/path")
    for reference in references(text):
        if reference.startswith("${file:") and not reference.startswith("${file:/"):
            raise ValueError(f"write an absolute path: {reference.replace(':', ':/', 1)}")
    return text


def _without_secret(text: str) -> str:
    if mask(text) != text:
        raise ValueError(f"a secret is written in the settings: {_INSTEAD}")
    return _check_references(text)


def _only_reference(text: str) -> str:
    if not is_reference(text):
        raise ValueError(f"a password is not written in the settings: {_INSTEAD}")
    return _check_references(text)


def _check_timezone(name: str) -> str:
    try:
        return check_timezone(name)
    except InputError as error:
        raise ValueError(str(error)) from error


#: An IANA name, such as ``"Europe/Berlin"``.
Timezone = Annotated[str, AfterValidator(_check_timezone)]


#: Text that may have references to secrets (`lydite.environment`), and has no other secrets.
Location = Annotated[str, AfterValidator(_without_secret)]
#: A reference to a secret.
Secret = Annotated[str, AfterValidator(_only_reference)]
