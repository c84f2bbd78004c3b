"""What experiments say about the credit of a model, and which test comes next, in sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scipy.special import ndtri

from lydite.reporting.champion import champion_of
from lydite.reporting.channel_money import model_to_show
from lydite.reporting.display_names import (
    channel_word,
    conversions_of,
    experiment_word,
    model_word,
    start_sentence,
)
from lydite.reporting.formats import (
    amount,
    amount_interval,
    approximate,
    count,
    day_in_words,
    decimals_for,
    fixed,
    percent,
)
from lydite.reporting.moves import how_to_test, next_tests
from lydite.reporting.queries import LEADING, rivals_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.reporting.queries import Row
    from lydite.results import Comparison

_Z = float(ndtri(0.975))
#: Verdicts of a comparison of forecasts that do not speak against a model.
_STANDS = (*LEADING, "too_early")
_SURE = ("overstates", "understates")


def judged_model(comparison: Comparison, outcome: str) -> str | None:
    """Return the model in use, else the one that is shown; None where no model has credit."""
    champion = champion_of(comparison, outcome)
    return champion["model"] if champion else model_to_show(comparison, outcome)


def experiment_findings(comparison: Comparison, outcome: str) -> list[str]:
    """Return what experiments say about the credit of the model in use, at most two sentences.

    First what a holdout measured against what the model credits, then what calibrated credit says
    about that channel. Without a holdout that is over, when it can be read. Nothing without a
    holdout.
    """
    model = judged_model(comparison, outcome)
    if model is None:
        return []
    rows = _compared(comparison, outcome, model)
    if not rows:
        return _not_compared(comparison, outcome)
    verdict = _verdict_of(comparison, outcome, model)
    row = _most_decisive(rows, verdict)
    said = [_against_credit(comparison, row, verdict)]
    return [*said, *_calibrated(comparison, outcome, row)]


def next_test_in_words(comparison: Comparison, outcome: str) -> str:
    """Return which channel to test next, why and how; empty where nothing is proposed."""
    model = model_to_show(comparison, outcome)
    tests = [] if model is None else next_tests(comparison, outcome, model)
    if not tests:
        return ""
    return " ".join(
        filter(None, [f"Next test: {tests[0].word}.", tests[0].why, how_to_test(tests)])
    )


# --- credit against a holdout ---------------------------------------------------------------------


def _compared(comparison: Comparison, outcome: str, model: str) -> list[Row]:
    """Return what the experiments measured against the credit of a model, most credit first."""
    rows = rows_of(comparison, "experiment_agreement", outcome)
    own = [row for row in rows if row["model"] == model]
    return sorted(own, key=lambda row: (-(row["credited"] or 0), row["experiment"]))


def _verdict_of(comparison: Comparison, outcome: str, model: str) -> Row | None:
    rows = rows_of(comparison, "experiment_verdicts", outcome)
    return next((row for row in rows if row["model"] == model), None)


def _most_decisive(rows: Sequence[Row], verdict: Row | None) -> Row:
    """Return the experiment that contradicts the model most, else one that is sure, else the first.

    The first is the one with the most credited conversions.
    """
    named = None if verdict is None else verdict["experiment"]
    sure = [row for row in rows if row["status"] in _SURE]
    return next((row for row in rows if row["experiment"] == named), [*sure, *rows][0])


def _against_credit(comparison: Comparison, row: Row, verdict: Row | None) -> str:
    channel = channel_word(row["channel"], comparison.report_settings.channel_names)
    about = _fit_and_experiment(comparison, row, verdict, channel)
    credited = start_sentence(
        f"{model_word(row['model'])} credits {'it' if channel in about else channel} with"
        f" {amount(row['credited'])} {conversions_of(row['outcome'])}"
        f" in the experiment {experiment_word(row['experiment'])}"
    )
    error = _Z * math.sqrt(max(0.0, row["measured_variance"] or 0.0))
    cost = _with_interval(row["measured"], row["measured"] - error, row["measured"] + error)
    said = f"{credited}; holding it out cost {cost}. {_judgement(row, verdict)}"
    return f"{about} {said}".strip()


def _with_interval(value: float, low: float, high: float, what: str = "") -> str:
    """Return a number of conversions with its interval, rounded by its width."""
    known = fixed(value, decimals_for((high - low) / 2, usual=2, most=2))
    interval = f"95% interval {amount_interval(low, high)}"
    if value > 0:
        return f"{known} {what} ({interval})" if what else f"{known} ({interval})"
    return f"{f'no {what}' if what else 'none'} ({known}, {interval})"


def _fit_and_experiment(comparison: Comparison, row: Row, verdict: Row | None, channel: str) -> str:
    """Return whether the comparison of forecasts says the same; empty where nothing is sure."""
    if verdict is None or verdict["verdict"] != "contradicted":
        return ""
    own = [r for r in rivals_of(comparison, row["outcome"]) if r["model"] == row["model"]]
    if own and own[0]["verdict"] in _STANDS:
        return f"Fit and experiment disagree on {channel}."
    if own and own[0]["verdict"] == "refuted":
        return f"Fit and experiment both speak against {model_word(row['model'])}."
    return ""


def _judgement(row: Row, verdict: Row | None) -> str:
    judged = None if verdict is None else verdict["verdict"]
    if judged == "contradicted":
        if row["status"] in _SURE:
            return "The experiment wins."
        together = count(verdict["experiments"] if verdict else 0)
        return f"Together, {together} experiments contradict the credit. They win."
    if row["status"] == "agrees":
        return "Credit and experiment agree."
    if row["status"] in _SURE:
        return f"The credit is too {'high' if row['status'] == 'overstates' else 'low'}."
    if row["users_needed"] is None:
        return "This does not show whether the credit is right."
    margin = percent(row["margin"])
    return (
        "This does not show whether the credit is right: it takes about"
        f" {approximate(row['users_needed'])} users to find an error of {margin}."
    )


def _not_compared(comparison: Comparison, outcome: str) -> list[str]:
    """Return when holdouts with users can be compared with the credit."""
    rows = [
        row
        for row in rows_of(comparison, "experiments", outcome)
        if row["is_primary"] and row["varies"] == "channel" and row["unit"] == "user"
    ]
    waiting = {row["experiment"]: row for row in rows if row["may_read"] != "fixed"}
    return [_waits(comparison, row) for row in waiting.values()][:1]


def _waits(comparison: Comparison, row: Row) -> str:
    channel = channel_word(row["channel"], comparison.report_settings.channel_names)
    name = f"The experiment {experiment_word(row['experiment'])} on {channel}"
    checks = comparison.marts.get("experiment_checks")
    if checks is not None and len(checks.filter(experiment=row["experiment"], status="failed")):
        return f"{name} cannot be read: a check has failed."
    if row["readable_on"] is None:
        return f"{name} cannot be read yet."
    return f"{name} can be read on {day_in_words(row['readable_on'])}."


# --- calibrated credit ----------------------------------------------------------------------------


def _calibrated(comparison: Comparison, outcome: str, tested: Row) -> list[str]:
    """Return what calibrated credit says about the channel of an experiment."""
    rows = [
        row
        for row in rows_of(comparison, "calibrated_credit", outcome)
        if _same_channel(row["channel"], tested["channel"]) and row["model"] == tested["model"]
    ]
    return [_calibrated_in_words(comparison, row) for row in rows[:1]]


def _same_channel(one: str, other: str) -> bool:
    return one.strip().lower() == other.strip().lower()


def _calibrated_in_words(comparison: Comparison, row: Row) -> str:
    channel = channel_word(row["channel"], comparison.report_settings.channel_names)
    caused = _with_interval(
        row["conversions"], row["conversions_low"], row["conversions_high"],
        conversions_of(row["outcome"]),
    )  # fmt: skip
    return (
        f"Calibrated by experiments, {channel} caused {caused}, instead of the"
        f" {amount(row['credited'])} credited; {percent(row['share_from_experiments'])} of this"
        " estimate comes from experiments on it."
    )
