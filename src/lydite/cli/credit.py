"""``lydite credit``: credit by channel, without verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lydite.cli.options import (
    Accept,
    AfterConversion,
    AsOf,
    ClickPriority,
    Cluster,
    Conversions,
    CreditOfRules,
    Currency,
    DeliveryDelay,
    Erasures,
    Format,
    Identities,
    Join,
    KeepDuplicates,
    Lookback,
    LookbackOf,
    Models,
    Paths,
    Quiet,
    Rates,
    Rules,
    Separator,
    SettingsFile,
    Spend,
    Timezone,
    Touchpoints,
    Unit,
    choose_inputs,
    given_sources,
    read_lookbacks,
    read_models,
)
from lydite.cli.output import show_credit
from lydite.cli.progress import Progress
from lydite.errors import InputError

if TYPE_CHECKING:
    from lydite.results import Credit

EXAMPLES = """
**Examples**

`lydite credit --paths paths.csv`

`lydite credit --paths paths.csv --models markov_1,shapley --normalise global --format json`

`lydite credit --touchpoints touchpoints.csv --conversions orders.csv --lookback 14d --no-intervals`
"""


def credit(
    touchpoints: Touchpoints = None,
    conversions: Conversions = None,
    paths: Paths = None,
    separator: Separator = None,
    spend: Spend = None,
    users: Annotated[str | None, typer.Option(help="One row per user, for --cluster.")] = None,
    cluster: Cluster = None,
    currency: Currency = None,
    rates: Rates = None,
    identities: Identities = None,
    join: Join = None,
    unit: Unit = None,
    erasures: Erasures = None,
    settings_file: SettingsFile = None,
    lookback: Lookback = None,
    after_conversion: AfterConversion = None,
    lookback_of: LookbackOf = None,
    click_priority: ClickPriority = False,
    timezone: Timezone = None,
    outcome: Annotated[
        list[str] | None, typer.Option(help="Outcome to credit; repeat for more. All by default.")
    ] = None,
    as_of: AsOf = None,
    delivery_delay: DeliveryDelay = None,
    accept: Accept = None,
    keep_duplicates: KeepDuplicates = False,
    models: Models = None,
    rule: Rules = None,
    credit_of_rules: CreditOfRules = None,
    normalise: Annotated[
        Literal["path", "global"],
        typer.Option(
            help="Markov models: split each conversion within its path, or all of them at once"
            " (path tables only)."
        ),
    ] = "path",
    seed: Annotated[int | None, typer.Option(show_default="0", help="Seeds the intervals.")] = None,
    intervals: Annotated[
        bool,
        typer.Option(
            "--intervals/--no-intervals", help="95% intervals; they take most of the time."
        ),
    ] = True,
    output: Format = "table",
    quiet: Quiet = False,
) -> None:
    """Credit channels with every model, without a verdict, from touchpoints or a path table."""
    sources = given_sources(
        touchpoints=touchpoints,
        conversions=conversions,
        spend=spend,
        users=users,
        identities=identities,
        erasures=erasures,
    )
    inputs = choose_inputs(paths, sources, separator, cluster, settings_file)
    if inputs.paths is None and normalise != "path":
        raise InputError("--normalise needs --paths; leave it out")

    from lydite import api, pipeline  # noqa: PLC0415  (not needed for --help)
    from lydite.engine import open_temporary_engine  # noqa: PLC0415
    from lydite.memory import keep_freed_memory  # noqa: PLC0415
    from lydite.results import read_credit  # noqa: PLC0415
    from lydite.settings import make_settings  # noqa: PLC0415

    keep_freed_memory()
    rivals = read_models(models, rule)
    settings = make_settings(
        base=inputs.settings,
        lookback=lookback,
        outcomes=outcome,
        seed=seed,
        cluster=cluster,
        as_of=as_of,
        delivery_delay=delivery_delay,
        accept=accept or (),
        keep_duplicates=keep_duplicates,
        credit=credit_of_rules,
        after_conversion=after_conversion,
        lookback_by_interaction=read_lookbacks(lookback_of),
        click_priority=click_priority,
        timezone=timezone,
        join=join,
        unit=unit,
        currency=currency,
        rates=rates,
    )
    with Progress(quiet=quiet) as progress, inputs.in_folder():
        if inputs.paths is not None:
            progress.say("attributing the conversions")
            found: Credit = api.credit(
                inputs.paths,
                models=rivals or inputs.models(),
                normalise=normalise,
                seed=settings.evaluation.seed,
                intervals=intervals,
                separator=separator,
                credit=settings.evaluation.credit,
            )
        else:
            engines = open_temporary_engine(settings.engine, inputs.sources.values())
            with engines as engine:
                notes = pipeline.attribute(
                    engine, inputs.sources, settings, progress.say, rivals, intervals=intervals
                )
                found = read_credit(engine.local, notes)
    show_credit(found, output, settings.report.channel_names)
