"""Paths as arrays, and sums over their touches."""
