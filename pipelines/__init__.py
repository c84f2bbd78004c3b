"""The Dagster code location of this repository: one `LyditeComponent` on `lydite.toml`."""
