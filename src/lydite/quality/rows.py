"""Reports touches that break a rule of `lydite.inputs.rules` and are used nevertheless."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lydite.engine import load_sql
from lydite.inputs.changed_files import CHANGED_USERS
from lydite.inputs.rules import TOUCHES
from lydite.journeys.erasure import not_erased
from lydite.journeys.people import people_mode
from lydite.quality.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lydite.engine import Engine
    from lydite.inputs.rules import Rule
    from lydite.settings import QualitySettings

#: Rules with windows are counted on whole buckets of users with at most about so many touches.
_ENOUGH = 250_000
_BUCKETS = 256
_SAMPLED = ("near_duplicates", "bursts")
_ROWS = f"""
select
    user_key as user_id, touched_at, channel_key as channel, campaign, interaction, cost,
    touch as touchpoint_id
from journeys.counted_touches
where bucket < {_BUCKETS}
"""
_USER = "select user_id from journeys.users where user_key = $key"
_USERS = "inputs.rule_users"
#: Whether users with one touch may be enough of a channel's: its users are at least those whose
#: first touch it is.
_MAY_HAVE_ONE_TOUCH_USERS = """
with firsts as (
    select touches.channel_key, second.user_key is null as is_single
    from journeys.touches as touches
    left join (select user_key from journeys.touches where touch = 2) as second
        on touches.user_key = second.user_key
    where touches.touch = 1
)
select exists (
    select channel_key from firsts group by channel_key
    having sum(case when is_single then 1 else 0 end) >= $threshold
        and sum(case when is_single then 1 else 0 end) >= 0.9 * count(*)
)
"""
_CHANNEL = "select channel from journeys.channels where channel_key = $key"
_BOTS = """
select count(*), count(distinct users.user_id), min(users.user_id)
from journeys.touches as touches
inner join journeys.bot_like_users as bots on touches.user_key = bots.user_key
inner join journeys.users as users on touches.user_key = users.user_key
"""


def rule_findings(
    engine: Engine, rules: Mapping[str, Rule], accepted: QualitySettings
) -> list[Finding]:
    """Return a finding for each rule that touches of the journeys break.

    Parameters
    ----------
    engine
        Holds the journeys.
    rules
        As of `lydite.inputs.rules.active_rules`.
    accepted
        Which findings are accepted.
    """
    found = [
        _touches_found(engine, rule)
        for name, rule in rules.items()
        if name not in {"bot_like_users", "vanished_users"} and rule.severity in {"warn", "block"}
    ]
    if rules["bot_like_users"].severity == "block":  # else it is a warning about the comparison
        found.append(_bots_found(engine, rules["bot_like_users"]))
    return [_finding(rule, text, accepted) for rule, text in filter(None, found)]


def _touches_found(engine: Engine, rule: Rule) -> tuple[Rule, str] | None:
    """Return the rule and what was found; None if that is too little to report."""
    if rule.name == "one_touch_users" and not engine.exists("journeys.history"):
        parameters = rule.parameters(engine)
        if not engine.scalar(_MAY_HAVE_ONE_TOUCH_USERS, parameters):
            return None
    total = engine.scalar("select count(*) from journeys.counted_touches")
    buckets = _BUCKETS
    if rule.name in _SAMPLED and total > _ENOUGH:
        buckets = max(1, _BUCKETS * _ENOUGH // total)
    engine.create_view(TOUCHES, _ROWS.replace(f"< {_BUCKETS}", f"< {buckets}"))
    looked_at = engine.scalar(f"select count(*) from {TOUCHES}")
    parameters = rule.parameters(engine)
    rows = engine.rows(
        f"select count(*), min(user_id), min(channel) from (\n{load_sql(rule.sql)}\n)", parameters
    )
    engine.drop(TOUCHES)
    n, user_key, channel_key = rows[0]
    if not n or n < rule.least_share * looked_at:
        return None
    user = engine.scalar(_USER, {"key": user_key})
    channel = engine.scalar(_CHANNEL, {"key": channel_key})
    of_sample = f" of a sample of {looked_at:,}" if looked_at < total else f" of {total:,}"
    return rule, (
        f"{n:,}{of_sample} touches ({n / looked_at:.1%})"
        f" {rule.finds.format(threshold=rule.threshold)}, such as those of the user {user!r}"
        f" on {channel!r}"
    )


def _bots_found(engine: Engine, rule: Rule) -> tuple[Rule, str] | None:
    touches, users, user = engine.rows(_BOTS)[0]
    if not touches:
        return None
    return rule, f"{touches:,} touches {rule.finds}: {users:,} users, such as {user!r}"


def vanished_finding(engine: Engine, rule: Rule, accepted: QualitySettings) -> Finding | None:
    """Return a finding if users of the last run have vanished; call it before journeys are built.

    Joined users are not compared: they change with the pairs that join them. Users whose touches
    are older than all touches of today are not counted, as the source may keep
    some months only.
    """
    tables = ("journeys.users", "journeys.touches")
    if rule.severity == "ignore" or not all(engine.exists(table) for table in tables):
        return None
    if not engine.local.is_persistent:  # a Spark session may hold tables of other data
        return None
    if people_mode(engine.local) is not None:
        return None
    users = engine.scalar("select count(*) from journeys.users")
    noted = engine.exists(CHANGED_USERS)
    lost = f"select user_id from {CHANGED_USERS} where may_have_lost"
    some = f" where user_id in ({lost})" if noted else ""
    engine.create_view(_USERS, f"select user_key, user_id from journeys.users{some}")
    n, user = engine.rows(
        f"select count(*), min(user_id) from (\n{load_sql(rule.sql)}\n) where {not_erased(engine)}"
    )[0]
    engine.drop(_USERS)
    if not n or n < rule.threshold * users:
        return None
    text = f"{n:,} of {users:,} users {rule.finds}, such as {user!r}"
    return _finding(rule, text, accepted)


def _finding(rule: Rule, text: str, accepted: QualitySettings) -> Finding:
    kind: Any = rule.name
    if kind in accepted.accept:
        return Finding(kind, "touchpoints", None, f"{text}; accepted as they are", blocking=False)
    blocking = rule.severity == "block" and kind not in accepted.warn
    effect = "" if rule.name == "vanished_users" else "; they count like all others"
    return Finding(
        kind,
        "touchpoints",
        None,
        f"{text}{effect}. {rule.advice}. The section [quality.rules.{kind}] of the settings has"
        f" severity and threshold ({rule.threshold:g} {rule.unit})",
        blocking=blocking,
    )
