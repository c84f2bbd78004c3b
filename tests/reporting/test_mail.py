"""The report by e-mail."""

from __future__ import annotations

import email
import email.policy
from typing import Any

import pytest

from lydite.errors import InputError
from lydite.reporting.mail import send_mail
from lydite.settings import EmailSettings
from tests.helpers.notified import mail_server

LINES = ["E-mail returned 14 to 19 per €1 spent.", "Report: /var/reports/x.html"]


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("<!doctype html><title>Größe</title>", encoding="utf-8")
    return path


def settings(port: int, **more: Any) -> EmailSettings:
    given = {
        "server": "127.0.0.1",
        "port": port,
        "security": "none",
        "sender": "lydite@example.com",
        "recipients": ("a@example.com", "b@example.com"),
    }
    return EmailSettings(**{**given, **more})  # fmt: skip


def test_the_sentence_and_the_report_arrive(report, monkeypatch):
    monkeypatch.setenv("TEAM", "team@example.com")
    with mail_server() as box:
        send_mail(settings(box.port, recipients=("a@b.c", "${TEAM}")), LINES[0], LINES, report)
    assert box.recipients == ["a@b.c", "team@example.com"]
    message = email.message_from_bytes(box.messages[0], policy=email.policy.default)
    assert message["Subject"] == LINES[0]
    assert message["From"] == "lydite@example.com"
    assert message.get_body(("plain",)).get_content().split() == " ".join(LINES).split()
    [attached] = message.iter_attachments()
    assert attached.get_filename() == "attribution-report.html"
    assert attached.get_content_type() == "text/html"
    assert attached.get_payload(decode=True) == report.read_bytes()


def test_a_long_subject_is_cut(report):
    with mail_server() as box:
        send_mail(settings(box.port), "word " * 60, LINES, report)
    message = email.message_from_bytes(box.messages[0], policy=email.policy.default)
    assert len(message["Subject"]) <= 150


def test_refused_recipients_are_named(report):
    with mail_server(refused=("b@example.com",)) as box:
        with pytest.raises(InputError, match="127.0.0.1 refused b@example.com"):
            send_mail(settings(box.port), "x", LINES, report)
        assert box.recipients == ["a@example.com"]
    with (
        mail_server(refused=("a@example.com", "b@example.com")) as box,
        pytest.raises(InputError, match="all recipients were refused: a@example.com, b@"),
    ):
        send_mail(settings(box.port), "x", LINES, report)


def test_nothing_is_sent_where_the_server_does_not_encrypt(report):
    with mail_server() as box:
        with pytest.raises(InputError, match="STARTTLS extension not supported"):
            send_mail(settings(box.port, security="starttls"), "x", LINES, report)
        assert box.messages == []


def test_a_refused_login_is_an_error(report, monkeypatch):
    monkeypatch.setenv("SMTP_PASSWORD", "hunter2")
    # The settings refuse a login without encryption: this is about the answer alone.
    login = settings(1).model_copy(update={"user": "me", "password": "${SMTP_PASSWORD}"})
    with mail_server(login="535 wrong password") as box:
        with pytest.raises(InputError, match="it answered 535 wrong password") as error:
            send_mail(login.model_copy(update={"port": box.port}), "x", LINES, report)
        assert box.messages == []
    assert "hunter2" not in str(error.value)


def test_a_server_that_is_not_there_is_an_error(report):
    with pytest.raises(InputError, match=r"127.0.0.1: .*refused"):
        send_mail(settings(1), "x", LINES, report)
