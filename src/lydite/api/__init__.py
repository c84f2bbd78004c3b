"""The functions for scripts and notebooks: frames or files in, a result out."""

from lydite.api.attribution import credit
from lydite.api.comparison import compare, compare_paths
from lydite.api.data_check import check, check_sources
from lydite.api.experiment import read_experiment

__all__ = ["check", "check_sources", "compare", "compare_paths", "credit", "read_experiment"]
