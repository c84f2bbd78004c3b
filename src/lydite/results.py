"""What `lydite.compare` and `lydite.credit` return: data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, cast

import polars as pl

from lydite.dataframes import FrameT_co, to_frame
from lydite.decisions import read_log, with_log
from lydite.errors import InputError
from lydite.evaluation.comparison import TABLES
from lydite.evaluation.segments import ALL
from lydite.models.transition_graph import transition_graph
from lydite.pipeline import EXPERIMENT_MARTS, LOCAL_MARTS, MARTS, NOT_SET_ASIDE, quarantined
from lydite.pipeline.campaigns import campaign_table
from lydite.pipeline.touch_credit import TouchCredit
from lydite.publishing import open_published, touch_credit_path
from lydite.quality import Finding
from lydite.settings import ReportSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import networkx as nx

    from lydite.dataframes import FrameKind
    from lydite.engine import DuckDBEngine
    from lydite.records import (
        ComparisonRecord,
        CreditRecord,
        LookbackRecord,
        ModelRecord,
        OutcomeCounts,
        OutcomeRecord,
        WarningRecord,
    )
    from lydite.reporting.notebook import ComparisonPlots, CreditPlots

#: The result tables: their names in the schema ``mart``.
FRAMES = (*LOCAL_MARTS, *MARTS, *EXPERIMENT_MARTS, *TABLES)
_CREDIT_FIRST = ("outcome", "model", "channel", "conversions", "value", "removal_effect")
_COUNTS = ("lookback", "landmarks", "conversions", "attributed", "unattributed", "periods")
_MODEL_FIELDS = (
    "model", "claim", "rank", "log_loss_bits", "explained", "explained_low", "explained_high",
    "share_of_ceiling", "auc", "brier", "calibration_slope", "primary", "verdict", "stands",
    "refuted_by", "same_forecast_as", "landmarks", "conversions",
)  # fmt: skip
_CREDIT_FIELDS = (
    "model", "credit", "channel", "is_champion", "conversions", "conversions_low",
    "conversions_high",
    "standing_low", "standing_high", "value", "value_low", "value_high", "share", "share_low",
    "share_high", "cost", "cpa", "cpa_low", "cpa_high", "roas", "roas_low", "roas_high",
)  # fmt: skip


_MOST_OUTCOMES = 3  # in a line
_NO_TOUCHES = TouchCredit(missing="a path table has no touches: give touchpoints and conversions")


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
    _touches: TouchCredit = _NO_TOUCHES

    def __repr__(self) -> str:
        """Return the verdicts in a line."""
        parts = [self._in_short(counts) for counts in self.outcomes[:_MOST_OUTCOMES]]
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
        return {} if mart is None else _duplicates(mart)

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
        record["credit"] = marts["channel_credit"].select(_CREDIT_FIELDS).to_dicts()
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


def read_comparison(
    engine: DuckDBEngine,
    kind: FrameKind = "polars",
    report_settings: ReportSettings | None = None,
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
    """
    marts = {
        name: engine.frame(f"from mart.{name}") for name in FRAMES if engine.exists(f"mart.{name}")
    }
    return _comparison(marts, kind, report_settings, TouchCredit.of(engine))


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


