"""Comparison of the models of one outcome, as tables: verdicts, evidence by period, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from lydite.evaluation.comparison_table import COMPARISON_SCHEMA, comparison_table
from lydite.evaluation.error_budget import primary_among
from lydite.evaluation.evidence_tables import (
    CALIBRATION_SCHEMA,
    EVIDENCE_SCHEMA,
    calibration_table,
    evidence_table,
)
from lydite.evaluation.pairs import PAIRS_SCHEMA, pairs_table
from lydite.evaluation.segment_results import judge_outcome, small_segments
from lydite.evaluation.segments import ALL
from lydite.evaluation.verdicts import VOLUME
from lydite.evaluation.warnings import DataSize, unjudged_warnings, warnings_table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from lydite.evaluation.calendar import Calendar
    from lydite.evaluation.segment_results import ScoresBySegment
    from lydite.models import Model
    from lydite.settings import EvaluationSettings

#: The tables of a comparison, by name.
TABLES = ("model_comparison", "pairs", "evidence", "calibration", "warnings")


def compare_outcome(
    outcome: str,
    models: Sequence[Model],
    scores: ScoresBySegment,
    calendar: Calendar | None,
    evaluation: EvaluationSettings,
    *,
    restated: ScoresBySegment | None = None,
    notes: Mapping[str, str] | None = None,
    size: DataSize | None = None,
    unreachable: Sequence[str] = (),
    findings: Sequence[tuple[str, str]] = (),
    outcomes: int = 1,
) -> dict[str, pl.DataFrame]:
    """Compare the models of one outcome, on all users and on every segment.

    There are no verdicts on segments with fewer than `MIN_SEGMENT_CONVERSIONS` scored conversions;
    a warning names them.

    Parameters
    ----------
    models
        The rivals to judge; `scores` may hold more.
    scores
        Scores by name and segment, including those of the baselines and of the ceiling.
    calendar
        The periods that were forecast; None for folds, which are not in time.
    evaluation
        `alpha`, `primary` and `worthwhile` are used.
    restated
        Scores with the data that has arrived since the periods were scored; None where none has.
    notes
        Warnings about models, by name.
    size
        Size of the data, scored or not; None where unknown.
    unreachable
        Channels from which no sequence of touches leads to a conversion.
    findings
        Kind and text of each warning about the data.
    outcomes
        The number of outcomes that share `alpha`.

    Returns
    -------
    dict
        Tables by name (`TABLES`).
    """
    results = judge_outcome(outcome, models, scores, calendar, evaluation, outcomes)
    late_results = (
        judge_outcome(outcome, models, restated, calendar, evaluation, outcomes) if restated else []
    )
    findings = [*findings, *small_segments(scores[VOLUME])]
    late = {result.segment: result for result in late_results}
    all_users = results[0]
    comparison = pl.concat(
        [comparison_table(result, late.get(result.segment), notes or {}) for result in results]
    )
    evidence = [evidence_table(result, late.get(result.segment)) for result in results]
    pairs = [
        pairs_table(outcome, result.segment, result.judged, result.scores, calendar, size)
        for result in results
    ]
    return {
        "model_comparison": comparison,
        "pairs": pl.concat(pairs),
        "evidence": pl.concat(evidence),
        "calibration": pl.concat([calibration_table(result) for result in results]),
        "warnings": warnings_table(
            outcome,
            comparison,
            all_users.judged,
            calendar,
            size,
            all_users.null,
            late[ALL].null if late else None,
            unreachable,
            findings,
        ),
    }


def unjudged_outcome(
    outcome: str,
    models: Sequence[Model],
    reason: str,
    *,
    primary: Collection[str] = (),
    unreachable: Sequence[str] = (),
    findings: Sequence[tuple[str, str]] = (),
) -> dict[str, pl.DataFrame]:
    """Return the tables of an outcome whose models cannot be compared.

    Parameters
    ----------
    models
        Models that more data would judge: their verdict is ``too_early``.
    reason
        Why the models cannot be compared; a warning of the kind ``no_verdict``.
    primary
        Names of the primary models.
    unreachable, findings
        As in `compare_outcome`.

    Returns
    -------
    dict
        Tables by name (`TABLES`).
    """
    primary = primary_among(primary, [model.name for model in models])
    rows = [
        {
            "outcome": outcome,
            "segment": ALL,
            "model": model.name,
            "claim": model.claim,
            "primary": model.name in primary,
            "verdict": "too_early",
            "stands": True,
            "same_forecast_as": "",
            "landmarks": 0,
            "conversions": 0,
            "periods": 0,
            "warning": "",
        }
        for model in models
    ]
    return {
        "model_comparison": pl.DataFrame(rows, schema=COMPARISON_SCHEMA),
        "pairs": pl.DataFrame(schema=PAIRS_SCHEMA),
        "evidence": pl.DataFrame(schema=EVIDENCE_SCHEMA),
        "calibration": pl.DataFrame(schema=CALIBRATION_SCHEMA),
        "warnings": unjudged_warnings(outcome, reason, unreachable, findings),
    }
