"""Path tables in plain Python: read, listed and compared."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from lydite.errors import InputError
from lydite.inputs.path_table import read_path_table
from lydite.inputs.slices import slice_starts


def read_paths(engine, source):
    """Read a source, or rows of path, conversions and, where given, value and nulls."""
    if isinstance(source, list):
        columns = ["path", "conversions", "value", "nulls"][: len(source[0])]
        source = pl.DataFrame(source, schema=columns, orient="row", strict=False)
    return read_path_table(engine, source)


def assert_refused(engine, source, *parts):
    """Read a source that is refused; check that the message has all the parts, in one line."""
    with pytest.raises(InputError) as caught:
        read_paths(engine, source)
    message = str(caught.value)
    assert "\n" not in message
    for part in ("paths", *map(str, parts)):
        assert part in message, message


def paths_in(table):
    """Return the paths by name, in the table's order."""
    begins = slice_starts(table.length)
    return [
        tuple(table.channels[i] for i in table.channel[begin : begin + size])
        for begin, size in zip(begins, table.length, strict=True)
    ]


def totals(table):
    """Return conversions, value and nulls by path."""
    columns = (table.conversions.tolist(), table.value.tolist(), table.nulls.tolist())
    return dict(zip(paths_in(table), zip(*columns, strict=True), strict=True))


def assert_same(a, b, *, but=()):
    """Compare two tables in all but some fields; sums of values may differ in the last digit."""
    for field in dataclasses.fields(a):
        if field.name == "value":
            np.testing.assert_allclose(a.value, b.value, rtol=1e-12, atol=1e-9)
        elif field.name not in ("place", *but):
            np.testing.assert_array_equal(
                getattr(a, field.name), getattr(b, field.name), err_msg=field.name
            )
