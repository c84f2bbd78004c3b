"""What `lydite.compare` and `lydite.credit` return: data, presented on request."""

from lydite.results.comparison import FRAMES, Comparison
from lydite.results.credit import Credit
from lydite.results.reading import read_comparison, read_credit, read_published

__all__ = ["FRAMES", "Comparison", "Credit", "read_comparison", "read_credit", "read_published"]
