"""All settings of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from lydite.errors import InputError
from lydite.settings.data import ChannelSettings, CurrencySettings, PeopleSettings
from lydite.settings.experiments import ExperimentSettings
from lydite.settings.notify import NotifySettings
from lydite.settings.outcomes import (
    Completeness,
    DeclaredEnds,
    EvaluationSettings,
    InteractionLookbacks,
    OutcomeSettings,
    PathOptions,
)
from lydite.settings.quality import QualitySettings
from lydite.settings.report import ReportSettings
from lydite.settings.schedule import ScheduleSettings
from lydite.settings.sources import EngineSettings, SourceSettings, StorageSettings
from lydite.settings.types import Section, Timezone

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from lydite.settings.outcomes import Cost


def _as_model(entry: object) -> object:
    return {"name": entry} if isinstance(entry, str) else entry


class ModelSettings(Section):
    """One rival: a built-in model by its name, or a rule.

    Attributes
    ----------
    name
        Name of a built-in model, or a new name for the rule.
    rule
        SQL expression over `lydite.models.PATH_COLUMNS`: the weight of a touch.
    claim
        The hypothesis of the rule; it completes "what decides is ...".
    """

    name: str
    rule: str | None = None
    claim: str | None = None


def _check_duplicates(models: tuple[ModelSettings, ...]) -> tuple[ModelSettings, ...]:
    names = [model.name for model in models]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise PydanticCustomError(
                "duplicate",
                "model '{name}' is named twice; remove one",
                {"name": name, "position": i},
            )
    return models


class Settings(Section):
    """All settings of a project.

    Attributes
    ----------
    timezone
        The time zone of input times without a zone, and of days and weeks in results; None for UTC.
    outcomes
        The outcomes to judge, by name; all outcomes in the data if empty.
    experiments
        The randomised experiments, by name.
    models
        The rivals to compare. If these are only rules, they join the built-in models.
    """

    sources: SourceSettings
    timezone: Timezone | None = None
    storage: StorageSettings = StorageSettings()
    engine: EngineSettings = EngineSettings()
    quality: QualitySettings = QualitySettings()
    channels: ChannelSettings = ChannelSettings()
    currency: CurrencySettings | None = None
    people: PeopleSettings = PeopleSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    outcomes: dict[str, OutcomeSettings] = {}
    experiments: dict[str, ExperimentSettings] = {}
    report: ReportSettings = ReportSettings()
    notify: NotifySettings = NotifySettings()
    schedule: ScheduleSettings = ScheduleSettings()
    models: Annotated[
        tuple[Annotated[ModelSettings, BeforeValidator(_as_model)], ...],
        AfterValidator(_check_duplicates),
    ] = ()

    @property
    def chooses_models(self) -> bool:
        """Whether models were chosen by name; otherwise all built-in models run."""
        return any(entry.rule is None for entry in self.models)

    def lookbacks(self, found: Iterable[str]) -> dict[str, timedelta]:
        """Return the lookback of every outcome to judge, the longest of all kinds of contacts.

        Parameters
        ----------
        found
            The outcomes in the data.

        Raises
        ------
        InputError
            When the settings name an outcome that the data does not have, or begin the report with
            one that is not compared.
        """
        available = list(found)
        for name in self.outcomes:
            if name not in available:
                raise InputError(
                    f"there is no outcome {name!r} in the conversions;"
                    f" they hold: {', '.join(available)}"
                )
        names = self.outcomes or available
        self._check_main_outcome(names)
        return {name: self._longest_lookback(name) for name in names}

    def _check_main_outcome(self, names: Iterable[str]) -> None:
        main = self.report.main_outcome
        if main is not None and main not in names:
            raise InputError(
                f"report.main_outcome = {main!r}: there is no such outcome; there are:"
                f" {', '.join(names)}"
            )

    def path_options(self, outcomes: Iterable[str]) -> dict[str, PathOptions]:
        """Return what is on the paths of some outcomes."""
        default = self.evaluation.after_conversion
        return {
            name: PathOptions(
                after_conversion=self.of(name).after_conversion or default,
                by_interaction=self._by_interaction(name),
                first_only=self.of(name).first_only,
                milestone=self.of(name).milestone,
                exclude_channels=self.of(name).exclude_channels,
                merge_channels=tuple(self.of(name).merge_channels.items()),
            )
            for name in outcomes
        }

    def _by_interaction(self, outcome: str) -> InteractionLookbacks | None:
        """Return the lookbacks by kind of contact of an outcome; None if it has none."""
        own, given = self.of(outcome), self.evaluation
        lookbacks = own.lookback_by_interaction
        lookbacks = given.lookback_by_interaction if lookbacks is None else lookbacks
        priority = own.click_priority
        priority = given.click_priority if priority is None else priority
        # Touches that are left out make gaps in paths, as those of other lookbacks do.
        chooses_channels = own.exclude_channels or own.merge_channels
        if not lookbacks and not priority and not chooses_channels:
            return None
        return InteractionLookbacks(self._lookback(outcome), lookbacks, priority)

    def _longest_lookback(self, outcome: str) -> timedelta:
        by_interaction = self._by_interaction(outcome)
        return self._lookback(outcome) if by_interaction is None else by_interaction.longest

    def _lookback(self, outcome: str) -> timedelta:
        return self.of(outcome).lookback or self.evaluation.lookback

    def with_lookback(self, lookback: timedelta) -> Settings:
        """Return the settings with one lookback for all outcomes."""
        evaluation = self.evaluation.model_copy(
            update={"lookback": lookback, "other_lookbacks": ()}
        )
        outcomes = {
            name: own.model_copy(update={"lookback": None}) for name, own in self.outcomes.items()
        }
        return self.model_copy(update={"evaluation": evaluation, "outcomes": outcomes})

    def costs(self) -> dict[str, Cost]:
        """Return how costs are charged to the outcomes that have settings."""
        return {name: own.cost for name, own in self.outcomes.items()}

    def margins(self) -> dict[str, float]:
        """Return the margins of the outcomes that have settings, as shares of value."""
        return {name: own.margin for name, own in self.outcomes.items()}

    def shown(self) -> ReportSettings:
        """Return the settings of the report, with the reporting currency where it has none."""
        if self.currency is None or self.report.currency is not None:
            return self.report
        return self.report.model_copy(update={"currency": self.currency.reporting})

    def first_only(self) -> frozenset[str]:
        """Return the outcomes of which only a user's first conversion counts."""
        return frozenset(name for name, own in self.outcomes.items() if own.first_only)

    def completeness(self, outcomes: Iterable[str]) -> dict[str, Completeness]:
        """Return what was declared about the end of the data of some outcomes.

        A declaration about an outcome replaces the one about all outcomes.
        """
        found = {}
        for name in outcomes:
            own, given = self.of(name), self.evaluation
            if own.as_of is not None or own.delivery_delay is not None:
                found[name] = Completeness(own.as_of, own.delivery_delay)
            else:
                found[name] = Completeness(given.as_of, given.delivery_delay)
        return found

    def declared_ends(self) -> DeclaredEnds:
        """Return the instants after which rows are set aside."""
        by_outcome = {
            name: own.as_of for name, own in self.outcomes.items() if own.as_of is not None
        }
        default = self.evaluation.as_of
        ends = [*by_outcome.values(), *([] if default is None else [default])]
        # Touchpoints serve all outcomes: they end with the last one, if all have an end.
        all_end = default is not None or 0 < len(self.outcomes) == len(by_outcome)
        return DeclaredEnds(max(ends) if all_end else None, default, by_outcome)

    def of(self, outcome: str) -> OutcomeSettings:
        """Return the settings of an outcome."""
        return self.outcomes.get(outcome, OutcomeSettings())
