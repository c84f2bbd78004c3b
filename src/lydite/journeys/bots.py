"""Users with more touches than people make: they are set aside from the comparison of models.

The rule depends on the number of touches alone, never on conversions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lydite.engine import Engine

#: A user is bot-like with more than so many touches within `WINDOW_DAYS` that are also more than
#: `MEDIANS` times the touches of the median user, or with more than `MOST_IN_A_DAY` within a day.
#: A hundred touches in half a year are more than one every two days. Where tracking is so dense
#: that such numbers are common, the median is high too.
MOST_TOUCHES = 100
WINDOW_DAYS = 182
MEDIANS = 25
MOST_IN_A_DAY = 200

_TABLE = "journeys.bot_like_users"
_HAS_CANDIDATES = f"select exists (select 1 from journeys.touches where touch > {MOST_TOUCHES})"
_USERS_BY_TOUCHES = """
select touches, count(*) as users
from (select max(touch) as touches from journeys.touches group by user_key)
group by touches
order by touches
"""
_DAY_US = 86_400_000_000
_BOT_LIKE = f"""
with candidates as (
    select distinct user_key from journeys.touches where touch > {MOST_TOUCHES}
),
spans as (
    select
        touches.user_key,
        epoch_us(touched_at) - epoch_us(lag(touched_at, {{most}}) over in_time) as of_most_us,
        epoch_us(touched_at) - epoch_us(lag(touched_at, {MOST_IN_A_DAY}) over in_time) as of_day_us
    from journeys.touches as touches
    inner join candidates on touches.user_key = candidates.user_key
    window in_time as (partition by touches.user_key order by touches.touch)
)
select distinct user_key
from spans
where of_most_us <= {WINDOW_DAYS * _DAY_US} or of_day_us <= {_DAY_US}
"""


def find_bot_like_users(engine: Engine) -> None:
    """Write ``journeys.bot_like_users``, the keys of the users who are set aside."""
    most = _most_touches(engine) if engine.scalar(_HAS_CANDIDATES) else MOST_TOUCHES
    engine.create(_TABLE, _BOT_LIKE.format(most=most))


def _most_touches(engine: Engine) -> int:
    """Return how many touches within `WINDOW_DAYS` a user may have."""
    touches, users = engine.fetch_numpy(_USERS_BY_TOUCHES).values()
    median = touches[np.searchsorted(users.cumsum(), users.sum() / 2)]
    return max(MOST_TOUCHES, MEDIANS * int(median))
