"""Simulated data of the benchmarks: seeded, and cached until this file changes."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CACHE = Path(__file__).parents[1] / "var" / "benchmarks"
CHANNELS = (
    "search",
    "direct",
    "email",
    "social",
    "display",
    "affiliate",
    "video",
    "referral",
    "catalogue",
    "radio",
)
"""The ten channels, the most frequent first."""

_MEAN_LENGTH = 4.0  # of a journey; distinct paths are longer, since short ones come again and again
_SHAPE = (
    2.0  # of the negative binomial distribution of lengths: one journey in nine is a single touch
)
_STAY = 0.2  # the chance that the next touch is of the same channel
_PULL = 0.02  # of a touch of the first channel; the last pulls three times as much
_PULL_OF_TEN = 0.0153  # with which one journey in ten converts
_BLOCK = 500_000  # journeys that are drawn at once, which bounds memory
_VALUE = (4.0, 0.8)  # mean and spread of the logarithm of a conversion's value
START = np.datetime64("2025-01-01", "us")
_SPAN_HOURS = 24 * 182.5  # in which journeys begin
_GAP_HOURS = 48.0  # between touches, on average
_SOON_HOURS = 6.0  # from the last touch to a conversion, on average
_DIGEST = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]


def path_table(paths: int, factor: int = 1, seed: int = 0, folder: Path = CACHE) -> Path:
    """Return a Parquet file with a path table, made at the first call.

    Parameters
    ----------
    paths, factor, seed
        As in `make_paths`.
    folder
        Where files are kept.
    """
    file = folder / f"paths_{paths}_x{factor}_seed{seed}_{_DIGEST}.parquet"
    return _kept(file, lambda: make_paths(paths, factor, seed))


def make_paths(paths: int, factor: int = 1, seed: int = 0) -> pl.DataFrame:
    """Draw journeys until they have taken a number of distinct paths, and count them.

    Journeys have four touches on average, and some have more than twenty. Each touch raises the
    chance of a conversion.

    Parameters
    ----------
    paths
        How many distinct paths there are.
    factor
        All counts and values are multiplied by it: the same paths stand for so many more touches.
    seed
        Seeds the draws.

    Returns
    -------
    The columns ``path, conversions, value, nulls``, a row for each path, in order of appearance.
    """
    journeys = 4 * paths
    while True:
        table = _counted(_drawn(journeys, np.random.default_rng(seed)), paths)
        if len(table) == paths:
            counts = pl.col("conversions", "nulls") * factor
            return table.select("path", counts, value=pl.col("cents") * factor / 100).select(
                "path", "conversions", "value", "nulls"
            )
        journeys *= 2


def journey_table(touches: int, seed: int = 0, folder: Path = CACHE) -> Path:
    """Return a Parquet file with the path table of about so many touches, made at the first call.

    Parameters
    ----------
    touches, seed
        As in `make_journeys`.
    folder
        Where files are kept.
    """
    file = folder / f"journeys_{touches}_seed{seed}_{_DIGEST}.parquet"
    return _kept(file, lambda: make_journeys(touches, seed))


def make_journeys(touches: int, seed: int = 0) -> pl.DataFrame:
    """Draw journeys with about so many touches in total, and count them by path.

    Journeys are as in `make_paths`, but one in ten converts.

    Parameters
    ----------
    touches
        How many touches the journeys have in total, on average over seeds.
    seed
        Seeds the draws.

    Returns
    -------
    The columns ``path, conversions, value, nulls``, a row for each path, the most frequent first.
    """
    journeys = round(touches / _MEAN_LENGTH)
    sizes = [min(_BLOCK, journeys - begun) for begun in range(0, journeys, _BLOCK)]
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))
    blocks = [
        _by_path(_drawn(size, np.random.default_rng(own), _PULL_OF_TEN))
        for size, own in zip(sizes, seeds, strict=True)
    ]
    counts = pl.concat(blocks).group_by("path").agg(pl.col("conversions", "nulls", "cents").sum())
    return counts.sort(-(pl.col("conversions") + pl.col("nulls")), "path").select(
        "path", "conversions", pl.col("cents").truediv(100).alias("value"), "nulls"
    )


def touch_tables(touches: int, seed: int = 0, folder: Path = CACHE) -> dict[str, Path]:
    """Return Parquet files of touchpoints and conversions, made at the first call.

    Parameters
    ----------
    touches, seed
        As in `make_touches`.
    folder
        Where files are kept.

    Returns
    -------
    The files ``touchpoints`` and ``conversions``.
    """
    names = ("touchpoints", "conversions")
    files = {name: folder / f"{name}_{touches}_seed{seed}_{_DIGEST}.parquet" for name in names}
    if not all(file.exists() for file in files.values()):
        for file, made in zip(files.values(), make_touches(touches, seed), strict=True):
            _kept(file, partial(pl.DataFrame.clone, made))
    return files


def make_touches(touches: int, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draw the touches and conversions of users over half a year.

    Journeys are as in `make_journeys`, one for each user: it begins at any time of half a year,
    touches follow each other after two days on average, and a conversion comes soon after the last
    one. Rows are in no order of users.

    Parameters
    ----------
    touches
        How many touches there are, on average over seeds.
    seed
        Seeds the draws.

    Returns
    -------
    ``touchpoints`` with the columns ``user_id, touched_at, channel``, and ``conversions`` with
    ``user_id, converted_at, value``.
    """
    journeys = round(touches / _MEAN_LENGTH)
    sizes = [min(_BLOCK, journeys - begun) for begun in range(0, journeys, _BLOCK)]
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))
    blocks = [
        _timed(size, number * _BLOCK, np.random.default_rng(own))
        for number, (size, own) in enumerate(zip(sizes, seeds, strict=True))
    ]
    touchpoints, conversions = (pl.concat(own) for own in zip(*blocks, strict=True))
    return touchpoints.sort("touched_at"), conversions.sort("converted_at")


