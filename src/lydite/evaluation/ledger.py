"""The ledger: stored scores of every model, period, segment and bucket.

The first scores of a period are never changed. Scores with data that has arrived since are stored
in separate tables. Scores from wrong data can be voided (`lydite.evaluation.voids`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.errors import InputError
from lydite.evaluation import voids
from lydite.evaluation.scores import N_GRID, Scores
from lydite.evaluation.segments import ALL
from lydite.paths.landmarks import N_BUCKETS
from lydite.timezones import UTC

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.engine import DuckDBEngine
    from lydite.evaluation.calendar import Calendar
    from lydite.evaluation.splits import Split

    ScoresBySegment = dict[str, Scores]

#: Changed whenever the same models on the same data get other forecasts or scores. Earlier scores
#: are then ignored.
METHOD = 6

_COUNTS = ("landmarks", "conversions")
_SUMS = (*_COUNTS, "log_loss", "brier")
_GRID = ("grid_landmarks", "grid_conversions", "grid_forecast")
_KEYS = ("outcome", "segment", "model", "fingerprint", "period_start")
# Scores as first written, and scores with the data that has arrived since.
_FIRST = {"ledger.scores": (_SUMS, "bucket"), "ledger.forecasts": (_GRID, "bin")}
_RESTATED = {
    "ledger.restated_scores": (_SUMS, "bucket"),
    "ledger.restated_forecasts": (_GRID, "bin"),
}


def score_fingerprint(fingerprint: str, calendar: Calendar, cluster: str | None = None) -> str:
    """Return the fingerprint of everything that a score depends on, except the data.

    Parameters
    ----------
    fingerprint
        Fingerprint of the model, or of several.
    calendar
        Only its lookback, the length of its periods and what is on paths matter.
    cluster
        The column of users that buckets are made by; None where they are made by user.
    """
    lookback = calendar.lookback // timedelta(microseconds=1)
    text = f"{METHOD} {fingerprint} {lookback} {calendar.period}"
    if cluster is not None:
        text += f" {cluster}"
    if calendar.timezone != UTC:
        text += f" {calendar.timezone}"
    if calendar.paths:
        text += f" paths: {calendar.paths}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def check_columns(engine: DuckDBEngine) -> None:
    """Check that the tables have all columns that scores are written to.

    Raises
    ------
    InputError
        When a column is missing because another version of Lydite wrote the table.
    """
    for table, (columns, key) in {**_FIRST, **_RESTATED}.items():
        if not engine.exists(table):
            continue
        voids.add_generation(engine, table)
        missing = {*_KEYS, key, *columns} - set(engine.columns(table))
        if missing:
            raise InputError(
                f"{table} has no column {', '.join(sorted(missing))}: another version of Lydite"
                " wrote it, and this version cannot add to its scores. Move the warehouse file"
                " away; the next run writes a new one and scores all periods again."
            )


# --- periods to score -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """The periods of one model that must be scored, and their scores once they are.

    Attributes
    ----------
    outcome, model, fingerprint
        What the scores belong to; the fingerprint is that of `score_fingerprint`.
    missing, changed : (p,) bool
        The periods without scores, and those whose data has changed since they were scored.
    scores
        By segment.
    """

    outcome: str
    model: str
    fingerprint: str
    missing: NDArray[np.bool_]
    changed: NDArray[np.bool_]
    scores: Mapping[str, Scores] = field(default_factory=dict)

    @property
    def to_score(self) -> NDArray[np.bool_]:
        """The periods to forecast and score."""
        return self.missing | self.changed

    @property
    def key(self) -> dict[str, str]:
        """Column values that all rows of the entry share."""
        return {"outcome": self.outcome, "model": self.model, "fingerprint": self.fingerprint}


def pending_entries(
    engine: DuckDBEngine,
    outcome: str,
    fingerprints: Mapping[str, str],
    calendar: Calendar,
    split: Split,
) -> list[Entry]:
    """Return an entry for each model, with the periods that must be scored now.

    A period has changed when its numbers of landmarks or conversions differ from those that were
    scored. Only buckets of the present sample are compared, because a sample of whole buckets may
    have become smaller. It is no change if only landmarks of bot-like users are missing: users may
    become bot-like long after their first periods were scored.

    Parameters
    ----------
    fingerprints
        `score_fingerprint` by name of the model.
    """
    rows = _rows(engine, "ledger.scores", None, outcome, ALL)
    stored = _to_arrays(rows, fingerprints, calendar, "bucket", _COUNTS, N_BUCKETS)
    now = _counts(split) if stored else {}
    aside = _set_aside_counts(engine, outcome, calendar) if stored else {}
    n_buckets = int(split.landmarks.bucket.max(initial=-1)) + 1

    def entry(model: str) -> Entry:
        scored = changed = np.zeros(len(calendar), dtype=bool)
        then = stored.get((model, ALL))
        if then is not None:
            scored = np.asarray(then["landmarks"].any(axis=1))
            differs = [
                (then[name] < now[name]) | (then[name] > now[name] + aside[name])
                for name in _COUNTS
            ]
            either = (differs[0] | differs[1])[:, :n_buckets].any(axis=1)
            changed = np.asarray(scored & either)
        return Entry(outcome, model, fingerprints[model], ~scored, changed)

    return [entry(model) for model in fingerprints]


def _counts(split: Split) -> dict[str, NDArray[np.float64]]:
    """Return the landmarks and conversions of each period and bucket, (periods, 256) arrays."""
    bucket, converted = split.landmarks.bucket, split.landmarks.converted
    counts = [
        [
            np.bincount(own, minlength=N_BUCKETS)
            for own in (bucket[rows], bucket[rows][converted[rows]])
        ]
        for rows in split.test_rows
    ]
    return dict(zip(_COUNTS, np.array(counts, dtype=float).swapaxes(0, 1), strict=True))


def _set_aside_counts(
    engine: DuckDBEngine, outcome: str, calendar: Calendar
) -> dict[str, NDArray[np.float64]]:
    """Return the counts of the landmarks that the sample leaves out, like `_counts`."""
    counts = {name: np.zeros((len(calendar), N_BUCKETS)) for name in _COUNTS}
    if engine.exists("evaluation.set_aside"):
        rows = engine.fetch_numpy(
            "select bucket, happened_at, converted from evaluation.set_aside"
            " where outcome = $outcome",
            {"outcome": outcome},
        )
        period = calendar.period_of(rows["happened_at"].astype("datetime64[us]"))
        cells = (period, rows["bucket"])
        for name, n in zip(_COUNTS, (np.ones(len(period)), rows["converted"]), strict=True):
            np.add.at(counts[name], tuple(own[period >= 0] for own in cells), n[period >= 0])
    return counts


# --- writing --------------------------------------------------------------------------------------


def write(engine: DuckDBEngine, calendar: Calendar, entries: Sequence[Entry]) -> None:
    """Write the scores of models in one transaction.

    Scores of missing periods are appended to the first scores. Scores of changed periods replace
    the restated scores of the model; its first scores stay. ``ledger.scores`` has a row per
    segment, period and bucket, ``ledger.forecasts`` a row per segment, period and bin of the
    forecast.
    """
    with engine.transaction():
        _append(engine, _FIRST, calendar, [(entry, entry.missing) for entry in entries])
        for table in filter(engine.exists, _RESTATED):
            for entry in entries:
                matches = " and ".join(f"{name} = ${name}" for name in entry.key)
                engine.run(f"delete from {table} where {matches}", entry.key)
        _append(engine, _RESTATED, calendar, [(entry, entry.changed) for entry in entries])


def _append(
    engine: DuckDBEngine,
    tables: Mapping[str, tuple[tuple[str, ...], str]],
    calendar: Calendar,
    entries: Sequence[tuple[Entry, NDArray[np.bool_]]],
) -> None:
    """Append some of the periods of each entry."""
    for table, (columns, key) in tables.items():
        frames = [
            _to_rows(own, columns, key, calendar, periods).with_columns(
                pl.lit(value).alias(name)
                for name, value in {"segment": segment, **entry.key}.items()
            )
            for entry, periods in entries
            if periods.any()
            for segment, own in entry.scores.items()
        ]
        if frames:
            rows = pl.concat(frames).join(
                voids.generations(engine), on=["outcome", "period_start"], how="left"
            )
            with engine.registered(rows.with_columns(pl.col("generation").fill_null(0))) as frame:
                engine.append(table, f"from {frame}")


def _to_rows(
    scores: Scores,
    columns: tuple[str, ...],
    key: str,
    calendar: Calendar,
    periods: NDArray[np.bool_],
) -> pl.DataFrame:
    """Return a row per period and bucket (or bin) with landmarks, for some of the periods."""
    first: NDArray[np.float64] = getattr(scores, columns[0])
    period, place = np.nonzero(first * periods[:, None])
    return pl.DataFrame(
        {
            "period_start": calendar.local_starts[period],
            key: place.astype(np.int16),
            **{name: getattr(scores, name)[period, place] for name in columns},
        }
    )


# --- reading --------------------------------------------------------------------------------------


def read_scores(
    engine: DuckDBEngine,
    outcome: str,
    fingerprints: Mapping[str, str],
    calendar: Calendar,
    *,
    segment: str | None = None,
    restated: bool = False,
) -> dict[str, ScoresBySegment]:
    """Return the scores of models of one outcome, by name and segment.

    Parameters
    ----------
    fingerprints
        `score_fingerprint` by name of the model; scores with other fingerprints are ignored.
    segment
        Read only this one; None for all.
    restated
        Replace the first scores by restated ones where there are any.
    """
    result: dict[str, ScoresBySegment] = {}
    parts = {}
    for table, restated_table, width in zip(_FIRST, _RESTATED, (N_BUCKETS, N_GRID), strict=True):
        columns, key = _FIRST[table]
        rows = _rows(engine, table, restated_table if restated else None, outcome, segment)
        parts[table] = _to_arrays(rows, fingerprints, calendar, key, columns, width)
    sums, grid = parts.values()
    empty = {name: np.zeros((len(calendar), N_GRID)) for name in _GRID}
    for (model, label), columns_of in sums.items():
        scores = Scores(**columns_of, **grid.get((model, label), empty))
        result.setdefault(model, {})[label] = scores
    return result


def state(engine: DuckDBEngine, outcome: str) -> str:
    """Return what shows whether the scores of an outcome have changed: counts and voids."""
    found = [
        engine.scalar(
            f"select count(*) from {table} where outcome = $outcome", {"outcome": outcome}
        )
        for table in (*_FIRST, *_RESTATED)
        if engine.exists(table)
    ]
    return f"{found} {voids.generations(engine).sort(pl.all()).rows()}"


def has_restated_scores(
    engine: DuckDBEngine, outcome: str, fingerprints: Mapping[str, str]
) -> bool:
    """Return whether any scores of these models of an outcome were restated.

    Scores with other fingerprints are ignored.
    """
    if not engine.exists("ledger.restated_scores"):
        return False
    restated = engine.rows(
        f"select distinct model, fingerprint from {voids.current(engine, 'ledger.restated_scores')}"
        " where outcome = $outcome",
        {"outcome": outcome},
    )
    return not fingerprints.items().isdisjoint(restated)


def _rows(
    engine: DuckDBEngine, table: str, restated: str | None, outcome: str, segment: str | None
) -> pl.DataFrame:
    """Return the rows of a table; those of a restated table replace rows of the same period."""
    if not engine.exists(table):
        return pl.DataFrame(schema={"model": pl.String})
    matches = "outcome = $outcome" + (" and segment = $segment" if segment else "")
    query = f"select * from {voids.current(engine, table)} where {matches}"
    if restated and engine.exists(restated):
        late = voids.current(engine, restated)
        query = (
            f"select first.* from ({query}) as first"
            f" anti join {late} as restated using (outcome, model, fingerprint, period_start)"
            f" union all by name select * from {late} where {matches}"
        )
    return engine.frame(query, {"outcome": outcome, "segment": segment})


def _to_arrays(
    rows: pl.DataFrame,
    fingerprints: Mapping[str, str],
    calendar: Calendar,
    key: str,
    columns: tuple[str, ...],
    width: int,
) -> dict[tuple[str, str], dict[str, NDArray[np.float64]]]:
    """Return (periods, width) arrays by model and segment, one for each column.

    Drops rows with other fingerprints, and of periods that the calendar does not have.
    """
    if rows.is_empty():
        return {}
    starts = pl.Series(calendar.local_starts).implode()
    current = pl.DataFrame(
        {"model": list(fingerprints), "fingerprint": list(fingerprints.values())},
        schema={"model": pl.String, "fingerprint": pl.String},
    )
    rows = rows.join(current, on=["model", "fingerprint"], how="semi").filter(
        pl.col("period_start").is_in(starts)
    )
    result = {}
    for (model, segment), part in rows.partition_by(
        "model", "segment", as_dict=True, maintain_order=True
    ).items():
        starts_of_rows = part["period_start"].to_numpy().astype("datetime64[us]")
        period, place = np.searchsorted(calendar.local_starts, starts_of_rows), part[key].to_numpy()
        arrays = {name: np.zeros((len(calendar), width)) for name in columns}
        for name in columns:
            arrays[name][period, place] = part[name].to_numpy()
        result[str(model), str(segment)] = arrays
    return result
