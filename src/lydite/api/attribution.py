"""`lydite.credit`: frames or files in, the credit of every model out."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from lydite.api.arguments import (
    given_sources,
    open_engine,
    refuse_several_lookbacks,
    refuse_with_paths,
)
from lydite.api.progress import show_progress
from lydite.attribution.path_credit import credit_paths
from lydite.dataframes import kind_of
from lydite.errors import InputError
from lydite.models import choose
from lydite.results import Credit
from lydite.settings import make_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from typing import Literal

    import pandas as pd
    from typing_extensions import Unpack

    from lydite.api.arguments import Models, Outside
    from lydite.api.progress import Progress
    from lydite.dataframes import FrameT
    from lydite.inputs import Source
    from lydite.models.posterior import CreditKind
    from lydite.settings import AfterConversion, CreditOptions, Join, Unit


@overload
def credit(
    *,
    touchpoints: Outside,
    conversions: Source,
    spend: Source | None = ...,
    users: Source | None = ...,
    identities: Source | None = ...,
    erasures: Source | None = ...,
    models: Models = ...,
    progress: Progress = ...,
    intervals: bool = ...,
    **options: Unpack[CreditOptions],
) -> Credit[pd.DataFrame]: ...


@overload
def credit(
    *,
    touchpoints: FrameT,
    conversions: Source,
    spend: Source | None = ...,
    users: Source | None = ...,
    identities: Source | None = ...,
    erasures: Source | None = ...,
    models: Models = ...,
    progress: Progress = ...,
    intervals: bool = ...,
    **options: Unpack[CreditOptions],
) -> Credit[FrameT]: ...


@overload
def credit(
    paths: Outside,
    *,
    models: Models = ...,
    progress: Progress = ...,
    credit: CreditKind = ...,
    normalise: Literal["path", "global"] = ...,
    seed: int = ...,
    intervals: bool = ...,
    separator: str | None = ...,
) -> Credit[pd.DataFrame]: ...


@overload
def credit(
    paths: FrameT,
    *,
    models: Models = ...,
    progress: Progress = ...,
    credit: CreditKind = ...,
    normalise: Literal["path", "global"] = ...,
    seed: int = ...,
    intervals: bool = ...,
    separator: str | None = ...,
) -> Credit[FrameT]: ...


def credit(
    paths: Source | None = None,
    *,
    touchpoints: Source | None = None,
    conversions: Source | None = None,
    spend: Source | None = None,
    users: Source | None = None,
    identities: Source | None = None,
    erasures: Source | None = None,
    cluster: str | None = None,
    currency: str | None = None,
    rates: object = None,
    join: Join | None = "seen_by_then",
    unit: Unit | None = "user",
    lookback: str | None = "30d",
    after_conversion: AfterConversion | None = "continue",
    lookback_by_interaction: Mapping[str, str] | None = None,
    click_priority: bool = False,
    timezone: str | None = None,
    outcomes: Sequence[str] | None = None,
    as_of: str | date | None = None,
    delivery_delay: str | None = None,
    accept: Sequence[str] = (),
    models: Models = None,
    credit: CreditKind | None = "rule",
    normalise: Literal["path", "global"] = "path",
    seed: int | None = 0,
    intervals: bool = True,
    separator: str | None = None,
    keep_duplicates: bool = False,
    progress: Progress = None,
) -> Credit:
    """Attribute conversions with every model, without a verdict on the models.

    Give a path table, or touchpoints and conversions. Models that need times cannot run on a path
    table.

    Parameters
    ----------
    paths
        A frame, or a path or glob of Parquet, CSV or JSON files, with the columns ``path``
        (``a > b > c``, or a list of channels), ``conversions``, and optionally ``value`` and
        ``nulls`` (how often the path ended without a conversion) or ``journeys`` (how often the
        path occurred). At most 500 distinct channels.
    touchpoints, conversions, spend, users, identities, erasures, cluster, join, unit
        As in `lydite.compare`, instead of a path table. `users` says who is resampled together.
    lookback, after_conversion, lookback_by_interaction, click_priority, timezone
        As in `lydite.compare`, for touchpoints.
    outcomes, as_of, delivery_delay, accept
        As in `lydite.compare`, for touchpoints.
    models
        Names, or models; None for all built-in models that can run.
    credit
        As in `lydite.compare`.
    normalise
        ``"path"``: the credit of a conversion stays on the channels of its path. ``"global"``, for
        path tables: Markov models split all conversions at once in proportion to the removal
        effects, as most other tools do.
    seed
        Seeds the bootstrap of the intervals.
    intervals
        Whether to compute intervals. They take many times as long as the credit itself; without
        them the bounds are null.
    separator
        The text between two steps of a path; None to detect it.
    keep_duplicates
        As in `lydite.compare`, for touchpoints.
    progress
        As in `lydite.compare`.

    Returns
    -------
    Credit
        With tables of the same kind as the paths or touchpoints; pandas frames for files.

    Raises
    ------
    InputError
        When the input cannot be used, or a model that was asked for cannot run on it.

    Examples
    --------
    >>> import polars as pl
    >>> import lydite
    >>> paths = pl.DataFrame({"path": ["ads > mail", "mail"], "conversions": [2, 1]})
    >>> table = lydite.credit(paths, models=["first_touch"]).table
    >>> table.select("channel", "conversions").rows()
    [('ads', 2.0), ('mail', 1.0)]
    """
    sources = given_sources(
        touchpoints=touchpoints,
        conversions=conversions,
        spend=spend,
        users=users,
        identities=identities,
        erasures=erasures,
    )
    if paths is not None:
        refuse_with_paths(sources, cluster, unit)
        with show_progress(progress) as say:
            say("attributing conversions")
            found = credit_paths(
                paths,
                models,
                normalise,
                (seed or 0) if intervals else None,
                separator,
                credit or "rule",
            )
        return Credit(
            found.table, found.transitions, found.left_out, kind_of(paths), tuple(found.notes)
        )
    if touchpoints is None or conversions is None:
        raise InputError("give touchpoints and conversions, or paths")
    if separator is not None:
        raise InputError("separator is for paths: leave it out")
    if normalise != "path":
        raise InputError('normalise="global" is for paths: leave it out')
    refuse_several_lookbacks(lookback, "give one")
    # Not for paths: they need none of the pipeline, which takes long to import.
    from lydite import pipeline  # noqa: PLC0415
    from lydite.results import read_credit  # noqa: PLC0415

    settings = make_settings(
        lookback=lookback,
        after_conversion=after_conversion,
        lookback_by_interaction=lookback_by_interaction,
        click_priority=click_priority,
        timezone=timezone,
        as_of=as_of,
        delivery_delay=delivery_delay,
        accept=accept,
        outcomes=outcomes,
        credit=credit,
        seed=seed,
        cluster=cluster,
        currency=currency,
        rates=rates,
        join=join,
        unit=unit,
        keep_duplicates=keep_duplicates,
    )
    rivals = None if models is None else choose(models)
    with show_progress(progress) as say, open_engine(sources) as engine:
        notes = pipeline.attribute(
            engine, sources, settings, say, rivals=rivals, intervals=intervals
        )
        return read_credit(engine.local, notes, kind_of(touchpoints))
