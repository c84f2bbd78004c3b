"""Paths as arrays: one container, and the compiled kernels that read it."""
