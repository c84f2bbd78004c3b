"""Environment variables in settings: ``${NAME}`` stands for a value that messages never show."""

from __future__ import annotations

import os
import re
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from lydite.errors import InputError

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_USER_AND_PASSWORD = re.compile(r"(?<=://)([^:@/?#]*):(.*)@", re.DOTALL)
_PARAMETER = re.compile(r"([?&])([^=&]+)=([^&#]*)")
_SECRET = re.compile(
    r"passw|pwd|secret|token|credential|webhook|\bsig\b|signature|key\b", re.IGNORECASE
)
_SECRET_VARIABLE = re.compile(r"PASS(WD|WORD)|SECRET|TOKEN|CREDENTIAL|PRIVATE_KEY|ACCOUNT_KEY")
_UNENCODED = ":[]"  # a variable may be a host with its port
_SHORTEST = 6  # characters of a variable that is hidden because of its name alone
HIDDEN = "***"


def expand(text: str, place: str) -> str:
    """Replace every ``${NAME}`` by the environment variable NAME.

    In a URL, the values are percent-encoded, unless the text is a single ``${NAME}``, whose value
    is the whole URL.

    Parameters
    ----------
    text
        A setting, such as ``postgresql://reader:${SHOP_PASSWORD}@db.example.com/shop``.
    place
        Where it is used, for messages.

    Raises
    ------
    InputError
        When a variable is not set; the message has its name.
    """
    encode = "://" in text

    def value_of(match: re.Match[str]) -> str:
        value = os.environ.get(match[1])
        if not value:
            raise InputError(
                f"{place}: the environment variable {match[1]} is not set. Set it where Lydite"
                " runs."
            )
        return quote(value, _UNENCODED) if encode else value

    return _VARIABLE.sub(value_of, text)


def mask(text: str) -> str:
    """Return a URL without the secrets that are written in it; ``${NAME}`` stays.

    Examples
    --------
    >>> mask("postgresql://reader:hunter2@db.example.com/shop")
    'postgresql://reader:***@db.example.com/shop'
    >>> mask("https://example.com/orders.csv?token=${TOKEN}&day=1")
    'https://example.com/orders.csv?token=${TOKEN}&day=1'
    """
    text = _USER_AND_PASSWORD.sub(lambda m: f"{m[1]}:{_mask_value(m[2])}@", text)
    if "://" not in text:
        return text
    return _PARAMETER.sub(
        lambda m: f"{m[1]}{m[2]}={_mask_value(m[3])}" if _SECRET.search(m[2]) else m[0], text
    )


def is_secret_name(name: str) -> bool:
    """Return whether a setting of this name holds a secret."""
    return _SECRET.search(name) is not None


def _mask_value(value: str) -> str:
    return value if _VARIABLE.fullmatch(value) or not value else HIDDEN


def hide(message: str, *texts: str) -> str:
    """Return a message without secrets.

    Hidden are the passwords, query parameters and (of a web address) path parts that the
    variables in `texts` stand for, and all environment variables whose names speak of a secret.

    Parameters
    ----------
    message
        A message of a library, which may quote what it was given.
    texts
        The settings that were expanded for it.
    """
    secrets = {
        value
        for name, value in os.environ.items()
        if len(value) >= _SHORTEST and _SECRET_VARIABLE.search(name.upper())
    }
    for text in texts:
        secrets |= _secrets_of(text)
    secrets |= {quote(secret, safe) for secret in secrets for safe in ("", "/", _UNENCODED)}
    secrets |= {unquote(secret) for secret in secrets}
    for secret in sorted(secrets, key=len, reverse=True):
        message = message.replace(secret, HIDDEN)
    return message


def _secrets_of(text: str) -> set[str]:
    """Return the secrets of an expanded setting; variables that are not set have none."""
    url = _VARIABLE.sub(lambda m: os.environ.get(m[1], ""), text)
    found = [match[2] for match in [_USER_AND_PASSWORD.search(url)] if match]
    found += [value for name, value in _parameters(url) if is_secret_name(name)]
    if "://" in text:
        after_host = re.sub(r"^\w+://[^/?#]*", "", text)
        query = after_host.partition("?")[2]
        hidden = after_host if text.startswith("http") else query
        found += [os.environ.get(name, "") for name in _VARIABLE.findall(hidden)]
    return {secret for secret in found if secret}


def _parameters(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query)
    except ValueError:
        return []
