"""What `lydite.compare` and `lydite.credit` return: data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lydite.dataframes import to_frame
from lydite.evaluation.comparison import TABLES
from lydite.evaluation.segments import ALL
from lydite.pipeline import MARTS, quarantined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import polars as pl

    from lydite.engine import DuckDBEngine

_JSON = ("model", "channel", "conversions", "value", "removal_effect")
FRAMES = (*MARTS, *TABLES)
_MODEL_FIELDS = (
    "model", "claim", "rank", "log_loss_bits", "explained", "explained_low", "explained_high",
    "share_of_ceiling", "auc", "brier", "calibration_slope", "verdict", "refuted_by",
    "same_forecast_as", "landmarks", "conversions",
)  # fmt: skip
_CREDIT_FIELDS = (
    "model", "channel", "conversions", "conversions_low", "conversions_high", "value", "value_low",
    "value_high", "share", "share_low", "share_high", "cost", "cpa", "cpa_low", "cpa_high", "roas",
    "roas_low", "roas_high",
)  # fmt: skip


def _records(compared: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of one segment as plain data."""
    models = compared.select(_MODEL_FIELDS).to_dicts()
    for model in models:
        alike = model["same_forecast_as"]
        model["same_forecast_as"] = alike.split(", ") if alike else []
    return models


@dataclass(frozen=True)
class Comparison:
    """The result of a trial.

    Attributes
    ----------
    marts
        Every result table by name, as polars frames.
    outcomes
        One record per outcome: lookback, counts, periods, and a note where it was not judged.
    quarantined
        Rows that were set aside, by table and reason.
    left_out
        Why a model was left out, by name.
    """

    marts: Mapping[str, pl.DataFrame]
    outcomes: Sequence[Mapping[str, Any]]
    quarantined: Mapping[str, Mapping[str, int]]
    left_out: Mapping[str, str] = field(default_factory=dict)
    _kind: str = field(default="polars", repr=False)

    @property
    def table(self) -> Any:  # noqa: ANN401
        """The comparison of the models: one row per outcome and model, best first."""
        return self._given_back("model_comparison", ALL)

    @property
    def segments(self) -> Any:  # noqa: ANN401
        """The same for every segment: a row per outcome, segment and model."""
        return self._given_back("model_comparison", but=ALL)

    @property
    def pairs(self) -> Any:  # noqa: ANN401
        """Every pair of models: who is ahead, how surely, and what would settle it."""
        return self._given_back("pairs", ALL)

    @property
    def warnings(self) -> Any:  # noqa: ANN401
        """What to beware of: a row per warning, with its kind."""
        return self._given_back("warnings")

    @property
    def credit(self) -> Any:  # noqa: ANN401
        """Credit, cost per conversion and return, with intervals, by outcome, model and channel."""
        return self._given_back("channel_credit")

    @property
    def evidence(self) -> Any:  # noqa: ANN401
        """What had been explained after each period, with bounds."""
        return self._given_back("evidence", ALL)

    def verdict(self, outcome: str | None = None) -> str:
        """Return the verdict on one outcome in words; the only or first outcome by default."""
        from lydite.reporting.narrative import verdict_in_words  # noqa: PLC0415

        name = outcome or self.outcomes[0]["outcome"]
        return verdict_in_words(self, name)

    def to_html(self, path: str | Path) -> None:
        """Write the page that leaders read: one file without any outside reference."""
        from lydite.reporting.report import write_report  # noqa: PLC0415

        write_report(self, path)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data: what ``lydite compare --format json`` prints."""
        result: dict[str, Any] = {
            "outcomes": {row["outcome"]: self._outcome(row) for row in self.outcomes},
            "quarantined": {table: dict(reasons) for table, reasons in self.quarantined.items()},
        }
        return result | ({"left_out": dict(self.left_out)} if self.left_out else {})

    def _outcome(self, row: Mapping[str, Any]) -> dict[str, Any]:
        import polars as pl  # noqa: PLC0415

        own = pl.col("outcome") == row["outcome"]
        compared = self.marts["model_comparison"].filter(own)
        segments = {
            segment: _records(part)
            for (segment,), part in compared.partition_by(
                "segment", as_dict=True, maintain_order=True
            ).items()
        }
        credit = self.marts["channel_credit"].filter(own).select(_CREDIT_FIELDS)
        counts = ("lookback", "landmarks", "conversions", "attributed", "unattributed", "periods")
        result: dict[str, Any] = {name: row[name] for name in counts}
        if row["note"]:
            result["note"] = row["note"]
        result["models"] = segments.pop(ALL, [])
        if segments:
            result["segments"] = segments
        result["warnings"] = self.marts["warnings"].filter(own).select("kind", "model", "text")
        result["warnings"] = result["warnings"].to_dicts()
        return {**result, "credit": credit.to_dicts()}

    def _given_back(self, mart: str, segment: str | None = None, but: str | None = None) -> Any:  # noqa: ANN401
        """Return a mart, or one segment, as a frame of the kind that the touchpoints came in."""
        frame = self.marts[mart]
        if segment is not None:
            frame = frame.filter(frame["segment"] == segment)
        if but is not None:
            frame = frame.filter(frame["segment"] != but)
        return to_frame(frame, self._kind)

    def _repr_html_(self) -> str:
        """Return verdicts and table for a notebook."""
        from lydite.reporting.notebook import notebook_html  # noqa: PLC0415

        return notebook_html(self)


def read_comparison(engine: DuckDBEngine, kind: str = "polars") -> Comparison:
    """Read the result of a trial off the engine's tables."""
    marts = {
        name: engine.frame(f"from mart.{name}") for name in FRAMES if engine.exists(f"mart.{name}")
    }
    rows = engine.frame("from evaluation.outcome_summary").to_dicts()
    left_out = dict(engine.rows("from evaluation.left_out"))
    return Comparison(marts, rows, quarantined(engine), left_out, kind)


@dataclass(frozen=True)
class Credit:
    """Credit by channel from a path table.

    Attributes
    ----------
    table
        One row per model and channel: conversions, value and share with 95 % intervals (null where
        none were asked for), and the removal effect of Markov models; a frame of the kind that the
        paths came in.
    transitions
        The transition matrices of the Markov models: model, from, to, count, probability.
    left_out
        Why a model was left out, by name.
    """

    _table: pl.DataFrame = field(repr=False)
    _transitions: pl.DataFrame = field(repr=False)
    left_out: Mapping[str, str]
    _kind: str = field(default="polars", repr=False)

    @property
    def table(self) -> Any:  # noqa: ANN401
        """Credit by model and channel, the most credited channel of each model first."""
        return to_frame(self._table, self._kind)

    @property
    def transitions(self) -> Any:  # noqa: ANN401
        """The transition matrices of the Markov models."""
        return to_frame(self._transitions, self._kind)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data: what ``lydite credit --format json`` prints."""
        more = [name for name in self._table.columns if name not in _JSON]
        return {
            "credit": self._table.select(*_JSON, *more).to_dicts(),
            "transitions": self._transitions.to_dicts(),
            "left_out": dict(self.left_out),
        }

    def _repr_html_(self) -> str:
        return self._table._repr_html_()
