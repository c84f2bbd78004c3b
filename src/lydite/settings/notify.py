"""Settings of who is notified after a run."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from lydite.environment import is_reference, references
from lydite.settings.types import Location, Secret, Section

_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
# Anyone who has an address of these services can post to it.
_SECRET_ADDRESS = re.compile(
    r"https?://(hooks\.slack\.com|[\w.-]*\.office\.com|discord(app)?\.com|chat\.googleapis\.com"
    r"|[\w.-]*\.logic\.azure\.com|hooks\.zapier\.com)/",
    re.IGNORECASE,
)


def _check_address(text: str) -> str:
    if not (_ADDRESS.fullmatch(text) or is_reference(text)):
        raise ValueError("write one e-mail address, such as reports@example.com")
    return text


Address = Annotated[Location, AfterValidator(_check_address)]


class EmailSettings(Section):
    """How the report is sent by e-mail. All texts may refer to secrets (`lydite.environment`).

    Attributes
    ----------
    server, port
        The SMTP server; the port is 587, 465 with ``security = "tls"``, or 25 with ``"none"``.
    security
        ``"starttls"``, ``"tls"`` from the start, or ``"none"``.
    user, password
        The login, if the server needs one. The password is a reference, such as
        ``"env:SMTP_PASSWORD"``.
    sender, recipients
        Addresses.
    """

    server: Annotated[Location, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: Location | None = None
    password: Secret | None = None
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
    if not (is_reference(text) or re.match(r"https?://[^/\s]", text)):
        raise ValueError("write a URL that starts with https://, or ${NAME}")
    if _SECRET_ADDRESS.match(text) and not references(text):
        raise ValueError(
            "such an address is a secret: put it in an environment variable or a file, and write"
            " env:NAME or file:/path"
        )
    return text


class NotifySettings(Section):
    """Who is notified after a run has published; no one by default.

    Attributes
    ----------
    webhook
        A URL that takes JSON with a ``text``, as Slack's incoming webhooks do. Such a URL is a
        secret: write ``env:NAME`` or ``file:/path``.
    email
        The report as an attachment, by SMTP.
    link
        Where readers find the latest report, if it is copied to a web server.
    """

    webhook: Annotated[Location, AfterValidator(_check_webhook)] | None = None
    email: EmailSettings | None = None
    link: Location | None = None
