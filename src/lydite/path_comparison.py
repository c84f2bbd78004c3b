"""Path tables: credit by channel, and the comparison of models, without a clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from lydite.attribution.bootstrap import counts_by_unit, credit_replicates, draw_journeys
from lydite.dataframes import kind_of
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.evaluation.backtest import backtest
from lydite.evaluation.ceiling import NAME as CEILING
from lydite.evaluation.ceiling import ceiling_scores
from lydite.evaluation.comparison import compare_outcome
from lydite.evaluation.segments import ALL
from lydite.evaluation.splits import FOLDS, Split
from lydite.inputs.path_table import PathTable, read_path_table
from lydite.models import BaseRate, Markov, Model, TouchVolume, UniqueFeatures, choose, make_models
from lydite.paths.landmarks import rows_to_one
from lydite.paths.path_table_landmarks import (
    journey_landmarks,
    landmarks_of,
    paths_of,
    summed_landmarks,
)
from lydite.results import Comparison, Credit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.evaluation.scores import Scores
    from lydite.inputs import Source
    from lydite.models import Landmarks, Paths
    from lydite.settings import EvaluationSettings

    Progress = Callable[[str], None]
    Normalise = Literal["path", "global"]

OUTCOME = "conversion"
BUCKETS = 80  # of journeys, for the error bars of a comparison
MIN_CONVERSIONS = 100
_FIGURES, _ENDS = ("conversions", "value", "share"), ("_low", "_high")
_BOUNDS = tuple(f"{name}{end}" for name in _FIGURES for end in _ENDS)


def credit(
    paths: Source,
    *,
    models: Sequence[str | Model] | None = None,
    normalise: Normalise = "path",
    seed: int = 0,
    intervals: bool = True,
) -> Credit:
    """Divide the conversions of a path table by every model that needs no clock.

    Parameters
    ----------
    paths
        A frame, or a path or glob of Parquet, CSV or JSON files, with the columns ``path``
        (``a > b > c``), ``conversions``, and, where known, ``value`` and ``nulls``.
    models
        Names, or models of one's own; all that need no clock where None.
    normalise
        ``"path"``: a conversion's credit goes to channels of its own path alone. ``"global"``:
        Markov models share out all conversions at once in proportion to removal effects, as is
        usual elsewhere.
    seed
        Seeds the draws of the bootstrap behind the intervals.
    intervals
        Whether to give intervals. They cost many times what the credit itself does; without them
        the columns that end in ``_low`` and ``_high`` are null.

    Returns
    -------
    Credit

    Raises
    ------
    InputError
        When the table cannot be used, or a model that was asked for cannot be tried on it.

    Examples
    --------
    >>> import polars as pl
    >>> import lydite
    >>> paths = pl.DataFrame({"path": ["ads > mail", "mail"], "conversions": [2, 1]})
    >>> table = lydite.credit(paths, models=["first_touch"]).table
    >>> table.select("channel", "conversions").rows()
    [('ads', 2.0), ('mail', 1.0)]
    """
    with DuckDBEngine() as engine:
        table, threads = read_path_table(engine, paths), engine.threads
    rivals, left_out = clockless(models, len(table.channels))
    if normalise == "global":
        rivals = [_ShareOut(m.order) if type(m) is Markov else m for m in rivals]
    with threadpool_limits(1, user_api="blas"):
        divided, transitions = _divide(table, rivals, seed if intervals else None, threads)
    return Credit(divided, transitions, left_out, kind_of(paths))


class _ShareOut(Markov):
    """A Markov model that shares out all conversions at once, whatever their paths."""

    def encode_paths(self, paths: Paths) -> UniqueFeatures:
        """See nothing of a path: all are of one kind."""
        return UniqueFeatures(
            np.zeros(len(paths), dtype=np.intp), np.ones((1, len(paths.channels)))
        )

    def shares(self, features: UniqueFeatures) -> Any:  # noqa: ANN401
        """Return the removal effects, divided by their sum."""
        from scipy import sparse  # noqa: PLC0415

        del features
        return rows_to_one(sparse.csr_array(self.removal_effects_[None, :]))


def clockless(
    models: Sequence[str | Model] | None, channels: int
) -> tuple[list[Model], dict[str, str]]:
    """Return the models that can be tried on a path table, and why others are left out.

    Raises
    ------
    InputError
        When a model cannot be tried that was asked for.
    """
    rivals = make_models() if models is None else choose(models)
    reasons = {model.name: _refusal(model, channels) for model in rivals}
    refused = {name: why for name, why in reasons.items() if why}
    if refused and models is not None:
        raise InputError("\n".join(refused.values()))
    return [model for model in rivals if model.name not in refused], refused


def _refusal(model: Model, channels: int) -> str | None:
    if model.needs_clock:
        return (
            f"the model {model.name!r} needs to know when touches happened, and a path table does"
            " not say: give touchpoints and conversions, or leave the model out"
        )
    return model.refusal(channels)


def _divide(
    table: PathTable, models: Sequence[Model], seed: int | None, threads: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Divide all conversions of the table by every model; without a seed there are no intervals."""
    if seed is None:
        evidence = _Evidence.summed(table, models)
    else:
        evidence = _Evidence.drawn(table, models, seed)
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda model: _learn(model, table, evidence), models))
    empty = {"model": pl.String, "from": pl.String, "to": pl.String, "count": pl.Float64}
    nothing = pl.DataFrame(schema=empty | {"probability": pl.Float64})
    transitions = [_transitions(model, table) for model in models if isinstance(model, Markov)]
    return pl.concat(parts), pl.concat([nothing, *transitions], how="diagonal")


