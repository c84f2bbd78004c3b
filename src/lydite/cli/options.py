"""Options that several commands have, and how their values are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lydite.models import Model

PATH_TABLE = "A path table: columns path (a > b > c), conversions, value, nulls (or journeys)."

_FILES = "Parquet, CSV or JSON file, a glob, or a .sql file with one select."

Touchpoints = Annotated[str | None, typer.Option(help=_FILES)]
Conversions = Annotated[str | None, typer.Option(help=_FILES)]
Paths = Annotated[
    str | None, typer.Option(help=f"Instead of touchpoints and conversions. {PATH_TABLE}")
]
Spend = Annotated[str | None, typer.Option(help="Daily cost by channel.")]
Cluster = Annotated[
    str | None,
    typer.Option(
        help="Column of --users: users with the same value belong together. By default account_id,"
        " if there is one; user_id for none."
    ),
]
Lookback = Annotated[
    str, typer.Option(help="How long before a conversion a touch counts: 12h, 30d, 4w.")
]
AfterConversion = Annotated[
    Literal["continue", "restart"],
    typer.Option(
        help="Whether touches before a user's previous conversion may earn the next one, or only"
        " touches since then."
    ),
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
    Literal["rule", "posterior"],
    typer.Option(
        "--credit",
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


def given_sources(**sources: str | None) -> dict[str, str]:
    """Return the sources that are given, by table."""
    return {name: source for name, source in sources.items() if source is not None}


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
        raise InputError(
            f"--{missing[0]} is missing: give --touchpoints and --conversions, or --paths"
        )
    if separator is not None:
        raise InputError("--separator needs --paths; leave it out")


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
