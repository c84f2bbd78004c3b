"""Markov models: where a customer stands in a chain of channels decides."""

from __future__ import annotations

from lydite.models.base import Model


class Markov(Model):
    """Being written."""
