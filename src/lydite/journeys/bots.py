"""Users with more touches than people make: they are set aside from the comparison of models.

The rule depends on the touches alone, never on conversions. It is one of the rules of
`lydite.inputs.rules`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.engine import load_sql
from lydite.inputs.rules import MOST_ON_ONE_CHANNEL, RULES, TOUCHES

if TYPE_CHECKING:
    from lydite.engine import Engine
    from lydite.inputs.rules import Rule

_TABLE = "journeys.bot_like_users"
_HAS_CANDIDATES = "select exists (select 1 from journeys.touches where touch > $fewest)"
_TOUCHES = "select user_key as user_id, touched_at, channel_key as channel from journeys.touches"
_NO_USER = "select user_key from journeys.touches limit 0"


def find_bot_like_users(engine: Engine, rule: Rule | None = None) -> None:
    """Write ``journeys.bot_like_users``, the keys of the users who are set aside.

    Parameters
    ----------
    engine
        Holds the touches.
    rule
        The rule ``bot_like_users``; that of `lydite.inputs.rules.RULES` by default. No user is
        bot-like if its severity is ``ignore``.
    """
    rule = rule or RULES["bot_like_users"]
    fewest = min(MOST_ON_ONE_CHANNEL, int(rule.threshold))
    if rule.severity == "ignore" or not engine.scalar(_HAS_CANDIDATES, {"fewest": fewest}):
        engine.create(_TABLE, _NO_USER)
        return
    engine.create_view(TOUCHES, _TOUCHES)
    select = f"select user_id as user_key from (\n{load_sql(rule.sql)}\n)"
    engine.create(_TABLE, select, rule.parameters(engine))
    engine.drop(TOUCHES)
