"""Parameters of the storefront are consistent."""

from __future__ import annotations

import pytest

from lydite.simulation import _market as market

TABLES = market.STOREFRONT.tables


@pytest.mark.parametrize("channel", market.CHANNELS, ids=lambda channel: channel.name)
def test_shares_sum_to_one_and_a_channel_has_one_type_of_cost(channel):
    assert sum(campaign.share for campaign in channel.campaigns) == pytest.approx(1)
    assert sum(interaction.share for interaction in channel.interactions) == pytest.approx(1)
    by_touch = any(interaction.cost is not None for interaction in channel.interactions)
    by_day = any(campaign.daily_budget is not None for campaign in channel.campaigns)
    assert not (by_touch and by_day)


def test_campaign_names_are_unique_and_numbered_by_channel():
    assert len(set(market.CAMPAIGN_NAMES)) == len(market.CAMPAIGN_NAMES)
    for number, channel in enumerate(market.CHANNELS):
        first = TABLES.first_campaign[number]
        names = [campaign.name for campaign in channel.campaigns]
        assert list(market.CAMPAIGN_NAMES[first : first + len(names)]) == names


def test_cumulative_shares_end_at_one():
    assert (TABLES.campaign_cumulative[:, -1] == 1).all()
    assert (TABLES.interaction_cumulative[:, -1] == 1).all()
    assert TABLES.effects.shape == (len(market.CHANNELS), len(market.OUTCOMES))
