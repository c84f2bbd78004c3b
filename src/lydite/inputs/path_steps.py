"""Splits the paths of a path table into steps: text with a separator, or lists."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

MAX_CHANNELS = 500
"""The most distinct channels of a path table; of more, they are hardly channels."""

SPACED, BARE = " > ", ">"
_ADVICE = "Set the option separator (--separator on the command line), such as"

# Signs that are detected as separators; the longer ones first, as they contain the shorter ones.
_ARROWS = ("-->", "->", "==>", "=>", "|>", ">>>", ">>", "→", "»", ">")
_MARKS = ("|", ";", ",")
_SIGNS = re.compile("|".join(map(re.escape, _ARROWS + _MARKS)))
# Signs that names often hold: these separate only where `separator` says so.
_IN_NAMES = (
    " / ", "/", "\\", " - ", "--", " + ", "+", "~", "^", "::", ":", "&", "<", "\t", " then ",
)  # fmt: skip
# Text that looks like a list or an object: brackets around commas, blanks or quotes.
_LIST_LIKE = r"""(?s)^(?:\[.*[,\s'"].*\]|\{.*[,'"].*\})$"""
_ADJACENT = re.compile(r"""['"]\s+['"]""")  # numpy writes lists so; Python would join the names
# The characters that casting trims off channel names.
_BLANKS = (
    "\t\n\v\f\r \u00a0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_MOST_SHOWN, _LONGEST_SHOWN = 3, 60


@dataclass(frozen=True)
class Steps:
    """Paths as slices of one array of channel numbers.

    Attributes
    ----------
    channels
        The distinct names, sorted.
    channel : (touches,)
        The number of each step's name, path after path.
    length : (n,)
        The number of steps of each path.
    separator
        The text between the steps; None for lists, and where every path has one step.
    """

    channels: tuple[str, ...]
    channel: NDArray[np.intp]
    length: NDArray[np.intp]
    separator: str | None


def split_paths(place: str, path: pl.Series, separator: str | None = None) -> Steps:
    """Split paths into steps.

    Parameters
    ----------
    place
        Where the paths came from, for messages.
    path
        Text, or lists of text.
    separator
        The text between the steps. By default text that holds JSON or Python lists is read as
        lists, and for other text the separator is detected.

    Raises
    ------
    InputError
        When a path or a step is missing, the separator is ambiguous, or the paths have more than
        `MAX_CHANNELS` distinct channels.
    """
    if path.null_count():
        row = path.is_null().arg_max() or 0
        raise InputError(f"{place}: row {row + 1}: the path is missing. Fill it, or drop the row.")
    if separator is not None and not separator.strip(_BLANKS) and separator != "\t":
        raise InputError(f"separator {separator!r} is blank: give the text between two steps")
    lists = path if path.dtype == pl.List else None
    if lists is not None and separator is not None:
        raise InputError(f"{place}: the paths are lists, which need no separator: leave it out")
    if lists is None and separator is None:
        lists = _read_lists(place, path)
    if lists is not None:
        return _number_steps(place, path, lists, None)
    detected = separator or _detect_separator(place, path)
    if detected is None:
        found = path.to_frame("path").select(pl.concat_list("path"))["path"]
    else:
        # With a blank at either end, a separator at the start or end of a path is found too.
        found = (" " + path + " " if detected == SPACED else path).str.split(detected)
    steps = _number_steps(place, path, found, detected)
    if separator is None:
        _refuse_mixed(place, steps)
    return steps


def note_on_separator(steps: Steps) -> str | None:
    """Return how text was split, where names may hold the separator or another; None elsewhere."""
    advice = "set the option separator"
    if steps.separator is not None and steps.separator.strip() != BARE:
        return f"paths were split at {steps.separator!r}; if names hold it, {advice}"
    if steps.separator is not None:
        start = np.cumsum(steps.length) - steps.length
        whole = {steps.channels[i] for i in steps.channel[start[steps.length == 1]]}
        unsplit = next((name for name in sorted(whole) if _SIGNS.search(name)), None)
        return unsplit and f"the path {unsplit!r} was read as one step; if it is not, {advice}"
    single = bool((steps.length == 1).all())
    signs = (sign for sign in _IN_NAMES if any(sign in name for name in steps.channels))
    sign = next(signs, None) if single else None
    if sign is None or all(sign in name for name in steps.channels):
        return None
    return f"every path has one step: {sign!r} is part of names; if it is not, {advice}"


def _number_steps(place: str, path: pl.Series, steps: pl.Series, separator: str | None) -> Steps:
    """Strip the names of steps of blanks, and number them."""
    length = steps.list.len().to_numpy().astype(np.intp)
    if not length.all():
        row = int(np.argmin(length))
        raise InputError(
            f"{place}: row {row + 1}: the path {_text(path[row])} has no step. Name its channels,"
            " or drop the row."
        )
    found = steps.explode().fill_null("")
    written = found.unique()
    code = found.cast(pl.Enum(written)).to_physical().to_numpy()
    stripped = [name.strip(_BLANKS) for name in written]
    # If two separators share a blank, the second one stays at the start of the next step.
    shared = separator == SPACED
    empty = np.array([not name or (shared and f"{name} ".startswith("> ")) for name in stripped])
    if empty.any():
        row = int(np.searchsorted(np.cumsum(length), empty[code].argmax(), side="right"))
        between = "" if separator is None else f" between {separator!r}"
        raise InputError(
            f"{place}: row {row + 1}: the path {_text(path[row])} has an empty step. Name every"
            f" step{between}, or drop the row."
        )
    names = sorted(set(stripped))
    how = "the paths are lists" if (length > 1).any() else "no separator was found"
    _refuse_many(place, names, how if separator is None else f"steps were split at {separator!r}")
    number = {name: i for i, name in enumerate(names)}
    channel = np.array([number[name] for name in stripped], dtype=np.intp)[code]
    return Steps(tuple(names), channel, length, separator)


def _text(path: str | pl.Series) -> str:
    return repr(path if isinstance(path, str) else path.to_list())


# --- lists in text ------------------------------------------------------------------------------


def _read_lists(place: str, path: pl.Series) -> pl.Series | None:
    """Return paths that are written as JSON or Python lists; None if they are other text."""
    trimmed = path.str.strip_chars(_BLANKS)
    bracketed = trimmed.str.contains(r"(?s)^(?:\[.*\]|\(.*\)|\{.*\})$")
    if not bracketed.any():
        return None
    codes = trimmed.filter(bracketed).unique(maintain_order=True)
    lists = {text: _parse_list(text) for text in codes}
    good = [text for text, steps in lists.items() if steps is not None]
    if len(good) == len(lists) and bracketed.all():
        frame = pl.DataFrame(
            {"text": good, "steps": [lists[text] for text in good]},
            schema={"text": pl.String, "steps": pl.List(pl.String)},
        )
        joined = pl.DataFrame({"text": trimmed}).join(
            frame, on="text", how="left", maintain_order="left"
        )
        return joined["steps"]
    if good and any(text.startswith("[") for text in good):
        other = next(
            text for text in path.unique(maintain_order=True)
            if lists.get(text.strip(_BLANKS)) is None
        )  # fmt: skip
        raise InputError(
            f"{place}: the path {good[0]!r} is a list and the path {other!r} is not a list of"
            " names. Write all paths in one way: as JSON arrays, or as text joined by ' > '."
        )
    unread = trimmed.str.contains(_LIST_LIKE)
    if unread.any() and bracketed.all():
        raise InputError(
            f"{place}: the path {path[unread.arg_max() or 0]!r} looks like a list, but not one of"
            " quoted names. Write JSON arrays, or join the steps by ' > '."
        )
    return None


def _parse_list(text: str) -> list[str] | None:
    """Return the names in a JSON array, or in a Python list or tuple; None for other text."""
    parsers: list[Callable[[str], Any]] = [json.loads]
    if not _ADJACENT.search(text):
        parsers.append(ast.literal_eval)
    for parse in parsers:
        try:
            values = parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        if not isinstance(values, list | tuple):
            return None
        return _names(values)
    return None


def _names(values: Iterable[Any]) -> list[str] | None:
    """Return values as names; None if any of them is a list or an object. Null is an empty name."""
    names = []
    for value in values:
        if isinstance(value, list | tuple | dict | set):
            return None
        names.append("" if value is None else str(value))
    return names


# --- separators ---------------------------------------------------------------------------------


def _detect_separator(place: str, path: pl.Series) -> str | None:
    """Return the separator of all paths; None if every path has one step.

    Raises
    ------
    InputError
        When more than one separator is possible.
    """
    if path.str.contains(SPACED, literal=True).any():
        return SPACED
    example: dict[str, str] = {}  # the first path with each sign
    signs_of = {text: set(_SIGNS.findall(text)) for text in path.unique(maintain_order=True)}
    for text, signs in signs_of.items():
        for sign in signs:
            example.setdefault(sign, text)
    if not example:
        _refuse_signs_in_names(place, list(signs_of))
        return None
    arrows = [sign for sign in _ARROWS if sign in example]
    if BARE in arrows and set(arrows) <= {BARE, ">>"}:
        return BARE  # next to ">", ">>" has an empty step
    if len(arrows) == 1:
        others = (text for text, signs in signs_of.items() if signs and arrows[0] not in signs)
        other = next(others, None)
        if other is None:
            return arrows[0]
        sign = next(iter(signs_of[other]))
        raise _ambiguous(place, {arrows[0]: example[arrows[0]], sign: other})
    if len(example) > 1:
        raise _ambiguous(place, example)
    return _spacing(place, next(iter(example)), path)


def _spacing(place: str, sign: str, path: pl.Series) -> str:
    """Return a sign with the blanks that it has in all paths."""
    spaced = f"{sign} " if sign in ",;" else f" {sign} "
    rest = path.str.replace_all(spaced, "", literal=True)
    with_spaced = path.str.contains(spaced, literal=True)
    bare = rest.str.contains(sign, literal=True)
    if not with_spaced.any():
        return sign
    if bare.any():
        first, second = with_spaced.arg_max() or 0, bare.arg_max() or 0
        raise _ambiguous(place, {spaced: path[first], sign: path[second]})
    return spaced


def _refuse_signs_in_names(place: str, names: list[str]) -> None:
    """Refuse paths such as 'a / b' and 'b', where ' / ' seems to separate steps.

    In names such as 'google / organic' the part after it is none of the parts before it.
    """
    if len(names) > MAX_CHANNELS:
        return  # too many for channels, which is refused later
    for sign in _IN_NAMES:
        split = {name: [part.strip(_BLANKS) for part in name.split(sign)] for name in names}
        starts = {parts[0] for parts in split.values()} - {""}
        for name, parts in split.items():
            if (sign == " / " and len(parts) > 2) or not starts.isdisjoint(parts[1:]):
                raise InputError(
                    f"{place}: the steps of the path {_short(name)} may be separated by {sign!r},"
                    f" which names may hold too. {_ADVICE} {sign!r} or ' > '."
                )


def _ambiguous(place: str, example: dict[str, str]) -> InputError:
    signs = list(example)
    shown = " and ".join(
        f"{sign!r} (path {_short(text)})" for sign, text in list(example.items())[:_MOST_SHOWN]
    )
    values = " or ".join(map(repr, signs[:_MOST_SHOWN]))
    return InputError(f"{place}: its steps may be separated by {shown}. {_ADVICE} {values}.")


def _refuse_mixed(place: str, steps: Steps) -> None:
    """Refuse a step that another separator would split into channels of the table."""
    known, separator = set(steps.channels), steps.separator
    signs = (*_ARROWS, *_MARKS, *_IN_NAMES)
    for name in steps.channels:
        for sign in signs:
            if sign == (separator or "").strip() or sign not in name:
                continue
            parts = [part.strip(_BLANKS) for part in name.split(sign)]
            if len(parts) > 1 and known.issuperset(parts):
                used = "" if separator is None else f" after splitting at {separator!r}"
                values = repr(sign) + (" or ' > '" if separator is None else f" or {separator!r}")
                raise InputError(
                    f"{place}: the step {_short(name)}{used} looks like several steps, as"
                    f" {', '.join(map(repr, dict.fromkeys(parts)))} are channels too."
                    f" {_ADVICE} {values}, or write all paths with one separator."
                )


def _refuse_many(place: str, names: list[str], how: str) -> None:
    if len(names) <= MAX_CHANNELS:
        return
    step = max(1, len(names) // _MOST_SHOWN)
    shown = ", ".join(_short(name) for name in names[::step][:_MOST_SHOWN])
    raise InputError(
        f"{place}: has {len(names):,} distinct channels, such as {shown}; at most {MAX_CHANNELS}"
        f" can be compared ({how}). If the separator is wrong: {_lower_first(_ADVICE)} ' | '. If"
        " these are URLs, campaigns or ids: replace them by the names of channels first."
    )


def _short(name: str) -> str:
    return repr(name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}...")


def _lower_first(text: str) -> str:
    return text[0].lower() + text[1:]
