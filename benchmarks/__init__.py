"""Benchmarks: what Lydite costs, relative to the machine's limit in the same run."""
