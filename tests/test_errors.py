"""Tests of the error classes."""

from __future__ import annotations

import pytest

import lydite
from lydite.errors import InputError, LyditeError, explain_system_error


def test_input_errors_are_lydite_errors():
    assert issubclass(InputError, LyditeError)
    assert not issubclass(LyditeError, ValueError)


def test_unusable_input_raises_an_input_error():
    with pytest.raises(InputError, match="give touchpoints and conversions, or paths"):
        lydite.compare()


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("[Errno 28] No space left on device: 'var/report.html'", "free some space"),
        ('IO Error: Could not write file "x.duckdb": No space left on device', "free some space"),
        ("[Errno 27] File too large: 'var/report.html'", "ulimit -f"),
        ("IO Error: Corrupt database file: computed checksum 1 does not match", "from a backup"),
        ('IO Error: Could not read enough bytes from file "x.duckdb"', "from a backup"),
        ("[Errno 30] Read-only file system: 'var'", "make it writable"),
        ("[Errno 13] Permission denied: 'var/report.html'\nmore", "make it writable"),
    ],
)
def test_errors_of_the_system_say_what_to_do(message, words):
    error = explain_system_error(message)
    assert error is not None
    assert words in str(error)
    assert str(error).endswith(f"({message.splitlines()[0]})")
    assert error.exit_code == 3


def test_other_errors_are_not_explained():
    assert explain_system_error("division by zero") is None
