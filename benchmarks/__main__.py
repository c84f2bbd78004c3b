"""Runs every benchmark, then writes the report."""

from benchmarks import report

for benchmark in report.BENCHMARKS:
    benchmark.main([])
report.main()
