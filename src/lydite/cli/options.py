"""Options that several commands have, and how their values are read."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lydite.models import Model
    from lydite.settings import DatabaseSource, Settings

PATH_TABLE = "A path table: columns path (a > b > c), conversions, value, nulls (or journeys)."

#: The settings file that is read where neither sources nor `--settings` are given.
SETTINGS_FILE = Path("lydite.toml")

_FILES = "Parquet, CSV or JSON file, a glob, or a .sql file with one select."

Touchpoints = Annotated[str | None, typer.Option(help=_FILES)]
Conversions = Annotated[str | None, typer.Option(help=_FILES)]
Paths = Annotated[
    str | None, typer.Option(help=f"Instead of touchpoints and conversions. {PATH_TABLE}")
]
Spend = Annotated[str | None, typer.Option(help="Daily cost by channel.")]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        help=f"Settings of a project, instead of sources; without both, {SETTINGS_FILE} in this"
        " folder. Other options override it.",
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        help="Column of --users: users with the same value belong together. By default account_id,"
        " if there is one; user_id for none."
    ),
]
Identities = Annotated[
    str | None,
    typer.Option(help="Pairs of ids of one person: anonymous_id, user_id, seen_at."),
]
Erasures = Annotated[
    str | None, typer.Option(help="Users whose rows are left out, with ids of --identities.")
]
Join = Annotated[
    Literal["seen_by_then", "always"] | None,
    typer.Option(
        show_default="seen_by_then",
        help="Whether a row is joined only by pairs of --identities that were seen by its time.",
    ),
]
Unit = Annotated[
    Literal["user", "account"] | None,
    typer.Option(
        show_default="user", help="Whose journeys: of users, or of accounts by account_id of users."
    ),
]
Lookback = Annotated[
    str | None,
    typer.Option(
        show_default="30d", help="How long before a conversion a touch counts: 12h, 30d, 4w."
    ),
]
Lookbacks = Annotated[
    list[str] | None,
    typer.Option(
        "--lookback",
        show_default="30d",
        help="How long before a conversion a touch counts: 12h, 30d, 4w. Repeat to compare"
        " others with the first.",
    ),
]
AfterConversion = Annotated[
    Literal["continue", "restart"] | None,
    typer.Option(
        show_default="continue",
        help="Whether touches before a user's previous conversion may earn the next one, or only"
        " touches since then.",
    ),
]
LookbackOf = Annotated[
    list[str] | None,
    typer.Option(
        "--lookback-of",
        help="Lookback of a kind of contact, such as impression=1d or engaged_view=3d; repeat.",
    ),
]
Timezone = Annotated[
    str | None,
    typer.Option(
        show_default="UTC",
        help="Time zone of times without a zone, and of days and weeks, such as Europe/Berlin.",
    ),
]
ClickPriority = Annotated[
    bool,
    typer.Option(
        "--click-priority",
        help="Impressions count only if no click, and no engaged view, is on the path.",
    ),
]
Currency = Annotated[
    str | None,
    typer.Option(help="Convert values and spend, by their column currency, to this one: EUR."),
]
Rates = Annotated[
    str | None,
    typer.Option(help="For --currency: CSV or Parquet with date, currency and rate, or 'ecb'."),
]
Accept = Annotated[
    list[str] | None,
    typer.Option(help="Kind of finding, such as sudden_drop: use the data as it is; repeat."),
]
KeepDuplicates = Annotated[
    bool,
    typer.Option(
        "--keep-duplicates",
        help="Count equal touchpoints and conversions without an id as different events.",
    ),
]
Models = Annotated[str | None, typer.Option(help="Models, separated by commas. All by default.")]
Rules = Annotated[
    list[str] | None,
    typer.Option("--rule", help="A custom rule, 'name=SQL expression'; repeat for more."),
]
CreditOfRules = Annotated[
    Literal["rule", "posterior"] | None,
    typer.Option(
        "--credit",
        show_default="rule",
        help="How rules credit: by their weights, or by the probability that a touch has decided,"
        " if the rule is true.",
    ),
]
Separator = Annotated[
    str | None,
    typer.Option(
        help="Text between two steps of a path, such as ' > ' or '|'. Detected by default."
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(help="The data is complete up to this instant (UTC); later rows are set aside."),
]
DeliveryDelay = Annotated[
    str | None,
    typer.Option(help="How late rows may arrive: the data is complete so long before its end."),
]
Format = Annotated[
    Literal["table", "json"],
    typer.Option("--format", help="A table for people, or JSON for programs."),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def user_name() -> str:
    """Return the name of the user who runs the command; ``unknown`` if the user has none."""
    import getpass  # noqa: PLC0415

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return "unknown"


def given_sources(**sources: str | None) -> dict[str, str]:
    """Return the sources that are given, by table."""
    return {name: source for name, source in sources.items() if source is not None}


@dataclass(frozen=True)
class Inputs:
    """What a command reads, and the settings of the project, if it is one.

    Attributes
    ----------
    sources
        The sources of the input tables by name; none for a path table.
    paths
        The source of the path table.
    settings
        The settings of the project; None where sources are given as options.
    folder
        The folder from which relative paths of sources count.
    """

    sources: Mapping[str, str | DatabaseSource]
    paths: str | DatabaseSource | None = None
    settings: Settings | None = None
    folder: Path = field(default_factory=Path)

    def in_folder(self) -> contextlib.AbstractContextManager[None]:
        """Change to the folder of the sources within a ``with`` block."""
        return contextlib.chdir(self.folder)

    def models(self) -> list[Model] | None:
        """Return the models that the settings name; None if they name none."""
        if self.settings is None or not self.settings.models:
            return None
        from lydite.models import models_from_settings  # noqa: PLC0415

        return models_from_settings(self.settings)


def choose_inputs(
    paths: str | None,
    sources: Mapping[str, str],
    separator: str | None = None,
    cluster: str | None = None,
    settings_file: Path | None = None,
) -> Inputs:
    """Return what a command reads: the sources of its options, or those of a project.

    Raises
    ------
    InputError
        When a source is missing, options cannot be combined, or the settings are wrong.
    """
    from lydite.errors import InputError  # noqa: PLC0415

    if settings_file is not None and (paths is not None or sources):
        given = "paths" if paths is not None else next(iter(sources))
        raise InputError(f"--settings and --{given} cannot be combined: leave one of them out")
    if paths is None and not sources:
        file = settings_file or SETTINGS_FILE
        if settings_file is not None or file.exists():
            return _inputs_of_project(file, separator, cluster)
    check_sources(paths, sources, separator, cluster)
    return Inputs(sources, paths)


def _inputs_of_project(file: Path, separator: str | None, cluster: str | None) -> Inputs:
    from lydite.errors import InputError  # noqa: PLC0415
    from lydite.settings import load_settings  # noqa: PLC0415

    settings = load_settings(file)
    sources = settings.sources.present()
    paths = sources.pop("paths", None)
    if paths is None and separator is not None:
        raise InputError("--separator needs --paths; leave it out")
    if paths is not None and cluster is not None:
        raise InputError("--cluster needs --users; leave it out")
    return Inputs(sources, paths, settings, file.resolve().parent)


def check_sources(
    paths: str | None,
    sources: Mapping[str, str],
    separator: str | None,
    cluster: str | None = None,
) -> None:
    """Check that either a path table, or touchpoints and conversions are given.

    Raises
    ------
    InputError
        When one is missing, or options cannot be combined.
    """
    from lydite.errors import InputError  # noqa: PLC0415

    if paths is not None:
        if sources:
            raise InputError(
                f"--paths and --{next(iter(sources))} cannot be combined: leave one of them out"
            )
        if cluster is not None:
            raise InputError("--cluster needs --users; leave it out")
        return
    missing = [name for name in ("touchpoints", "conversions") if name not in sources]
    if missing:
        project = "" if sources else f", or run in a folder with {SETTINGS_FILE} (lydite init)"
        raise InputError(
            f"--{missing[0]} is missing: give --touchpoints and --conversions, or --paths{project}"
        )
    if separator is not None:
        raise InputError("--separator needs --paths; leave it out")


def read_lookbacks(lookbacks: list[str] | None) -> dict[str, str]:
    """Return the lookbacks by kind of contact that the options name.

    Raises
    ------
    InputError
        When an option is not of the form kind=lookback.
    """
    from lydite.errors import InputError  # noqa: PLC0415

    found = {}
    for text in lookbacks or ():
        kind, equals, lookback = text.partition("=")
        if not equals or not kind.strip():
            raise InputError(f"--lookback-of {text!r}: write kind=lookback, such as impression=1d")
        found[kind.strip()] = lookback.strip()
    return found


def read_models(models: str | None, rules: list[str] | None) -> list[Model] | None:
    """Return the models that the options name, with the user's rules; None if they name none.

    Raises
    ------
    InputError
        When there is no such model, or a rule cannot be used.
    """
    from lydite.errors import InputError  # noqa: PLC0415
    from lydite.models import DEFAULT_MODELS, choose, make_rule  # noqa: PLC0415

    names = [name.strip() for name in models.split(",") if name.strip()] if models else None
    if not names and not rules:
        return None
    own = []
    for text in rules or ():
        name, equals, expression = text.partition("=")
        if not equals:
            raise InputError(f"--rule {text!r}: write name=expression, such as 'mine=1.0/position'")
        own.append(make_rule(name.strip(), expression.strip()))
    return choose([*(names or DEFAULT_MODELS), *own])
