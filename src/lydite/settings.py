"""Settings: `lydite.toml` as typed data. Error messages name the dotted key and what to do."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from lydite.durations import format_duration, parse_duration
from lydite.environment import HIDDEN, is_secret_name, mask
from lydite.errors import InputError
from lydite.timezones import check_timezone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def _parse_lookback(value: object, what: str = "lookback") -> timedelta:
    if not isinstance(value, str | timedelta):
        raise ValueError('write it in quotes, with a unit: "12h", "30d" or "4w"')  # noqa: TRY004
    try:
        return parse_duration(value, what)
    except InputError as error:
        raise ValueError(str(error)) from error


def _parse_delay(value: object) -> timedelta:
    return _parse_lookback(value, "delay")


def _parse_instant(value: object) -> datetime:
    """Return an instant in UTC without a zone; a day is its first instant."""
    try:
        given = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        given = None
    if isinstance(given, datetime):
        return given.astimezone(UTC).replace(tzinfo=None) if given.tzinfo else given
    if isinstance(given, date):
        return datetime.combine(given, time())
    raise ValueError("write it as ISO-8601 in UTC, such as 2026-03-01 or 2026-03-01T06:00")


Lookback = Annotated[timedelta, BeforeValidator(_parse_lookback)]
#: The lookback of each kind of contact, such as ``{"impression": "1d"}``.
LookbackByInteraction = dict[Annotated[str, Field(min_length=1)], Lookback]
Delay = Annotated[timedelta, BeforeValidator(_parse_delay)]
Instant = Annotated[datetime, BeforeValidator(_parse_instant)]

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
FINDING_KINDS: tuple[FindingKind, ...] = get_args(FindingKind)


#: Whether paths start again after a conversion of their outcome, or keep the touches before it.
AfterConversion = Literal["restart", "continue"]


def _parse_look_back(value: object) -> timedelta:
    return _parse_lookback(value, "look_back")


def _without_secret(text: str) -> str:
    if mask(text) != text:
        raise ValueError(
            "a secret is written in the settings: put it in an environment variable, and write"
            " ${NAME} in its place"
        )
    return text


def _check_timezone(name: str) -> str:
    try:
        return check_timezone(name)
    except InputError as error:
        raise ValueError(str(error)) from error


#: An IANA name, such as ``"Europe/Berlin"``.
Timezone = Annotated[str, AfterValidator(_check_timezone)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


#: Text in which ``${NAME}`` stands for an environment variable, and which has no other secrets.
Location = Annotated[str, AfterValidator(_without_secret)]


class DatabaseSource(_Section):
    """A select that a database runs.

    Attributes
    ----------
    select
        A `.sql` file with one select, in the dialect of the database.
    database
        A PostgreSQL URL, ``postgresql://reader:${SHOP_PASSWORD}@db.example.com/shop``, or the path
        of a DuckDB file. ``${NAME}`` stands for an environment variable.
    watermark
        A time column of the select that grows as rows arrive or change, such as ``updated_at``.
        With it, a run reads only rows since its last value; only for PostgreSQL.
    look_back
        How long before the last value rows are read again, as some arrive late.
    key
        A column that identifies a row: a row that is read again replaces the one before it.
    """

    select: str
    database: Location
    watermark: str | None = None
    look_back: Annotated[timedelta, BeforeValidator(_parse_look_back)] = timedelta(days=1)
    key: str | None = None

    @property
    def is_postgres(self) -> bool:
        """Whether the database is PostgreSQL; otherwise it is a DuckDB file."""
        return not self.database.endswith((".duckdb", ".db"))

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.select.lower().endswith(".sql"):
            raise ValueError("select must name a .sql file")
        if self.watermark is not None and not self.is_postgres:
            raise ValueError("a DuckDB file is always read whole: leave out watermark")
        if self.watermark is None and self.model_fields_set & {"look_back", "key"}:
            raise ValueError("look_back and key need a watermark: add it, or leave them out")
        return self

    def __str__(self) -> str:
        """Return file and database, without secrets."""
        return f"{self.select} in {mask(self.database)}"


_AS_TEXT, _AS_TABLE = "as text", "as table"  # no part of a dotted key has a blank
_SourceSetting = Annotated[
    Annotated[Location, Tag(_AS_TEXT)] | Annotated[DatabaseSource, Tag(_AS_TABLE)],
    Discriminator(
        lambda value: _AS_TABLE if isinstance(value, dict | DatabaseSource) else _AS_TEXT
    ),
]


class SourceSettings(_Section):
    """Where the input tables come from: files, objects of a store, or selects of a database.

    Either touchpoints and conversions, or a path table.
    """

    touchpoints: _SourceSetting | None = None
    conversions: _SourceSetting | None = None
    spend: _SourceSetting | None = None
    users: _SourceSetting | None = None
    identities: _SourceSetting | None = None
    erasures: _SourceSetting | None = None
    paths: _SourceSetting | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = self.present()
        if self.paths is not None:
            others = [name for name in given if name != "paths"]
            if others:
                raise ValueError(f"paths and {others[0]} cannot be combined: remove one of them")
            return self
        missing = [name for name in ("touchpoints", "conversions") if name not in given]
        if missing:
            raise PydanticCustomError("missing_sources", "sources are missing", {"names": missing})
        return self

    def present(self) -> dict[str, str | DatabaseSource]:
        """Return the sources that are set, by table."""
        return {name: source for name, source in self if source is not None}


class StorageSettings(_Section):
    """Where results go; paths are relative to the settings file."""

    warehouse: Path = Path("var/warehouse.duckdb")
    published: Path = Path("var/attribution.duckdb")
    report: Path = Path("var/report.html")


class EngineSettings(_Section):
    """The engine and its resources; an engine chooses what is not set.

    Attributes
    ----------
    name
        ``"spark"`` if the data is too large for one machine.
    threads, memory_limit
        Limits of DuckDB, which holds the sample, the scores and the marts with either engine.
    spark
        Settings of the Spark session, such as ``"spark.master"``. ``${NAME}`` stands for an
        environment variable.
    """

    name: Literal["duckdb", "spark"] = "duckdb"
    threads: Annotated[int, Field(ge=1)] | None = None
    memory_limit: str | None = None
    spark: dict[str, str] = {}


class RuleSettings(_Section):
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


def _check_rules(rules: dict[RuleName, RuleSettings]) -> dict[RuleName, RuleSettings]:
    vanished = rules.get("vanished_users")
    if vanished is not None and vanished.severity in {"set_aside", "block"}:
        raise ValueError(
            f'vanished_users cannot be "{vanished.severity}", as it has no rows and is known in one'
            ' run only: write "warn" or "ignore"'
        )
    return rules


class QualitySettings(_Section):
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
    """

    max_quarantined_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    accept: tuple[FindingKind, ...] = ()
    warn: tuple[FindingKind, ...] = ()
    keep_duplicates: bool = False
    rules: Annotated[dict[RuleName, RuleSettings], AfterValidator(_check_rules)] = {}

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


