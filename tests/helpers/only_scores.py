"""Runs without the steps after the verdicts, which neither read the ledger nor write to it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING
from unittest import mock

from lydite.pipeline import evaluate, whole

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def only_scores() -> Iterator[None]:
    """Skip credit and marts in the block."""
    with (
        mock.patch.object(evaluate, "attribute_outcome"),
        mock.patch.object(whole, "build_marts"),
    ):
        yield
