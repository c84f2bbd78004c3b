"""How many rows were set aside, by reason."""

import polars as pl

from tests.helpers.input_rows import row


def test_reasons_are_sorted_by_frequency(read):
    frame = pl.DataFrame([row(), row(user_id=None), *[row(channel="")] * 2])
    report = read("touchpoints", frame)
    assert list(report.bad.items()) == [("missing_channel", 2), ("missing_user_id", 1)]
    assert report.bad_share == 0.75


def test_counts_name_only_tables_with_bad_rows(read_all, conversions):
    frame = pl.DataFrame([row(), row(channel=None)])
    quarantine = read_all(touchpoints=frame, conversions=conversions)
    assert quarantine.counts == {"touchpoints": {"missing_channel": 1}}
