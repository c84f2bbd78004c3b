"""Notifications after a run: the sentence that decides, by e-mail and to a webhook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lydite.environment import hide
from lydite.errors import InputError
from lydite.reporting.decision import decide
from lydite.reporting.display_names import conversions_of
from lydite.reporting.formats import plain
from lydite.reporting.mail import send_mail
from lydite.reporting.narrative import NOT_CAUSE
from lydite.reporting.queries import main_first
from lydite.reporting.webhook import post_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lydite.results import Comparison
    from lydite.settings import NotifySettings


@dataclass(frozen=True)
class Message:
    """What is sent: the subject of an e-mail, and lines of text."""

    subject: str
    lines: list[str]


def make_message(comparison: Comparison, where: str) -> Message:
    """Return the sentence on every outcome, the main one first, and where the report is."""
    lines, subject = [], "Attribution report"
    for number, outcome in enumerate(main_first(comparison)):
        decision = decide(comparison, outcome)
        if number == 0:
            subject = decision.text
            lines = [decision.text, *([decision.detail] if decision.detail else [])]
        else:
            name = conversions_of(outcome)
            lines.append(f"{name[:1].upper()}{name[1:]}: {decision.text}")
    lines += [NOT_CAUSE, f"Report: {where}"]
    return Message(_line(subject), [_line(line) for line in lines])


def _line(text: str) -> str:
    return " ".join(plain(text).split())


def notify(comparison: Comparison, settings: NotifySettings, report: Path) -> list[str]:
    """Send the message and the report to all who are in the settings.

    A notification that fails raises nothing, as the results are published already.

    Parameters
    ----------
    settings
        Who is notified; no one where nothing is set.
    report
        The file of the report.

    Returns
    -------
    One line for each notification that failed, without secrets.
    """
    if settings.webhook is None and settings.email is None:
        return []
    message = make_message(comparison, settings.link or str(report.resolve()))
    return _send(message, settings, report)


def notify_failure(settings: NotifySettings, job: str, run_id: str, why: str) -> list[str]:
    """Send why a run failed to all who are in the settings; it raises nothing.

    Parameters
    ----------
    settings
        Who is notified; no one where nothing is set.
    job, run_id
        The run.
    why
        The messages of its errors.

    Returns
    -------
    One line for each notification that failed, without secrets.
    """
    said = f"The job {job} failed."
    lines = [said, *(line for line in hide(why).splitlines() if line), f"Run: {run_id}"]
    return _send(Message(_line(said), lines), settings, None)


def _send(message: Message, settings: NotifySettings, report: Path | None) -> list[str]:
    ways: list[tuple[str, Callable[[], None], tuple[str, ...]]] = []
    webhook, email = settings.webhook, settings.email
    if webhook is not None:
        ways.append(("webhook", lambda: post_text(webhook, "\n".join(message.lines)), (webhook,)))
    if email is not None:
        secrets = (email.password or "", email.user or "")
        ways.append(
            ("e-mail", lambda: send_mail(email, message.subject, message.lines, report), secrets)
        )
    return [line for way in ways for line in _attempt(*way)]


def _attempt(name: str, send: Callable[[], None], secrets: tuple[str, ...]) -> list[str]:
    try:
        send()
    except (InputError, OSError, ValueError) as error:
        why = _line(hide(str(error), *secrets)) or type(error).__name__
        return [f"the notification by {name} was not sent: {why}"]
    return []
