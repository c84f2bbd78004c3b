"""The options of one comparison, which override the settings of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict, TypeVar

from pydantic import ValidationError

from lydite.errors import InputError
from lydite.settings.data import CurrencySettings
from lydite.settings.mistakes import describe
from lydite.settings.project import Settings
from lydite.settings.sources import SourceSettings
from lydite.settings.types import Section
from lydite.timezones import check_timezone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from typing_extensions import Unpack

    from lydite.settings.types import AfterConversion

Join: TypeAlias = Literal["seen_by_then", "always"]
Unit: TypeAlias = Literal["user", "account"]
Period: TypeAlias = Literal["day", "week", "month"]


class _SharedOptions(TypedDict, total=False):
    after_conversion: AfterConversion | None
    lookback_by_interaction: Mapping[str, str] | None
    click_priority: bool
    timezone: str | None
    as_of: str | date | None
    delivery_delay: str | None
    accept: Sequence[str]
    outcomes: Sequence[str] | None
    credit: Literal["rule", "posterior"] | None
    seed: int | None
    cluster: str | None
    currency: str | None
    rates: object
    join: Join | None
    unit: Unit | None
    keep_duplicates: bool


class CreditOptions(_SharedOptions, total=False):
    """The options of `lydite.credit` on touchpoints; None is as in the settings."""

    lookback: str | None


class Options(_SharedOptions, total=False):
    """The options of `lydite.compare` on touchpoints; None is as in the settings.

    Of several lookbacks, the first is the main one.
    """

    lookback: str | Sequence[str] | None
    period: Period | None
    alpha: float | None
    customer_segment: bool


def make_settings(base: Settings | None = None, **options: Unpack[Options]) -> Settings:
    """Return the settings of one comparison; what is None, empty or False is as in `base`.

    Parameters
    ----------
    base
        The settings of a project; None for the defaults.
    options
        See `lydite.compare`.

    Raises
    ------
    InputError
        When an option is out of range.
    """
    base = base or Settings(sources=SourceSettings(touchpoints="", conversions=""))
    given: dict[str, object] = {
        name: value for name, value in options.items() if value is not None and value is not False
    }
    given |= _lookbacks(options.get("lookback"))
    if not given.get("lookback_by_interaction"):
        given.pop("lookback_by_interaction", None)
    people = {"identities": given.get("join"), "unit": given.get("unit")}
    quality = {"keep_duplicates": True} if "keep_duplicates" in given else {}
    timezone, outcomes = options.get("timezone"), options.get("outcomes")
    try:
        return base.model_copy(
            update={
                "timezone": base.timezone if timezone is None else check_timezone(timezone),
                "quality": base.quality.model_copy(update=quality).accepting(
                    options.get("accept", ())
                ),
                "people": _changed(base.people, people),
                "evaluation": _changed(base.evaluation, given),
                "outcomes": {name: base.of(name) for name in outcomes}
                if outcomes
                else base.outcomes,
                "currency": _currency(base, options.get("currency"), options.get("rates")),
            }
        )
    except ValidationError as error:
        raise InputError("\n".join(describe(error))) from error


SectionT = TypeVar("SectionT", bound=Section)


def _changed(section: SectionT, values: Mapping[str, object]) -> SectionT:
    """Return a section with the values that it has a key for; None is as before."""
    known = {
        name: value
        for name, value in values.items()
        if name in type(section).model_fields and value is not None
    }
    return type(section).model_validate(section.model_dump() | known)


def _lookbacks(given: str | Sequence[str] | None) -> dict[str, object]:
    """Return the main lookback and the others; nothing where none is given."""
    if given is None:
        return {}
    lookbacks = [given] if isinstance(given, str) else list(given)
    if not lookbacks:
        raise InputError("lookback is an empty list: give one such as '30d', or leave it out")
    return {"lookback": lookbacks[0], "other_lookbacks": lookbacks[1:]}


def _currency(base: Settings, reporting: str | None, rates: object) -> CurrencySettings | None:
    """Return the reporting currency and a file or frame of rates, which is not validated."""
    if reporting is None and rates is None:
        return base.currency
    before = base.currency
    if reporting is None and before is None:
        raise InputError("rates need a reporting currency: give currency, such as 'EUR'")
    chosen = before if reporting is None else CurrencySettings(reporting=reporting)
    return chosen.model_copy(update={"rates": rates}) if chosen else None
