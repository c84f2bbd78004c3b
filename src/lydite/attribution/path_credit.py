"""Credit by channel from a path table, with bootstrap intervals."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy import sparse
from threadpoolctl import threadpool_limits

from lydite.attribution.bootstrap import counts_by_unit, credit_replicates, draw_journeys
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.inputs.path_table import PathTable, read_path_table
from lydite.journeys.direct import is_direct, note_on_direct
from lydite.journeys.outcome_channels import note_on_outcome_channels
from lydite.models import Markov, Model, UniqueFeatures, choose, make_models
from lydite.models.base import use_direct, weight_columns
from lydite.models.posterior import with_credit
from lydite.paths.arrays import normalize_rows
from lydite.paths.path_table_landmarks import landmarks_of, paths_of, summed_landmarks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.inputs import Source
    from lydite.models import Landmarks, Paths
    from lydite.models.posterior import CreditKind

    Normalise = Literal["path", "global"]

_FIGURES, _ENDS = ("conversions", "value", "share"), ("_low", "_high")
_BOUNDS = tuple(f"{name}{end}" for name in _FIGURES for end in _ENDS)
_TRANSITIONS = {
    "model": pl.String, "from": pl.String, "to": pl.String, "count": pl.Float64,
    "probability": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class PathCredit:
    """Credit by channel, as plain frames.

    Attributes
    ----------
    table
        One row per model and channel.
    transitions
        The transition matrices of the Markov models, one row per non-zero entry.
    left_out
        Why a model was left out, by name.
    notes
        What to know about the table, as kinds and texts.
    """

    table: pl.DataFrame
    transitions: pl.DataFrame
    left_out: Mapping[str, str]
    notes: Sequence[tuple[str, str]] = ()


def credit_paths(
    paths: Source,
    models: str | Model | Sequence[str | Model] | None = None,
    normalise: Normalise = "path",
    seed: int | None = 0,
    separator: str | None = None,
    credit: CreditKind = "rule",
) -> PathCredit:
    """Attribute the conversions of a path table with every model that does not need times.

    Parameters
    ----------
    paths, models, normalise, separator, credit
        As in `lydite.credit`.
    seed
        Seeds the bootstrap of the intervals; None for no intervals.

    Raises
    ------
    InputError
        When the table cannot be used, or a model that was asked for cannot run on it.
    """
    with DuckDBEngine() as engine:
        table, threads = read_path_table(engine, paths, separator), engine.threads
    rivals, left_out = models_without_clock(models, len(table.channels))
    rivals = with_credit(rivals, credit)
    if normalise == "global":
        rivals = [_GlobalMarkov(m.order) if type(m) is Markov else m for m in rivals]
    with threadpool_limits(1, user_api="blas"):
        found, transitions = attribute_paths(table, rivals, seed, threads)
    return PathCredit(found, transitions, left_out, notes_on_table(table, rivals))


def notes_on_table(table: PathTable, models: Sequence[Model]) -> list[tuple[str, str]]:
    """Return what to know about a path table, as kinds and texts."""
    found = {
        "outcome_channel": note_on_outcome_channels(_last_channels(table)),
        "direct": note_on_direct(filter(is_direct, table.channels)) if use_direct(models) else None,
    }
    return [*table.notes, *((kind, text) for kind, text in found.items() if text)]


def _last_channels(table: PathTable) -> list[tuple[str, float, float]]:
    """Return each channel with its landmarks, and how many of them convert."""
    journeys = np.repeat(table.conversions + table.nulls, table.length)
    last = table.channel[table.start + table.length - 1]
    size = len(table.channels)
    landmarks = np.bincount(table.channel, journeys, size)
    converted = np.bincount(last, table.conversions, size)
    return list(zip(table.channels, landmarks.tolist(), converted.tolist(), strict=True))


class _GlobalMarkov(Markov):
    """A Markov model that splits all conversions at once in proportion to removal effects."""

    def encode_paths(self, paths: Paths) -> UniqueFeatures:
        """Give every path the same feature row: the split does not depend on the path."""
        return UniqueFeatures(
            np.zeros(len(paths), dtype=np.intp), np.ones((1, len(paths.channels)))
        )

    def shares(self, features: UniqueFeatures) -> Any:  # noqa: ANN401
        """Return the removal effects divided by their sum."""
        del features
        return normalize_rows(sparse.csr_array(self.removal_effects_[None, :]))


def models_without_clock(
    models: str | Model | Sequence[str | Model] | None, channels: int
) -> tuple[list[Model], dict[str, str]]:
    """Return the models that can run on a path table, and why the others are left out.

    Raises
    ------
    InputError
        When a model that was asked for cannot run.
    """
    rivals = make_models() if models is None else choose(models)
    refused = [(model, why) for model in rivals if (why := _refusal(model, channels))]
    if refused and models is not None:
        advice = ": give touchpoints and conversions, or leave the model out"
        raise InputError("\n".join(why + advice * model.needs_clock for model, why in refused))
    left_out = {model.name: why for model, why in refused}
    return [model for model in rivals if model.name not in left_out], left_out


def _refusal(model: Model, channels: int) -> str | None:
    if model.needs_clock:
        return (
            f"the model {model.name!r} needs to know when touches happened, and a path table does"
            " not say"
        )
    return model.refusal(channels)


def attribute_paths(
    table: PathTable, models: Sequence[Model], seed: int | None, threads: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Fit every model and attribute all conversions of the table.

    Parameters
    ----------
    table
        The path table.
    models
        New models, not fitted.
    seed
        Seeds the bootstrap of the intervals; None for no intervals.
    threads
        How many models are fitted at once.

    Returns
    -------
    credit
        One row per model and channel; without a seed the bounds are null.
    transitions
        One row per Markov model and pair of states with a transition.
    """
    sample = _Sample.summed(table, models) if seed is None else _Sample.drawn(table, models, seed)
    with ThreadPoolExecutor(threads) as pool:
        credit = list(pool.map(lambda model: _credit(model, table, sample), models))
    transitions = [_transitions(model, table) for model in models if isinstance(model, Markov)]
    return pl.concat(credit), pl.concat([pl.DataFrame(schema=_TRANSITIONS), *transitions])