def _timed(
    journeys: int, first: int, rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draw journeys with times; their users are numbered from `first` on."""
    drawn = _drawn(journeys, rng, _PULL_OF_TEN)
    steps = drawn["path"].str.split(" > ")
    length = steps.list.len().to_numpy()
    gap = rng.exponential(_GAP_HOURS, int(length.sum()))
    begin = np.cumsum(length) - length
    gap[begin] = rng.uniform(0, _SPAN_HOURS, journeys)
    hours = np.cumsum(gap)
    hours -= np.repeat(hours[begin] - gap[begin], length)
    user = pl.Series("user_id", first + np.arange(journeys)).cast(pl.String)
    touchpoints = pl.DataFrame(
        {
            "user_id": user.gather(np.repeat(np.arange(journeys), length)),
            "touched_at": _at(hours),
            "channel": steps.explode(),
        }
    )
    converted = drawn["converted"].to_numpy()
    soon = hours[begin + length - 1] + rng.exponential(_SOON_HOURS, journeys)
    conversions = pl.DataFrame(
        {"user_id": user, "converted_at": _at(soon), "value": drawn["cents"] / 100}
    )
    return touchpoints, conversions.filter(converted)


def _at(hours: NDArray[np.float64]) -> NDArray[np.datetime64]:
    return START + np.rint(3_600_000_000 * hours).astype("timedelta64[us]")


def about(file: Path) -> dict[str, int]:
    """Return how large a path table is.

    Returns
    -------
    ``paths``, the ``touches`` on them and the ``longest`` of them; ``channels``; ``journeys``, and
    the number of their touches, ``all_touches``.
    """
    table = pl.read_parquet(file)
    length = table["path"].str.count_matches(" > ", literal=True).cast(pl.Int64) + 1
    journeys = table["conversions"] + table["nulls"]
    return {
        "paths": len(table),
        "touches": int(length.sum()),
        "longest": int(length.to_numpy().max()),
        "channels": table["path"].str.split(" > ").explode().n_unique(),
        "journeys": int(journeys.sum()),
        "all_touches": int((length * journeys).sum()),
    }


def _kept(file: Path, make: Callable[[], pl.DataFrame]) -> Path:
    """Return a file with what is made, which is done at the first call."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        make().write_parquet(part)
        part.rename(file)
    return file


def _drawn(journeys: int, rng: np.random.Generator, least_pull: float = _PULL) -> pl.DataFrame:
    """Return journeys: the path of each, whether it converted, and what that is worth."""
    extra = rng.negative_binomial(_SHAPE, _SHAPE / (_SHAPE + _MEAN_LENGTH - 1), journeys)
    channel = _channels(journeys, int(extra.max()) + 1, rng)
    on_path = np.arange(channel.shape[1]) <= extra[:, None]
    pull = least_pull * np.linspace(1, 3, len(CHANNELS))
    converted = rng.random(journeys) < -np.expm1(-np.where(on_path, pull[channel], 0).sum(axis=1))
    worth = np.rint(100 * rng.lognormal(*_VALUE, journeys)).astype(np.int64)
    steps = pl.Series(np.array(CHANNELS)[channel[on_path]])
    number = np.repeat(np.arange(journeys), extra + 1)
    path = (
        pl.DataFrame({"journey": number, "step": steps})
        .group_by("journey", maintain_order=True)
        .agg(path=pl.col("step").str.join(" > "))
    )
    # Cents are whole, so that their sums do not depend on the order of adding.
    return path.with_columns(converted=converted, cents=np.where(converted, worth, 0))


def _channels(journeys: int, longest: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Return the channel of each touch, (journeys, longest): a chain that tends to repeat."""
    popularity = 1 / np.sqrt(np.arange(1, len(CHANNELS) + 1))
    size = (journeys, longest)
    channel = rng.choice(len(CHANNELS), size, p=popularity / popularity.sum()).astype(np.int8)
    stays = rng.random(size) < _STAY
    for touch in range(1, longest):
        channel[:, touch] = np.where(stays[:, touch], channel[:, touch - 1], channel[:, touch])
    return channel


def _counted(journeys: pl.DataFrame, paths: int) -> pl.DataFrame:
    """Count the journeys on each path, up to the one that takes the last of so many paths first."""
    first = journeys.group_by("path", maintain_order=True).agg(pl.col("journey").first())
    last = first["journey"][min(paths, len(first)) - 1]
    return _by_path(journeys.filter(pl.col("journey") <= last))


def _by_path(journeys: pl.DataFrame) -> pl.DataFrame:
    """Count journeys by path, in order of appearance."""
    return journeys.group_by("path", maintain_order=True).agg(
        conversions=pl.col("converted").sum().cast(pl.Int64),
        nulls=(~pl.col("converted")).sum().cast(pl.Int64),
        cents=pl.col("cents").sum(),
    )
