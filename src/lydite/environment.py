"""Secrets in settings: references to environment variables and files, never shown in messages.

A setting refers to a secret by ``${NAME}`` or ``env:NAME`` (an environment variable), or by
``${file:/path}`` or ``file:/path`` (the content of a file, such as a mounted secret).
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from lydite.errors import InputError, LyditeError

if TYPE_CHECKING:
    from collections.abc import Iterator

_REFERENCE = re.compile(r"\$\{(?:env:)?(\w+)\}|\$\{file:([^{}]+)\}")
_KEPT = re.compile(r"\0(\d+)\0")
_WHOLE = re.compile(r"env:\w+|file:(?!//).+")
_USER_AND_PASSWORD = re.compile(r"(?<=://)([^:@/?#]*):(.*)@", re.DOTALL)
_PARAMETER = re.compile(r"([?&])([^=&]+)=([^&#]*)")
_SECRET = re.compile(
    r"passw|pwd|secret|token|credential|webhook|\bsig\b|signature|key\b", re.IGNORECASE
)
_SECRET_VARIABLE = re.compile(r"PASS(WD|WORD)|SECRET|TOKEN|CREDENTIAL|PRIVATE_KEY|ACCOUNT_KEY")
_UNENCODED = ":[]"  # a variable may be a host with its port
_SHORTEST = 6  # characters of a secret that is hidden in messages that are not about its setting
HIDDEN = "***"
#: The secrets that this process has read, for messages that do not say from which setting they are.
_read_secrets: set[str] = set()


def expand(text: str, place: str, *, secret: bool = False) -> str:
    """Replace the references in a setting by what they stand for.

    In a URL, the values are percent-encoded, unless the text is a single reference, whose value
    is the whole URL.

    Parameters
    ----------
    text
        A setting, such as ``postgresql://reader:${SHOP_PASSWORD}@db.example.com/shop``, or
        ``file:/run/secrets/shop_url``.
    place
        Where it is used, for messages.
    secret
        Whether the whole text is a secret, as a password is.

    Raises
    ------
    InputError
        When a variable is not set, or a file cannot be read; the message has its name.
    """
    text = _with_braces(text)
    encode = "://" in _REFERENCE.sub("", text)

    def value_of(match: re.Match[str]) -> str:
        value = _read(match, place)
        return quote(value, _UNENCODED) if encode else value

    expanded = _REFERENCE.sub(value_of, text)
    _read_secrets.update(_secrets_of(text))
    if secret:
        _read_secrets.add(expanded)
    return expanded


def references(text: str) -> list[str]:
    """Return the references in a setting, as they are written in braces.

    Examples
    --------
    >>> references("postgresql://${PG_USER}:${file:/run/secrets/pg}@db.example.com/shop")
    ['${PG_USER}', '${file:/run/secrets/pg}']
    >>> references("env:SHOP_URL")
    ['${env:SHOP_URL}']
    """
    return [match[0] for match in _REFERENCE.finditer(_with_braces(text))]


def is_reference(text: str) -> bool:
    """Return whether a setting is one reference and nothing else."""
    return _REFERENCE.fullmatch(_with_braces(text)) is not None


def mask(text: str) -> str:
    """Return a URL without the secrets that are written in it; references stay.

    Examples
    --------
    >>> mask("postgresql://reader:hunter2@db.example.com/shop")
    'postgresql://reader:***@db.example.com/shop'
    >>> mask("https://example.com/orders.csv?token=${TOKEN}&day=1")
    'https://example.com/orders.csv?token=${TOKEN}&day=1'
    """
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\0{len(kept) - 1}\0"  # without the colons and slashes of a reference to a file

    text = _REFERENCE.sub(keep, text)
    text = _USER_AND_PASSWORD.sub(lambda m: f"{m[1]}:{_mask_value(m[2])}@", text)
    if "://" in text:
        text = _PARAMETER.sub(
            lambda m: f"{m[1]}{m[2]}={_mask_value(m[3])}" if _SECRET.search(m[2]) else m[0], text
        )
    return _KEPT.sub(lambda m: kept[int(m[1])], text)


def is_secret_name(name: str) -> bool:
    """Return whether a setting of this name holds a secret."""
    return _SECRET.search(name) is not None


def hide(message: str, *texts: str) -> str:
    """Return a message without secrets.

    Hidden are the passwords, query parameters and (of a web address) path parts that the
    references in `texts` stand for, the contents of files that they name, all secrets that
    `expand` has read, and all environment variables whose names speak of a secret.

    Parameters
    ----------
    message
        A message of a library, which may quote what it was given.
    texts
        The settings that were expanded for it: their secrets are hidden even if they are short.
    """
    variables = (
        value for name, value in os.environ.items() if _SECRET_VARIABLE.search(name.upper())
    )
    secrets = {secret for secret in (*variables, *_read_secrets) if len(secret) >= _SHORTEST}
    for text in texts:
        secrets |= _secrets_of(_with_braces(text))
    forms = {form for secret in secrets for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        message = message.replace(form, HIDDEN)
    return message


def hide_in_error(error: Exception) -> Exception | None:
    """Return the error to raise in place of one that quotes a secret; None if it quotes none.

    The new error is to be raised without the old one as its context, because stored tracebacks
    have the messages of all errors that led to one.
    """
    if all(hide(text) == text for found in _chain(error) for text in (str(found), repr(found))):
        return None
    if isinstance(error, LyditeError):
        return type(error)(hide(str(error)))
    return RuntimeError(hide(f"{type(error).__name__}: {error}"))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, its causes and its contexts."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        found = waiting.pop()
        if found is not None and found not in seen:
            seen.append(found)
            yield found
            waiting += [found.__cause__, found.__context__]


def _with_braces(text: str) -> str:
    return f"${{{text}}}" if _WHOLE.fullmatch(text) else text


def _read(match: re.Match[str], place: str) -> str:
    """Return what a reference stands for."""
    name, path = match[1], match[2]
    if path is None:
        value = os.environ.get(name)
        if not value:
            raise InputError(
                f"{place}: the environment variable {name} is not set. Set it where Lydite runs."
            )
        return value
    try:
        value = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InputError(
            f"{place}: the file {path} of a secret cannot be read: {reason}. Mount it where Lydite"
            " runs, readable for its user."
        ) from None
    if not value:
        raise InputError(f"{place}: the file {path} of a secret is empty. Write the secret to it.")
    return value


def _value_or_empty(match: re.Match[str]) -> str:
    try:
        return _read(match, "")
    except InputError:
        return ""


def _mask_value(value: str) -> str:
    return value if _KEPT.fullmatch(value) or not value else HIDDEN


def _secrets_of(text: str) -> set[str]:
    """Return the secrets of an expanded setting; variables that are not set have none."""
    url = _REFERENCE.sub(_value_or_empty, text)
    found = [match[2] for match in [_USER_AND_PASSWORD.search(url)] if match]
    found += [value for name, value in _parameters(url) if is_secret_name(name)]
    found += [_value_or_empty(match) for match in _REFERENCE.finditer(text) if match[2]]
    if "://" in text:
        after_host = re.sub(r"^\w+://[^/?#]*", "", text)
        query = after_host.partition("?")[2]
        hidden = after_host if text.startswith("http") else query
        found += map(_value_or_empty, _REFERENCE.finditer(hidden))
    return {secret for secret in found if secret}


def _parameters(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query)
    except ValueError:
        return []


def _forms(secret: str) -> set[str]:
    """Return a secret as it may be written in a message: encoded, decoded or in quotes."""
    encoded = {secret, unquote(secret), *(quote(secret, safe) for safe in ("", "/", _UNENCODED))}
    quoted = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return encoded | quoted | {repr(secret)[1:-1]}
