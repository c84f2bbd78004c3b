"""`lydite.compare`: the whole trial in one call, from frames or files to a verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from lydite import trial
from lydite.config import Engine as EngineSettings
from lydite.config import Evaluation, Outcome, Settings, Sources
from lydite.engine import SparkEngine, engine_for
from lydite.errors import InputError
from lydite.evaluation.comparison import TABLES
from lydite.evaluation.segments import ALL
from lydite.frames import given_back, kind_of
from lydite.models import choose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import polars as pl

    from lydite.contract import Source
    from lydite.engine import DuckDBEngine, Engine
    from lydite.models import Model

_FRAMES = (*trial.MARTS, *TABLES)
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
        from lydite.reporting.words import verdict_in_words  # noqa: PLC0415

        name = outcome or self.outcomes[0]["outcome"]
        return verdict_in_words(self, name)

    def to_html(self, path: str | Path) -> None:
        """Write the page that leaders read: one file without any outside reference."""
        from lydite.reporting.page import write_page  # noqa: PLC0415

        write_page(self, path)

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
        return given_back(frame, self._kind)

    def _repr_html_(self) -> str:
        """Return verdicts and table for a notebook."""
        from lydite.reporting.notebook import notebook_html  # noqa: PLC0415

        return notebook_html(self)


def compare(
    touchpoints: Source | None = None,
    conversions: Source | None = None,
    *,
    paths: Source | None = None,
    spend: Source | None = None,
    users: Source | None = None,
    lookback: str = "30d",
    period: str = "week",
    models: Sequence[str | Model] | None = None,
    outcomes: Sequence[str] | None = None,
    alpha: float = 0.05,
    seed: int = 0,
) -> Comparison:
    """Put attribution models on trial.

    Parameters
    ----------
    touchpoints, conversions, spend, users
        pandas or polars frames, Arrow tables, or paths and globs of Parquet, CSV or JSON files,
        with the columns of the input contract. Touchpoints that are a frame of Spark are worked on
        in its session, and so are the others.
    paths
        A path table instead of touchpoints and conversions (see `lydite.credit`). It has no clock:
        models are compared by cross-validation, which is not forward in time.
    lookback
        How long before a conversion a touch still counts: ``"30d"``, ``"12h"``, ``"4w"``.
    period
        ``"day"``, ``"week"`` or ``"month"``: how often the models are fitted anew.
    models
        The rivals: names, or models of one's own such as `lydite.models.Rule` and
        `lydite.models.Classifier`; all that have a name where None.
    outcomes
        Names of the outcomes; all that the conversions hold where None.
    alpha
        The chance of any wrong separation of two models, however often one looks.
    seed
        Seeds what is drawn at random: the ceiling's training sample and trees, and the
        bootstrap behind the intervals of credit.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        When the input cannot be used; the message names the place, the value and the mend.

    Examples
    --------
    >>> import lydite
    >>> world = lydite.simulate("linear", users=5_000, seed=1)
    >>> result = lydite.compare(world.touchpoints, world.conversions)
    >>> result.table["model"][0]
    'linear'
    """
    settings = make_settings(lookback, period, outcomes, alpha, seed)
    rivals = None if models is None else choose(models)
    given = {
        "touchpoints": touchpoints, "conversions": conversions, "spend": spend, "users": users,
    }  # fmt: skip
    sources = {name: source for name, source in given.items() if source is not None}
    if paths is not None:
        from lydite.path_trial import compare_paths  # noqa: PLC0415

        if sources:
            raise InputError(f"paths stand alone: leave out {next(iter(sources))}, or paths")
        return compare_paths(paths, settings.evaluation, rivals)
    if touchpoints is None or conversions is None:
        raise InputError("give touchpoints and conversions, or paths")
    with _engine_of(sources) as engine:
        trial.run_trial(engine, sources, settings, rivals=rivals)
        return read_comparison(engine.local, kind=kind_of(touchpoints))


def _engine_of(sources: Mapping[str, Source]) -> AbstractContextManager[Engine]:
    """Return the engine for the sources: where touchpoints are a frame of Spark, its session."""
    session = getattr(sources["touchpoints"], "sparkSession", None)
    if session is not None:
        return SparkEngine(session)
    return engine_for(EngineSettings(), sources.values())


def make_settings(
    lookback: str,
    period: str,
    outcomes: Sequence[str] | None,
    alpha: float,
    seed: int,
) -> Settings:
    """Return settings for one trial without a settings file.

    Raises
    ------
    InputError
        When one of them is out of range.
    """
    try:
        return Settings(
            sources=Sources(touchpoints="", conversions=""),
            evaluation=Evaluation.model_validate(
                {"lookback": lookback, "period": period, "alpha": alpha, "seed": seed}
            ),
            outcomes={name: Outcome(lookback=lookback) for name in outcomes or ()},
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = str(first["loc"][-1]) if first["loc"] else "settings"
        what = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{place}: {what} (given: {first['input']!r})") from error


def read_comparison(engine: DuckDBEngine, kind: str = "polars") -> Comparison:
    """Read the result of a trial off the engine's tables."""
    marts = {
        name: engine.frame(f"from mart.{name}") for name in _FRAMES if engine.exists(f"mart.{name}")
    }
    rows = engine.frame("from evaluation.outcome_summary").to_dicts()
    left_out = dict(engine.rows("from evaluation.left_out"))
    return Comparison(marts, rows, trial.quarantined(engine), left_out, kind)
