"""Rules about rows that are readable but may not be what they seem, such as touches of programs.

Every rule has a name, SQL that finds its rows, a severity and a threshold. The settings may change
the last two. `lydite.inputs.schema.REASONS` has the reasons for which rows cannot be used at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from lydite.engine import load_sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lydite.engine import Engine
    from lydite.settings import RuleName, RuleSettings, Severity


@dataclass(frozen=True)
class Rule:
    """A rule about rows.

    Attributes
    ----------
    name
        The name, also the reason of rows that are set aside.
    sql
        The SQL file that finds the rows or users, in ``inputs.rule_touches``.
    severity
        What happens with the rows: ``ignore``; ``warn``, they are used and reported; ``set_aside``,
        they go to the quarantine; ``block``, they are used, and nothing is published.
    threshold
        The number above which the rule applies; `unit` says of what.
    unit
        The unit of the threshold.
    finds
        What it finds, for messages.
    advice
        What to do.
    least_share
        A smaller share of the touches is not reported.
    of_users
        Whether the SQL finds users and not rows.
    """

    name: RuleName
    sql: str
    severity: Severity
    threshold: float
    unit: str
    finds: str
    advice: str
    least_share: float = 0.0
    of_users: bool = False

    def parameters(self, engine: Engine) -> dict[str, object]:
        """Return the parameters of the SQL."""
        threshold = int(self.threshold) if self.threshold == int(self.threshold) else self.threshold
        given: dict[str, object] = {"threshold": threshold}
        if self.name == "bot_like_users":
            given |= {
                "threshold": int(self.threshold),
                **limits(engine),
                "fewest": min(MOST_ON_ONE_CHANNEL, int(self.threshold)),
                "share": SHARE_OF_ONE_CHANNEL,
                "window_us": WINDOW_DAYS * 86_400_000_000,
            }
        return given


_RULES = (
    Rule(
        "near_duplicates",
        "rules/near_duplicates",
        "warn",
        2,
        "seconds",
        "come within {threshold:g} seconds after a touch of the same user, channel and campaign",
        "Remove the second tag or export, or set them aside",
        least_share=0.005,
    ),
    Rule(
        "bursts",
        "rules/bursts",
        "warn",
        10,
        "touches within a second",
        "are of users with more than {threshold:g} touches within a second, as programs make that"
        " open all links of an e-mail",
        "Set them aside",
        least_share=0.001,
    ),
    Rule(
        "bot_like_users",
        "rules/bot_like_users",
        "warn",
        200,
        "touches within a day",
        "are of users with more touches than people make",
        "Remove them in the source, or set them aside",
        of_users=True,
    ),
    Rule(
        "one_touch_users",
        "rules/one_touch_users",
        "warn",
        1000,
        "users of a channel",
        "are of users with one touch, on a channel where at least {threshold:g} users and nine of"
        " ten have no other",
        "See whether they are people: such touches come from programs, and from people whose ids"
        " change",
    ),
    Rule(
        "vanished_users",
        "rules/vanished_users",
        "warn",
        0.01,
        "share of the users of the last run",
        "of the last run have no row any more, though the data still covers their time",
        "Load all rows, and check whether ids have changed",
        of_users=True,
    ),
)

RULES: Mapping[str, Rule] = MappingProxyType({rule.name: rule for rule in _RULES})
"""The rules by name, with their default severity and threshold."""

#: A user is bot-like with more than so many touches within `WINDOW_DAYS` that are also more than
#: `MEDIANS` times the touches of the median user. A hundred touches in half a year are more than
#: one every two days. Where tracking is so dense that such numbers are common, the median is high.
MOST_TOUCHES = 100
WINDOW_DAYS = 182
MEDIANS = 25
#: Lower limits for users of whose touches at least this share are on one channel. People with many
#: touches meet several channels, where there are at least `LEAST_CHANNELS`.
MOST_ON_ONE_CHANNEL = 50
MEDIANS_ON_ONE_CHANNEL = 10
SHARE_OF_ONE_CHANNEL = 0.8
LEAST_CHANNELS = 3

#: The relation that rules read. Its columns are those of the touchpoints.
TOUCHES = "inputs.rule_touches"
COLUMNS = (
    "user_id", "touched_at", "channel", "campaign", "interaction", "cost", "touchpoint_id",
)  # fmt: skip

_BY_TOUCHES = f"""
select touches, count(*) as users
from (select count(*) as touches from {TOUCHES} group by user_id)
group by touches
order by touches
"""


def limits(engine: Engine) -> dict[str, int]:
    """Return how many touches within `WINDOW_DAYS` a user of ``inputs.rule_touches`` may have.

    ``most`` is the limit for all users, ``most_alike`` that for users of one channel.
    """
    touches, users = engine.fetch_numpy(_BY_TOUCHES).values()
    median = touches[np.searchsorted(users.cumsum(), users.sum() / 2)] if len(touches) else 0
    most = max(MOST_TOUCHES, MEDIANS * int(median))
    channels = engine.scalar(f"select count(distinct channel) from {TOUCHES}")
    if channels < LEAST_CHANNELS:
        return {"most": most, "most_alike": most}
    return {
        "most": most,
        "most_alike": max(MOST_ON_ONE_CHANNEL, MEDIANS_ON_ONE_CHANNEL * int(median)),
    }


def active_rules(given: Mapping[RuleName, RuleSettings] | None = None) -> dict[str, Rule]:
    """Return the rules with the severities and thresholds of the settings, by name."""
    found = {}
    for name, rule in RULES.items():
        own = (given or {}).get(rule.name)
        found[name] = rule
        if own is not None:
            found[name] = replace(
                rule,
                severity=own.severity or rule.severity,
                threshold=rule.threshold if own.threshold is None else own.threshold,
            )
    return found


def set_aside_rows(
    engine: Engine, accepted: str, parameters: Mapping[str, object], rules: Mapping[str, Rule]
) -> None:
    """Move the touchpoints that break a rule to the quarantine, if that is the rule's severity.

    Parameters
    ----------
    engine
        Holds ``inputs.touchpoints`` and ``quarantine.touchpoints``.
    accepted
        The part of a select from the accepted source rows, from ``from`` on.
    parameters
        The parameters of `accepted`.
    rules
        As of `active_rules`.
    """
    for rule in rules.values():
        if rule.severity == "set_aside":
            _set_aside(engine, rule, accepted, parameters)


def _set_aside(engine: Engine, rule: Rule, accepted: str, parameters: Mapping[str, object]) -> None:
    table, found, kept = "inputs.touchpoints", "inputs.rule_rows", "inputs.kept_touchpoints"
    engine.create_view(TOUCHES, f"select distinct {_LISTED} from {table}")
    engine.create(found, _rows_of(rule), rule.parameters(engine))
    engine.drop(TOUCHES)
    if engine.scalar(f"select count(*) from {found}"):
        engine.append(
            "quarantine.touchpoints",
            f"select source_row.*, '{rule.name}' as reason\nfrom (select *\n{accepted}) as given"
            f"\ninner join {found} as found on {_same_row('given')}",
            parameters,
        )
        engine.create(
            kept,
            f"select given.* from {table} as given"
            f"\nleft join {found} as found on {_same_row('given')}\nwhere found.user_id is null",
        )
        engine.create(table, f"select * from {kept}")
        engine.comment(table, "inputs/touchpoints")
        engine.drop(kept)
    engine.drop(found)


_LISTED = ", ".join(COLUMNS)


def _rows_of(rule: Rule) -> str:
    """Return the select of the distinct rows that break a rule."""
    text = load_sql(rule.sql)
    if rule.of_users:
        return f"select distinct {_LISTED} from {TOUCHES}\nwhere user_id in (\n{text}\n)"
    return f"select distinct {_LISTED} from (\n{text}\n)"


def _same_row(table: str) -> str:
    """Return the condition that a row of the table has the values of `found`."""
    keys = ("user_id", "touched_at", "channel")
    others = [name for name in COLUMNS if name not in keys]
    return " and ".join(
        [
            *(f"{table}.{name} = found.{name}" for name in keys),
            *(f"{table}.{name} is not distinct from found.{name}" for name in others),
        ]
    )
