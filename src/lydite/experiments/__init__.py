"""Randomised experiments: checks, readouts, and power."""
