"""The functions for scripts and notebooks: frames or files in, a result out."""

from lydite.api.attribution import credit
from lydite.api.comparison import compare, compare_paths
from lydite.api.data_check import check, check_sources

__all__ = ["check", "check_sources", "compare", "compare_paths", "credit"]
