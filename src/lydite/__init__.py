"""Lydite puts attribution models on trial."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lydite import models
    from lydite.api import compare, credit
    from lydite.errors import InputError, LyditeError
    from lydite.results import Comparison, Credit
    from lydite.simulation import simulate

__version__ = "0.1.0"
__all__ = [
    "Comparison",
    "Credit",
    "InputError",
    "LyditeError",
    "compare",
    "credit",
    "models",
    "simulate",
]

# What is heavy is imported when it is first used, so that `lydite --help` answers at once.
_HOMES = {
    "Comparison": "lydite.results",
    "compare": "lydite.api",
    "Credit": "lydite.results",
    "credit": "lydite.api",
    "InputError": "lydite.errors",
    "LyditeError": "lydite.errors",
    "models": "lydite.models",
    "simulate": "lydite.simulation",
}

# Type checkers know the names from above; to them this function would make any name exist.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:  # noqa: ANN401
        if name not in _HOMES:
            raise AttributeError(f"module 'lydite' has no attribute {name!r}")
        home = import_module(_HOMES[name])
        return home if name == "models" else getattr(home, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
