"""The report by e-mail."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING

from lydite.environment import expand
from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lydite.settings import EmailSettings

_SECONDS = 20
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_LONGEST_SUBJECT = 140


def send_mail(
    settings: EmailSettings, subject: str, lines: Sequence[str], attachment: Path | None = None
) -> None:
    """Send lines of text, with an HTML file attached if there is one.

    Parameters
    ----------
    settings
        Server, login and addresses; they may refer to secrets (`lydite.environment`).

    Raises
    ------
    InputError
        When the server cannot be reached, or refuses the message or a recipient.
    OSError
        When the attachment cannot be read.
    """
    message = _message(settings, subject, lines, attachment)
    server = expand(settings.server, "notify.email.server")
    try:
        with _connected(settings, server) as connection:
            refused = connection.send_message(message)
    except (smtplib.SMTPException, OSError) as error:
        raise InputError(f"{server}: {_reason(error)}") from None
    if refused:
        raise InputError(f"{server} refused {', '.join(sorted(refused))}")


def _message(
    settings: EmailSettings, subject: str, lines: Sequence[str], attachment: Path | None
) -> EmailMessage:
    message = EmailMessage()
    short = subject if len(subject) <= _LONGEST_SUBJECT else f"{subject[: _LONGEST_SUBJECT - 1]}…"
    message["Subject"] = short
    message["From"] = expand(settings.sender, "notify.email.sender")
    to = [expand(address, "notify.email.recipients") for address in settings.recipients]
    message["To"] = ", ".join(to)
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=message["From"].partition("@")[2] or None)
    message.set_content("\n\n".join(lines))
    if attachment is not None:
        message.add_attachment(
            attachment.read_bytes(),
            maintype="text",
            subtype="html",
            filename="attribution-report.html",
        )
    return message


@contextlib.contextmanager
def _connected(settings: EmailSettings, server: str) -> Iterator[smtplib.SMTP]:
    """Connect, encrypt and log in as in the settings."""
    port = settings.port or _PORTS[settings.security]
    context = ssl.create_default_context()
    connection = (
        smtplib.SMTP_SSL(server, port, timeout=_SECONDS, context=context)
        if settings.security == "tls"
        else smtplib.SMTP(server, port, timeout=_SECONDS)
    )
    with connection:
        if settings.security == "starttls":
            connection.starttls(context=context)
        if settings.user is not None and settings.password is not None:
            connection.login(
                expand(settings.user, "notify.email.user"),
                expand(settings.password, "notify.email.password", secret=True),
            )
        yield connection


def _reason(error: Exception) -> str:
    """Return what a server answered, or what went wrong."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"all recipients were refused: {', '.join(sorted(error.recipients))}"
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
        return f"it answered {error.smtp_code} {text}"
    return str(error) or type(error).__name__