class ChannelSettings(_Section):
    """How the channels of touchpoints and spend are named.

    Attributes
    ----------
    mapping
        CSV file with the columns ``pattern`` and ``channel``, which overrides all other names.
    direct
        More names of direct traffic. Case and punctuation do not matter.
    exclude_referrals
        Domains whose links continue a visit, such as the own one: a touch from there has the
        channel of the user's touch before. Payment and login providers are excluded anyway.
    """

    mapping: str | None = None
    direct: tuple[str, ...] = ()
    exclude_referrals: tuple[str, ...] = ()


class PeopleSettings(_Section):
    """Which rows belong to one person, and whether journeys are those of persons or accounts.

    Attributes
    ----------
    identities
        ``"seen_by_then"``: a row belongs to the person by the pairs of `identities` that were seen
        by its time. ``"always"``: by all pairs, also later ones. That makes histories of converters
        longer than others where ids are seen together at a conversion.
    max_partners
        Ids with more partners in `identities` join nothing, such as that of a shared terminal.
    unit
        ``"account"``: all users with the same `account_id` have one journey.
    """

    identities: Literal["seen_by_then", "always"] = "seen_by_then"
    max_partners: Annotated[int, Field(ge=1)] = 50
    unit: Literal["user", "account"] = "user"


def _parse_currency(value: object) -> object:
    text = value.strip().upper() if isinstance(value, str) else ""
    if not re.fullmatch("[A-Z]{3}", text):
        raise ValueError('write the three letters of a currency in quotes, such as "EUR"')
    return text


