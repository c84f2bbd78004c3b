"""The functions for scripts and notebooks: frames or files in, a result out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.late_imports import late_imports

if TYPE_CHECKING:
    from lydite.api.attribution import credit
    from lydite.api.comparison import compare, compare_paths
    from lydite.api.data_check import check, check_sources
    from lydite.api.experiment import read_experiment

__all__ = ["check", "check_sources", "compare", "compare_paths", "credit", "read_experiment"]

# Credit from a path table needs few of them, and no step of the pipeline.
if not TYPE_CHECKING:
    __getattr__ = late_imports(
        __name__,
        {
            "check": "lydite.api.data_check",
            "check_sources": "lydite.api.data_check",
            "compare": "lydite.api.comparison",
            "compare_paths": "lydite.api.comparison",
            "credit": "lydite.api.attribution",
            "read_experiment": "lydite.api.experiment",
        },
    )
