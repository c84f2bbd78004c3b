"""Settings from a file, from plain values, and from the options of a call."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from lydite.errors import InputError
from lydite.settings.data import CurrencySettings, PeopleSettings
from lydite.settings.mistakes import describe
from lydite.settings.outcomes import EvaluationSettings
from lydite.settings.project import Settings
from lydite.settings.sources import SourceSettings
from lydite.timezones import check_timezone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

_TWO_LISTS = (
    '. List the models either in `models = [...]`, where a rule is {name = "...", rule = "..."},'
    " or in [[models]] tables, not in both"
)


def load_settings(path: str | Path = "lydite.toml") -> Settings:
    """Read a settings file.

    Raises
    ------
    InputError
        When the file is missing or is not valid TOML, or when settings are wrong; the message has
        one line per wrong setting, with its dotted key.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"there is no settings file {path}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: save it as UTF-8 ({error})") from error
    except OSError as error:
        raise InputError(f"the settings file {path} cannot be read: {error}") from error
    try:
        return parse_settings(tomllib.loads(text), str(path))
    except tomllib.TOMLDecodeError as error:
        hint = (
            _TWO_LISTS
            if "[[models]]" in text and re.search(r"^models\s*=", text, re.MULTILINE)
            else ""
        )
        raise InputError(f"{path} is not valid TOML: {error}{hint}") from error


def parse_settings(values: object, place: str) -> Settings:
    """Check settings that are given as plain values.

    Parameters
    ----------
    values
        A mapping with the keys of a settings file.
    place
        Where they come from, for messages.

    Raises
    ------
    InputError
        When settings are wrong; the message has one line per wrong setting, with its dotted key.
    """
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise InputError("\n".join(f"{place}: {line}" for line in describe(error))) from error


def make_settings(
    lookback: str | None,
    period: str | None,
    outcomes: Sequence[str] | None,
    alpha: float | None,
    seed: int | None,
    *,
    cluster: str | None = None,
    people: Mapping[str, object] | None = None,
    as_of: str | date | None = None,
    delivery_delay: str | None = None,
    accept: Sequence[str] = (),
    keep_duplicates: bool = False,
    credit: str | None = None,
    after_conversion: str | None = None,
    lookback_by_interaction: Mapping[str, str] | None = None,
    click_priority: bool = False,
    timezone: str | None = None,
    customer_segment: bool = False,
    base: Settings | None = None,
) -> Settings:
    """Return the settings of one comparison; what is None or empty is as in `base`.

    Parameters
    ----------
    base
        The settings of a project; None for the defaults.

    Raises
    ------
    InputError
        When a setting is out of range.
    """
    base = base or Settings(sources=SourceSettings(touchpoints="", conversions=""))
    given: dict[str, Any] = {
        "lookback": lookback,
        "period": period,
        "alpha": alpha,
        "seed": seed,
        "cluster": cluster,
        "as_of": as_of,
        "delivery_delay": delivery_delay,
        "credit": credit,
        "after_conversion": after_conversion,
        "lookback_by_interaction": dict(lookback_by_interaction or {}) or None,
        "click_priority": click_priority or None,
        "customer_segment": True if customer_segment else None,
    }
    changed = {name: value for name, value in given.items() if value is not None}
    of_people = {name: value for name, value in (people or {}).items() if value is not None}
    quality = {"keep_duplicates": True} if keep_duplicates else {}
    try:
        return base.model_copy(
            update={
                "timezone": base.timezone if timezone is None else check_timezone(timezone),
                "quality": base.quality.model_copy(update=quality).accepting(accept),
                "people": PeopleSettings.model_validate(base.people.model_dump() | of_people),
                "evaluation": EvaluationSettings.model_validate(
                    base.evaluation.model_dump() | changed
                ),
                "outcomes": {name: base.of(name) for name in outcomes}
                if outcomes
                else base.outcomes,
            }
        )
    except ValidationError as error:
        raise InputError("\n".join(describe(error))) from error


def with_currency(settings: Settings, reporting: str | None, rates: object = None) -> Settings:
    """Return settings with a reporting currency and a file or frame of rates.

    Raises
    ------
    InputError
        When the currency is not one, or there are rates without it.
    """
    if reporting is None:
        if rates is not None:
            raise InputError("rates need a reporting currency: give currency, such as 'EUR'")
        return settings
    try:
        currency = CurrencySettings(reporting=reporting)
    except ValidationError as error:
        raise InputError("\n".join(describe(error))) from error
    return settings.model_copy(update={"currency": currency.model_copy(update={"rates": rates})})
