"""Settings of data quality."""

from __future__ import annotations

import pytest

from lydite.errors import InputError
from lydite.settings import DriftLimits, QualitySettings


def test_more_kinds_of_findings_can_be_accepted():
    accepted = QualitySettings(warn=("stray_rows",)).accepting(["sudden_drop"])
    assert accepted == QualitySettings(accept=("sudden_drop",), warn=("stray_rows",))
    with pytest.raises(InputError, match="no kind of finding 'all'; there are: stray_rows"):
        QualitySettings().accepting(["all"])


def test_limits_of_drift_that_are_not_given_stay():
    given = QualitySettings.model_validate({"drift": {"nulls": {"warn": 0.3, "error": 0.5}}})
    assert given.drift["nulls"] == DriftLimits(warn=0.3, error=0.5)
    assert given.drift["channels"] == QualitySettings().drift["channels"]
    assert QualitySettings.model_validate(given.accepting(["bursts"]).model_dump()).drift == (
        given.drift
    )
