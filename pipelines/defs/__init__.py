"""The components that Dagster loads, one folder each."""
