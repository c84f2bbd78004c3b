"""The model in use, in words: since when and why, whether it is refuted, and its challenger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.reporting.display_names import conversions_of, experiment_word, model_word
from lydite.reporting.formats import plain, verdict_label
from lydite.reporting.queries import rows_of, standing_models

if TYPE_CHECKING:
    from lydite.reporting.queries import Row
    from lydite.results import Comparison


def champion_of(comparison: Comparison, outcome: str) -> Row | None:
    """Return the row of the model in use; None where the tables have none."""
    return next(iter(rows_of(comparison, "champions", outcome)), None)


def champion_alert(comparison: Comparison, outcome: str) -> str:
    """Return that the model in use is refuted, and what to do; empty where it is not."""
    row = champion_of(comparison, outcome)
    if row is None or not row["is_refuted"]:
        return ""
    said = (
        f"The model in use for {conversions_of(outcome)}, {_name(row['model'])}, is refuted:"
        f" {_refuter(row)}."
    )
    if row["despite"]:
        said += f" {plain(row['decided_by'])} promoted it nevertheless ({plain(row['reason'])})."
    return f"{said} {_advice(comparison, row, outcome)}"


def _refuter(row: Row) -> str:
    if row["refuted_by_experiment"] is not None:
        return f"the experiment {experiment_word(row['refuted_by_experiment'])} contradicts it"
    when = "" if row["refuted_in"] is None else f", since the period from {row['refuted_in']}"
    by = "another model" if row["refuted_by"] is None else _name(row["refuted_by"])
    return f"{by} forecasts better for sure{when}"


def _advice(comparison: Comparison, row: Row, outcome: str) -> str:
    if row["challenger"] is None:
        by_forecasts = [own["model"] for own in standing_models(comparison, outcome).rows]
        if not set(by_forecasts) - {row["model"]}:
            return "No other model stands."
        # The challenger is the first model that nothing refutes, so experiments refute these.
        said = "Experiments contradict all others that forecast well."
        calibrated = rows_of(comparison, "calibrated_credit", outcome)
        return f"{said} See the calibrated credit." if calibrated else said
    command = f"lydite promote {row['challenger']} --outcome {plain(outcome)} --reason ..."
    return f"The evidence would put {_name(row['challenger'])} in its place: {command}"


def champion_line(comparison: Comparison, outcome: str) -> str:
    """Return which model is in use, since when and why, and its challenger.

    Empty where the tables have no model in use, or where nothing was decided and the model in use
    was not compared.
    """
    row = champion_of(comparison, outcome)
    if row is None or (row["decided_at"] is None and row["verdict"] is None):
        return ""
    said = [_in_use(row)]
    if row["despite"]:
        said.append(f"It was promoted although it was refuted by {plain(row['despite'])}.")
    if row["verdict"] is None:
        said.append("It was not compared in the last run.")
    if row["challenger"] is not None:
        verdict = verdict_label(row["challenger_verdict"])
        said.append(f"Challenger: {_name(row['challenger'])} ({verdict}).")
    return " ".join(said)


def _in_use(row: Row) -> str:
    name = _name(row["model"])
    if row["decided_at"] is None:
        return f"{name[0].upper()}{name[1:]} is {row['status']}."
    why = f"{plain(row['decided_by'])}: {plain(row['reason'])}".rstrip(".")
    return f"In use: {name}, decided on {row['decided_at']:%Y-%m-%d} by {why}."


def _name(model: str) -> str:
    return model_word(model)
