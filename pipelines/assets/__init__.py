"""The assets, one file per stage of the trial."""
