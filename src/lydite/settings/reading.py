"""Settings from a file, and from plain values."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pydantic import ValidationError

from lydite.errors import InputError
from lydite.settings.mistakes import describe
from lydite.settings.project import Settings

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
