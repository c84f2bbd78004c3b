"""Settings: `lydite.toml` as typed data. Error messages name the dotted key and what to do."""

from lydite.settings.data import ChannelSettings, CurrencySettings, PeopleSettings
from lydite.settings.experiments import ExperimentSettings
from lydite.settings.notify import EmailSettings, NotifySettings
from lydite.settings.options import CreditOptions, Join, Options, Period, Unit, make_settings
from lydite.settings.outcomes import (
    Completeness,
    Cost,
    DeclaredEnds,
    EvaluationSettings,
    InteractionLookbacks,
    OutcomeSettings,
    PathOptions,
)
from lydite.settings.project import ModelSettings, Settings
from lydite.settings.quality import (
    FINDING_KINDS,
    DriftKind,
    DriftLimits,
    FindingKind,
    QualitySettings,
    RuleName,
    RuleSettings,
    Severity,
)
from lydite.settings.reading import load_settings, parse_settings
from lydite.settings.report import ReportSettings
from lydite.settings.schedule import ScheduleSettings
from lydite.settings.sources import DatabaseSource, EngineSettings, SourceSettings, StorageSettings
from lydite.settings.types import (
    AfterConversion,
    Delay,
    Instant,
    Location,
    Lookback,
    LookbackByInteraction,
    Section,
    Timezone,
)

__all__ = [
    "FINDING_KINDS",
    "AfterConversion",
    "ChannelSettings",
    "Completeness",
    "Cost",
    "CreditOptions",
    "CurrencySettings",
    "DatabaseSource",
    "DeclaredEnds",
    "Delay",
    "DriftKind",
    "DriftLimits",
    "EmailSettings",
    "EngineSettings",
    "EvaluationSettings",
    "ExperimentSettings",
    "FindingKind",
    "Instant",
    "InteractionLookbacks",
    "Join",
    "Location",
    "Lookback",
    "LookbackByInteraction",
    "ModelSettings",
    "NotifySettings",
    "Options",
    "OutcomeSettings",
    "PathOptions",
    "PeopleSettings",
    "Period",
    "QualitySettings",
    "ReportSettings",
    "RuleName",
    "RuleSettings",
    "ScheduleSettings",
    "Section",
    "Settings",
    "Severity",
    "SourceSettings",
    "StorageSettings",
    "Timezone",
    "Unit",
    "load_settings",
    "make_settings",
    "parse_settings",
]
