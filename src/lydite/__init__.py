"""Lydite puts attribution models on trial."""

__version__ = "0.1.0"
