"""The Dagster code location: schedules, observes and publishes what the library computes."""
