"""`lydite.compare`: frames or files in, a comparison of models out."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from lydite import path_comparison, pipeline
from lydite.api.arguments import (
    given_sources,
    open_engine,
    refuse_several_lookbacks,
    refuse_with_paths,
)
from lydite.api.progress import show_progress
from lydite.dataframes import kind_of
from lydite.errors import InputError
from lydite.evaluation.splits import FOLDS
from lydite.models import choose
from lydite.results import Comparison, read_comparison
from lydite.settings import make_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    import pandas as pd
    from typing_extensions import Unpack

    from lydite.api.arguments import Models, Outside
    from lydite.api.progress import Progress
    from lydite.dataframes import FrameT
    from lydite.inputs import Source
    from lydite.models import Model
    from lydite.models.posterior import CreditKind
    from lydite.records import OutcomeCounts
    from lydite.settings import AfterConversion, EvaluationSettings, Join, Options, Period, Unit


@overload
def compare(
    touchpoints: Outside,
    conversions: Source,
    *,
    spend: Source | None = ...,
    users: Source | None = ...,
    identities: Source | None = ...,
    erasures: Source | None = ...,
    models: Models = ...,
    progress: Progress = ...,
    **options: Unpack[Options],
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
    models: Models = ...,
    progress: Progress = ...,
    **options: Unpack[Options],
) -> Comparison[FrameT]: ...


@overload
def compare(
    *,
    paths: Outside,
    models: Models = ...,
    progress: Progress = ...,
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
    progress: Progress = ...,
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
    lookback: str | Sequence[str] | None = "30d",
    after_conversion: AfterConversion | None = "continue",
    lookback_by_interaction: Mapping[str, str] | None = None,
    click_priority: bool = False,
    timezone: str | None = None,
    period: Period | None = "week",
    as_of: str | date | None = None,
    delivery_delay: str | None = None,
    accept: Sequence[str] = (),
    models: Models = None,
    credit: CreditKind | None = "rule",
    outcomes: Sequence[str] | None = None,
    alpha: float | None = 0.05,
    seed: int | None = 0,
    cluster: str | None = None,
    currency: str | None = None,
    rates: object = None,
    customer_segment: bool = False,
    join: Join | None = "seen_by_then",
    unit: Unit | None = "user",
    separator: str | None = None,
    keep_duplicates: bool = False,
    progress: Progress = None,
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
        How long before a conversion a touch still counts: ``"30d"``, ``"12h"``, ``"4w"``. All
        results depend on the first one of a list; `Comparison.lookbacks` compares it with the
        others, which share alpha.
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
        None for all built-in models. One name or model stands for itself.
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
    progress
        Whether to show the current step; by default on a terminal and in a notebook. Or a
        function that is called with the description of each step.

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
        credit=credit,
        alpha=alpha,
        seed=seed,
        cluster=cluster,
        currency=currency,
        rates=rates,
        customer_segment=customer_segment,
        join=join,
        unit=unit,
        keep_duplicates=keep_duplicates,
    )
    rivals = None if models is None else choose(models)
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
        refuse_several_lookbacks(lookback, "a path table has no times")
        with show_progress(progress) as say:
            return compare_paths(paths, settings.evaluation, rivals, say, separator)
    if separator is not None:
        raise InputError("separator is for paths: leave it out")
    if touchpoints is None or conversions is None:
        raise InputError("give touchpoints and conversions, or paths")
    with show_progress(progress) as say, open_engine(sources) as engine:
        pipeline.run(engine, sources, settings, say, rivals)
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
        "cost_share": None,
    }
    return Comparison(found.marts, [counts], {}, found.left_out, evaluation.alpha, kind_of(paths))
