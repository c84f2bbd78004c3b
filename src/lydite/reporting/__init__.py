"""Presentation of results: words, tables, charts, the HTML report, the terminal, the notebook."""
