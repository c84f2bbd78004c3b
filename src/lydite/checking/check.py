"""Checks the sources of a run: loads them and builds journeys, and runs no model."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from lydite import inputs, journeys, pipeline
from lydite.attribution.path_credit import notes_on_table
from lydite.checking.data_check import ColumnSummary, DataCheck, DataFinding, OutcomeSummary
from lydite.checking.data_check import TableSummary as Summary
from lydite.checking.findings import findings_of, sort_findings, warnings_with_fixes
from lydite.checking.tables import source_name, summarise_tables
from lydite.errors import InputError
from lydite.journeys.direct import is_direct
from lydite.models import models_from_settings
from lydite.path_comparison import OUTCOME, why_not_compared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from lydite.engine import DuckDBEngine
    from lydite.inputs import Source
    from lydite.settings import Settings

    Progress = Callable[[str], None]

_CONVERSIONS = """
select
    count(*),
    count(*) filter (where path_length = 0),
    count(*) filter (where path_length = 0 and user_key not in (
        select user_key from journeys.touches
    ))
from journeys.conversions
where outcome = $outcome
"""
_MOST_VALUES = 5


def check_tables(
    engine: DuckDBEngine,
    sources: Mapping[str, Source],
    settings: Settings,
    progress: Progress | None = None,
) -> DataCheck:
    """Check the sources of the input tables as a run would load them.

    Parameters
    ----------
    engine
        An engine in memory.
    sources
        The sources by table.
    settings
        The settings of the run.
    progress
        Called with a description of each step before it starts.

    Raises
    ------
    InputError
        When a model of the settings does not exist.
    """
    models = models_from_settings(settings)
    try:
        pipeline.prepare(engine, sources, settings, progress)
    except InputError as error:
        return _unusable(engine, sources, settings, error)
    rows = pipeline.read_outcomes(engine, scored_only=False)
    tables = summarise_tables(engine, sources)
    outcomes = [_outcome(engine, row) for row in rows]
    found = findings_of(engine, settings, models, rows, tables, outcomes)
    direct = sorted(journeys.direct_channels(engine))
    return DataCheck(tuple(tables), tuple(outcomes), tuple(found), tuple(direct))


def _outcome(engine: DuckDBEngine, row: Mapping[str, Any]) -> OutcomeSummary:
    total, without, strangers = engine.rows(_CONVERSIONS, {"outcome": row["outcome"]})[0]
    return OutcomeSummary(
        row["outcome"],
        total,
        without,
        strangers,
        row["repeats"],
        row["after_conversion"],
        row["lookback"],
        row["first_at"].date(),
        row["as_of"].date(),
        (row["as_of"] - row["first_at"]) // timedelta(days=1),
        row["period"],
        row["periods"],
        row["first_forecast"],
    )


def _unusable(
    engine: DuckDBEngine, sources: Mapping[str, Source], settings: Settings, error: InputError
) -> DataCheck:
    """Return what can be known where the data cannot be used: each table is loaded alone."""
    loaded, wrong = [], []
    for name in inputs.TABLES:
        if name not in sources:
            continue
        try:
            pipeline.load_alone(engine, name, sources[name], settings)
        except InputError as of_table:
            wrong.append(_error(of_table, name))
        else:
            loaded.append(name)
    wrong = wrong or [_error(error)]
    return DataCheck(tuple(summarise_tables(engine, sources, loaded)), (), tuple(wrong))


def _error(error: InputError, table: str | None = None) -> DataFinding:
    """Return the finding of an error, whose message may end with what to do."""
    text, found, fix = str(error).partition(" What to do: ")
    return DataFinding(
        "error", "unusable", text, fix if found else "correct the source, and check again", table
    )


def check_paths(
    engine: DuckDBEngine, paths: Source, settings: Settings, separator: str | None = None
) -> DataCheck:
    """Check a path table.

    Parameters
    ----------
    engine
        An engine in memory.
    paths
        The source.
    settings
        The settings of the run.
    separator
        The text between two steps of a path; None to detect it.
    """
    models = models_from_settings(settings)
    try:
        table = inputs.read_path_table(engine, paths, separator)
    except InputError as error:
        return DataCheck((), (), (_error(error, "paths"),))
    rows, conversions = len(table.length), int(table.conversions.sum())
    touches = np.bincount(
        table.channel,
        np.repeat(table.conversions + table.nulls, table.length),
        len(table.channels),
    )
    top = sorted(zip(table.channels, touches.astype(int).tolist(), strict=True),
                 key=lambda pair: (-pair[1], pair[0]))  # fmt: skip
    columns = [
        ColumnSummary("path", rows, 0, rows),
        ColumnSummary("channel", int(touches.sum()), 0, len(top), top=tuple(top[:_MOST_VALUES])),
        ColumnSummary("conversions", rows, 0, None, *_range(table.conversions)),
        ColumnSummary("nulls", rows, 0, None, *_range(table.nulls)),
    ]
    read = rows + table.without_journeys
    summary = Summary("paths", source_name(paths), read, rows, 0, 0, (), tuple(columns))
    found = warnings_with_fixes(notes_on_table(table, models))
    note = why_not_compared(table)
    if note:
        text = f"{note}. Credit is computed nevertheless."
        found.append(DataFinding("warning", "too_early", text, "add more journeys", "paths"))
    direct = sorted(filter(is_direct, table.channels))
    outcome = OutcomeSummary(OUTCOME, conversions, 0)
    return DataCheck((summary,), (outcome,), tuple(sort_findings(found)), tuple(direct))


def _range(counts: np.ndarray[Any, np.dtype[Any]]) -> tuple[int, int]:
    return int(counts.min()), int(counts.max())
