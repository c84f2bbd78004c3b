"""The record of tested hypotheses: a row for each change of a verdict, never changed or deleted.

``decisions.verdicts`` keeps models that are no longer compared, with what refuted them. A model
that is added later and says the same as a refuted one is named (`repeated_hypotheses`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.decisions.evidence import CONTRADICTED, EXPERIMENT_VERDICTS
from lydite.engine.changes import append_changes
from lydite.evaluation.segments import ALL
from lydite.evaluation.verdicts import SAME_LOSS
from lydite.models import Rule
from lydite.models.registry import RESERVED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.engine import DuckDBEngine
    from lydite.models import Model

VERDICTS = "decisions.verdicts"
DEFINITIONS = "evaluation.definitions"
DEFINITION: dict[str, Any] = {
    "outcome": pl.String,
    "model": pl.String,
    "definition": pl.String,
    "scored_as": pl.String,
    "rule": pl.String,
}
_CURRENT = """
select
    compared.outcome,
    compared.model,
    definitions.definition,
    definitions.scored_as,
    compared.claim,
    definitions.rule,
    compared."primary",
    compared.verdict,
    compared.stands and contradicted.experiment is null as stands,
    compared.refuted_by,
    contradicted.experiment as refuted_by_experiment,
    compared.refuted_in,
    tested.first_period,
    tested.last_period,
    compared.periods,
    compared.conversions,
    true as is_compared
from evaluation.model_comparison as compared
inner join {definitions} as definitions using (outcome, model)
left join (
    select outcome, model, min(period_start) as first_period, max(period_start) as last_period
    from evaluation.evidence
    where segment = '{all_users}'
    group by outcome, model
) as tested using (outcome, model)
left join {experiments} as contradicted using (outcome, model)
where compared.segment = '{all_users}' and compared.verdict is not null
"""
_CONTRADICTED = f"""(
    select outcome, model, {{experiment}} as experiment from mart.{EXPERIMENT_VERDICTS}
    where '{CONTRADICTED}' in ({{verdicts}})
)"""
_NO_EXPERIMENTS = """(
    select null::varchar as outcome, null::varchar as model, null::varchar as experiment where false
)"""
_LAST = f"""
select * from {VERDICTS}
qualify row_number() over (partition by outcome, model, definition order by number desc) = 1
"""
_CHANGED = """
with current as ({current}),
last as ({last})
select current.*
from current
left join last using (outcome, model, definition)
where
    last.number is null
    or not last.is_compared
    or current.verdict is distinct from last.verdict
    or current.refuted_by is distinct from last.refuted_by
    or current.refuted_by_experiment is distinct from last.refuted_by_experiment
    or current.refuted_in is distinct from last.refuted_in
    or current.scored_as is distinct from last.scored_as
    or current.periods is distinct from last.periods
    or current.conversions is distinct from last.conversions
union all by name
select * exclude (number, recorded_at, is_compared), false as is_compared
from last
anti join current using (outcome, model, definition)
where is_compared
order by outcome, is_compared, model
"""


def definition_row(outcome: str, model: Model, scored_as: str | None) -> dict[str, object]:
    """Return what defines a hypothesis: a row of the table `DEFINITIONS`.

    Parameters
    ----------
    scored_as
        The fingerprint of its scores in the ledger; None where it has none.
    """
    rule = str(model.expression) if isinstance(model, Rule) else None
    return {
        "outcome": outcome,
        "model": model.name,
        "definition": model.fingerprint,
        "scored_as": scored_as,
        "rule": rule,
    }


def record_verdicts(engine: DuckDBEngine) -> None:
    """Append the verdicts that have changed, and the models that are no longer compared."""
    current = _CURRENT.format(
        definitions=DEFINITIONS, all_users=ALL, experiments=_experiments_sql(engine)
    )
    append_changes(engine, VERDICTS, current, _CHANGED.format(current=current, last=_LAST))


def _experiments_sql(engine: DuckDBEngine) -> str:
    """Return a select of the models whose credit or expectation experiments contradict."""
    table = f"mart.{EXPERIMENT_VERDICTS}"
    if not engine.exists(table):
        return _NO_EXPERIMENTS
    prefixes = [""]
    if "hypothesis_verdict" in engine.columns(table):
        prefixes.append("hypothesis_")
    # There is an experiment only where the verdict is that it contradicts.
    experiment = ", ".join(f"{prefix}experiment" for prefix in prefixes)
    verdicts = ", ".join(f"{prefix}verdict" for prefix in prefixes)
    return _CONTRADICTED.format(experiment=f"coalesce({experiment})", verdicts=verdicts)


# --- hypotheses that were refuted before ----------------------------------------------------------

_REFUTED = f"select * from ({_LAST}) where not stands and outcome = $outcome"
# Models whose loss is the same in every period that both were scored in, and in at least one.
_SAME_LOSS = f"""
with losses as (
    select model, fingerprint, period_start, sum(log_loss) as loss
    from ledger.scores
    where outcome = $outcome and segment = '{ALL}'
    group by model, fingerprint, period_start
)
select count(*)
from losses as a
inner join losses as b using (period_start)
where
    (a.model, a.fingerprint) = ($model, $scored_as)
    and (b.model, b.fingerprint) = ($other, $other_scored_as)
