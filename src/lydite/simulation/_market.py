"""Parameters of the storefront: its channels, their cost and their true effects."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.simulation._random import Bools, Floats, Ints

OUTCOMES = ("signup", "lead", "purchase")
INTERACTIONS = ("impression", "click", "open")


@dataclass(frozen=True)
class Interaction:
    """One type of interaction with a channel: its share of touches, strength and cost."""

    name: str
    share: float
    strength: float = 1.0
    cost: float | None = None


@dataclass(frozen=True)
class Campaign:
    """A campaign of a channel: its share of touches, strength and daily budget per 10,000 users."""

    name: str
    share: float
    strength: float = 1.0
    daily_budget: float | None = None


@dataclass(frozen=True)
class Channel:
    """How a channel reaches users, and its effect on them.

    Attributes
    ----------
    name : str
        Name of the channel.
    reach : float
        Share of users that it can reach.
    base, pull : float
        Probability of a touch on a day online without interest, and what a unit of interest adds.
    searched : bool
        Whether users look for it themselves, minutes before they may convert.
    effect : tuple of float
        What one touch adds to the daily probability to sign up, become a lead and purchase.
    half_life_days : float
        Half-life of the effect.
    interactions : tuple of Interaction
        Types of interaction.
    campaigns : tuple of Campaign
        Its campaigns.
    needs_account : bool
        Whether it reaches only users who have signed up.
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
    needs_account: bool = False


def _click(cost: float | None = None) -> tuple[Interaction, ...]:
    """Return the interactions of a channel that is clicked only."""
    return (Interaction("click", 1.0, cost=cost),)


def _shown(clicked: float, cost: float | None = None) -> tuple[Interaction, ...]:
    """Return the interactions of a channel that is shown, and clicked at some rate."""
    return (
        Interaction("impression", 1 - clicked, cost=cost),
        Interaction("click", clicked, strength=2.5, cost=cost),
    )


# Branded search, organic search and direct visits result from interest and do not create it: they
# have no effect. Retargeting follows interest too, and has almost none.
CHANNELS: tuple[Channel, ...] = (
    Channel(
        name="paid_search_brand",
        reach=1.0,
        base=0.002,
        pull=0.45,
        searched=True,
        effect=(0, 0, 0),
        half_life_days=3,
        interactions=_click(0.42),
        campaigns=(Campaign("brand_core", 0.75), Campaign("brand_offer", 0.25)),
    ),
    Channel(
        name="paid_search_generic",
        reach=0.9,
        base=0.03,
        pull=0.06,
        searched=True,
        effect=(0.022, 0.012, 0.010),
        half_life_days=3,
        interactions=_click(1.35),
        campaigns=(
            Campaign("generic_core", 0.5),
            Campaign("generic_long_tail", 0.3, 1.4),
            Campaign("generic_competitor", 0.2, 0.5),
        ),
    ),
    Channel(
        name="organic_search",
        reach=1.0,
        base=0.05,
        pull=0.12,
        searched=True,
        effect=(0, 0, 0),
        half_life_days=3,
        interactions=_click(),
        campaigns=(Campaign("organic", 1.0),),
    ),
    Channel(
        name="paid_social",
        reach=0.6,
        base=0.15,
        pull=0.0,
        searched=False,
        effect=(0.008, 0.003, 0.0022),
        half_life_days=4,
        interactions=_shown(0.11),
        campaigns=(
            Campaign("social_prospecting", 0.5, 1.0, 11.0),
            Campaign("social_lookalike", 0.3, 1.3, 8.0),
            Campaign("social_creators", 0.2, 0.6, 4.5),
        ),
    ),
    Channel(
        name="display",
        reach=0.7,
        base=0.16,
        pull=0.0,
        searched=False,
        effect=(0.0010, 0.0005, 0.0003),
        half_life_days=3,
        interactions=_shown(0.02, 0.05),
        campaigns=(Campaign("display_open_exchange", 0.7), Campaign("display_premium", 0.3, 2.0)),
    ),
    Channel(
        name="retargeting",
        reach=0.85,
        base=0.01,
        pull=0.32,
        searched=False,
        effect=(0.0003, 0.0001, 0.0001),
        half_life_days=2,
        interactions=_shown(0.07, 0.09),
        campaigns=(Campaign("retargeting_viewed", 0.6), Campaign("retargeting_basket", 0.4)),
    ),
    Channel(
        name="email",
        reach=0.85,
        base=0.12,
        pull=0.0,
        searched=False,
        effect=(0, 0.0045, 0.0044),
        half_life_days=3,
        interactions=(Interaction("open", 0.78), Interaction("click", 0.22, 2.0)),
        campaigns=(
            Campaign("newsletter", 0.6, 0.7, 1.6),
            Campaign("offers", 0.3, 1.6, 1.1),
            Campaign("welcome", 0.1, 1.0, 0.4),
        ),
        needs_account=True,
    ),
    Channel(
        name="affiliate",
        reach=0.5,
        base=0.025,
        pull=0.03,
        searched=True,
        effect=(0.012, 0.013, 0.011),
        half_life_days=2,
        interactions=_click(0.95),
        campaigns=(
            Campaign("affiliate_coupons", 0.6, 0.6),
            Campaign("affiliate_reviews", 0.4, 1.6),
        ),
    ),
    Channel(
        name="video",
        reach=0.5,
        base=0.11,
        pull=0.0,
        searched=False,
        effect=(0.010, 0.003, 0.0032),
        half_life_days=8,
        interactions=_shown(0.03),
        campaigns=(
            Campaign("video_awareness", 0.65, 0.8, 14.0),
            Campaign("video_product", 0.35, 1.4, 9.0),
        ),
    ),
    Channel(
        name="direct",
        reach=1.0,
        base=0.03,
        pull=0.18,
        searched=True,
        effect=(0, 0, 0),
        half_life_days=3,
        interactions=_click(),
        campaigns=(Campaign("direct", 1.0),),
    ),
)
CHANNEL_NAMES = tuple(channel.name for channel in CHANNELS)
CAMPAIGN_NAMES = tuple(campaign.name for channel in CHANNELS for campaign in channel.campaigns)

