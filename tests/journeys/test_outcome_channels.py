"""Channels after which every landmark converts."""

import pytest

from lydite.journeys.outcome_channels import note_on_outcome_channels

OTHERS = [("ads", 900, 30), ("email", 500, 20)]


def test_a_channel_that_gives_the_outcome_away_is_named_with_what_to_do():
    assert note_on_outcome_channels([*OTHERS, ("thanks", 200, 198)]) == (
        "198 of 200 touches of 'thanks' are followed by a conversion, and 3.6% of the others: if a"
        " channel records the conversion itself, such as a thank-you page, it gives the outcome"
        " away to every model. Exclude it from the data and compare again"
    )


@pytest.mark.parametrize(
    "counts",
    [
        OTHERS,
        [*OTHERS, ("rare", 19, 19)],
        [*OTHERS, ("good", 100, 97)],
        [("ads", 900, 900), ("email", 500, 490)],
        [("ads", 900, 900), ("email", 500, 300)],
        [("only", 900, 900)],
        [],
    ],
)
def test_rare_or_merely_good_channels_are_not_named_nor_where_all_convert(counts):
    assert note_on_outcome_channels(counts) is None


def test_many_such_channels_are_counted_the_largest_first():
    text = note_on_outcome_channels([*OTHERS, *((f"c{i}", 20 + i, 20 + i) for i in range(7))])
    assert text is not None
    assert text.startswith("26 of 26 touches of 'c6', 25 of 25 touches of 'c5'")
    assert "'c2', those of 2 more channels are followed" in text
