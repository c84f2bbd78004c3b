"""Results from the tables of a run, or of a published file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import polars as pl

from lydite.decisions import read_log, with_log
from lydite.errors import InputError
from lydite.pipeline import NOT_SET_ASIDE, quarantined
from lydite.pipeline.touch_credit import TouchCredit
from lydite.publishing import open_published, touch_credit_path
from lydite.quality import Finding
from lydite.settings import ReportSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.dataframes import FrameKind
    from lydite.engine import DuckDBEngine
    from lydite.records import (
        OutcomeCounts,
    )
from lydite.results.comparison import FRAMES, Comparison, count_duplicates
from lydite.results.credit import Credit


def read_comparison(
    engine: DuckDBEngine,
    kind: FrameKind = "polars",
    report_settings: ReportSettings | None = None,
    *,
    touches: bool = True,
) -> Comparison:
    """Read a comparison from the tables that `lydite.pipeline` wrote.

    Parameters
    ----------
    engine
        Holds the tables.
    kind
        The kind of frame that the tables of the result are.
    report_settings
        What reports show first, and the names in them; the defaults when None.
    touches
        Whether to copy the credit of touches, which only `Comparison.touch_credit` reads.
    """
    marts = {
        name: engine.frame(f"from mart.{name}") for name in FRAMES if engine.exists(f"mart.{name}")
    }
    credit = TouchCredit.of(engine) if touches else TouchCredit(missing="it was not read")
    return _comparison(marts, kind, report_settings, credit)


def read_published(
    path: str | Path,
    kind: FrameKind = "polars",
    report_settings: ReportSettings | None = None,
    decisions: Path | None = None,
) -> Comparison:
    """Read the comparison in a published DuckDB file.

    Parameters
    ----------
    path
        The published file.
    kind
        The kind of frame that the tables of the result are.
    report_settings
        What reports show first, and the names in them; the defaults when None.
    decisions
        The log of decisions: those since the run are in the result; None to leave them out.

    Raises
    ------
    InputError
        When there is no such file, it holds no comparison, another version wrote it, or the log
        was changed.
    """
    path = Path(path)
    with open_published(path) as reader:
        names = {
            name
            for (name,) in reader.sql(
                "select table_name from duckdb_tables() where schema_name = 'mart'"
            ).fetchall()
        }
        marts = {name: reader.sql(f"from mart.{name}").pl() for name in FRAMES if name in names}
    missing = [name for name in ("outcomes", "runs", "model_comparison") if name not in marts]
    if missing:
        raise InputError(
            f"{path} lacks the table mart.{missing[0]}: it holds no comparison. Publish one with"
            " lydite compare --database, or by running the pipeline"
        )
    if decisions is not None:
        marts = with_log(marts, decisions, read_log(decisions))
    touches = TouchCredit.published(touch_credit_path(path))
    return _comparison(marts, kind, report_settings, touches)


def _comparison(
    marts: Mapping[str, pl.DataFrame],
    kind: FrameKind,
    report_settings: ReportSettings | None,
    touches: TouchCredit,
) -> Comparison:
    """Return the comparison whose tables these are; the schema ``mart`` holds all of it."""
    set_aside: dict[str, dict[str, int]] = {}
    counted = marts["data_quality"].filter(~pl.col("reason").is_in(NOT_SET_ASIDE))
    for table, reason, n in counted.sort("table_name", "reason").rows():
        set_aside.setdefault(table, {})[reason] = n
    return Comparison(
        marts,
        cast("list[OutcomeCounts]", marts["outcomes"].to_dicts()),
        set_aside,
        dict(marts["models_left_out"].rows()),
        marts["runs"]["alpha"][-1],
        kind,
        [Finding(**row) for row in marts["findings"].to_dicts()],
        report_settings or ReportSettings(),
        touches,
    )


def read_credit(
    engine: DuckDBEngine,
    notes: Sequence[tuple[str, str]],
    kind: FrameKind = "polars",
) -> Credit:
    """Read credit from the tables that `lydite.pipeline.attribute` wrote.

    Parameters
    ----------
    engine
        Holds the tables.
    notes
        Kind and text of each warning about the data.
    kind
        The kind of frame that the tables of the result are.
    """
    effects = engine.frame("from mart.removal_effects")
    without_verdicts = engine.frame("from mart.channel_credit").drop(
        "is_champion", "standing_low", "standing_high"
    )
    table = without_verdicts.join(
        effects, on=["outcome", "model", "channel"], how="left", maintain_order="left"
    )
    if not engine.scalar("select count(conversions_low) from credit.intervals"):
        table = table.with_columns(
            pl.lit(None, pl.Float64).alias(name)
            for name in table.columns
            if name.endswith(("_low", "_high")) and not name.startswith("standing")
        )
    counted = engine.frame("from mart.channel_transitions").select(
        "outcome",
        pl.lit("markov_1").alias("model"),
        pl.col("from_channel").alias("from"),
        pl.col("to_channel").alias("to"),
        pl.col("transitions").cast(pl.Float64).alias("count"),
        "probability",
    )
    return Credit(
        table,
        counted.filter(pl.col("model").is_in(table["model"].unique().implode())),
        dict(engine.rows("from evaluation.left_out")),
        kind,
        notes,
        quarantined(engine),
        count_duplicates(engine.frame("from mart.data_quality")),
        TouchCredit.of(engine),
    )
