"""Settings of data quality."""

from __future__ import annotations

import pytest

from lydite.errors import InputError
from lydite.settings import QualitySettings


def test_more_kinds_of_findings_can_be_accepted():
    accepted = QualitySettings(warn=("stray_rows",)).accepting(["sudden_drop"])
    assert accepted == QualitySettings(accept=("sudden_drop",), warn=("stray_rows",))
    with pytest.raises(InputError, match="no kind of finding 'all'; there are: stray_rows"):
        QualitySettings().accepting(["all"])
