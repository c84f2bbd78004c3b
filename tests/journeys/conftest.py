"""Fixtures of the tests of journeys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lydite.engine import DuckDBEngine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine() as engine:
        yield engine