@dataclass(frozen=True)
class _Sample:
    """The data that models are fitted on and the paths that they credit.

    Attributes
    ----------
    landmarks
        For the fit, grouped into resampling units; None where no model is fitted.
    paths
        The converted paths, in the same units, numbered 0 to `units` - 1.
    units
        Number of resampling units.
    weights : (replicates, units) array
        How often each unit counts in each bootstrap replicate; None for no intervals.
    """

    landmarks: Landmarks | None
    paths: Paths
    units: int
    weights: NDArray[np.floating] | None = None

    @classmethod
    def summed(cls, table: PathTable, models: Sequence[Model]) -> _Sample:
        """Put all journeys in one unit: enough for credit without intervals."""
        fitted, paths = _fitted(models), paths_of(table, weight_columns(models))
        return cls(
            summed_landmarks(table, weight_columns(fitted)) if fitted else None,
            replace(paths, unit=np.zeros_like(paths.unit)),
            units=1,
        )

    @classmethod
    def drawn(cls, table: PathTable, models: Sequence[Model], seed: int) -> _Sample:
        """Make a unit of all journeys with the same path and the same end, and resample them."""
        fitted, paths = _fitted(models), paths_of(table, weight_columns(models))
        counts = np.concatenate([table.conversions, table.nulls])
        # Paths that never converted, or always did, make one unit, not two.
        unit = np.maximum(np.cumsum(counts > 0) - 1, 0)
        weights = draw_journeys(counts[counts > 0], seed)
        return cls(
            landmarks_of(table, weight_columns(fitted), unit) if fitted else None,
            replace(paths, unit=unit[paths.unit]),
            weights.shape[1],
            weights,
        )


def _fitted(models: Sequence[Model]) -> list[Model]:
    """Return the models that need a fit; rules do not."""
    return [model for model in models if model.learns]


def _credit(model: Model, table: PathTable, sample: _Sample) -> pl.DataFrame:
    """Fit one model and attribute all conversions of the table."""
    paths, everything = sample.paths, np.ones(sample.units)
    statistics = None
    if sample.landmarks is not None and model.learns:
        statistics = model.sufficient_statistics(sample.landmarks, sample.units)
        model.fit_credit(statistics, everything)
    features = model.encode_paths(paths)
    shares = model.shares(features)
    conversions, value = counts_by_unit(features, paths, sample.units)
    own = {
        "conversions": np.asarray((conversions @ everything) @ shares),
        "value": np.asarray((value @ everything) @ shares),
    }
    bounds: dict[str, Any] = {}
    if sample.weights is not None:
        replicates = credit_replicates(model, statistics, features, paths, sample.weights)
        bounds = replicates.bounds(**own)
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
    # Lists, as polars runs a query for every single value that it repeats.
    unknown = [None] * len(table.channels)
    effects = model.removal_effects_ if isinstance(model, Markov) else unknown
    total = pl.col("conversions").sum()
    frame = pl.DataFrame(
        {
            "model": [model.name] * len(table.channels),
            "credit": [model.credit_kind] * len(table.channels),
            "channel": table.channels,
            **dict.fromkeys(_BOUNDS, unknown),
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
    return frame.select("model", "credit", "channel", *columns, "removal_effect").sort(
        pl.col("conversions").round(9), "channel", descending=[True, False]
    )