class CurrencySettings(_Section):
    """The currency of all results, where amounts are in several.

    Attributes
    ----------
    reporting
        The currency that amounts of conversions and spend are converted to, such as ``"EUR"``.
    rates
        A CSV or Parquet file with the columns ``date``, ``currency`` and ``rate`` (what one unit is
        worth in the reporting currency), or ``"ecb"`` for the reference rates of the ECB.
    """

    reporting: Annotated[str, BeforeValidator(_parse_currency)]
    rates: str | None = None


class EvaluationSettings(_Section):
    """How rivals are judged; set before anybody looks at the data.

    Attributes
    ----------
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


class OutcomeSettings(_Section):
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


def _as_model(entry: object) -> object:
    return {"name": entry} if isinstance(entry, str) else entry


class ModelSettings(_Section):
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


class Settings(_Section):
    """All settings of a project.

    Attributes
    ----------
    timezone
        The time zone of input times without a zone, and of days and weeks in results; None for UTC.
    outcomes
        The outcomes to judge, by name; all outcomes in the data if empty.
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
            When the settings name an outcome that the data does not have.
        """
        available = list(found)
        for name in self.outcomes:
            if name not in available:
                raise InputError(
                    f"there is no outcome {name!r} in the conversions;"
                    f" they hold: {', '.join(available)}"
                )
        names = self.outcomes or available
        return {name: self._longest_lookback(name) for name in names}

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


_TWO_LISTS = (
    '. List the models either in `models = [...]`, where a rule is {name = "...", rule = "..."},'
    " or in [[models]] tables, not in both"
)


def load_settings(path: str | Path = "lydite.toml") -> Settings:
    """Read a settings file.

    Raises
    ------
    InputError
        When the file is missing or is not valid TOML, or when settings are wrong; the message has
        one line per wrong setting, with its dotted key.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"there is no settings file {path}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: save it as UTF-8 ({error})") from error
    except OSError as error:
        raise InputError(f"the settings file {path} cannot be read: {error}") from error
    try:
        return parse_settings(tomllib.loads(text), str(path))
    except tomllib.TOMLDecodeError as error:
        hint = (
            _TWO_LISTS
            if "[[models]]" in text and re.search(r"^models\s*=", text, re.MULTILINE)
            else ""
        )
        raise InputError(f"{path} is not valid TOML: {error}{hint}") from error


def parse_settings(values: object, place: str) -> Settings:
    """Check settings that are given as plain values.

    Parameters
    ----------
    values
        A mapping with the keys of a settings file.
    place
        Where they come from, for messages.

    Raises
    ------
    InputError
        When settings are wrong; the message has one line per wrong setting, with its dotted key.
    """
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise InputError("\n".join(f"{place}: {line}" for line in _describe(error))) from error


