"""Settings of who is notified after a run."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from lydite.settings.types import Location, Section

_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
_VARIABLE = re.compile(r"\$\{\w+\}")


def _check_address(text: str) -> str:
    if not (_ADDRESS.fullmatch(text) or _VARIABLE.fullmatch(text)):
        raise ValueError("write one e-mail address, such as reports@example.com")
    return text


def _only_variable(text: str) -> str:
    if not _VARIABLE.fullmatch(text):
        raise ValueError(
            "a password is not written in the settings: put it in an environment variable, and"
            " write ${NAME} in its place"
        )
    return text


Address = Annotated[str, AfterValidator(_check_address)]


class EmailSettings(Section):
    """How the report is sent by e-mail. ``${NAME}`` stands for an environment variable.

    Attributes
    ----------
    server, port
        The SMTP server; the port is 587, 465 with ``security = "tls"``, or 25 with ``"none"``.
    security
        ``"starttls"``, ``"tls"`` from the start, or ``"none"``.
    user, password
        The login, if the server needs one. The password is a ``${NAME}``.
    sender, recipients
        Addresses.
    """

    server: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: Annotated[str, AfterValidator(_only_variable)] | None = None
    sender: Address
    recipients: Annotated[tuple[Address, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_login(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together: set both, or neither")
        if self.user is not None and self.security == "none":
            raise ValueError(
                'security = "none" would send the password in the clear: use "starttls" or "tls"'
            )
        return self


def _check_webhook(text: str) -> str:
    if not (_VARIABLE.fullmatch(text) or re.match(r"https?://[^/\s]", text)):
        raise ValueError("write a URL that starts with https://, or ${NAME}")
    return text


class NotifySettings(Section):
    """Who is notified after a run has published; no one by default.

    Attributes
    ----------
    webhook
        A URL that takes JSON with a ``text``, as Slack's incoming webhooks do. Such a URL is a
        secret: write ``${NAME}``, an environment variable.
    email
        The report as an attachment, by SMTP.
    link
        Where readers find the latest report, if it is copied to a web server.
    """

    webhook: Annotated[Location, AfterValidator(_check_webhook)] | None = None
    email: EmailSettings | None = None
    link: Location | None = None
