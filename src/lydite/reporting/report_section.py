"""The part of the report on one outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lydite.reporting.against_experiments import (
    compared_with_experiments,
    experiments_about,
)
from lydite.reporting.calibrated_credit import calibrated_rows, calibrated_title
from lydite.reporting.calibration_chart import calibration_chart, likeliest
from lydite.reporting.champion import champion_alert, champion_line, champion_of
from lydite.reporting.channel_money import channel_money, model_to_show
from lydite.reporting.charts import evidence_chart, improvement_chart
from lydite.reporting.credit_tables import (
    credit_by_lookback,
    credit_by_model,
    credit_by_segment,
)
from lydite.reporting.decision import decide
from lydite.reporting.display_names import conversions_of, family_of, model_label, model_word
from lydite.reporting.experiment_findings import experiment_findings
from lydite.reporting.experiment_predictions import predictions_of
from lydite.reporting.formats import (
    count,
    currency_prefix,
    day_in_words,
    enumerate_names,
    percent,
    plain,
)
from lydite.reporting.lookbacks import lookback_table
from lydite.reporting.money_chart import money_chart
from lydite.reporting.moves import credited_standing, how_to_test, move, next_tests, other_model
from lydite.reporting.narrative import reason_paragraphs
from lydite.reporting.open_pairs import pair_rows
from lydite.reporting.queries import (
    UNATTRIBUTED,
    cost_share,
    credit_of,
    credited_models,
    is_path_table,
    rivals_of,
    scored_counts,
    standing_models,
    warnings_of,
    with_verdict,
)
from lydite.reporting.report_journey import make_journey
from lydite.reporting.segments import segment_rows
from lydite.reporting.static_charts import static_svg
from lydite.reporting.table_rows import model_rows
from lydite.reporting.tiles import tiles
from lydite.reporting.timeline import events_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from lydite.records import OutcomeCounts
    from lydite.reporting.calibrated_credit import CalibratedRow
    from lydite.reporting.channel_money import ChannelMoney
    from lydite.reporting.credit_tables import CreditTable
    from lydite.reporting.decision import Decision
    from lydite.reporting.experiment_predictions import Predictions
    from lydite.reporting.lookbacks import LookbackTable
    from lydite.reporting.money_chart import MoneyChart
    from lydite.reporting.moves import Move, NextTest
    from lydite.reporting.open_pairs import PairRow
    from lydite.reporting.report_journey import Journey
    from lydite.reporting.segments import SegmentRow
    from lydite.reporting.table_rows import ModelRow
    from lydite.reporting.tiles import Tile
    from lydite.reporting.timeline import Event
    from lydite.results import Comparison

_MOST_SEGMENTS = _MOST_PAIRS = 12
_CHARTS = {
    "improvement": (
        "How much each model improves the forecast",
        "Points: the improvement. Bars: its bounds, which stay valid however often you check.",
        improvement_chart,
    ),
    "evidence": (
        "The improvement so far, after each period",
        "With bounds; at most five models, and bands of the first one or two.",
        evidence_chart,
    ),
    "calibration": (
        "Forecast and what happened",
        "Each point: a group of touches. On the dashed line, as many converted as were forecast.",
        calibration_chart,
    ),
}
_TRIANGLES = " Triangles at the edge: models that are worse than the chart can show."


@dataclass(frozen=True)
class Chart:
    """One chart, as SVG."""

    kind: str
    title: str
    caption: str
    svg: Markup


@dataclass(frozen=True)
class ModelChoice:
    """A model to pick."""

    name: str
    label: str


@dataclass(frozen=True)
class Section:
    """What the report says about one outcome.

    `level` is that of its headings, `data` is what the pickers need, as JSON.
    """

    id: str
    level: int
    outcome: str
    title: str
    conversions: str
    currency: str | None
    lookback: str | None
    counts: OutcomeCounts
    scored: tuple[int, int] | None
    is_path_table: bool
    decision: Decision
    champion: str
    champion_alert: str
    experiments: Sequence[str]
    timeline: Sequence[Event]
    against_experiments: Sequence[str]
    experiments_about: str
    calibrated: Sequence[CalibratedRow]
    calibrated_title: str
    predictions: Predictions
    tiles: Sequence[Tile]
    model: str | None
    model_label: str
    other: str | None
    other_label: str
    standing: int
    several_stand: bool
    with_last_touch: bool
    chart: MoneyChart | None
    move: Move | None
    tests: Sequence[NextTest]
    how_to_test: str
    models_to_pick: Sequence[ModelChoice]
    families: Sequence[tuple[str, Sequence[ModelRow]]]
    ruled_out: Sequence[ModelRow]
    models_about: str
    reasons: Sequence[str]
    charts: Sequence[Chart]
    evidence_about: str
    pairs: tuple[list[PairRow], int]
    calibration_about: str
    credit: CreditTable
    journey: Journey
    segments: tuple[list[SegmentRow], int]
    segment_credit: CreditTable
    segments_about: str
    lookbacks: LookbackTable | None
    lookback_credit: CreditTable
    warnings: Sequence[str]
    data: dict[str, Any] = field(default_factory=dict)


def about_costs(comparison: Comparison) -> str:
    """Return how the costs of channels are charged to the outcomes; empty where there are none.

    A cost that several outcomes are charged with in full must not be added up over them.
    """
    credit = comparison.marts.get("channel_credit")
    if credit is None or credit["cost"].null_count() == len(credit):
        return ""
    shares = {row["outcome"]: cost_share(row) for row in comparison.outcomes}
    full, without = [n for n in shares if shares[n] == 1], [n for n in shares if not shares[n]]
    shared = {n: share for n, share in shares.items() if share and share != 1}
    said = []
    if len(full) == len(shares):
        said = ["The cost of a channel is charged to every outcome in full"] if full[1:] else []
    elif full:
        said = [f"{_outcomes(full)} are charged with the full cost of a channel"]
    if len(full) > 1:
        said = [f"{said[0]}: do not add it up over outcomes"]
    if shared:
        parts = [f"{percent(share)} to {conversions_of(name)}" for name, share in shared.items()]
        said.append(f"The cost of a channel is shared out by value: {enumerate_names(parts)}")
    if without:
        said.append(f"{_outcomes(without)} are charged with no cost")
    return " ".join(f"{text}." for text in said)


def _outcomes(names: Sequence[str]) -> str:
    text = enumerate_names([conversions_of(name) for name in names])
    return text[:1].upper() + text[1:]


def make_section(comparison: Comparison, outcome: str, identifier: str, level: int) -> Section:
    """Return the part of the report on one outcome.

    Parameters
    ----------
    identifier
        Id of the part in the document.
    level
        Level of its headings.
    """
    counts = next(row for row in comparison.outcomes if row["outcome"] == outcome)
    model = model_to_show(comparison, outcome)
    other = None if model is None else other_model(comparison, outcome, model)
    money = [] if model is None else channel_money(comparison, outcome, model)
    chart = money_chart(money) if money else None
    moves = None if model is None or other is None else move(comparison, outcome, model, other)
    tests = [] if model is None else next_tests(comparison, outcome, model)
    standing = len(standing_models(comparison, outcome).rows)
    families, ruled_out = _families(comparison, outcome)
    by_segment = credit_by_segment(comparison, outcome, money, model)
    title = conversions_of(outcome)
    choices = _choices(comparison, outcome)
    segments = segment_rows(comparison, outcome, _MOST_SEGMENTS)
    return Section(
        id=identifier,
        level=level,
        outcome=plain(outcome),
        title=title[:1].upper() + title[1:],
        conversions=title,
        currency=comparison.report_settings.currency,
        lookback=counts["lookback"],
        counts=counts,
        scored=scored_counts(comparison, outcome),
        is_path_table=is_path_table(counts),
        decision=decide(comparison, outcome),
        champion=_in_use(comparison, outcome),
        champion_alert=champion_alert(comparison, outcome),
        experiments=experiment_findings(comparison, outcome),
        timeline=events_of(comparison, outcome),
        against_experiments=compared_with_experiments(comparison, outcome),
        experiments_about=experiments_about(comparison, outcome),
        calibrated=calibrated_rows(comparison, outcome),
        calibrated_title=calibrated_title(comparison, outcome),
        predictions=predictions_of(comparison, outcome),
        tiles=tiles(comparison, outcome, model),
        model=model,
        model_label=model_label(model or ""),
        other=other,
        other_label=model_label(other or ""),
        standing=standing,
        several_stand=standing > 1,
        with_last_touch=any(row.last_touch_share is not None for row in money),
        chart=chart,
        move=moves,
        tests=tests,
        how_to_test=how_to_test(tests),
        models_to_pick=choices,
        families=families,
        ruled_out=ruled_out,
        models_about=_models_about(comparison, outcome),
        reasons=reason_paragraphs(comparison, outcome),
        charts=_charts(comparison, outcome, identifier),
        evidence_about=_evidence_about(comparison, outcome),
        pairs=pair_rows(comparison, outcome, _MOST_PAIRS),
        calibration_about=_calibration_about(comparison, outcome),
        credit=credit_by_model(
            comparison, outcome, money, [(choice.name, choice.label) for choice in choices]
        ),
        journey=make_journey(comparison, outcome, identifier),
        segments=segments,
        segment_credit=by_segment,
        segments_about=_segments_about(segments[0], segments[1])
        if segments[0]
        else by_segment.about,
        lookbacks=lookback_table(comparison, outcome),
        lookback_credit=credit_by_lookback(comparison, outcome, money, model),
        warnings=[plain(text) for text in warnings_of(comparison, outcome)],
        data=_data(comparison, outcome, money, choices, chart) if chart else {},
    )


def _in_use(comparison: Comparison, outcome: str) -> str:
    """Return the model in use, unless nothing was decided and the alert names it."""
    champion = champion_of(comparison, outcome)
    if champion is not None and champion["is_refuted"] and champion["decided_at"] is None:
        return ""
    return champion_line(comparison, outcome)


# --- models ---------------------------------------------------------------------------------------


def _families(
    comparison: Comparison, outcome: str
) -> tuple[list[tuple[str, list[ModelRow]]], list[ModelRow]]:
    """Return the models that stand by family, the best member first, and those ruled out."""
    lines = model_rows(comparison, outcome)
    families: dict[str, list[ModelRow]] = {}
    for line in lines:
        if not line.is_reference and line.kind != "refuted":
            families.setdefault(family_of(line.model), []).append(line)
    references = [line for line in lines if line.is_reference]
    if references:
        families["Baselines, and the best achieved"] = references
    return list(families.items()), [line for line in lines if line.kind == "refuted"]


def _models_about(comparison: Comparison, outcome: str) -> str:
    standing = [row["model"] for row in standing_models(comparison, outcome).rows]
    out = len(with_verdict(rivals_of(comparison, outcome), "refuted"))
    families = len({family_of(name) for name in standing})
    stand = f"{count(len(standing))} standing"
    stand += f" in {count(families)} families" if families > 1 else ""
    return f"{stand}, {count(out)} ruled out" if out else stand


def _evidence_about(comparison: Comparison, outcome: str) -> str:
    out = [row for row in rivals_of(comparison, outcome) if row["refuted_in"]]
    if not out:
        return "no model is ruled out yet"
    first = min(out, key=lambda row: row["refuted_in"])
    return f"{model_word(first['model'])} ruled out since {day_in_words(first['refuted_in'])}"


def _calibration_about(comparison: Comparison, outcome: str) -> str:
    """Return what the first model forecast for the likeliest touches, and what happened."""
    found = likeliest(comparison, outcome)
    if found is None:
        return ""
    forecast, observed = percent(found[0], 1), percent(found[1], 1)
    return f"of the likeliest touches, {forecast} were forecast to convert and {observed} did"


def _segments_about(rows: Sequence[SegmentRow], more: int) -> str:
    differ = sum(row.agrees == "no" for row in rows)
    total = len(rows) + more
    return f"{count(differ)} of {count(total)} differ" if differ else f"{count(total)} segments"


def _choices(comparison: Comparison, outcome: str) -> list[ModelChoice]:
    """Return the models with credit, those that stand first; the others and that in use marked."""
    credited = [row["model"] for row in credited_models(comparison, outcome)]
    first = credited_standing(comparison, outcome)
    rest = [name for name in credited if name not in first]
    champion = champion_of(comparison, outcome)
    out = ["ruled out"] if rivals_of(comparison, outcome) else []

    def choice(name: str, marks: Sequence[str]) -> ModelChoice:
        in_use = ["in use"] if champion is not None and champion["model"] == name else []
        marks = [*in_use, *marks]
        return ModelChoice(name, model_label(name) + (f" ({', '.join(marks)})" if marks else ""))

    return [*(choice(name, ()) for name in first), *(choice(name, out) for name in rest)]


# --- charts and tables ----------------------------------------------------------------------------


def _charts(comparison: Comparison, outcome: str, identifier: str) -> list[Chart]:
    found = []
    for kind, (title, caption, make) in _CHARTS.items():
        chart = make(comparison, outcome)
        if chart is not None:
            spec = chart.to_dict()
            drawn = [row for rows in spec["datasets"].values() for row in rows]
            more = _TRIANGLES if any(row.get("outside") for row in drawn) else ""
            svg = static_svg(spec, f"{identifier}-{kind}", title)
            found.append(Chart(kind, title, caption + more, svg))
    return found


# --- pickers --------------------------------------------------------------------------------------


def _data(
    comparison: Comparison,
    outcome: str,
    money: Sequence[ChannelMoney],
    choices: Sequence[ModelChoice],
    chart: MoneyChart,
) -> dict[str, Any]:
    """Return what the script needs to show another model."""
    channels = [row.channel for row in money]
    models = []
    for choice in choices:
        credit = {
            row["channel"]: row
            for row in credit_of(comparison, outcome, choice.name)
            if row["channel"] != UNATTRIBUTED
        }
        own = [credit.get(channel, {}) for channel in channels]
        has_value = any(row.get("value") is not None for row in own)
        models.append(
            {
                "label": model_label(choice.name),
                "conversions": [_short(row.get("conversions")) for row in own],
                "value": [_short(row.get("value")) for row in own] if has_value else None,
                "low": [_place(row.get("share_low"), chart.top) for row in own],
                "high": [_place(row.get("share_high"), chart.top) for row in own],
            }
        )
    return {
        "names": [row.word for row in money],
        "conversions": conversions_of(outcome),
        "currency": currency_prefix(comparison.report_settings.currency),
        "spend": [row.spend for row in money],
        "top": chart.top,
        "standing": len(credited_standing(comparison, outcome)),
        "models": models,
    }


def _short(value: float | None) -> float:
    """Return a number to seven digits, which is more than the report shows."""
    short = float(f"{value or 0.0:.7g}")
    return int(short) if short.is_integer() else short


def _place(share: float | None, top: float) -> int | None:
    """Return where a share is drawn, in tenths of a percent of the chart's width."""
    return None if share is None else round(1_000 * share / top)