@dataclass(frozen=True)
class _Evidence:
    """What models learn from, and what they divide.

    Attributes
    ----------
    landmarks, paths
        In units of 0 to `units` - 1; the landmarks are None where no model learns.
    units : int
    weights : (replicates, units) array
        How often each unit counts in each replicate; None where there are no intervals.
    """

    landmarks: Landmarks | None
    paths: Paths
    units: int
    weights: NDArray[np.floating] | None = None

    @classmethod
    def summed(cls, table: PathTable, models: Sequence[Model]) -> _Evidence:
        """Take all journeys as one unit."""
        learning, paths = _learning(models), paths_of(table, models)
        return cls(
            summed_landmarks(table, learning) if learning else None,
            replace(paths, unit=np.zeros_like(paths.unit)),
            units=1,
        )

    @classmethod
    def drawn(cls, table: PathTable, models: Sequence[Model], seed: int) -> _Evidence:
        """Take the journeys that took the same path and ended alike as a unit, and draw them."""
        learning, paths = _learning(models), paths_of(table, models)
        counts = np.concatenate([table.conversions, table.nulls])
        # Of paths that never converted, or always did, there is one unit, not two.
        unit = np.maximum(np.cumsum(counts > 0) - 1, 0)
        weights = draw_journeys(counts[counts > 0], seed)
        return cls(
            landmarks_of(table, learning, unit) if learning else None,
            replace(paths, unit=unit[paths.unit]),
            weights.shape[1],
            weights,
        )


def _learning(models: Sequence[Model]) -> list[Model]:
    """Return the models that learn; a rule divides paths as they are."""
    return [model for model in models if model.learns]


def _learn(model: Model, table: PathTable, evidence: _Evidence) -> pl.DataFrame:
    """Fit a model, and divide all conversions of the table by it."""
    paths, everything = evidence.paths, np.ones(evidence.units)
    counts = None
    if evidence.landmarks is not None and model.learns:
        counts = model.sufficient_statistics(evidence.landmarks, evidence.units)
        model.fit_credit(counts, everything)
    features = model.encode_paths(paths)
    shares = model.shares(features)
    conversions, value = counts_by_unit(features, paths, evidence.units)
    bounds: dict[str, Any] = {}
    if evidence.weights is not None:
        bounds = credit_replicates(model, counts, features, paths, evidence.weights).bounds()
    own = {
        "conversions": np.asarray((conversions @ everything) @ shares),
        "value": np.asarray((value @ everything) @ shares),
    }
    return _rows(model, table, own, bounds)


def _transitions(model: Markov, table: PathTable) -> pl.DataFrame:
    matrix = model.transitions_.transition_matrix(table.channels)
    return matrix.select(pl.lit(model.name).alias("model"), pl.all())


