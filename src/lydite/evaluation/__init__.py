"""The evaluation: which rival explains outcomes best, forward in time and with controlled error."""
