"""Environment variables in settings: they are expanded, and no message shows secrets."""

import pytest

from lydite.environment import (
    expand,
    hide,
    hide_in_error,
    is_reference,
    is_secret_name,
    mask,
)
from lydite.errors import InputError

URL = "postgresql://${PG_USER}:${PG_PASSWORD}@${PG_HOST}/shop"


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("PG_USER", "reader")
    monkeypatch.setenv("PG_PASSWORD", "a/b c@d:1%")
    monkeypatch.setenv("PG_HOST", "db.example.com:5432")
    monkeypatch.setenv("WHOLE", "postgresql://reader:hunter2@db.example.com/shop")
    monkeypatch.setenv("FOLDER", "/data/été")
    monkeypatch.delenv("MISSING", raising=False)


def test_values_in_a_url_are_percent_encoded():
    assert expand(URL, "x") == "postgresql://reader:a%2Fb%20c%40d:1%25@db.example.com:5432/shop"


def test_a_whole_url_and_a_path_stay_as_they_are():
    assert expand("${WHOLE}", "x") == "postgresql://reader:hunter2@db.example.com/shop"
    assert expand("${FOLDER}/t.csv", "x") == "/data/été/t.csv"
    assert expand("$FOLDER/{x}.csv", "x") == "$FOLDER/{x}.csv"


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(monkeypatch, value):
    if value is not None:
        monkeypatch.setenv("MISSING", value)
    with pytest.raises(InputError, match="^orders: the environment variable MISSING is not set"):
        expand("https://example.com/?token=${MISSING}", "orders")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://u:hunter2@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:a@b/c:d@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        (URL, URL),
        ("https://h/x.csv?sig=abc&day=1", "https://h/x.csv?sig=***&day=1"),
        ("https://h/x?X-Amz-Signature=abc", "https://h/x?X-Amz-Signature=***"),
        ("s3://bucket/monkey=1/*.csv", "s3://bucket/monkey=1/*.csv"),
        ("data/token=1/x.csv", "data/token=1/x.csv"),
    ],
)
def test_secrets_that_are_written_in_a_url_are_masked(text, masked):
    assert mask(text) == masked


def test_names_of_secrets():
    assert all(map(is_secret_name, ["password", "api_token", "fs.s3a.secret.key"]))
    assert not any(map(is_secret_name, ["lookback", "database", "bypass", "keyboard"]))


@pytest.mark.parametrize("form", ["a/b c@d:1%", "a%2Fb%20c%40d%3A1%25"])
def test_a_password_is_hidden_in_every_form(form):
    text = f"reader failed with {form} at db.example.com:5432"
    assert hide(text, URL) == "reader failed with *** at db.example.com:5432"


def test_the_password_of_a_whole_url_is_hidden():
    assert (
        hide("hunter2 is wrong at db.example.com", "${WHOLE}") == "*** is wrong at db.example.com"
    )


def test_parameters_and_parts_of_a_web_address_are_hidden(monkeypatch):
    monkeypatch.setenv("CODE", "xyz123")
    for text in ("https://h/x.csv?code=${CODE}", "https://h/${CODE}/x.csv"):
        assert hide("GET xyz123 at h", text) == "GET *** at h"


def test_variables_with_the_name_of_a_secret_are_always_hidden(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "longsecret")
    monkeypatch.setenv("PGPASSWORD", "longpassword")
    assert hide("longsecret longpassword") == "*** ***"


# --- files, and references to a whole setting -----------------------------------------------------


@pytest.fixture
def secret_file(tmp_path):
    file = tmp_path / "run" / "secret"
    file.parent.mkdir()
    file.write_text('pä"ss/1\n')
    return file


def test_files_stand_for_their_content(secret_file, monkeypatch):
    for text in (f"file:{secret_file}", f"${{file:{secret_file}}}"):
        assert expand(text, "x") == 'pä"ss/1'
    url = f"postgresql://${{env:PG_USER}}:${{file:{secret_file}}}@h/shop"
    assert expand(url, "x") == "postgresql://reader:p%C3%A4%22ss%2F1@h/shop"
    assert mask(url) == url
    assert mask(f"postgresql://${{file:{secret_file}}}:hunter2@h/shop").endswith(":***@h/shop")


def test_env_is_the_variable():
    assert expand("env:WHOLE", "x") == expand("${WHOLE}", "x") == expand("${env:WHOLE}", "x")


@pytest.mark.parametrize("text", ["env:WHOLE", "file:/run/x", "${A}", "${env:A}", "${file:/x}"])
def test_one_reference(text):
    assert is_reference(text)


@pytest.mark.parametrize("text", ["env:a b", "file:///x", "a${A}", "environment", "/env:A", ""])
def test_no_single_reference(text):
    assert not is_reference(text)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"", "is empty"), (b"\n", "is empty"), (b"\xff\xfe", "not UTF-8")],
)
def test_files_that_hold_no_secret_are_named(tmp_path, content, reason):
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    with pytest.raises(InputError, match=f"^orders: the file {tmp_path}/secret of a .*{reason}"):
        expand(f"file:{tmp_path}/secret", "orders")


def test_the_content_of_a_file_is_hidden_in_every_form(secret_file):
    text = f"file:{secret_file}"
    for form in ('pä"ss/1', "p%C3%A4%22ss/1", 'p\\u00e4\\"ss/1', repr('pä"ss/1')[1:-1]):
        assert hide(f"with {form}!", text) == "with ***!"


def test_secrets_that_were_read_are_hidden_in_messages_about_anything(monkeypatch):
    monkeypatch.setenv("MAIL_LOGIN", "correct horse")
    expand("env:MAIL_LOGIN", "notify.email.password", secret=True)
    assert hide("535 correct horse refused") == "535 *** refused"


@pytest.mark.parametrize(
    ("inner", "outer", "shown"),
    [
        (ValueError("harmless"), KeyError("x"), None),
        (ValueError("login with battery staple"), KeyError("x"), "KeyError: 'x'"),
        (OSError(), InputError("no battery staple here"), "no *** here"),
    ],
)
def test_an_error_that_quotes_a_secret_is_replaced(monkeypatch, inner, outer, shown):
    monkeypatch.setenv("DRIVER_PASSWORD", "battery staple")
    outer.__cause__ = inner
    found = hide_in_error(outer)
    assert found is None if shown is None else str(found) == shown
    assert not isinstance(outer, InputError) or isinstance(found, InputError)
