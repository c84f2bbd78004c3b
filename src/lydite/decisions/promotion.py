"""A person makes a model the champion of an outcome."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lydite.decisions.champions import DEFAULT_CHAMPION, last_decisions
from lydite.decisions.evidence import read_refutations, rivals_of
from lydite.decisions.log import Decision, add_decision, check_copy
from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lydite.decisions.evidence import Marts


def promote(
    path: Path,
    marts: Marts,
    model: str,
    outcome: str,
    *,
    reason: str,
    by: str,
    despite_refuted: bool = False,
) -> Decision:
    """Make a model the champion of an outcome: add the decision to the log.

    Parameters
    ----------
    path
        The log of decisions.
    marts
        The marts of the last run: ``outcomes``, ``model_comparison`` and, where there are any,
        ``decisions`` and ``models_left_out``.
    model, outcome
        The new champion, and of which outcome.
    reason, by
        Why, and who decided.
    despite_refuted
        Whether the model may be a refuted one.

    Returns
    -------
    The decision as written.

    Raises
    ------
    InputError
        When the outcome or the model is unknown, the reason or the name is blank, the model is
        refuted or in use by a decision already, or the log cannot be written.
    """
    reason = _text(reason, "give a reason")
    by = _text(by, "say who decides")
    verdicts = _verdicts(marts, outcome)
    _check_model(marts, outcome, model, verdicts)
    refutations = read_refutations(marts)
    refutation = refutations.get((outcome, model))
    if refutation is not None and not despite_refuted:
        standing = ", ".join(name for name in verdicts if (outcome, name) not in refutations)
        raise InputError(
            f"{model} is refuted for {outcome} by {refutation}. Promote a model that stands"
            f" ({standing or 'none does'}), or add --despite-refuted: the report will say so"
        )

    def make(log: Sequence[Decision]) -> Decision:
        if "decisions" in marts:
            check_copy(path, log, marts["decisions"].select("number", "hash").rows())
        last = last_decisions(log).get(outcome)
        if last is not None and last.to_model == model and not (refutation and not last.despite):
            raise InputError(
                f"{model} is the champion of {outcome} already, since {last.decided_at[:10]}, by"
                f" {last.decided_by}"
            )
        return Decision(
            number=0,
            decided_at=datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds"),
            decided_by=by,
            outcome=outcome,
            from_model=last.to_model if last else DEFAULT_CHAMPION,
            to_model=model,
            reason=reason,
            despite="" if refutation is None else str(refutation),
            verdicts=dict(verdicts),
        )

    return add_decision(path, make)


def _text(text: str, otherwise: str) -> str:
    """Return a text that can be kept, without blanks around it."""
    if not text.strip():
        raise InputError(f"{otherwise}: it is kept with the decision")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{text!r} is not text: {otherwise} in UTF-8") from error
    return text.strip()


def _verdicts(marts: Marts, outcome: str) -> dict[str, str]:
    """Return the verdicts on the rivals of an outcome, the best first."""
    names = marts["outcomes"]["outcome"].to_list()
    if outcome not in names:
        near = difflib.get_close_matches(outcome, names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InputError(
            f"there is no outcome {outcome!r}.{hint} The outcomes are: {', '.join(names)}"
        )
    return dict(rivals_of(marts, outcome).select("model", "verdict").rows())


def _check_model(marts: Marts, outcome: str, model: str, verdicts: Mapping[str, str]) -> None:
    if model in verdicts:
        return
    names = ", ".join(verdicts) or "none"
    left_out = marts.get("models_left_out")
    reasons = dict(left_out.rows()) if left_out is not None else {}
    if model in reasons:
        raise InputError(f"{model} was left out of the last run: {reasons[model]}")
    if model in marts["model_comparison"]["model"]:
        raise InputError(f"{model} is a reference, which gives no channel credit. Promote: {names}")
    near = difflib.get_close_matches(model, list(verdicts), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise InputError(
        f"the last run did not compare a model {model!r} for {outcome}.{hint} It compared: {names}"
    )
