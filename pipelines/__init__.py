"""The Dagster code location: when and where the library's steps run; no mathematics."""
