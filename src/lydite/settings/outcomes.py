"""Settings of the evaluation, of all outcomes and of single ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from lydite.durations import format_duration
from lydite.settings.types import (
    AfterConversion,
    Delay,
    Instant,
    Lookback,
    LookbackByInteraction,
    Section,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class EvaluationSettings(Section):
    """How rivals are judged; set before anybody looks at the data.

    Attributes
    ----------
    other_lookbacks
        Lookbacks that are compared with `lookback`, which all results depend on but the tables by
        lookback.
    lookback_by_interaction
        Lookbacks of kinds of contacts that differ from `lookback`, by the value of `interaction`.
    click_priority
        Whether an impression counts only if no click, and no engaged view, is on the path.
    as_of
        The data is complete up to this instant, and later rows are set aside; None to take the
        last rows of the data.
    delivery_delay
        How late rows may be delivered: the data is complete up to this long before its last row.
    cluster
        A column of `users`: users with the same value, such as an account, share a bucket. By
        default ``account_id``, if there is one; ``user_id`` for buckets by user in any case.
    after_conversion
        Of all outcomes that do not set their own (`OutcomeSettings`).
    customer_segment
        Whether landmarks are also compared by the segment ``customer``: new or returning, whether
        the user had converted before.
    """

    lookback: Lookback = timedelta(days=30)
    other_lookbacks: tuple[Lookback, ...] = ()
    after_conversion: AfterConversion = "continue"
    lookback_by_interaction: LookbackByInteraction = {}
    click_priority: bool = False
    customer_segment: bool = False
    as_of: Instant | None = None
    delivery_delay: Delay | None = None
    period: Literal["day", "week", "month"] = "week"
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    worthwhile: Annotated[float, Field(gt=0, lt=1)] = 0.005
    # How rules credit: by their weights, or by the probability that a touch has decided.
    credit: Literal["rule", "posterior"] = "rule"
    # The rivals of the headline, which get the larger part of alpha.
    primary: tuple[str, ...] = ("last_touch", "linear", "time_decay", "markov_2")
    max_landmarks: Annotated[int, Field(ge=1000)] = 5_000_000
    cluster: Annotated[str, Field(min_length=1)] | None = None
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _check_lookbacks(self) -> Self:
        all_of_them = [self.lookback, *self.other_lookbacks]
        for lookback in self.other_lookbacks:
            if all_of_them.count(lookback) > 1:
                raise ValueError(f"the lookback {format_duration(lookback)} is given twice")
        return self


#: How the cost of a channel is charged to an outcome; `OutcomeSettings` describes it.
Cost = Literal["full", "by_value", "none"]


@dataclass(frozen=True)
class InteractionLookbacks:
    """How long before a conversion touches count, by the kind of contact.

    Attributes
    ----------
    default
        The lookback of kinds that are not in `lookbacks`.
    lookbacks
        The lookbacks by kind of contact.
    click_priority
        Whether an impression counts only if no click, and no engaged view, is on the path.
    """

    default: timedelta
    lookbacks: Mapping[str, timedelta]
    click_priority: bool = False

    @property
    def longest(self) -> timedelta:
        """The longest lookback of any kind."""
        return max(self.default, *self.lookbacks.values(), timedelta())


@dataclass(frozen=True)
class PathOptions:
    """What is on the paths of an outcome, apart from its lookback.

    Attributes
    ----------
    after_conversion
        Whether touches before the user's previous conversion are on the path of the next one
        (``"continue"``), or only later ones (``"restart"``).
    by_interaction
        The lookbacks by kind of contact; None where all kinds have the lookback of the outcome.
    first_only
        Whether only the first conversion of a user counts: later touches are no landmarks.
    milestone
        The outcome that comes before this one, if any.
    exclude_channels
        Channels whose touches are not on paths.
    merge_channels
        Channels that count as another one: its name, and theirs.
    """

    after_conversion: AfterConversion = "continue"
    by_interaction: InteractionLookbacks | None = None
    first_only: bool = False
    milestone: str | None = None
    exclude_channels: tuple[str, ...] = ()
    merge_channels: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def definition(self) -> str:
        """Return what scores depend on, as text; empty where paths restart and have all touches."""
        parts: list[str] = [] if self.after_conversion == "restart" else [self.after_conversion]
        parts += ["first_only"] if self.first_only else []
        parts += [f"without {name.strip().lower()}" for name in sorted(self.exclude_channels)]
        parts += [
            f"{into.strip().lower()} with {name.strip().lower()}"
            for into, names in self.merge_channels
            for name in sorted(names)
        ]
        if self.by_interaction is not None:
            own = self.by_interaction
            found = sorted(own.lookbacks.items())
            parts += [f"{kind} {format_duration(lookback)}" for kind, lookback in found]
            parts += [
                f"others {format_duration(own.default)}",
                *(["clicks first"] if own.click_priority else []),
            ]
        return ", ".join(parts)


class OutcomeSettings(Section):
    """An outcome to judge; what is not set is as in `EvaluationSettings`.

    Attributes
    ----------
    after_conversion
        ``"continue"``: touches within the lookback may earn several conversions. ``"restart"``:
        after a conversion of the outcome, only later touches earn the next one.
    first_only
        Whether only a user's first conversion counts; later ones are set aside.
    milestone
        The outcome of an earlier stage, such as ``"lead"``: `w_shaped` gives 30 % to the touch
        before it.
    exclude_channels
        Channels whose touches are not on the paths of the outcome. Case does not matter.
    merge_channels
        Channels that count as another one, by the name of that one.
    margin
        The share of the value of a conversion that is left after its costs: what an experiment on
        a channel can save or lose is counted in it.
    cost
        How the cost of a channel is charged to the outcome. ``"full"``: all of it. ``"by_value"``:
        all outcomes with this setting share it, in proportion to the value of their conversions.
        ``"none"``: the outcome has no cost per conversion and no return.
    """

    lookback: Lookback | None = None
    after_conversion: AfterConversion | None = None
    lookback_by_interaction: LookbackByInteraction | None = None
    click_priority: bool | None = None
    first_only: bool = False
    milestone: str | None = None
    exclude_channels: tuple[str, ...] = ()
    merge_channels: dict[str, tuple[str, ...]] = {}
    as_of: Instant | None = None
    delivery_delay: Delay | None = None
    margin: Annotated[float, Field(gt=0, le=1)] = 1.0
    cost: Cost = "full"

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        names = [*self.exclude_channels, *self.merge_channels]
        for target, merged in self.merge_channels.items():
            if not merged:
                raise ValueError(f"merge_channels.{target} is empty: list channels, or remove it")
            names += [name for name in merged if name.strip().lower() != target.strip().lower()]
        compact = [name.strip().lower() for name in names]
        for name in names:
            if compact.count(name.strip().lower()) > 1:
                raise ValueError(
                    f"the channel {name!r} is named twice in exclude_channels and merge_channels"
                )
        return self


@dataclass(frozen=True)
class Completeness:
    """What was declared about the end of an outcome's data.

    Attributes
    ----------
    as_of
        The data is complete up to this instant, UTC.
    delivery_delay
        The data is complete up to this long before the last row. Ignored with `as_of`.
    """

    as_of: datetime | None = None
    delivery_delay: timedelta | None = None


@dataclass(frozen=True)
class DeclaredEnds:
    """The instants after which rows are set aside; None for no such instant.

    Attributes
    ----------
    touchpoints
        For touchpoints.
    conversions
        For conversions, except of the outcomes in `by_outcome`.
    by_outcome
        For conversions, by outcome.
    """

    touchpoints: datetime | None = None
    conversions: datetime | None = None
    by_outcome: Mapping[str, datetime] = field(default_factory=dict)
