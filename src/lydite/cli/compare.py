"""``lydite compare``: compare models on touchpoints and conversions, or on a path table."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import Annotated, Literal

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
    LookbackOf,
    Lookbacks,
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
from lydite.cli.output import show_comparison
from lydite.cli.progress import Progress

EXAMPLES = """
**Examples**

`lydite compare --touchpoints touchpoints.parquet --conversions conversions.parquet`

`lydite compare --touchpoints 'touches/*.csv' --conversions orders.csv --lookback 14d --report report.html`

`lydite compare --touchpoints t.parquet --conversions c.parquet --models linear,last_touch --format json`

`lydite compare --touchpoints t.parquet --conversions c.parquet --rule "late=position * 1.0"`

`lydite compare --touchpoints t.parquet --conversions c.parquet --lookback 30d --lookback 7d`

`lydite compare --paths paths.csv`

`lydite compare` in the folder of a project: `lydite init`
"""  # noqa: E501


def compare(
    touchpoints: Touchpoints = None,
    conversions: Conversions = None,
    paths: Paths = None,
    separator: Separator = None,
    spend: Spend = None,
    users: Annotated[str | None, typer.Option(help="Segments by user.")] = None,
    settings_file: SettingsFile = None,
    lookback: Lookbacks = None,
    after_conversion: AfterConversion = None,
    lookback_of: LookbackOf = None,
    click_priority: ClickPriority = False,
    timezone: Timezone = None,
    period: Annotated[
        Literal["day", "week", "month"] | None,
        typer.Option(show_default="week", help="How often the models are refitted."),
    ] = None,
    outcome: Annotated[
        list[str] | None, typer.Option(help="Outcome to judge; repeat for more. All by default.")
    ] = None,
    as_of: AsOf = None,
    delivery_delay: DeliveryDelay = None,
    accept: Accept = None,
    keep_duplicates: KeepDuplicates = False,
    models: Models = None,
    rule: Rules = None,
    credit_of_rules: CreditOfRules = None,
    alpha: Annotated[
        float | None,
        typer.Option(
            show_default="0.05", help="Risk of any wrong verdict, however often you check."
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            show_default="0",
            help="Seeds the ceiling's training sample and the intervals of credit.",
        ),
    ] = None,
    cluster: Cluster = None,
    currency: Currency = None,
    rates: Rates = None,
    customer_segment: Annotated[
        bool,
        typer.Option(
            "--customer-segment",
            help="Also compare among new and among returning users: who had converted before.",
        ),
    ] = False,
    identities: Identities = None,
    join: Join = None,
    unit: Unit = None,
    erasures: Erasures = None,
    engine_name: Annotated[
        Literal["duckdb", "spark"] | None,
        typer.Option(
            "--engine",
            show_default="duckdb",
            help="Spark, if the data is too large for this machine.",
        ),
    ] = None,
    output: Format = "table",
    report: Annotated[Path | None, typer.Option(help="Write an HTML report to this file.")] = None,
    database: Annotated[
        Path | None, typer.Option(help="Write the result tables to this DuckDB file.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Compare attribution models on your touchpoints and conversions, or on a path table."""
    sources = given_sources(
        touchpoints=touchpoints,
        conversions=conversions,
        spend=spend,
        users=users,
        identities=identities,
        erasures=erasures,
    )
    inputs = choose_inputs(paths, sources, separator, cluster, settings_file)
    if inputs.paths is not None:
        _check_path_options(database, engine_name, lookback)

    from lydite import api, pipeline  # noqa: PLC0415  (not needed for --help)
    from lydite.engine import open_temporary_engine  # noqa: PLC0415
    from lydite.memory import keep_freed_memory  # noqa: PLC0415
    from lydite.publishing import publish  # noqa: PLC0415
    from lydite.results import read_comparison  # noqa: PLC0415
    from lydite.settings import make_settings  # noqa: PLC0415

    keep_freed_memory()
    settings = make_settings(
        base=inputs.settings,
        lookback=lookback or None,
        period=period,
        outcomes=outcome,
        alpha=alpha,
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
        customer_segment=customer_segment,
        join=join,
        unit=unit,
        currency=currency,
        rates=rates,
    )
    engine_settings = settings.engine
    if engine_name is not None:
        engine_settings = engine_settings.model_copy(update={"name": engine_name})
    rivals = read_models(models, rule)
    with (
        contextlib.ExitStack() as stack,
        Progress(quiet=quiet) as progress,
    ):
        with inputs.in_folder():
            engine = stack.enter_context(
                open_temporary_engine(engine_settings, inputs.sources.values())
            )
            if inputs.paths is not None:
                comparison = api.compare_paths(
                    inputs.paths,
                    settings.evaluation,
                    rivals or inputs.models(),
                    progress.say,
                    separator,
                )
                comparison = dataclasses.replace(comparison, report_settings=settings.shown())
            else:
                # Decisions belong to a project: without its settings, none concerns the data.
                log = None if inputs.settings is None else settings.storage.decisions
                # Nothing else is read from this result, and the other marts take long.
                printed_only = report is None and database is None
                marts = pipeline.PRINTED_MARTS if printed_only else pipeline.MARTS
                pipeline.run(engine, inputs.sources, settings, progress.say, rivals, log, marts)
                comparison = read_comparison(
                    engine.local, report_settings=settings.shown(), touches=False
                )
        if report is not None:
            progress.say("writing the report")
            comparison.to_html(report)
        if database is not None:
            progress.say("writing the database")
            publish(engine.local, database, touch_credit=settings.storage.touch_credit)
    show_comparison(comparison, output)


def _check_path_options(
    database: Path | None, engine_name: str | None, lookback: list[str] | None
) -> None:
    from lydite.errors import InputError  # noqa: PLC0415

    if database is not None:
        raise InputError("--database needs --touchpoints and --conversions; leave it out")
    if engine_name not in {None, "duckdb"}:
        raise InputError("--paths is read on this machine: leave out --engine")
    if lookback and len(lookback) > 1:
        raise InputError("a path table has no times: give --lookback once, or leave it out")
