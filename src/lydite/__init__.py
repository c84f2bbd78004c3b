"""Lydite compares marketing attribution models as rival hypotheses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.late_imports import late_imports

if TYPE_CHECKING:
    from lydite import models
    from lydite.api import check, compare, credit, read_experiment
    from lydite.checking import DataCheck
    from lydite.errors import InputError, LyditeError
    from lydite.experiments.result import ExperimentReading
    from lydite.results import Comparison, Credit
    from lydite.simulation import simulate

__version__ = "0.1.0"
__all__ = [
    "Comparison",
    "Credit",
    "DataCheck",
    "ExperimentReading",
    "InputError",
    "LyditeError",
    "check",
    "compare",
    "credit",
    "models",
    "read_experiment",
    "simulate",
]

# Modules are imported when a name is first used, so that `lydite --help` starts fast.
_MODULES = {
    "check": "lydite.api.data_check",
    "Comparison": "lydite.results.comparison",
    "compare": "lydite.api.comparison",
    "Credit": "lydite.results.credit",
    "credit": "lydite.api.attribution",
    "DataCheck": "lydite.checking",
    "ExperimentReading": "lydite.experiments.result",
    "InputError": "lydite.errors",
    "LyditeError": "lydite.errors",
    "models": "lydite.models",
    "read_experiment": "lydite.api.experiment",
    "simulate": "lydite.simulation",
}

# Hidden from type checkers, for which a module with `__getattr__` has every name.
if not TYPE_CHECKING:
    __getattr__ = late_imports(__name__, _MODULES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
