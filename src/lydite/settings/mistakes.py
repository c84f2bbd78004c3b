"""What is wrong in settings, in one line per mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.environment import HIDDEN, is_secret_name, mask
from lydite.settings.sources import AS_TABLE, AS_TEXT

if TYPE_CHECKING:
    from pydantic import ValidationError


_MISSING = "this setting is required; add it"


def describe(error: ValidationError) -> list[str]:
    """Return one line per mistake: the dotted key, its value, and what is wrong."""
    lines = []
    for mistake in error.errors():
        key, value = mistake["loc"], mistake["input"]
        if mistake["type"] == "missing_sources":
            lines += [f"{_dotted((*key, name))}: {_MISSING}" for name in mistake["ctx"]["names"]]
            continue
        match mistake["type"]:
            case "extra_forbidden":
                what = "there is no such setting; remove it or correct its name"
            case "missing":
                what = _MISSING
            case "duplicate":
                what = mistake["msg"]
                key, value = (*key, mistake["ctx"]["position"]), mistake["ctx"]["name"]
            case _:
                what = mistake["msg"].removeprefix("Value error, ")
        given = f" = {_shown(key, value)}" if isinstance(value, str | int | float | bool) else ""
        lines.append(f"{_dotted(key)}{given}: {what}")
    return lines


def _dotted(key: tuple[int | str, ...]) -> str:
    """Return a key as ``evaluation.alpha``; entries of a list count from 1."""
    parts = (str(part + 1) if isinstance(part, int) else part for part in key)
    return ".".join(part for part in parts if part not in {AS_TEXT, AS_TABLE})


def _shown(key: tuple[int | str, ...], value: object) -> str:
    """Return a value for a message: no secret is shown."""
    if isinstance(value, str):
        return repr(HIDDEN if is_secret_name(_dotted(key)) else mask(value))
    return repr(value)
