"""Texts of settings files."""

SOURCES = '[sources]\ntouchpoints = "t.parquet"\nconversions = "c.parquet"\n'