# Daily probabilities when online: without intent (new users, returning users), and per unit of
# intent.
BASE_PROBABILITY = {"signup": (0.016, 0.0), "lead": (0.003, 0.0045), "purchase": (0.0008, 0.0018)}
INTENT_PROBABILITY = {"signup": 0.09, "lead": 0.038, "purchase": 0.021}


@dataclass(frozen=True)
class Tables:
    """The market as arrays, indexed by channel or campaign number."""

    effects: Floats  # (channels, outcomes)
    daily_decay: Floats  # share of the effect that is left after a day
    searched: Bools
    first_campaign: Ints
    campaign_cumulative: Floats  # (channels, most campaigns)
    campaign_strength: Floats  # (campaigns,)
    # (channels, most interactions)
    interaction_cumulative: Floats
    interaction_code: Ints
    interaction_strength: Floats
    interaction_cost: Floats  # NaN where touches are not paid for singly
    base_probability: Floats  # (new or returning, outcomes)
    probability_per_intent: Floats  # (outcomes,)


@dataclass(frozen=True)
class Market:
    """Channels and users of a shop; the storefront by default.

    Attributes
    ----------
    channels : tuple of Channel
        Its channels.
    base_probability : dict
        By outcome, the daily probability when online without intent, of new and returning users.
    intent_probability : dict
        By outcome, what a unit of intent adds.
    """

    channels: tuple[Channel, ...] = CHANNELS
    base_probability: Mapping[str, tuple[float, float]] = field(
        default_factory=lambda: BASE_PROBABILITY
    )
    intent_probability: Mapping[str, float] = field(default_factory=lambda: INTENT_PROBABILITY)

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels."""
        return tuple(channel.name for channel in self.channels)

    @property
    def campaign_names(self) -> tuple[str, ...]:
        """Names of the campaigns, by channel."""
        return tuple(campaign.name for ch in self.channels for campaign in ch.campaigns)

    @cached_property
    def tables(self) -> Tables:
        """The market as arrays."""
        channels, outcomes = self.channels, OUTCOMES
        interactions = [channel.interactions for channel in channels]
        return Tables(
            effects=np.array([channel.effect for channel in channels]),
            daily_decay=np.array([0.5 ** (1 / channel.half_life_days) for channel in channels]),
            searched=np.array([channel.searched for channel in channels]),
            first_campaign=np.cumsum([0] + [len(channel.campaigns) for channel in channels])[:-1],
            campaign_cumulative=_cumulative([[c.share for c in ch.campaigns] for ch in channels]),
            campaign_strength=np.array([c.strength for ch in channels for c in ch.campaigns]),
            interaction_cumulative=_cumulative([[i.share for i in row] for row in interactions]),
            interaction_code=_padded(
                [[INTERACTIONS.index(i.name) for i in row] for row in interactions], 0
            ).astype(np.int64),
            interaction_strength=_padded([[i.strength for i in row] for row in interactions], 0),
            interaction_cost=_padded(
                [[np.nan if i.cost is None else i.cost for i in row] for row in interactions],
                np.nan,
            ),
            base_probability=np.array([self.base_probability[outcome] for outcome in outcomes]).T,
            probability_per_intent=np.array([self.intent_probability[name] for name in outcomes]),
        )

    def parameters(self) -> dict[str, Any]:
        """Return all parameters, for the truth file."""
        return {
            "channels": {channel.name: asdict(channel) for channel in self.channels},
            "base_chance_new_returning": dict(self.base_probability),
            "chance_per_intent": dict(self.intent_probability),
        }


def _padded(rows: Sequence[Sequence[float]], fill: float) -> Floats:
    longest = max(len(row) for row in rows)
    return np.array([[*row, *[fill] * (longest - len(row))] for row in rows])


def _cumulative(rows: Sequence[Sequence[float]]) -> Floats:
    """Return cumulative shares; they are exactly 1 from the last entry of a row."""
    cumulative = np.cumsum(_padded(rows, 0), axis=1)
    return np.asarray(np.where(cumulative > 1 - 1e-9, 1.0, cumulative))


def purchase_value(normal: Floats, returning: Bools) -> Floats:
    """Turn standard normal numbers into purchase values; returning users spend more."""
    return np.asarray(np.where(returning, 72.0, 58.0) * np.exp(0.55 * normal))


#: The market of `lydite.simulation.simulate`.
STOREFRONT = Market()
