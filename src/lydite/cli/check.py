"""``lydite check``: settings and data, without running models."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from lydite.cli.options import (
    Accept,
    AfterConversion,
    AsOf,
    ClickPriority,
    Cluster,
    Conversions,
    Currency,
    DeliveryDelay,
    Erasures,
    Identities,
    Join,
    KeepDuplicates,
    Lookback,
    LookbackOf,
    Paths,
    Quiet,
    Rates,
    Separator,
    SettingsFile,
    Spend,
    Timezone,
    Touchpoints,
    Unit,
    choose_inputs,
    given_sources,
    read_lookbacks,
)
from lydite.cli.progress import Progress

EXAMPLES = """
**Examples**

`lydite check` in the folder of a project: `lydite init`

`lydite check --touchpoints touchpoints.parquet --conversions orders.csv --lookback 14d`

`lydite check --json`
"""


def check(
    touchpoints: Touchpoints = None,
    conversions: Conversions = None,
    paths: Paths = None,
    separator: Separator = None,
    spend: Spend = None,
    users: Annotated[str | None, typer.Option(help="Segments by user.")] = None,
    settings_file: SettingsFile = None,
    lookback: Lookback = None,
    after_conversion: AfterConversion = None,
    lookback_of: LookbackOf = None,
    click_priority: ClickPriority = False,
    timezone: Timezone = None,
    outcome: Annotated[
        list[str] | None, typer.Option(help="Outcome to check; repeat for more. All by default.")
    ] = None,
    as_of: AsOf = None,
    delivery_delay: DeliveryDelay = None,
    accept: Accept = None,
    keep_duplicates: KeepDuplicates = False,
    cluster: Cluster = None,
    currency: Currency = None,
    rates: Rates = None,
    identities: Identities = None,
    join: Join = None,
    unit: Unit = None,
    erasures: Erasures = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for programs.")] = False,
    quiet: Quiet = False,
) -> None:
    """Validate settings and data without running models; exit with 2 if anything stops a run."""
    sources = given_sources(
        touchpoints=touchpoints,
        conversions=conversions,
        spend=spend,
        users=users,
        identities=identities,
        erasures=erasures,
    )
    inputs = choose_inputs(paths, sources, separator, cluster, settings_file)

    from rich.console import Console  # noqa: PLC0415  (not needed for --help)

    from lydite import api  # noqa: PLC0415
    from lydite.reporting.check_terminal import print_check  # noqa: PLC0415
    from lydite.settings import make_settings  # noqa: PLC0415

    settings = make_settings(
        base=inputs.settings,
        lookback=lookback,
        outcomes=outcome,
        cluster=cluster,
        as_of=as_of,
        delivery_delay=delivery_delay,
        accept=accept or (),
        keep_duplicates=keep_duplicates,
        after_conversion=after_conversion,
        lookback_by_interaction=read_lookbacks(lookback_of),
        click_priority=click_priority,
        timezone=timezone,
        join=join,
        unit=unit,
        currency=currency,
        rates=rates,
    )
    tables = inputs.sources if inputs.paths is None else {"paths": inputs.paths}
    with Progress(quiet=quiet) as progress, inputs.in_folder():
        found = api.check_sources(tables, settings, progress.say, separator)
    if as_json:
        print(json.dumps(found.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print_check(found, Console())
    if not found.ok:
        raise typer.Exit(2)
