"""Settings of who is notified after a run."""

from __future__ import annotations

import pytest

from lydite.errors import InputError
from tests.helpers.settings import SOURCES

EMAIL = """
[notify.email]
server = "smtp.example.com"
sender = "lydite@example.com"
recipients = ["board@example.com", "${TEAM}"]
"""


def test_nobody_is_notified_by_default(load):
    assert load(SOURCES).notify.webhook is load(SOURCES).notify.email is None


def test_variables_stand_for_secrets(load):
    login = 'user = "${SMTP_USER}"\npassword = "${SMTP_PASSWORD}"\n'
    notify = load(SOURCES + '[notify]\nwebhook = "${SLACK}"\n' + EMAIL + login).notify
    assert notify.webhook == "${SLACK}"
    assert notify.email.password == "${SMTP_PASSWORD}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (EMAIL + 'password = "hunter2"', "notify.email.password = '***': a password is not"),
        (EMAIL + 'user = "me"', "notify.email: user and password belong together"),
        (
            EMAIL + 'user = "me"\npassword = "${P}"\nsecurity = "none"',
            "notify.email: security = \"none\" would send the password in the clear",
        ),
        (EMAIL + "port = 70000", "notify.email.port = 70000: Input should be less"),
        (EMAIL.replace("board@", "a@b.c, d@"), "recipients.1 = 'a@b.c, d@example.com': write"),
        (EMAIL.replace('["board@example.com", "${TEAM}"]', "[]"), "notify.email.recipients: Tuple"),
        ('[notify]\nwebhook = "hunter2"', "notify.webhook = '***': write a URL"),
        ('[notify]\nwebhook = "https://u:hunter2@h/x"', "notify.webhook = '***': a secret is"),
    ],
)  # fmt: skip
def test_wrong_values_are_refused_and_secrets_not_shown(load, text, words):
    with pytest.raises(InputError) as error:
        load(SOURCES + text)
    assert words in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("text", ["env:SMTP", "file:/run/secrets/smtp", "${file:/run/smtp}"])
def test_references_of_every_form(load, text):
    login = f'user = "{text}"\npassword = "{text}"\n'
    notify = load(SOURCES + f'[notify]\nwebhook = "{text}"\n' + EMAIL + login).notify
    assert notify.webhook == notify.email.user == notify.email.password == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file:secrets/smtp", "notify.webhook = '***': write an absolute path: ${file:/secrets"),
        ("env:A B", "notify.webhook = '***': write env:NAME with the name of one environment"),
        ("https://hooks.slack.com/services/T/B/hunter2", "such an address is a secret: put it"),
        ("https://x.webhook.office.com/hunter2", "such an address is a secret: put it"),
    ],
)
def test_wrong_references_and_secret_addresses_are_refused(load, text, words):
    with pytest.raises(InputError) as error:
        load(SOURCES + f'[notify]\nwebhook = "{text}"\n')
    assert words in str(error.value)
    assert "hunter2" not in str(error.value)
