"""Settings of what is accepted of the data, and what happens with rows that break a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from lydite.errors import InputError
from lydite.settings.types import Section

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The kinds of findings about the data that stop a run; `lydite.quality` describes them.
FindingKind = Literal[
    "stray_rows", "sudden_drop", "shifted_times", "mixed_zones", "lost_column", "halved_rows",
    "near_duplicates", "bursts", "bot_like_users", "one_touch_users", "vanished_users",
]  # fmt: skip
#: The rules about touchpoints; `lydite.inputs.rules` describes them.
RuleName = Literal[
    "near_duplicates", "bursts", "bot_like_users", "one_touch_users", "vanished_users"
]
Severity = Literal["ignore", "warn", "set_aside", "block"]
#: What is compared from one week to the weeks before; `lydite.quality.drift` describes them.
DriftKind = Literal["channel_volume", "channels", "conversion_rate", "unattributed", "nulls"]
FINDING_KINDS: tuple[FindingKind, ...] = get_args(FindingKind)


class RuleSettings(Section):
    """What happens with rows that break a rule; what is not set is as in `lydite.inputs.rules`.

    Attributes
    ----------
    severity
        ``"ignore"``; ``"warn"``: they are used and reported; ``"set_aside"``: they go to the
        quarantine; ``"block"``: nothing is published.
    threshold
        The number above which the rule applies.
    """

    severity: Severity | None = None
    threshold: Annotated[float, Field(gt=0)] | None = None


class DriftLimits(Section):
    """From which change on a kind of drift is reported, and from which one a run stops.

    Attributes
    ----------
    warn
        From this change on, the check in Dagster warns.
    error
        From this change on, it fails, and nothing is published; None for never.
    """

    warn: Annotated[float, Field(gt=0)]
    error: Annotated[float, Field(gt=0)] | None = None


#: Relative changes of touches and rates, changes of shares, and a number of channels.
_DRIFT: dict[DriftKind, DriftLimits] = {
    "channel_volume": DriftLimits(warn=0.5),
    "channels": DriftLimits(warn=1),
    "conversion_rate": DriftLimits(warn=0.3),
    "unattributed": DriftLimits(warn=0.1),
    "nulls": DriftLimits(warn=0.1),
}


def _with_defaults(given: dict[DriftKind, DriftLimits]) -> dict[DriftKind, DriftLimits]:
    return _DRIFT | given


def _check_rules(rules: dict[RuleName, RuleSettings]) -> dict[RuleName, RuleSettings]:
    vanished = rules.get("vanished_users")
    if vanished is not None and vanished.severity in {"set_aside", "block"}:
        raise ValueError(
            f'vanished_users cannot be "{vanished.severity}", as it has no rows and is known in one'
            ' run only: write "warn" or "ignore"'
        )
    return rules


class QualitySettings(Section):
    """What is accepted of the data, and what equal rows are.

    Attributes
    ----------
    max_quarantined_share
        The largest share of the rows of a table that may be set aside.
    accept
        Kinds of findings for which the data is right as it is: it is used as it is.
    warn
        Kinds of findings that do not stop a run. Periods without complete data stay unscored.
    keep_duplicates
        Whether equal touchpoints, and equal conversions, that have no id are different events;
        otherwise they are counted once.
    rules
        Severity and threshold of rules about touchpoints, by name.
    drift
        From which changes on the last week differs from the weeks before, by kind; only Dagster
        checks it.
    """

    max_quarantined_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    accept: tuple[FindingKind, ...] = ()
    warn: tuple[FindingKind, ...] = ()
    keep_duplicates: bool = False
    rules: Annotated[dict[RuleName, RuleSettings], AfterValidator(_check_rules)] = {}
    drift: Annotated[dict[DriftKind, DriftLimits], AfterValidator(_with_defaults)] = _DRIFT

    def accepting(self, kinds: Sequence[str]) -> QualitySettings:
        """Return the settings with more kinds of findings accepted.

        Raises
        ------
        InputError
            When there is no such kind.
        """
        unknown = [kind for kind in kinds if kind not in FINDING_KINDS]
        if unknown:
            raise InputError(
                f"there is no kind of finding {unknown[0]!r}; there are: {', '.join(FINDING_KINDS)}"
            )
        values = {**self.model_dump(), "accept": (*self.accept, *kinds)}
        return QualitySettings.model_validate(values)