def make_settings(
    lookback: str | None,
    period: str | None,
    outcomes: Sequence[str] | None,
    alpha: float | None,
    seed: int | None,
    *,
    cluster: str | None = None,
    people: Mapping[str, object] | None = None,
    as_of: str | date | None = None,
    delivery_delay: str | None = None,
    accept: Sequence[str] = (),
    keep_duplicates: bool = False,
    credit: str | None = None,
    after_conversion: str | None = None,
    lookback_by_interaction: Mapping[str, str] | None = None,
    click_priority: bool = False,
    timezone: str | None = None,
    customer_segment: bool = False,
    base: Settings | None = None,
) -> Settings:
    """Return the settings of one comparison; what is None or empty is as in `base`.

    Parameters
    ----------
    base
        The settings of a project; None for the defaults.

    Raises
    ------
    InputError
        When a setting is out of range.
    """
    base = base or Settings(sources=SourceSettings(touchpoints="", conversions=""))
    given: dict[str, Any] = {
        "lookback": lookback,
        "period": period,
        "alpha": alpha,
        "seed": seed,
        "cluster": cluster,
        "as_of": as_of,
        "delivery_delay": delivery_delay,
        "credit": credit,
        "after_conversion": after_conversion,
        "lookback_by_interaction": dict(lookback_by_interaction or {}) or None,
        "click_priority": click_priority or None,
        "customer_segment": True if customer_segment else None,
    }
    changed = {name: value for name, value in given.items() if value is not None}
    of_people = {name: value for name, value in (people or {}).items() if value is not None}
    quality = {"keep_duplicates": True} if keep_duplicates else {}
    try:
        return base.model_copy(
            update={
                "timezone": base.timezone if timezone is None else check_timezone(timezone),
                "quality": base.quality.model_copy(update=quality).accepting(accept),
                "people": PeopleSettings.model_validate(base.people.model_dump() | of_people),
                "evaluation": EvaluationSettings.model_validate(
                    base.evaluation.model_dump() | changed
                ),
                "outcomes": {name: base.of(name) for name in outcomes}
                if outcomes
                else base.outcomes,
            }
        )
    except ValidationError as error:
        raise InputError("\n".join(_describe(error))) from error


_MISSING = "this setting is required; add it"


def with_currency(settings: Settings, reporting: str | None, rates: object = None) -> Settings:
    """Return settings with a reporting currency and a file or frame of rates.

    Raises
    ------
    InputError
        When the currency is not one, or there are rates without it.
    """
    if reporting is None:
        if rates is not None:
            raise InputError("rates need a reporting currency: give currency, such as 'EUR'")
        return settings
    try:
        currency = CurrencySettings(reporting=reporting)
    except ValidationError as error:
        raise InputError("\n".join(_describe(error))) from error
    return settings.model_copy(update={"currency": currency.model_copy(update={"rates": rates})})


def _describe(error: ValidationError) -> list[str]:
    """Return one line per mistake: the dotted key, its value, and what is wrong."""
    lines = []
    for mistake in error.errors():
        key, value = mistake["loc"], mistake["input"]
        if mistake["type"] == "missing_sources":
            lines += [f"{_dotted((*key, name))}: {_MISSING}" for name in mistake["ctx"]["names"]]
            continue
        match mistake["type"]:
            case "extra_forbidden":
                what = "there is no such setting; remove it or correct its name"
            case "missing":
                what = _MISSING
            case "duplicate":
                what = mistake["msg"]
                key, value = (*key, mistake["ctx"]["position"]), mistake["ctx"]["name"]
            case _:
                what = mistake["msg"].removeprefix("Value error, ")
        given = f" = {_shown(key, value)}" if isinstance(value, str | int | float | bool) else ""
        lines.append(f"{_dotted(key)}{given}: {what}")
    return lines


def _dotted(key: tuple[int | str, ...]) -> str:
    """Return a key as ``evaluation.alpha``; entries of a list count from 1."""
    parts = (str(part + 1) if isinstance(part, int) else part for part in key)
    return ".".join(part for part in parts if part not in {_AS_TEXT, _AS_TABLE})


def _shown(key: tuple[int | str, ...], value: object) -> str:
    """Return a value for a message: no secret is shown."""
    if isinstance(value, str):
        return repr(HIDDEN if is_secret_name(_dotted(key)) else mask(value))
    return repr(value)
