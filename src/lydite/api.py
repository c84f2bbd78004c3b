"""`lydite.compare` and `lydite.credit`: frames or files in, a result out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite import pipeline
from lydite.dataframes import kind_of
from lydite.engine import SparkEngine, open_temporary_engine
from lydite.errors import InputError
from lydite.models import choose
from lydite.path_comparison import compare_paths, credit
from lydite.results import Comparison, read_comparison
from lydite.settings import EngineSettings, make_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from lydite.engine import Engine
    from lydite.inputs import Source
    from lydite.models import Model

__all__ = ["compare", "credit"]


def compare(
    touchpoints: Source | None = None,
    conversions: Source | None = None,
    *,
    paths: Source | None = None,
    spend: Source | None = None,
    users: Source | None = None,
    lookback: str = "30d",
    period: str = "week",
    models: Sequence[str | Model] | None = None,
    outcomes: Sequence[str] | None = None,
    alpha: float = 0.05,
    seed: int = 0,
) -> Comparison:
    """Put attribution models on trial.

    Parameters
    ----------
    touchpoints, conversions, spend, users
        pandas or polars frames, Arrow tables, or paths and globs of Parquet, CSV or JSON files,
        with the columns of the input contract. Touchpoints that are a frame of Spark are worked on
        in its session, and so are the others.
    paths
        A path table instead of touchpoints and conversions (see `lydite.credit`). It has no clock:
        models are compared by cross-validation, which is not forward in time.
    lookback
        How long before a conversion a touch still counts: ``"30d"``, ``"12h"``, ``"4w"``.
    period
        ``"day"``, ``"week"`` or ``"month"``: how often the models are fitted anew.
    models
        The rivals: names, or models of one's own such as `lydite.models.Rule` and
        `lydite.models.Classifier`; all that have a name where None.
    outcomes
        Names of the outcomes; all that the conversions hold where None.
    alpha
        The chance of any wrong separation of two models, however often one looks.
    seed
        Seeds what is drawn at random: the ceiling's training sample and trees, and the
        bootstrap behind the intervals of credit.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        When the input cannot be used; the message names the place, the value and the mend.

    Examples
    --------
    >>> import lydite
    >>> world = lydite.simulate("linear", users=5_000, seed=1)
    >>> result = lydite.compare(world.touchpoints, world.conversions)
    >>> result.table["model"][0]
    'linear'
    """
    settings = make_settings(lookback, period, outcomes, alpha, seed)
    rivals = None if models is None else choose(models)
    given = {
        "touchpoints": touchpoints, "conversions": conversions, "spend": spend, "users": users,
    }  # fmt: skip
    sources = {name: source for name, source in given.items() if source is not None}
    if paths is not None:
        if sources:
            raise InputError(f"paths stand alone: leave out {next(iter(sources))}, or paths")
        return compare_paths(paths, settings.evaluation, rivals)
    if touchpoints is None or conversions is None:
        raise InputError("give touchpoints and conversions, or paths")
    with _engine_of(sources) as engine:
        pipeline.run(engine, sources, settings, rivals=rivals)
        return read_comparison(engine.local, kind=kind_of(touchpoints))


def _engine_of(sources: Mapping[str, Source]) -> AbstractContextManager[Engine]:
    """Return the engine for the sources: where touchpoints are a frame of Spark, its session."""
    session = getattr(sources["touchpoints"], "sparkSession", None)
    if session is not None:
        return SparkEngine(session)
    return open_temporary_engine(EngineSettings(), sources.values())
