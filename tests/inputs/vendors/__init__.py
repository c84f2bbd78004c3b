"""Tests of the ready selects, on small extracts in the shapes of the vendors."""
