"""What `lydite.compare` returns: tables, and methods that present them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, cast

import polars as pl

from lydite.dataframes import FrameT_co, to_frame
from lydite.errors import InputError
from lydite.evaluation.comparison import TABLES
from lydite.evaluation.segments import ALL
from lydite.models.transition_graph import transition_graph
from lydite.pipeline import EXPERIMENT_MARTS, LOCAL_MARTS, MARTS
from lydite.pipeline.campaigns import campaign_table
from lydite.pipeline.touch_credit import TouchCredit
from lydite.results.credit import NO_TOUCHES
from lydite.settings import ReportSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import networkx as nx

    from lydite.dataframes import FrameKind
    from lydite.quality import Finding
    from lydite.records import (
        ComparisonRecord,
        LookbackRecord,
        ModelRecord,
        OutcomeCounts,
        OutcomeRecord,
    )
    from lydite.reporting.notebook import ComparisonPlots

#: The result tables: their names in the schema ``mart``.
FRAMES = (*LOCAL_MARTS, *MARTS, *EXPERIMENT_MARTS, *TABLES)
_COUNTS = ("lookback", "landmarks", "conversions", "attributed", "unattributed", "periods")
_MODEL_FIELDS = (
    "model", "claim", "rank", "log_loss_bits", "explained", "explained_low", "explained_high",
    "share_of_ceiling", "auc", "brier", "calibration_slope", "primary", "verdict", "stands",
    "refuted_by", "same_forecast_as", "landmarks", "conversions",
)  # fmt: skip
CREDIT_FIELDS = (
    "model", "credit", "channel", "is_champion", "conversions", "conversions_low",
    "conversions_high",
    "standing_low", "standing_high", "value", "value_low", "value_high", "share", "share_low",
    "share_high", "cost", "cpa", "cpa_low", "cpa_high", "roas", "roas_low", "roas_high",
)  # fmt: skip


MOST_OUTCOMES = 3  # in a line


def _model_records(rows: pl.DataFrame) -> list[ModelRecord]:
    records = rows.select(_MODEL_FIELDS).to_dicts()
    for record in records:
        same = record["same_forecast_as"]
        record["same_forecast_as"] = same.split(", ") if same else []
    return cast("list[ModelRecord]", records)


def _champion(marts: Mapping[str, pl.DataFrame], outcome: str) -> dict[str, object]:
    """Return the model in use, where the tables have one."""
    if "champions" not in marts:
        return {}
    rows = marts["champions"].filter(pl.col("outcome") == outcome).drop("outcome").to_dicts()
    for row in rows:
        for name in ("decided_at", "refuted_in"):
            row[name] = row[name] and row[name].isoformat()
    return {"champion": rows[0]} if rows else {}


def count_duplicates(data_quality: pl.DataFrame) -> dict[str, int]:
    """Return how many rows were copies of others, by table; only tables that have any."""
    found = data_quality.filter(pl.col("reason") == "duplicate", pl.col("rows") > 0)
    return dict(found.select("table_name", "rows").sort("table_name").rows())


@dataclass(frozen=True, repr=False)
class Comparison(Generic[FrameT_co]):
    """The result of `lydite.compare`.

    Its tables come as the kind of frame that the touchpoints were: polars, Arrow, or pandas, also
    for files.

    Attributes
    ----------
    marts : mapping of str to polars.DataFrame
        Every result table by name.
    outcomes : sequence of dict
        Per outcome: lookback, counts, number of periods, and a note where it was not judged.
    quarantined : mapping of str to mapping of str to int
        Number of rows that were set aside, by table and reason.
    left_out : mapping of str to str
        Why a model was left out, by name.
    alpha : float or None
        Chance of any wrong verdict, however often the comparison is repeated; None if not known.
    findings : sequence of lydite.quality.Finding
        What is wrong with the data, such as missing or stray rows.
    report_settings : lydite.settings.ReportSettings
        What reports show first, and the names of channels for readers.

    Examples
    --------
    >>> import lydite
    >>> world = lydite.simulate("linear", users=2_000, seed=1)
    >>> result = lydite.compare(world.touchpoints, world.conversions, models=["linear"])
    >>> type(result.table).__module__.partition(".")[0]
    'polars'
    >>> [row["outcome"] for row in result.outcomes]
    ['conversion']
    """

    marts: Mapping[str, pl.DataFrame]
    outcomes: Sequence[OutcomeCounts]
    quarantined: Mapping[str, Mapping[str, int]]
    left_out: Mapping[str, str] = field(default_factory=dict)
    alpha: float | None = None
    _kind: FrameKind = field(default="polars", repr=False)
    findings: Sequence[Finding] = ()
    report_settings: ReportSettings = field(default=ReportSettings(), repr=False)
    _touches: TouchCredit = field(default=TouchCredit(missing=NO_TOUCHES))

    def __repr__(self) -> str:
        """Return the verdicts in a line."""
        parts = [self._in_short(counts) for counts in self.outcomes[:MOST_OUTCOMES]]
        more = len(self.outcomes) - len(parts)
        return f"Comparison({'; '.join(parts)}{f'; {more} more outcomes' if more else ''})"

    def _in_short(self, counts: OutcomeCounts) -> str:
        """Return an outcome with its lookback, and how many of its models stand."""
        name, lookback = counts["outcome"], counts["lookback"]
        about = f"{name}, {lookback} lookback" if lookback else name
        table = self.marts["model_comparison"]
        rivals = table.filter(
            pl.col("outcome") == name, pl.col("segment") == ALL, pl.col("verdict").is_not_null()
        )
        if counts["note"]:
            return f"{about}: {len(rivals)} models, not compared"
        best = rivals.filter(pl.col("verdict") == "best").sort("rank")["model"].to_list()
        if best:
            return f"{about}: {', '.join(best)} best of {len(rivals)} models"
        return f"{about}: {rivals['stands'].sum()} of {len(rivals)} models stand"

    @property
    def table(self) -> FrameT_co:
        """The comparison of the models among all users: one row per outcome and model."""
        return self._all_users("model_comparison")

    @property
    def segments(self) -> FrameT_co:
        """The comparison within each segment: one row per outcome, segment and model."""
        mart = self.marts["model_comparison"]
        return self._to_frame(mart.filter(mart["segment"] != ALL))

    @property
    def pairs(self) -> FrameT_co:
        """Every pair of models: which one is ahead, its lead with bounds, the data needed."""
        return self._all_users("pairs")

    @property
    def warnings(self) -> FrameT_co:
        """The warnings, with their kind: one row each."""
        return self._to_frame(self.marts["warnings"])

    @property
    def credit(self) -> FrameT_co:
        """Credit, cost per conversion and return, with intervals, by outcome, model and channel."""
        return self._to_frame(self.marts["channel_credit"])

    @property
    def daily(self) -> FrameT_co:
        """Credit by day of the conversion, channel and campaign."""
        return self._to_frame(self._mart("credit_daily"))

    @property
    def campaigns(self) -> FrameT_co:
        """Credit, spend, cost per conversion and return by channel and campaign.

        Spend is what is charged to the outcome, null where it is unknown.
        """
        return self._to_frame(
            campaign_table(
                self._mart("credit_daily"), self._mart("channel_activity"), self._mart("outcomes")
            )
        )

    @property
    def touch_credit(self) -> FrameT_co:
        """Credit of every touch on the path of a conversion: a row per touch and model.

        The weights of a conversion and model sum to 1. More than 500,000 touches are not in a
        result, but in the Parquet file next to a published database.
        """
        return self._to_frame(self._touches.frame())

    @property
    def plot(self) -> ComparisonPlots:
        """Altair charts: ``plot.credit()``, ``plot.models()``, ``plot.evidence()``.

        A notebook shows them, and ``save("chart.svg")`` writes them.
        """
        from lydite.reporting.notebook import ComparisonPlots  # noqa: PLC0415

        return ComparisonPlots(self)

    @property
    def evidence(self) -> FrameT_co:
        """What each model had explained after each period, with bounds."""
        return self._all_users("evidence")

    @property
    def lookbacks(self) -> FrameT_co:
        """The models by lookback: one row per outcome, model and lookback, the main one first."""
        return self._to_frame(self._mart("lookback_comparison"))

    @property
    def lookback_credit(self) -> FrameT_co:
        """Credit by lookback: one row per outcome, model, lookback and channel."""
        return self._to_frame(self._mart("lookback_credit"))

    @property
    def duplicates(self) -> dict[str, int]:
        """How many rows were copies of others and counted once; only tables that have any."""
        mart = self.marts.get("data_quality")
        return {} if mart is None else count_duplicates(mart)

    def verdict(self, outcome: str | None = None) -> str:
        """Return the verdict on one outcome as a paragraph.

        Parameters
        ----------
        outcome
            Name of the outcome; the first one by default.

        Raises
        ------
        InputError
            When the comparison has no such outcome.
        """
        from lydite.reporting.narrative import verdict_in_words  # noqa: PLC0415

        return verdict_in_words(self, outcome or self.outcomes[0]["outcome"])

    def to_html(self, path: str | Path) -> None:
        """Write the report: one HTML file that needs no other file and no network.

        Parameters
        ----------
        path
            Where to write it; a missing folder is created.

        Raises
        ------
        InputError
            When the file cannot be written.
        """
        from lydite.reporting.report import write_report  # noqa: PLC0415

        write_report(self, path)

    def to_networkx(self, outcome: str | None = None) -> nx.DiGraph:
        """Return the transitions between channels of one outcome as a graph.

        Parameters
        ----------
        outcome
            Name of the outcome; the first one by default.

        Returns
        -------
        networkx.DiGraph
            As by `lydite.models.transition_graph.transition_graph`, with the removal effects of
            ``markov_1`` where it ran. `lydite.models.write_graphml` writes it for Gephi, yEd or
            Cytoscape.

        Raises
        ------
        InputError
            When the comparison has no such outcome.

        Examples
        --------
        >>> import lydite
        >>> world = lydite.simulate("linear", users=2_000, seed=1)
        >>> result = lydite.compare(world.touchpoints, world.conversions, models=["linear"])
        >>> result.to_networkx().out_degree("(conversion)")
        0
        """
        names = [counts["outcome"] for counts in self.outcomes]
        if outcome is not None and outcome not in names:
            raise InputError(f"there is no outcome {outcome!r}; there are: {', '.join(names)}")
        of_outcome = pl.col("outcome") == (outcome or names[0])
        effects = self.marts["removal_effects"].filter(of_outcome, pl.col("model") == "markov_1")
        return transition_graph(
            self.marts["channel_transitions"].filter(of_outcome),
            dict(effects.select("channel", "removal_effect").rows()),
        )

    def to_dict(self) -> ComparisonRecord:
        """Return the result as plain data: what ``lydite compare --format json`` prints."""
        result: ComparisonRecord = {
            "outcomes": {counts["outcome"]: self._outcome(counts) for counts in self.outcomes},
            "quarantined": {table: dict(reasons) for table, reasons in self.quarantined.items()},
        }
        if self.duplicates:
            result["duplicates"] = self.duplicates
        if self.left_out:
            result["left_out"] = dict(self.left_out)
        if self.findings:
            result["findings"] = [finding.to_dict() for finding in self.findings]
        return result

    def _outcome(self, counts: OutcomeCounts) -> OutcomeRecord:
        marts = {
            name: self.marts[name].filter(pl.col("outcome") == counts["outcome"])
            for name in ("model_comparison", "warnings", "channel_credit")
        }
        by_segment = marts["model_comparison"].partition_by(
            "segment", as_dict=True, maintain_order=True
        )
        models = {str(segment): _model_records(rows) for (segment,), rows in by_segment.items()}
        record: dict[str, object] = {key: n for key, n in counts.items() if key in _COUNTS}
        if counts["note"]:
            record["note"] = counts["note"]
            first = counts["first_forecast"]
            record |= {} if first is None else {"first_forecast": first.isoformat()}
        record |= _champion(self.marts, counts["outcome"])
        record["models"] = models.pop(ALL, [])
        by_lookback = self._other_lookbacks(counts["outcome"])
        if by_lookback:
            record["lookbacks"] = by_lookback
        if models:
            record["segments"] = models
        record["warnings"] = marts["warnings"].select("kind", "model", "text").to_dicts()
        record["credit"] = marts["channel_credit"].select(CREDIT_FIELDS).to_dicts()
        return cast("OutcomeRecord", record)

    def _other_lookbacks(self, outcome: str) -> list[LookbackRecord]:
        """Return the models by lookback where there are several."""
        rows = self.marts.get("lookback_comparison")
        if rows is None or rows["is_main"].all():
            return []
        own = rows.filter(pl.col("outcome") == outcome).drop("outcome")
        return cast("list[LookbackRecord]", own.to_dicts())

    def _mart(self, name: str) -> pl.DataFrame:
        """Return a table that comparisons of path tables do not have."""
        if name not in self.marts:
            raise InputError(
                f"there is no table {name!r}: it needs touchpoints and conversions, not paths"
            )
        return self.marts[name]

    def _all_users(self, mart: str) -> FrameT_co:
        frame = self.marts[mart]
        return self._to_frame(frame.filter(frame["segment"] == ALL))

    def _to_frame(self, frame: pl.DataFrame) -> FrameT_co:
        return cast("FrameT_co", to_frame(frame, self._kind))

    def _repr_html_(self) -> str:
        """Return verdicts and tables for a notebook."""
        from lydite.reporting.notebook import notebook_html  # noqa: PLC0415

        return notebook_html(self)
