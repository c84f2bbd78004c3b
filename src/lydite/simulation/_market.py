"""The storefront's market in numbers: its channels, what they cost and what they truly do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.simulation._random import Bools, Floats, Ints

OUTCOMES = ("signup", "lead", "purchase")
INTERACTIONS = ("impression", "click", "open")


@dataclass(frozen=True)
class Interaction:
    """One way of meeting a channel: how often, how strongly it counts, what it costs."""

    name: str
    share: float
    strength: float = 1.0
    cost: float | None = None


@dataclass(frozen=True)
class Campaign:
    """A channel's campaign: its share of the touches, how strongly it works, its daily budget.

    The budget is for every 10,000 users of the world.
    """

    name: str
    share: float
    strength: float = 1.0
    daily_budget: float | None = None


@dataclass(frozen=True)
class Channel:
    """How a channel meets people and what it does to them.

    Attributes
    ----------
    name : str
        The channel.
    reach : float
        Share of users that it can meet at all.
    base, pull : float
        Chance to meet on a day online, without interest, and what each unit of interest adds.
    searched : bool
        Whether people come through it of their own accord, minutes before they may convert.
    effect : tuple of float
        What one touch adds to the daily chance to sign up, become a lead, purchase; fades.
    half_life_days : float
        How fast the effect fades.
    interactions : tuple of Interaction
        Ways to meet it.
    campaigns : tuple of Campaign
        What it runs.
    """

    name: str
    reach: float
    base: float
    pull: float
    searched: bool
    effect: tuple[float, float, float]
    half_life_days: float
    interactions: tuple[Interaction, ...]
    campaigns: tuple[Campaign, ...]


def _click(cost: float | None = None) -> tuple[Interaction, ...]:
    return (Interaction("click", 1.0, cost=cost),)


def _shown(clicked: float, cost: float | None = None) -> tuple[Interaction, ...]:
    return (
        Interaction("impression", 1 - clicked, cost=cost),
        Interaction("click", clicked, strength=2.5, cost=cost),
    )


# Branded search, organic search and direct are how interest shows, not what makes it: no effect at
# all. Retargeting follows interest too, and adds next to nothing.
CHANNELS: tuple[Channel, ...] = (
    Channel(
        "paid_search_brand",
        1.0,
        0.002,
        0.24,
        True,
        (0, 0, 0),
        3,
        _click(0.42),
        (Campaign("brand_core", 0.75), Campaign("brand_offer", 0.25)),
    ),
    Channel(
        "paid_search_generic",
        0.9,
        0.03,
        0.06,
        True,
        (0.022, 0.012, 0.010),
        3,
        _click(1.35),
        (
            Campaign("generic_core", 0.5),
            Campaign("generic_long_tail", 0.3, 1.4),
            Campaign("generic_competitor", 0.2, 0.5),
        ),
    ),
    Channel(
        "organic_search",
        1.0,
        0.05,
        0.12,
        True,
        (0, 0, 0),
        3,
        _click(),
        (Campaign("organic", 1.0),),
    ),
    Channel(
        "paid_social",
        0.6,
        0.15,
        0.0,
        False,
        (0.008, 0.003, 0.0022),
        4,
        _shown(0.11),
        (
            Campaign("social_prospecting", 0.5, 1.0, 11.0),
            Campaign("social_lookalike", 0.3, 1.3, 8.0),
            Campaign("social_creators", 0.2, 0.6, 4.5),
        ),
    ),
    Channel(
        "display",
        0.7,
        0.16,
        0.0,
        False,
        (0.0010, 0.0005, 0.0003),
        3,
        _shown(0.02, 0.05),
        (Campaign("display_open_exchange", 0.7), Campaign("display_premium", 0.3, 2.0)),
    ),
    Channel(
        "retargeting",
        0.85,
        0.01,
        0.32,
        False,
        (0.0003, 0.0001, 0.0001),
        2,
        _shown(0.07, 0.09),
        (Campaign("retargeting_viewed", 0.6), Campaign("retargeting_basket", 0.4)),
    ),
    Channel(
        "email",
        0.85,
        0.12,
        0.0,
        False,
        (0, 0.0045, 0.0044),
        3,
        (Interaction("open", 0.78), Interaction("click", 0.22, 2.0)),
        (
            Campaign("newsletter", 0.6, 0.7, 1.6),
            Campaign("offers", 0.3, 1.6, 1.1),
            Campaign("welcome", 0.1, 1.0, 0.4),
        ),
    ),
    Channel(
        "affiliate",
        0.5,
        0.025,
        0.03,
        True,
        (0.012, 0.013, 0.011),
        2,
        _click(0.95),
        (Campaign("affiliate_coupons", 0.6, 0.6), Campaign("affiliate_reviews", 0.4, 1.6)),
    ),
    Channel(
        "video",
        0.5,
        0.11,
        0.0,
        False,
        (0.010, 0.003, 0.0032),
        8,
        _shown(0.03),
        (Campaign("video_awareness", 0.65, 0.8, 14.0), Campaign("video_product", 0.35, 1.4, 9.0)),
    ),
    Channel(
        "direct",
        1.0,
        0.03,
        0.18,
        True,
        (0, 0, 0),
        3,
        _click(),
        (Campaign("direct", 1.0),),
    ),
)
CHANNEL_NAMES = tuple(channel.name for channel in CHANNELS)
CAMPAIGN_NAMES = tuple(campaign.name for channel in CHANNELS for campaign in channel.campaigns)
EMAIL = CHANNEL_NAMES.index("email")

# Chances on a day online: without intent (new users, returning users), and per unit of intent.
BASE_CHANCE = {"signup": (0.016, 0.0), "lead": (0.003, 0.0045), "purchase": (0.0008, 0.0018)}
INTENT_CHANCE = {"signup": 0.09, "lead": 0.038, "purchase": 0.021}


@dataclass(frozen=True)
class Tables:
    """The market as arrays, indexed by channel or campaign number."""

    effects: Floats  # (channels, outcomes)
    fades: Floats  # share of the effect left after a day
    searched: Bools
    first_campaign: Ints
    campaign_cumulative: Floats  # (channels, most campaigns)
    campaign_strength: Floats  # (campaigns,)
    way_cumulative: Floats  # (channels, most interactions), as all of `way_*`
    way_code: Ints
    way_strength: Floats
    way_cost: Floats  # NaN where a touch has no cost of its own
    base_chance: Floats  # (new or returning, outcomes)
    chance_per_intent: Floats

    @classmethod
    def of(cls, channels: Sequence[Channel]) -> Tables:
        """Lay out channels."""
        ways = [channel.interactions for channel in channels]
        return cls(
            effects=np.array([channel.effect for channel in channels]),
            fades=np.array([0.5 ** (1 / channel.half_life_days) for channel in channels]),
            searched=np.array([channel.searched for channel in channels]),
            first_campaign=np.cumsum([0] + [len(channel.campaigns) for channel in channels])[:-1],
            campaign_cumulative=_cumulative([[c.share for c in ch.campaigns] for ch in channels]),
            campaign_strength=np.array([c.strength for ch in channels for c in ch.campaigns]),
            way_cumulative=_cumulative([[way.share for way in row] for row in ways]),
            way_code=_padded(
                [[INTERACTIONS.index(way.name) for way in row] for row in ways], 0
            ).astype(np.int64),
            way_strength=_padded([[way.strength for way in row] for row in ways], 0),
            way_cost=_padded(
                [[np.nan if way.cost is None else way.cost for way in row] for row in ways], np.nan
            ),
            base_chance=np.array([BASE_CHANCE[outcome] for outcome in OUTCOMES]).T,
            chance_per_intent=np.array([INTENT_CHANCE[outcome] for outcome in OUTCOMES]),
        )


def _padded(rows: Sequence[Sequence[float]], fill: float) -> Floats:
    longest = max(len(row) for row in rows)
    return np.array([[*row, *[fill] * (longest - len(row))] for row in rows])


def _cumulative(rows: Sequence[Sequence[float]]) -> Floats:
    """Cumulative shares, exactly 1 from the last entry of a row on."""
    cumulative = np.cumsum(_padded(rows, 0), axis=1)
    return np.asarray(np.where(cumulative > 1 - 1e-9, 1.0, cumulative))


def basket(normal: Floats, returning: Bools) -> Floats:
    """Value of a purchase: lognormal, returning users buy more."""
    return np.asarray(np.where(returning, 72.0, 58.0) * np.exp(0.55 * normal))


def parameters() -> dict[str, Any]:
    """Everything above, for the truth file."""
    return {
        "channels": {channel.name: asdict(channel) for channel in CHANNELS},
        "base_chance_new_returning": BASE_CHANCE,
        "chance_per_intent": INTENT_CHANCE,
    }
