"""Notifications after a run."""

from __future__ import annotations

import pytest

from lydite.reporting.decision import decide
from lydite.reporting.narrative import NOT_CAUSE
from lydite.reporting.notifications import make_message, notify, notify_failure
from lydite.settings import EmailSettings, NotifySettings
from tests.helpers.made_comparisons import BEST, CONTENDERS, make_comparison, make_empty
from tests.helpers.notified import mail_server, webhook_server

COMPARISON = make_comparison(("purchase", CONTENDERS), ("lead", BEST))


def email_to(port: int) -> EmailSettings:
    return EmailSettings(
        server="127.0.0.1", port=port, security="none", sender="a@b.c", recipients=("d@e.f",)
    )


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("<!doctype html>")
    return path


def test_the_message_has_the_sentence_of_every_outcome():
    message = make_message(COMPARISON, "https://example.com/report.html")
    decision = decide(COMPARISON, "purchase")
    assert message.subject == message.lines[0] == decision.text
    assert message.lines[1:] == [
        decision.detail,
        f"Leads: {decide(COMPARISON, 'lead').text}",
        NOT_CAUSE,
        "Report: https://example.com/report.html",
    ]


def test_names_from_the_data_cannot_add_lines_or_headers():
    hostile = make_comparison(("buy\r\nBcc: x@y.z", CONTENDERS), channels=("a\nb", "c\r\nd"))
    message = make_message(hostile, "here")
    assert not any("\n" in line or "\r" in line for line in [message.subject, *message.lines])


def test_a_failure_is_sent_with_its_errors_and_without_a_report():
    why = "touchpoints: no such file\n\nCorrect the path."
    with webhook_server() as posted, mail_server() as mails:
        settings = NotifySettings(webhook=posted.url, email=email_to(mails.port))
        assert notify_failure(settings, "refresh", "run-1", why) == []
    [body] = posted.bodies
    said = "The job refresh failed."
    assert body["text"].splitlines() == [
        said, "touchpoints: no such file", "Correct the path.", "Run: run-1",
    ]  # fmt: skip
    [mail] = mails.messages
    assert f"Subject: {said}".encode() in mail
    assert b"attachment" not in mail
    assert notify_failure(NotifySettings(), "refresh", "run-1", why) == []


def test_no_one_is_notified_by_default(report):
    assert notify(COMPARISON, NotifySettings(), report) == []


def test_both_ways_are_used(report):
    with mail_server() as box, webhook_server() as posted:
        settings = NotifySettings(webhook=posted.url, email=email_to(box.port))
        assert notify(COMPARISON, settings, report) == []
    [body] = posted.bodies
    assert body["text"].splitlines()[0] == decide(COMPARISON, "purchase").text
    assert body["text"].endswith(f"Report: {report}")
    assert len(box.messages) == 1


def test_a_failure_is_one_line_and_the_other_way_is_tried(report, monkeypatch):
    monkeypatch.setenv("SLACK", "http://127.0.0.1:1/services/hunter2")
    with mail_server() as box:
        settings = NotifySettings(webhook="${SLACK}", email=email_to(box.port))
        [failed] = notify(COMPARISON, settings, report)
    assert failed.startswith(
        "the notification by webhook was not sent: 127.0.0.1 cannot be reached"
    )
    assert "hunter2" not in failed
    assert len(box.messages) == 1


def test_a_report_that_is_gone_is_a_failure(tmp_path):
    settings = NotifySettings(email=email_to(1))
    [failed] = notify(COMPARISON, settings, tmp_path / "gone.html")
    assert "No such file" in failed


def test_results_without_credit_have_a_message_too():
    assert make_message(make_empty(), "here").lines[-1] == "Report: here"
