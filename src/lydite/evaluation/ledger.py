"""The ledger: scores of every model, period, segment and bucket; what is scored once stays."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.errors import InputError
from lydite.evaluation.scores import N_GRID, Scores
from lydite.evaluation.segments import ALL
from lydite.paths.landmarks import N_BUCKETS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.engine import DuckDBEngine
    from lydite.evaluation.calendar import Calendar
    from lydite.evaluation.splits import Split

    ScoresBySegment = dict[str, Scores]

#: Changed whenever forecasts or scores of the same models on the same data come to mean something
#: else: evidence of before is then not added to.
METHOD = 4

_COUNTS = ("landmarks", "conversions")
_SUMS = (*_COUNTS, "log_loss", "brier")
_GRID = ("grid_landmarks", "grid_conversions", "grid_forecast")
_HEAD = ("outcome", "segment", "model", "fingerprint", "period_start")
# Scores as they were first written, and as they would be with what has come in since.
_FIRST = {"ledger.scores": (_SUMS, "bucket"), "ledger.forecasts": (_GRID, "bin")}
_AGAIN = {"ledger.restated_scores": (_SUMS, "bucket"), "ledger.restated_forecasts": (_GRID, "bin")}


def score_fingerprint(fingerprint: str, calendar: Calendar) -> str:
    """Return the fingerprint of all that a score depends on but the data.

    Parameters
    ----------
    fingerprint
        That of the model, or of several.
    calendar
        Its lookback and period count; which periods there are by now does not.
    """
    lookback = int(calendar.lookback.astype("timedelta64[us]").astype(np.int64))
    text = f"{METHOD} {fingerprint} {lookback} {calendar.period}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def check_columns(engine: DuckDBEngine) -> None:
    """Raise an error where another version wrote the ledger, before anything is added to it.

    Raises
    ------
    InputError
        When a table lacks a column of those that scores are written in now.
    """
    for table, (columns, key) in {**_FIRST, **_AGAIN}.items():
        if not engine.exists(table):
            continue
        missing = {*_HEAD, key, *columns} - set(engine.columns(table))
        if missing:
            raise InputError(
                f"{table} has no column {', '.join(sorted(missing))}: another version of Lydite"
                " wrote it, and evidence cannot go on from there. Set the warehouse's file aside;"
                " the next run makes a new one, with scores from the first period on."
            )


# --- what is missing ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """What is due of one model, and its scores once it has been walked.

    Attributes
    ----------
    outcome, model, fingerprint
        Whose scores they are; the last is of `score_fingerprint`.
    missing, changed : (p,) bool
        The periods that have no scores yet, and those of which other data is known by now.
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
        """The periods to forecast."""
        return self.missing | self.changed

    @property
    def head(self) -> dict[str, str]:
        """What all of its rows begin with."""
        return {"outcome": self.outcome, "model": self.model, "fingerprint": self.fingerprint}


def pending_entries(
    engine: DuckDBEngine,
    outcome: str,
    fingerprints: Mapping[str, str],
    calendar: Calendar,
    split: Split,
) -> list[Entry]:
    """Return what of models is to be scored now.

    Periods that have no scores yet are missing. Those of which other landmarks or conversions are
    known by now have changed; only buckets that are in the sample now are compared, since a sample
    of whole buckets may have shrunk.

    Parameters
    ----------
    fingerprints
        The definition of each model.
    """
    rows = _rows(engine, "ledger.scores", None, outcome, ALL)
    kept = _wide(rows, fingerprints, calendar, "bucket", _COUNTS, N_BUCKETS)
    now = _counts(split) if kept else {}
    sampled = int(split.landmarks.bucket.max(initial=-1)) + 1

    def entry(model: str) -> Entry:
        scored = changed = np.zeros(len(calendar), dtype=bool)
        then = kept.get((model, ALL))
        if then is not None:
            scored = np.asarray(then["landmarks"].any(axis=1))
            differs = [(then[name] != now[name])[:, :sampled].any(axis=1) for name in _COUNTS]
            changed = np.asarray(scored & (differs[0] | differs[1]))
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


# --- writing --------------------------------------------------------------------------------------


def write(engine: DuckDBEngine, calendar: Calendar, entries: Sequence[Entry]) -> None:
    """Write the scores of models, all of them or nothing.

    Of periods that had none they are appended. Of periods that have changed they are written beside
    the first scores, which stay as they are, in the place of what was restated before.
    ``ledger.scores`` has a row per segment, period and bucket, ``ledger.forecasts`` a row per
    segment, period and bin of the forecast.
    """
    with engine.transaction():
        _append(engine, _FIRST, calendar, [(entry, entry.missing) for entry in entries])
        for table in filter(engine.exists, _AGAIN):
            for entry in entries:
                own = " and ".join(f"{name} = ${name}" for name in entry.head)
                engine.run(f"delete from {table} where {own}", entry.head)
        _append(engine, _AGAIN, calendar, [(entry, entry.changed) for entry in entries])


