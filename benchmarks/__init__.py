"""Benchmarks: what Lydite costs, next to the machine's own limit in the same run."""
