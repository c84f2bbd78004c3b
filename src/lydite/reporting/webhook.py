"""A webhook: JSON with a text, as Slack's incoming webhooks take it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lydite.environment import expand
from lydite.errors import InputError

if TYPE_CHECKING:
    from email.message import Message
    from typing import IO

_SECONDS = 20
# Slack reads links and mentions of these characters.
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Refuses redirects: a POST that is redirected would lose its text."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> None:
        del req, fp, code, msg, headers, newurl


def post_text(url: str, text: str) -> None:
    """Post a text to a webhook.

    Parameters
    ----------
    url
        Where to; it may refer to secrets (`lydite.environment`). No message has more than its host.
    text
        Plain text.

    Raises
    ------
    InputError
        When the address is wrong, or the text is not accepted.
    """
    address = expand(url, "notify.webhook", secret=True)
    host = _host(address)
    body = json.dumps({"text": text.translate(_ESCAPES)}).encode()
    try:
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked
            address, body, {"Content-Type": "application/json"}, method="POST"
        )
        opener = urllib.request.build_opener(_NoRedirects)
        with opener.open(request, timeout=_SECONDS):
            return
    except urllib.error.HTTPError as error:
        error.close()
        raise InputError(f"{host} answered {error.code}") from None
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(f"{host} cannot be reached: {type(reason).__name__}") from None


def _host(address: str) -> str:
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"}:
        raise InputError("notify.webhook is not a URL that starts with https://")
    return host
