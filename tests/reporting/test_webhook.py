"""A webhook that takes JSON with a text."""

from __future__ import annotations

import pytest

from lydite.errors import InputError
from lydite.reporting.webhook import post_text
from tests.helpers.notified import webhook_server


def test_the_text_arrives_without_mentions(monkeypatch):
    with webhook_server() as posted:
        monkeypatch.setenv("SLACK", posted.url)
        post_text("${SLACK}", "a & b <!channel>\nsecond line")
    assert posted.bodies == [{"text": "a &amp; b &lt;!channel&gt;\nsecond line"}]


@pytest.mark.parametrize("status", [302, 403, 500])
def test_another_answer_is_an_error_without_the_secret_path(monkeypatch, status):
    with webhook_server(status) as posted:
        monkeypatch.setenv("SLACK", posted.url)
        with pytest.raises(InputError, match=f"127.0.0.1 answered {status}") as error:
            post_text("${SLACK}", "text")
    assert "hunter2" not in str(error.value)
    assert posted.bodies == [{"text": "text"}]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("${SLACK_OF_NO_ONE}", "notify.webhook: the environment variable SLACK_OF_NO_ONE is not"),
        ("http://127.0.0.1:1/hunter2", "127.0.0.1 cannot be reached: ConnectionRefusedError"),
        ("file:///etc/passwd", "notify.webhook is not a URL that starts with https://"),
        ("http://[hunter2", "notify.webhook is not a URL that starts with https://"),
        ("http://127.0.0.1:hunter2/", "127.0.0.1 cannot be reached"),
    ],
)
def test_a_wrong_address_is_an_error(url, words):
    with pytest.raises(InputError) as error:
        post_text(url, "text")
    assert words in str(error.value)
    assert "hunter2" not in str(error.value)
