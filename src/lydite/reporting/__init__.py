"""Reporting: a trial's result in words, on a terminal, on a page and in a notebook."""
