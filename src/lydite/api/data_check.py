"""`lydite.check`: frames or files in, what is to know about them out; no model runs."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from lydite.api.arguments import given_sources, refuse_several_lookbacks
from lydite.checking import check_paths, check_tables
from lydite.engine import open_temporary_engine
from lydite.errors import InputError
from lydite.settings import load_settings, make_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from lydite.checking import DataCheck
    from lydite.dataframes import DataFrame
    from lydite.inputs import Source
    from lydite.settings import AfterConversion, Join, Period, Settings, Unit


def check(
    touchpoints: Source | None = None,
    conversions: Source | None = None,
    *,
    paths: Source | None = None,
    spend: Source | None = None,
    users: Source | None = None,
    identities: Source | None = None,
    erasures: Source | None = None,
    settings: str | Path | None = None,
    lookback: str | None = None,
    after_conversion: AfterConversion | None = None,
    lookback_by_interaction: Mapping[str, str] | None = None,
    click_priority: bool = False,
    timezone: str | None = None,
    period: Period | None = None,
    as_of: str | date | None = None,
    delivery_delay: str | None = None,
    accept: Sequence[str] = (),
    outcomes: Sequence[str] | None = None,
    cluster: str | None = None,
    currency: str | None = None,
    rates: str | DataFrame | None = None,
    join: Join | None = None,
    unit: Unit | None = None,
    separator: str | None = None,
    keep_duplicates: bool = False,
) -> DataCheck:
    """Check settings and data without running models.

    The data is loaded as `lydite.compare` loads it, so that both agree.

    Parameters
    ----------
    settings
        The settings file of a project, instead of sources; without both, ``lydite.toml`` in this
        folder. Relative paths in it count from its folder. Other arguments override it.
    touchpoints, conversions, paths, spend, users, identities, erasures
        As in `lydite.compare`.
    lookback, after_conversion, lookback_by_interaction, click_priority, timezone, period
        As in `lydite.compare`.
    as_of, delivery_delay, accept, outcomes, cluster, currency, rates, join, unit, separator
        As in `lydite.compare`.
    keep_duplicates
        As in `lydite.compare`.

    Returns
    -------
    DataCheck
        Tables, outcomes and findings, each with a fix. Data that cannot be used is a finding.

    Raises
    ------
    InputError
        When arguments cannot be combined, or the settings are wrong.

    Examples
    --------
    >>> import lydite
    >>> world = lydite.simulate("linear", users=2_000, seed=1)
    >>> lydite.check(world.touchpoints, world.conversions)
    DataCheck(ok: 2 tables, 1 outcome, 0 errors, 0 warnings)
    """
    sources = given_sources(
        touchpoints=touchpoints,
        conversions=conversions,
        spend=spend,
        users=users,
        identities=identities,
        erasures=erasures,
        paths=paths,
    )
    base, folder = None, Path()
    if settings is not None or not sources:
        if sources:
            raise InputError("settings and sources cannot be combined: leave one of them out")
        file = Path("lydite.toml" if settings is None else settings)
        base, folder = load_settings(file), file.resolve().parent
        sources = dict(base.sources.present())
    refuse_several_lookbacks(lookback, "check each alone")
    chosen = make_settings(
        base=base,
        lookback=lookback,
        after_conversion=after_conversion,
        lookback_by_interaction=lookback_by_interaction,
        click_priority=click_priority,
        timezone=timezone,
        period=period,
        as_of=as_of,
        delivery_delay=delivery_delay,
        accept=accept,
        outcomes=outcomes,
        cluster=cluster,
        currency=currency,
        rates=rates,
        join=join,
        unit=unit,
        keep_duplicates=keep_duplicates,
    )
    with contextlib.chdir(folder):
        return check_sources(sources, chosen, separator=separator)


def check_sources(
    sources: Mapping[str, Source],
    settings: Settings,
    progress: Callable[[str], None] | None = None,
    separator: str | None = None,
) -> DataCheck:
    """Check the sources of the input tables, or of a path table, by name; see `check`.

    Raises
    ------
    InputError
        When a source is missing, or sources cannot be combined.
    """
    others = [name for name in sources if name != "paths"]
    if "paths" in sources and others:
        raise InputError(f"paths and {others[0]} cannot be combined: leave one of them out")
    if "paths" not in sources and not {"touchpoints", "conversions"} <= set(sources):
        raise InputError("give touchpoints and conversions, or paths")
    local = settings.engine.model_copy(update={"name": "duckdb"})
    with open_temporary_engine(local, sources.values()) as engine:
        if "paths" in sources:
            return check_paths(engine.local, sources["paths"], settings, separator)
        if separator is not None:
            raise InputError("separator is for paths: leave it out")
        return check_tables(engine.local, sources, settings, progress)