having bool_and(abs(a.loss - b.loss) <= {SAME_LOSS} * (1 + abs(a.loss)))
"""


def repeated_hypotheses(
    engine: DuckDBEngine, outcome: str, models: Sequence[Model], scored_as: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return a warning for each model that says the same as one that was refuted before.

    It does if it has the same rule, up to how the rule is written, or the same claim; or the same
    forecasts as a model that is no longer compared. A model that comes back is named, too.

    Parameters
    ----------
    models
        The models that are compared now.
    scored_as
        The fingerprint of their scores in the ledger, by name; none for those without scores.

    Returns
    -------
    list of (str, str)
        Kind and text of each warning.
    """
    if not engine.exists(VERDICTS):
        return []
    refuted = engine.frame(_REFUTED, {"outcome": outcome}).to_dicts()
    texts = [
        _describe(model, row, same)
        for model in models
        for row in refuted
        if (same := _what_is_same(engine, model, row, scored_as.get(model.name)))
    ]
    return [("tested_before", text) for text in texts]


def _what_is_same(
    engine: DuckDBEngine, model: Model, row: dict[str, Any], scored_as: str | None
) -> str | None:
    is_back = not row["is_compared"]
    rule = str(model.expression) if isinstance(model, Rule) else None
    same_rule = bool(rule and row["rule"]) and normal_form(rule or "") == normal_form(row["rule"])
    if model.name == row["model"]:
        same = is_back if model.fingerprint == row["definition"] else same_rule
        return "model" if same else None
    if model.name in RESERVED and row["model"] in RESERVED:
        return None
    if same_rule:
        return "rule"
    if _compact(model.claim) == _compact(row["claim"]):
        return "claim"
    if is_back and scored_as and engine.exists("ledger.scores"):
        keys = {
            "outcome": row["outcome"], "model": model.name, "scored_as": scored_as,
            "other": row["model"], "other_scored_as": row["scored_as"],
        }  # fmt: skip
        return "forecasts" if engine.scalar(_SAME_LOSS, keys) else None
    return None


def _describe(model: Model, row: dict[str, Any], same: str) -> str:
    when = "" if row["refuted_in"] is None else f" in the period from {row['refuted_in']}"
    by, verb = row["refuted_by"] or "another model", "refuted"
    if row["refuted_by_experiment"] is not None:
        by, verb, when = f"the experiment {row['refuted_by_experiment']}", "contradicted", ""
    if same == "model":
        return f"{model.name} is tested again: {by} {verb} it{when}"
    return f"{model.name} has the same {same} as {row['model']}, which {by} {verb}{when}"


def normal_form(rule: str) -> str:
    """Return a rule in a form that does not depend on case, blanks, parentheses or comments.

    Examples
    --------
    >>> normal_form("1.0 / POSITION") == normal_form("( 1.0/position )")
    True
    """
    import sqlglot  # noqa: PLC0415  (a tenth of a second, and only rules need it)
    from sqlglot.errors import SqlglotError  # noqa: PLC0415
    from sqlglot.optimizer.normalize_identifiers import normalize_identifiers  # noqa: PLC0415
    from sqlglot.optimizer.simplify import simplify  # noqa: PLC0415

    try:
        tree = sqlglot.parse_one(rule, dialect="duckdb")
        simple = simplify(normalize_identifiers(tree, dialect="duckdb"))
        return str(simple.sql(dialect="duckdb", comments=False))
    except (SqlglotError, RecursionError):
        return _compact(rule)


def _compact(text: str) -> str:
    """Return a text without differences of case, of blanks, and of the full stop at its end."""
    return re.sub(r"\s+", " ", text.casefold()).strip(" .")
