"""What `lydite.compare` and `lydite.credit` return: data, presented on request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.late_imports import late_imports

if TYPE_CHECKING:
    from lydite.results.comparison import FRAMES, Comparison
    from lydite.results.credit import Credit
    from lydite.results.reading import read_comparison, read_credit, read_published

__all__ = ["FRAMES", "Comparison", "Credit", "read_comparison", "read_credit", "read_published"]

# Credit from a path table needs few of them, and no step of the pipeline.
if not TYPE_CHECKING:
    __getattr__ = late_imports(
        __name__,
        {
            "FRAMES": "lydite.results.comparison",
            "Comparison": "lydite.results.comparison",
            "Credit": "lydite.results.credit",
            "read_comparison": "lydite.results.reading",
            "read_credit": "lydite.results.reading",
            "read_published": "lydite.results.reading",
        },
    )