def _rows(
    model: Model,
    table: PathTable,
    own: Mapping[str, NDArray[np.float64]],
    bounds: Mapping[str, Any],
) -> pl.DataFrame:
    effects = model.removal_effects_ if isinstance(model, Markov) else None
    total = pl.col("conversions").sum()
    frame = pl.DataFrame(
        {
            "model": [model.name] * len(table.channels),
            "channel": table.channels,
            **dict.fromkeys(_BOUNDS),
            **own,
            **bounds,
            "removal_effect": effects,
        },
        schema_overrides=dict.fromkeys((*_BOUNDS, "removal_effect"), pl.Float64),
    ).with_columns(share=pl.when(total > 0).then(pl.col("conversions") / total))
    if not table.has_value:
        none = pl.lit(None, dtype=pl.Float64)
        frame = frame.with_columns(value=none, value_low=none, value_high=none)
    columns = [f"{name}{end}" for name in _FIGURES for end in ("", *_ENDS)]
    return frame.select("model", "channel", *columns, "removal_effect").sort(
        pl.col("conversions").round(9), "channel", descending=[True, False]
    )


def compare_paths(
    paths: Source,
    evaluation: EvaluationSettings,
    rivals: Sequence[Model] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare models on a path table by cross-validation; it is not forward in time.

    Every journey of the table, a single conversion or null, falls to one of `BUCKETS` buckets at
    random; each fold of the buckets is forecast by models of the others.

    Parameters
    ----------
    paths
        As in `credit`.
    evaluation
        How rivals are judged; of it `alpha`, `worthwhile` and `seed` matter here.
    rivals
        The models to compare; all that need no clock where None.
    progress
        Is told what goes on.

    Raises
    ------
    InputError
        When the table cannot be used, or has too few conversions.
    """
    say = progress or (lambda _: None)
    say("reading the paths")
    with DuckDBEngine() as engine:
        table, threads = read_path_table(engine, paths), engine.threads
    if table.conversions.sum() < MIN_CONVERSIONS:
        raise InputError(
            f"{int(table.conversions.sum())} conversions are too few to compare models: it takes"
            f" {MIN_CONVERSIONS}. `lydite credit` divides them all the same."
        )
    models, left_out = clockless(rivals, len(table.channels))
    landmarks = journey_landmarks(table, models, buckets=BUCKETS, seed=evaluation.seed)
    scores = _cross_validate(models, landmarks, evaluation.seed, threads, say)
    say("dividing the conversions")
    divided, transitions = _divide(table, models, evaluation.seed, threads)
    sliced = {name: {ALL: own} for name, own in scores.items()}
    marts = compare_outcome(OUTCOME, models, sliced, None, evaluation)
    marts |= _credit_marts(divided, transitions)
    return Comparison(marts, [_record(table, landmarks)], {}, left_out, kind_of(paths))


def _cross_validate(
    models: Sequence[Model], landmarks: Landmarks, seed: int, threads: int, say: Progress
) -> dict[str, Scores]:
    split = Split.by_fold(landmarks)
    tried = [BaseRate(), TouchVolume(), *models]
    say(f"trying {len(tried)} models")
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        walks = pool.map(lambda model: backtest(model, split), tried)
        scores = {model.name: own for model, own in zip(tried, walks, strict=True)}
    say("finding the ceiling")
    with threadpool_limits(1):
        scores[CEILING] = ceiling_scores(models, split, seed)[ALL]
    return scores


def _record(table: PathTable, landmarks: Landmarks) -> dict[str, Any]:
    conversions = int(table.conversions.sum())
    return {
        "outcome": OUTCOME,
        "lookback": None,
        "landmarks": int(landmarks.count.sum()),
        "conversions": conversions,
        "attributed": conversions,
        "unattributed": 0,
        "periods": FOLDS,
        "as_of": None,
        "sampled_landmarks": int(landmarks.count.sum()),
        "note": "",
    }


def _credit_marts(divided: pl.DataFrame, transitions: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the result tables of credit as those of a trial with a clock."""
    outcome = pl.lit(OUTCOME).alias("outcome")
    unknown = [
        pl.lit(None, dtype=pl.Float64).alias(f"{name}{end}")
        for name in ("cpa", "roas")
        for end in ("", "_low", "_high")
    ]
    effects = divided.filter(pl.col("removal_effect").is_not_null())
    first = transitions.filter(pl.col("model") == "markov_1")
    return {
        "channel_credit": divided.drop("removal_effect").select(
            outcome, pl.all(), pl.lit(None, dtype=pl.Float64).alias("cost"), *unknown
        ),
        "removal_effects": effects.select(outcome, "model", "channel", "removal_effect"),
        "channel_transitions": first.select(
            outcome,
            pl.col("from").alias("from_channel"),
            pl.col("to").alias("to_channel"),
            pl.col("count").alias("transitions"),
            "probability",
        ),
    }