@dataclass(frozen=True, repr=False)
class Credit(Generic[FrameT_co]):
    """Credit by channel, without verdicts: the result of `lydite.credit`.

    Its tables come as the kind of frame that the touchpoints or paths were: polars, Arrow, or
    pandas, also for files.

    Attributes
    ----------
    left_out : mapping of str to str
        Why a model was left out, by name.
    quarantined : mapping of str to mapping of str to int
        Number of rows that were set aside, by table and reason; empty for a path table.
    duplicates : mapping of str to int
        How many rows were copies of others and counted once; only tables that have any.
    """

    _table: pl.DataFrame = field(repr=False)
    _transitions: pl.DataFrame = field(repr=False)
    left_out: Mapping[str, str]
    _kind: FrameKind = field(default="polars", repr=False)
    _notes: Sequence[tuple[str, str]] = field(default=(), repr=False)
    quarantined: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    duplicates: Mapping[str, int] = field(default_factory=dict)
    _touches: TouchCredit = _NO_TOUCHES

    def __repr__(self) -> str:
        """Return what the table holds, in a line."""
        names = (("model", "models"), ("channel", "channels"), ("outcome", "outcomes"))
        counted = [
            (self._table[column].n_unique(), column, several)
            for column, several in names
            if column in self._table.columns
        ]
        parts = [f"{n} {one if n == 1 else several}" for n, one, several in counted]
        return f"Credit({', '.join(parts)})"

    @property
    def touch_credit(self) -> FrameT_co:
        """Credit of every touch, as in `Comparison.touch_credit`; only from touchpoints."""
        return cast("FrameT_co", to_frame(self._touches.frame(), self._kind))

    @property
    def plot(self) -> CreditPlots:
        """A chart for notebooks and files: ``plot.credit()``."""
        from lydite.reporting.notebook import CreditPlots  # noqa: PLC0415

        return CreditPlots(self._table)

    @property
    def table(self) -> FrameT_co:
        """Credit by model and channel, the most credited channel of each model first.

        Conversions, value and share with 95 % intervals (null without intervals), and the removal
        effect of Markov models. From touchpoints also the outcome, and cost, cost per conversion
        and return; the channel ``(unattributed)`` has the conversions without a touch.
        """
        return cast("FrameT_co", to_frame(self._table, self._kind))

    @property
    def warnings(self) -> FrameT_co:
        """What to know about the table, such as unused columns: kind, model (null) and text."""
        schema = {"kind": pl.String, "model": pl.String, "text": pl.String}
        return cast(
            "FrameT_co", to_frame(pl.DataFrame(self._warning_records(), schema=schema), self._kind)
        )

    def _warning_records(self) -> list[WarningRecord]:
        return [{"kind": kind, "model": None, "text": text} for kind, text in self._notes]

    @property
    def transitions(self) -> FrameT_co:
        """The transition matrices of the Markov models: model, from, to, count, probability.

        From touchpoints only those of ``markov_1``, by outcome.
        """
        return cast("FrameT_co", to_frame(self._transitions, self._kind))

    def to_networkx(self, outcome: str | None = None) -> nx.DiGraph:
        """Return the transitions between channels, counted by ``markov_1``, as a graph.

        Parameters
        ----------
        outcome
            Name of the outcome, for credit from touchpoints; the first one by default.

        Returns
        -------
        networkx.DiGraph
            As by `lydite.models.transition_graph.transition_graph`, with removal effects.
            `lydite.models.write_graphml` writes it for Gephi, yEd or Cytoscape.

        Raises
        ------
        InputError
            When ``markov_1`` is not among the models, or there is no such outcome.

        Examples
        --------
        >>> import lydite, pandas as pd
        >>> paths = pd.DataFrame({"path": ["a > b", "b"], "conversions": [3, 1], "nulls": [1, 1]})
        >>> graph = lydite.credit(paths, models=["markov_1"], intervals=False).to_networkx()
        >>> graph.edges["a", "b"]
        {'count': 4.0, 'probability': 1.0}
        """
        of_model = (pl.col("model") == "markov_1") & self._is_outcome(outcome)
        rows = self._table.filter(of_model)
        if rows.is_empty():
            raise InputError("the graph shows the transitions of 'markov_1': add it to the models")
        names = {"from": "from_channel", "to": "to_channel", "count": "transitions"}
        return transition_graph(
            self._transitions.filter(of_model).rename(names),
            dict(rows.select("channel", "removal_effect").rows()),
        )

    def _is_outcome(self, name: str | None) -> pl.Expr:
        """Return the condition that a row is of one outcome, by default the first."""
        names = (
            self._table["outcome"].unique(maintain_order=True).to_list() if self._by_outcome else []
        )
        if name is not None and name not in names:
            raise InputError(
                f"there is no outcome {name!r}; there are: {', '.join(names) or 'none'}"
            )
        return pl.col("outcome") == (name or names[0]) if names else pl.lit(value=True)

    @property
    def _by_outcome(self) -> bool:
        return "outcome" in self._table.columns

    def to_dict(self) -> CreditRecord:
        """Return the result as plain data: what ``lydite credit --format json`` prints."""
        first = [name for name in _CREDIT_FIRST if name in self._table.columns]
        more = [name for name in self._table.columns if name not in first]
        record: dict[str, object] = {
            "credit": self._table.select(*first, *more).to_dicts(),
            "transitions": self._transitions.to_dicts(),
            "left_out": dict(self.left_out),
        }
        if self._notes:
            record["warnings"] = self._warning_records()
        if self.quarantined:
            record["quarantined"] = {name: dict(found) for name, found in self.quarantined.items()}
        if self.duplicates:
            record["duplicates"] = dict(self.duplicates)
        return cast("CreditRecord", record)

    def _repr_html_(self) -> str:
        return self._table._repr_html_()


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
        _duplicates(engine.frame("from mart.data_quality")),
        TouchCredit.of(engine),
    )


def _duplicates(data_quality: pl.DataFrame) -> dict[str, int]:
    """Return how many rows were copies of others, by table; only tables that have any."""
    found = data_quality.filter(pl.col("reason") == "duplicate", pl.col("rows") > 0)
    return dict(found.select("table_name", "rows").sort("table_name").rows())
