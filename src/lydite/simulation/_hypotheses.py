"""The hypotheses that are true in the single-truth worlds, each with its claim and its numbers.

To add a world: write how its rule weighs the touches of a path, or its chance outright, or the
numbers of its hazard, and enter it in `TRUTHS` with its claim.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from lydite.simulation import _probabilities as chances
from lydite.simulation import _rules as rules
from lydite.simulation._conversion_process import Chance, Hazard, Law
from lydite.simulation._paths import CHANNELS, START, by_channel

if TYPE_CHECKING:
    from collections.abc import Mapping

HAZARD = Hazard(
    baseline_per_hour=3e-5,
    hazard_per_hour=(1e-4, 11e-4, 0.2e-4, 26e-4, 4e-4, 0.5e-4, 17e-4, 2e-4),
    half_life_hours=72.0,
)
_INTENT_SPREAD = 0.9


@dataclass(frozen=True)
class Truth:
    """One hypothesis that is true by construction.

    Attributes
    ----------
    claim : str
        The hypothesis in one sentence.
    law : Law
        Whether and when the touch just made is followed by a conversion.
    parameters : mapping
        What the law is made of, for the truth file.
    spread : float
        Standard deviation of the logarithm of users' latent intent; 0 makes all users alike.
    """

    claim: str
    law: Law
    parameters: Mapping[str, Any] = field(default_factory=dict)
    spread: float = 0.0


def _rule(claim: str, weights: rules.Weights, **parameters: float) -> Truth:
    return Truth(claim, rules.rule(weights), {"rates": by_channel(rules.RATES), **parameters})


TRUTHS: dict[str, Truth] = {
    "null": Truth(
        "Nothing decides: every touch is as likely as any to be the last before a conversion.",
        Chance(chances.null),
        {"rate": chances.NULL_RATE},
    ),
    "first_touch": _rule("The first touch decides.", rules.first_touch),
    "last_touch": _rule("The last touch decides.", rules.last_touch),
    "linear": _rule("Every touch of the path decides alike.", rules.linear),
    "position_based": _rule(
        "The ends of the path decide: 40 % each, the middle 20 %.", rules.position_based
    ),
    "w_shaped": _rule(
        "The first, the middle and the last touch decide: 30 % each, the others 10 %.",
        rules.w_shaped,
    ),
    "time_decay": _rule(
        "Recent touches decide: each counts half per seven days of age.",
        rules.time_decay,
        half_life_days=rules.HALF_LIFE_DAYS,
    ),
    "markov_2": Truth(
        "The last two channels in their order decide.",
        Chance(chances.markov_2),
        {
            "rates": {
                before: by_channel(row)
                for before, row in zip((*CHANNELS, START), chances.PAIR_RATES.tolist(), strict=True)
            }
        },
    ),
    "markov_3": Truth(
        "The last three channels in their order decide.",
        Chance(chances.markov_3),
        {
            "rates": {
                first: {
                    before: by_channel(row)
                    for before, row in zip((*CHANNELS, START), rows, strict=True)
                    if before != START or first == START
                }
                for first, rows in zip(
                    (*CHANNELS, START), chances.TRIPLE_RATES.tolist(), strict=True
                )
            }
        },
    ),
    "channel_set": Truth(
        "The set of channels met decides, in any order: pairs of them help or spoil each other.",
        Chance(chances.channel_set),
        {
            "log_odds": chances.SET_LOG_ODDS,
            "pair_log_odds": {
                " + ".join(pair): effect for pair, effect in chances.PAIR_LOG_ODDS.items()
            },
        },
    ),
    "logistic": Truth(
        "Each channel met adds log-odds of its own, in any order and however often it was met.",
        Chance(chances.logistic),
        {"intercept": chances.INTERCEPT, "log_odds": by_channel(chances.LOG_ODDS)},
    ),
    "hazard": Truth(
        "Every touch adds to the hazard of converting, by its channel, and fades by half in three "
        "days.",
        HAZARD,
        {**asdict(HAZARD), "hazard_per_hour": by_channel(HAZARD.hazard_per_hour)},
    ),
    "activity": Truth(
        "How interested users are decides both how many touches they make and whether they "
        "convert; channels do nothing.",
        Chance(chances.activity),
        {"rate_per_intent": chances.RATE_PER_INTENT, "intent_log_spread": _INTENT_SPREAD},
        spread=_INTENT_SPREAD,
    ),
}
