"""Declarations of randomised experiments, written before their data."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from lydite.durations import parse_duration
from lydite.errors import InputError
from lydite.settings.types import Instant, Section

#: The unit of experiments that assign users; others assign the values of a column of `users`.
USER = "user"


def _parse_window(value: object) -> timedelta:
    if not isinstance(value, str | timedelta):
        raise ValueError('write it in quotes, with a unit: "12h", "28d" or "4w"')  # noqa: TRY004
    try:
        return parse_duration(value, "window")
    except InputError as error:
        raise ValueError(str(error)) from error


def _parse_arms(value: object) -> dict[str, object]:
    """Return arms with shares or units: a list of names stands for equal shares."""
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        arms: dict[str, object] = dict.fromkeys(value, 1.0)
        if len(arms) < len(value):
            raise ValueError("an arm is named twice; remove one")
    elif isinstance(value, dict):
        arms = dict(value)
    else:
        raise ValueError('list the arms, ["control", "treated"], or give each its share or regions')
    if len(arms) < 2:
        raise ValueError("an experiment has two arms or more")
    _check_names(list(arms))
    for name, given in arms.items():
        is_share = isinstance(given, int | float) and not isinstance(given, bool) and given > 0
        is_units = isinstance(given, list | tuple) and len(given) > 0
        if not is_share and not is_units:
            raise ValueError(f"{name} needs a share above 0, or a list of regions")
    if len({isinstance(given, list | tuple) for given in arms.values()}) > 1:
        raise ValueError("give all arms shares, or all of them regions")
    return arms


def _check_names(arms: list[str]) -> None:
    """Refuse names that are empty, or that differ only in case and blanks."""
    spelled: dict[str, str] = {}
    for name in arms:
        spelling = name.strip().lower()
        if not spelling:
            raise ValueError("an arm has an empty name; name it")
        if name != name.strip():
            raise ValueError(f"the arm {name!r} begins or ends with a blank; remove it")
        if spelling in spelled:
            raise ValueError(
                f"the arms {spelled[spelling]!r} and {name!r} differ only in case; rename one"
            )
        spelled[spelling] = name


Window = Annotated[timedelta, BeforeValidator(_parse_window)]
Arms = Annotated[
    dict[str, float | tuple[str, ...]],
    BeforeValidator(_parse_arms),
]


class ExperimentSettings(Section):
    """A randomised experiment, declared before its data.

    Attributes
    ----------
    varies
        ``"channel"``: the control arm does not get `channel`. ``"message"``: all arms get it, with
        other messages.
    channel
        The channel that is held out, or whose messages differ. Required where the channel varies.
    arms
        The arms, with their planned shares of the users, such as ``{control = 1, treated = 9}``, or
        with their regions. A list of names stands for equal shares.
    control
        The arm that the others are compared with.
    hypothesis, null_hypothesis
        What is expected, and what holds otherwise, in words.
    outcome, metric
        What decides: the share of users with at least one conversion of an outcome (``"rate"``), or
        its value per user (``"value"``). Where messages vary, the outcome may be an interaction of
        `channel`, such as ``"click"``.
    outcomes
        The outcomes to read, such as those of all stages, and interactions of `channel`, such as
        ``"open"``: a user counts with a touch of it in the window. All outcomes of the conversions
        if empty. A name that is both is the outcome.
    window
        How long after the assignment conversions of a user count. With regions: how long after
        `end` conversions still count.
    smallest_effect
        The smallest relative difference that matters, such as 0.05.
    planned_users
        How many users all arms together are to have. Users assigned later are not read.
    alpha
        Probability to find a difference of any outcome and arm where there is none.
    pre_period
        How long before the assignment conversions and touches of a user, or of a region before
        `start`, are used to reduce the variance; by default as long as `window`, or as the test.
    start, end
        When assignment, or the treatment of regions, begins and ends; a day is its first instant.
    unit
        ``"user"``, or the column of `users` whose values are assigned, such as ``"region"``.
    pairs
        Matched pairs of regions, of each of which one was drawn for treatment.
    spend
        With regions: what the treatment cost more than the control. By default it is the cost of
        the touches of `channel`.
    """

    varies: Literal["channel", "message"] = "channel"
    channel: Annotated[str, Field(min_length=1)] | None = None
    arms: Arms = {"control": 1.0, "treated": 1.0}
    control: str = "control"
    hypothesis: Annotated[str, Field(min_length=1)]
    null_hypothesis: str = "The arms do not differ."
    outcome: Annotated[str, Field(min_length=1)]
    metric: Literal["rate", "value"] = "rate"
    outcomes: tuple[str, ...] = ()
    window: Window | None = None
    smallest_effect: Annotated[float, Field(gt=0)] | None = None
    planned_users: Annotated[int, Field(ge=2)] | None = None
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    pre_period: Window | None = None
    start: Instant | None = None
    end: Instant | None = None
    unit: Annotated[str, Field(min_length=1)] = USER
    pairs: tuple[tuple[str, str], ...] = ()
    spend: Annotated[float, Field(gt=0)] | None = None

    @property
    def assigns_users(self) -> bool:
        """Whether users were assigned; otherwise the values of a column of `users`."""
        return self.unit == USER

    @property
    def treated(self) -> tuple[str, ...]:
        """The arms other than the control arm."""
        return tuple(name for name in self.arms if name != self.control)

    @property
    def shares(self) -> dict[str, float]:
        """The planned shares of the arms; they add up to 1."""
        weights = {
            name: float(given) if isinstance(given, int | float) else float(len(given))
            for name, given in self.arms.items()
        }
        return {name: weight / sum(weights.values()) for name, weight in weights.items()}

    @property
    def regions(self) -> dict[str, str]:
        """The arm of each region; none where users are assigned."""
        return {
            region: name
            for name, given in self.arms.items()
            if isinstance(given, tuple)
            for region in given
        }

    @property
    def history(self) -> timedelta:
        """How long before the assignment, or before `start`, the pre-period is."""
        if self.pre_period is not None:
            return self.pre_period
        if self.window is not None and self.assigns_users:
            return self.window
        return timedelta() if self.start is None or self.end is None else self.end - self.start

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.control not in self.arms:
            raise ValueError(
                f"there is no control arm {self.control!r}: an experiment needs one; the arms are"
                f" {', '.join(self.arms)}. Name one of them in `control`"
            )
        if self.varies == "channel" and self.channel is None:
            raise ValueError(
                'name the channel that is held out in `channel`, or set varies = "message"'
            )
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("`end` is not after `start`")
        return self._check_users() if self.assigns_users else self._check_regions()

    def _check_users(self) -> Self:
        if self.regions:
            raise ValueError('arms with regions need `unit`, such as unit = "region"')
        for name in ("pairs", "spend"):
            if name in self.model_fields_set:
                raise ValueError(f"`{name}` is for regions: leave it out")
        for name in ("window", "smallest_effect", "planned_users"):
            if getattr(self, name) is None:
                raise ValueError(f"`{name}` is required where users are assigned; add it")
        return self

    def _check_regions(self) -> Self:
        if not self.regions:
            raise ValueError(
                'list the regions of each arm: arms = {control = ["north"], treated = ["south"]}'
            )
        if len(self.arms) != 2:
            raise ValueError("an experiment with regions needs two arms")
        listed = [
            region for given in self.arms.values() if isinstance(given, tuple) for region in given
        ]
        twice = [region for region in self.regions if listed.count(region) > 1]
        if twice:
            raise ValueError(f"the region {twice[0]!r} is listed twice; remove one")
        for name in ("start", "end"):
            if getattr(self, name) is None:
                raise ValueError(f"`{name}` is required where regions are assigned; add it")
        if "planned_users" in self.model_fields_set:
            raise ValueError("`planned_users` is for users: leave it out")
        return self._check_pairs()

    def _check_pairs(self) -> Self:
        paired = [region for pair in self.pairs for region in pair]
        for region in self.regions:
            if self.pairs and paired.count(region) != 1:
                raise ValueError(f"the region {region!r} is not in exactly one pair")
        for one, other in self.pairs:
            if {self.regions.get(one), self.regions.get(other)} != set(self.arms):
                raise ValueError(f"the pair {one!r}, {other!r} needs a region of each arm")
        return self
