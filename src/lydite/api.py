"""`lydite.compare`, `lydite.credit` and `lydite.check`: frames or files in, a result out."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, overload

from lydite import path_comparison, pipeline
from lydite.attribution.path_credit import credit_paths
from lydite.checking import check_paths, check_tables
from lydite.dataframes import kind_of
from lydite.engine import SparkEngine, open_temporary_engine
from lydite.errors import InputError
from lydite.evaluation.splits import FOLDS
from lydite.models import choose
from lydite.results import Comparison, Credit, read_comparison, read_credit
from lydite.settings import EngineSettings, load_settings, make_settings, with_currency

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import date
    from typing import Literal, TypeAlias

    import pandas as pd
    import pyspark.sql

    from lydite.checking import DataCheck
    from lydite.dataframes import DataFrame, FrameT
    from lydite.engine import Engine
    from lydite.inputs import Source
    from lydite.models import Model
    from lydite.models.posterior import CreditKind
    from lydite.records import OutcomeCounts
    from lydite.settings import AfterConversion, EvaluationSettings, Settings

    #: Sources that are no frames of this process: their results are pandas frames.
    Outside: TypeAlias = str | Path | pyspark.sql.DataFrame
    Models: TypeAlias = Sequence[str | Model] | None
    Join: TypeAlias = Literal["seen_by_then", "always"]
    Unit: TypeAlias = Literal["user", "account"]
    Period: TypeAlias = Literal["day", "week", "month"]

__all__ = ["check", "compare", "credit"]


@overload
def compare(
    touchpoints: Outside,
    conversions: Source,
    *,
    spend: Source | None = ...,
    users: Source | None = ...,
    identities: Source | None = ...,
    erasures: Source | None = ...,
    lookback: str = ...,
    after_conversion: AfterConversion = ...,
    lookback_by_interaction: Mapping[str, str] | None = ...,
    click_priority: bool = ...,
    timezone: str | None = ...,
    period: Period = ...,
    as_of: str | date | None = ...,
    delivery_delay: str | None = ...,
    accept: Sequence[str] = ...,
    models: Models = ...,
    credit: CreditKind = ...,
    outcomes: Sequence[str] | None = ...,
    alpha: float = ...,
    seed: int = ...,
    cluster: str | None = ...,
    currency: str | None = ...,
    rates: str | DataFrame | None = ...,
    customer_segment: bool = ...,
    join: Join = ...,
    unit: Unit = ...,
    keep_duplicates: bool = ...,
) -> Comparison[pd.DataFrame]: ...


@overload
def compare(
    touchpoints: FrameT,
    conversions: Source,
    *,
    spend: Source | None = ...,
    users: Source | None = ...,
    identities: Source | None = ...,
    erasures: Source | None = ...,
    lookback: str = ...,
    after_conversion: AfterConversion = ...,
    lookback_by_interaction: Mapping[str, str] | None = ...,
    click_priority: bool = ...,
    timezone: str | None = ...,
    period: Period = ...,
    as_of: str | date | None = ...,
    delivery_delay: str | None = ...,
    accept: Sequence[str] = ...,
    models: Models = ...,
    credit: CreditKind = ...,
    outcomes: Sequence[str] | None = ...,
    alpha: float = ...,
    seed: int = ...,
    cluster: str | None = ...,
    currency: str | None = ...,
    rates: str | DataFrame | None = ...,
    customer_segment: bool = ...,
    join: Join = ...,
    unit: Unit = ...,
    keep_duplicates: bool = ...,
) -> Comparison[FrameT]: ...


@overload
def compare(
    *,
    paths: Outside,
    models: Models = ...,
    credit: CreditKind = ...,
    alpha: float = ...,
    seed: int = ...,
    separator: str | None = ...,
) -> Comparison[pd.DataFrame]: ...


@overload
def compare(
    *,
    paths: FrameT,
    models: Models = ...,
    credit: CreditKind = ...,
    alpha: float = ...,
    seed: int = ...,
    separator: str | None = ...,
) -> Comparison[FrameT]: ...


def compare(
    touchpoints: Source | None = None,
    conversions: Source | None = None,
    *,
    paths: Source | None = None,
    spend: Source | None = None,
    users: Source | None = None,
    identities: Source | None = None,
    erasures: Source | None = None,
    lookback: str = "30d",
    after_conversion: AfterConversion = "continue",
    lookback_by_interaction: Mapping[str, str] | None = None,
    click_priority: bool = False,
    timezone: str | None = None,
    period: Period = "week",
    as_of: str | date | None = None,
    delivery_delay: str | None = None,
    accept: Sequence[str] = (),
    models: Models = None,
    credit: CreditKind = "rule",
    outcomes: Sequence[str] | None = None,
    alpha: float = 0.05,
    seed: int = 0,
    cluster: str | None = None,
    currency: str | None = None,
    rates: str | DataFrame | None = None,
    customer_segment: bool = False,
    join: Join = "seen_by_then",
    unit: Unit = "user",
    separator: str | None = None,
    keep_duplicates: bool = False,
) -> Comparison:
    """Compare attribution models as rival hypotheses.

    Every model forecasts, from the touches so far, whether a conversion follows. The forecasts are
    backtested period by period and compared pair by pair.

    Parameters
    ----------
    touchpoints, conversions, spend, users, identities, erasures
        pandas or polars frames, Arrow tables, or paths and globs of Parquet, CSV or JSON files,
        with the columns of the input schema. If the touchpoints are a Spark frame, all of them are
        read in its session.
    paths
        A path table instead of touchpoints and conversions (see `lydite.credit`). It has no times:
        models are compared by cross-validation, which is not forward in time.
    lookback
        How long before a conversion a touch still counts: ``"30d"``, ``"12h"``, ``"4w"``.
    after_conversion
        Whether touches before the user's previous conversion may earn the next one
        (``"continue"``), or only touches since then (``"restart"``).
    lookback_by_interaction
        Lookbacks of kinds of contacts that differ, by the value of the column `interaction`:
        ``{"impression": "1d", "engaged_view": "3d"}``.
    click_priority
        Whether an impression counts only if no click, and no engaged view, is on the path.
    timezone
        The time zone of times without a zone, and of days and weeks in results, such as
        ``"Europe/Berlin"``; UTC by default.
    period
        How often the models are refitted.
    as_of
        The data is complete up to this instant (UTC; a day is its first instant), and later rows
        are set aside. By default it is complete up to the earlier of the last touchpoint and the
        last conversion of an outcome.
    delivery_delay
        How late rows may be delivered, such as ``"2d"``: the data is complete up to this long
        before its last row.
    accept
        Kinds of findings for which the data is used as it is: ``"stray_rows"``,
        ``"sudden_drop"`` (`Comparison.findings`), ``"shifted_times"`` or ``"mixed_zones"``, which
        are errors otherwise.
    models
        The rivals: names, or models such as `lydite.models.Rule` and `lydite.models.Classifier`;
        None for all built-in models.
    credit
        How rules credit: ``"rule"``, by their weights; ``"posterior"``, by the probability that a
        touch has decided, if the rule is true. It changes no verdict.
    outcomes
        Names of the outcomes; None for all that the conversions hold.
    alpha
        Chance of any wrong separation of two models, however often the comparison is repeated as
        data arrives.
    seed
        Seeds all random draws: the training sample and the trees of the ceiling, and the bootstrap
        behind the intervals of credit.
    cluster
        A column of `users`. Users with the same value, such as an account, share touches or
        decisions, and are resampled together. By default ``account_id``, if there is one;
        ``"user_id"`` for none.
    customer_segment
        Whether to compare the models also among new and among returning users: whether the user
        had converted before the touch.
    join
        ``"seen_by_then"``: a row belongs to the person that is known by its time from `identities`.
        ``"always"``: later pairs count too, which makes verdicts wrong where ids are seen together
        at a conversion.
    unit
        ``"account"``: all users with the same ``account_id`` of `users` have one journey.
    currency
        The currency that amounts of conversions and spend are converted to, such as ``"EUR"``,
        where they have a column `currency`.
    rates
        A frame or file with the columns ``date``, ``currency`` and ``rate``, or ``"ecb"``.
    separator
        The text between two steps of `paths` (see `lydite.credit`).
    keep_duplicates
        Whether equal touchpoints, and equal conversions, that have no id are different events.
        Otherwise they are counted once; `Comparison.duplicates` has their number.

    Returns
    -------
    Comparison
        With tables of the same kind as the touchpoints or paths; pandas frames for files.

    Raises
    ------
    InputError
        When the input cannot be used; the message says where, what is wrong and what to do.

    Examples
    --------
    >>> import lydite
    >>> world = lydite.simulate("linear", users=2_000, seed=1)
    >>> result = lydite.compare(
    ...     world.touchpoints, world.conversions, models=["linear", "last_touch"]
    ... )
    >>> sorted(result.table["model"])
    ['base_rate', 'ceiling', 'last_touch', 'linear', 'touch_volume']
    """
    settings = make_settings(
        lookback,
        period,
        outcomes,
        alpha,
        seed,
        cluster=cluster,
        people={"identities": join, "unit": unit},
        as_of=as_of,
        delivery_delay=delivery_delay,
        accept=accept,
        keep_duplicates=keep_duplicates,
        credit=credit,
        after_conversion=after_conversion,
        lookback_by_interaction=lookback_by_interaction,
        click_priority=click_priority,
        timezone=timezone,
        customer_segment=customer_segment,
    )
    settings = with_currency(settings, currency, rates)
    rivals = None if models is None else choose(models)
    given = {
        "touchpoints": touchpoints, "conversions": conversions, "spend": spend, "users": users,
        "identities": identities, "erasures": erasures,
    }  # fmt: skip
    sources = {name: source for name, source in given.items() if source is not None}
    if paths is not None:
        if sources:
            raise InputError(
                f"paths and {next(iter(sources))} cannot be combined: leave one of them out"
            )
        if cluster is not None:
            raise InputError("cluster is for users: leave it out")
        if unit != "user":
            raise InputError("unit is for users: leave it out")
        return compare_paths(paths, settings.evaluation, rivals, separator=separator)
    if separator is not None:
        raise InputError("separator is for paths: leave it out")
    if touchpoints is None or conversions is None:
        raise InputError("give touchpoints and conversions, or paths")
    with _engine_of(sources) as engine:
        pipeline.run(engine, sources, settings, rivals=rivals)
        return read_comparison(engine.local, kind_of(touchpoints), settings.shown())


def compare_paths(
    paths: Source,
    evaluation: EvaluationSettings,
    rivals: Sequence[Model] | None = None,
    progress: Callable[[str], None] | None = None,
    separator: str | None = None,
) -> Comparison:
    """Compare models on a path table; see `lydite.path_comparison.compare_paths`."""
    found = path_comparison.compare_paths(paths, evaluation, rivals, progress, separator)
    counts: OutcomeCounts = {
        "outcome": path_comparison.OUTCOME,
        "lookback": None,
        "landmarks": found.landmarks,
        "conversions": found.conversions,
        "attributed": found.conversions,
        "unattributed": 0,
        "periods": FOLDS,
        "as_of": None,
        "sampled_landmarks": found.landmarks,
        "note": found.note,
        "first_forecast": None,
    }
    return Comparison(found.marts, [counts], {}, found.left_out, evaluation.alpha, kind_of(paths))


def _engine_of(sources: Mapping[str, Source]) -> AbstractContextManager[Engine]:
    """Return the engine for the sources: the session of the touchpoints if they are in Spark."""
    session = getattr(sources["touchpoints"], "sparkSession", None)
    if session is not None:
        return SparkEngine(session)
    return open_temporary_engine(EngineSettings(), sources.values())


@overload
def credit(
    paths: Outside,
    *,
    models: Models = ...,
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
    credit: CreditKind = ...,
    normalise: Literal["path", "global"] = ...,
    seed: int = ...,
    intervals: bool = ...,
    separator: str | None = ...,
) -> Credit[FrameT]: ...


@overload
def credit(
    *,
    touchpoints: Outside,
    conversions: Source,
    spend: Source | None = ...,
    users: Source | None = ...,
    identities: Source | None = ...,
    erasures: Source | None = ...,
    cluster: str | None = ...,
    currency: str | None = ...,
    rates: str | DataFrame | None = ...,
    join: Join = ...,
    unit: Unit = ...,
    lookback: str = ...,
    after_conversion: AfterConversion = ...,
    lookback_by_interaction: Mapping[str, str] | None = ...,
    click_priority: bool = ...,
    timezone: str | None = ...,
    outcomes: Sequence[str] | None = ...,
    as_of: str | date | None = ...,
    delivery_delay: str | None = ...,
    accept: Sequence[str] = ...,
    models: Models = ...,
    credit: CreditKind = ...,
    seed: int = ...,
    intervals: bool = ...,
    keep_duplicates: bool = ...,
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
    cluster: str | None = ...,
    currency: str | None = ...,
    rates: str | DataFrame | None = ...,
    join: Join = ...,
    unit: Unit = ...,
    lookback: str = ...,
    after_conversion: AfterConversion = ...,
    lookback_by_interaction: Mapping[str, str] | None = ...,
    click_priority: bool = ...,
    timezone: str | None = ...,
    outcomes: Sequence[str] | None = ...,
    as_of: str | date | None = ...,
    delivery_delay: str | None = ...,
    accept: Sequence[str] = ...,
    models: Models = ...,
    credit: CreditKind = ...,
    seed: int = ...,
    intervals: bool = ...,
    keep_duplicates: bool = ...,
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
    rates: str | DataFrame | None = None,
    join: Join = "seen_by_then",
    unit: Unit = "user",
    lookback: str = "30d",
    after_conversion: AfterConversion = "continue",
    lookback_by_interaction: Mapping[str, str] | None = None,
    click_priority: bool = False,
    timezone: str | None = None,
    outcomes: Sequence[str] | None = None,
    as_of: str | date | None = None,
    delivery_delay: str | None = None,
    accept: Sequence[str] = (),
    models: Models = None,
    credit: CreditKind = "rule",
    normalise: Literal["path", "global"] = "path",
    seed: int = 0,
    intervals: bool = True,
    separator: str | None = None,
    keep_duplicates: bool = False,
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
    given = {
        "touchpoints": touchpoints, "conversions": conversions, "spend": spend, "users": users,
        "identities": identities, "erasures": erasures,
    }  # fmt: skip
    sources = {name: source for name, source in given.items() if source is not None}
    if paths is not None:
        if sources:
            raise InputError(
                f"paths and {next(iter(sources))} cannot be combined: leave one of them out"
            )
        if cluster is not None:
            raise InputError("cluster is for users: leave it out")
        if unit != "user":
            raise InputError("unit is for users: leave it out")
        found = credit_paths(
            paths, models, normalise, seed if intervals else None, separator, credit
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
    settings = make_settings(
        lookback,
        "week",
        outcomes,
        0.05,
        seed,
        cluster=cluster,
        people={"identities": join, "unit": unit},
        as_of=as_of,
        delivery_delay=delivery_delay,
        accept=accept,
        keep_duplicates=keep_duplicates,
        credit=credit,
        after_conversion=after_conversion,
        lookback_by_interaction=lookback_by_interaction,
        click_priority=click_priority,
        timezone=timezone,
    )
    settings = with_currency(settings, currency, rates)
    rivals = None if models is None else choose(models)
    with _engine_of(sources) as engine:
        notes = pipeline.attribute(engine, sources, settings, rivals=rivals, intervals=intervals)
        return read_credit(engine.local, notes, kind_of(touchpoints))


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
    given = {
        "touchpoints": touchpoints, "conversions": conversions, "spend": spend, "users": users,
        "identities": identities, "erasures": erasures, "paths": paths,
    }  # fmt: skip
    sources: dict[str, Source] = {name: own for name, own in given.items() if own is not None}
    base, folder = None, Path()
    if settings is not None or not sources:
        if sources:
            raise InputError("settings and sources cannot be combined: leave one of them out")
        file = Path("lydite.toml" if settings is None else settings)
        base, folder = load_settings(file), file.resolve().parent
        sources = dict(base.sources.present())
    chosen = make_settings(
        lookback,
        period,
        outcomes,
        None,
        None,
        cluster=cluster,
        people={"identities": join, "unit": unit},
        as_of=as_of,
        delivery_delay=delivery_delay,
        accept=accept,
        keep_duplicates=keep_duplicates,
        after_conversion=after_conversion,
        lookback_by_interaction=lookback_by_interaction,
        click_priority=click_priority,
        timezone=timezone,
        base=base,
    )
    if currency is not None or rates is not None:
        chosen = with_currency(chosen, currency, rates)
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
