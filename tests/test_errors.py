"""Tests of the error classes."""

from __future__ import annotations

import pytest

import lydite
from lydite.errors import InputError, LyditeError


def test_input_errors_are_lydite_errors():
    assert issubclass(InputError, LyditeError)
    assert not issubclass(LyditeError, ValueError)


def test_unusable_input_raises_an_input_error():
    with pytest.raises(InputError, match="give touchpoints and conversions, or paths"):
        lydite.compare()
