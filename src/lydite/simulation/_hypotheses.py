"""The hypotheses of the single-truth worlds, each with its claim and its parameters.

To add a world, write the touch weights of its rule, its conversion probability or the parameters of
its hazard, and add it to `HYPOTHESES` with its claim.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from lydite.simulation import _probabilities as probabilities
from lydite.simulation import _rules as rules
from lydite.simulation._conversion_process import ConversionProcess, Hazard, ImmediateConversion
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
class Hypothesis:
    """How users convert in one world.

    Attributes
    ----------
    claim : str
        The hypothesis in one sentence.
    process : ConversionProcess
        Whether and when a touch is followed by a conversion.
    parameters : mapping
        Parameters of the process, for the truth file.
    intent_log_spread : float
        Standard deviation of the logarithm of users' latent intent; 0 where all users are alike.
    """

    claim: str
    process: ConversionProcess
    parameters: Mapping[str, Any] = field(default_factory=dict)
    intent_log_spread: float = 0.0


def _rule(claim: str, weights: rules.Weights, **parameters: float) -> Hypothesis:
    return Hypothesis(claim, rules.rule(weights), {"rates": by_channel(rules.RATES), **parameters})


HYPOTHESES: dict[str, Hypothesis] = {
    "null": Hypothesis(
        "Nothing decides: every touch is as likely as any to be the last before a conversion.",
        ImmediateConversion(probabilities.null),
        {"rate": probabilities.NULL_RATE},
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
    "markov_2": Hypothesis(
        "The last two channels in their order decide.",
        ImmediateConversion(probabilities.markov_2),
        {
            "rates": {
                before: by_channel(row)
                for before, row in zip(
                    (*CHANNELS, START), probabilities.PAIR_RATES.tolist(), strict=True
                )
            }
        },
    ),
    "markov_3": Hypothesis(
        "The last three channels in their order decide.",
        ImmediateConversion(probabilities.markov_3),
        {
            "rates": {
                first: {
                    before: by_channel(row)
                    for before, row in zip((*CHANNELS, START), rows, strict=True)
                    if before != START or first == START
                }
                for first, rows in zip(
                    (*CHANNELS, START), probabilities.TRIPLE_RATES.tolist(), strict=True
                )
            }
        },
    ),
    "channel_set": Hypothesis(
        "The set of channels on the path decides, in any order: some pairs help, others hurt.",
        ImmediateConversion(probabilities.channel_set),
        {
            "log_odds": probabilities.SET_LOG_ODDS,
            "pair_log_odds": {
                " + ".join(pair): effect for pair, effect in probabilities.PAIR_LOG_ODDS.items()
            },
        },
    ),
    "logistic": Hypothesis(
        "Each channel on the path adds its own log-odds, in any order and however often it occurs.",
        ImmediateConversion(probabilities.logistic),
        {"intercept": probabilities.INTERCEPT, "log_odds": by_channel(probabilities.LOG_ODDS)},
    ),
    "hazard": Hypothesis(
        "Every touch adds to the hazard of converting, by its channel, and fades by half in three "
        "days.",
        HAZARD,
        {**asdict(HAZARD), "hazard_per_hour": by_channel(HAZARD.hazard_per_hour)},
    ),
    "activity": Hypothesis(
        "How interested users are decides both how many touches they make and whether they "
        "convert; channels do nothing.",
        ImmediateConversion(probabilities.activity),
        {"rate_per_intent": probabilities.RATE_PER_INTENT, "intent_log_spread": _INTENT_SPREAD},
        intent_log_spread=_INTENT_SPREAD,
    ),
}
