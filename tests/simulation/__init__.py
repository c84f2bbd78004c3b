"""Tests of the simulated worlds."""