def _append(
    engine: DuckDBEngine,
    tables: Mapping[str, tuple[tuple[str, ...], str]],
    calendar: Calendar,
    entries: Sequence[tuple[Entry, NDArray[np.bool_]]],
) -> None:
    """Append some of the periods of each entry."""
    for table, (columns, key) in tables.items():
        frames = [
            _long(own, columns, key, calendar, periods).with_columns(
                pl.lit(value).alias(name)
                for name, value in {"segment": segment, **entry.head}.items()
            )
            for entry, periods in entries
            if periods.any()
            for segment, own in entry.scores.items()
        ]
        if frames:
            with engine.registered(pl.concat(frames)) as frame:
                engine.append(table, f"from {frame}")


def _long(
    scores: Scores,
    columns: tuple[str, ...],
    key: str,
    calendar: Calendar,
    periods: NDArray[np.bool_],
) -> pl.DataFrame:
    first: NDArray[np.float64] = getattr(scores, columns[0])
    period, place = np.nonzero(first * periods[:, None])
    return pl.DataFrame(
        {
            "period_start": calendar.starts[period],
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
        The definition of each model; evidence of any other definition is left aside.
    segment
        Only this one; all where None.
    restated
        Put restated periods in the place of the first scores.
    """
    result: dict[str, ScoresBySegment] = {}
    parts = {}
    for table, again, width in zip(_FIRST, _AGAIN, (N_BUCKETS, N_GRID), strict=True):
        columns, key = _FIRST[table]
        rows = _rows(engine, table, again if restated else None, outcome, segment)
        parts[table] = _wide(rows, fingerprints, calendar, key, columns, width)
    sums, grid = parts.values()
    empty = {name: np.zeros((len(calendar), N_GRID)) for name in _GRID}
    for (model, own), columns_of in sums.items():
        scores = Scores(**columns_of, **grid.get((model, own), empty))
        result.setdefault(model, {})[own] = scores
    return result


def has_restated_scores(
    engine: DuckDBEngine, outcome: str, fingerprints: Mapping[str, str]
) -> bool:
    """Return whether any scores of models of an outcome were restated.

    What was restated of any other definition is left aside.
    """
    if not engine.exists("ledger.restated_scores"):
        return False
    restated = engine.rows(
        "select distinct model, fingerprint from ledger.restated_scores where outcome = $outcome",
        {"outcome": outcome},
    )
    return not fingerprints.items().isdisjoint(restated)


def _rows(
    engine: DuckDBEngine, table: str, again: str | None, outcome: str, segment: str | None
) -> pl.DataFrame:
    """Return the rows of a table, restated ones in the place of the first where there are any."""
    if not engine.exists(table):
        return pl.DataFrame(schema={"model": pl.String})
    own = "outcome = $outcome" + (" and segment = $segment" if segment else "")
    first = f"select * from {table} where {own}"
    if again and engine.exists(again):
        first = (
            f"select first.* from ({first}) as first"
            f" anti join {again} as again using (outcome, model, fingerprint, period_start)"
            f" union all by name select * from {again} where {own}"
        )
    return engine.frame(first, {"outcome": outcome, "segment": segment})


def _wide(
    rows: pl.DataFrame,
    fingerprints: Mapping[str, str],
    calendar: Calendar,
    key: str,
    columns: tuple[str, ...],
    width: int,
) -> dict[tuple[str, str], dict[str, NDArray[np.float64]]]:
    if rows.is_empty():
        return {}
    starts = pl.Series(calendar.starts).implode()
    current = pl.DataFrame(
        {"model": list(fingerprints), "fingerprint": list(fingerprints.values())},
        schema={"model": pl.String, "fingerprint": pl.String},
    )
    rows = rows.join(current, on=["model", "fingerprint"], how="semi").filter(
        pl.col("period_start").is_in(starts)
    )
    result = {}
    # Segments that are gone by now are still in the ledger, and so are periods of other calendars.
    for (model, segment), part in rows.partition_by(
        "model", "segment", as_dict=True, maintain_order=True
    ).items():
        begun = part["period_start"].to_numpy().astype("datetime64[us]")
        period, place = np.searchsorted(calendar.starts, begun), part[key].to_numpy()
        wide = {name: np.zeros((len(calendar), width)) for name in columns}
        for name in columns:
            wide[name][period, place] = part[name].to_numpy()
        result[str(model), str(segment)] = wide
    return result
