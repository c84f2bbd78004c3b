"""Which tables a table is made from, read from the SQL that makes it.

A table with a SQL file depends on the tables that the file names. Other tables are made by Python,
or by SQL in it: `_MADE_BY_PYTHON` says what that reads, and a test compares it with the statements
of a run.
"""

from collections.abc import Iterator, Mapping

from lydite import inputs, pipeline
from lydite.dagster.assets import attribution, decisions, evaluation, journeys, marts, models
from lydite.dagster.assets.inputs import TABLES as INPUTS
from lydite.dagster.assets.publishing import DATABASE, REPORT
from lydite.decisions.evidence import EXPERIMENT_VERDICTS
from lydite.engine import sql_directory
from lydite.engine.table_names import tables_in
from lydite.pipeline import calibrated_credit, experiment_predictions, next_experiments
from lydite.pipeline.calibrated_credit import AGREEMENT
from lydite.settings import Settings

_EXPERIMENTS = tuple(f"mart.{name}" for name in pipeline.EXPERIMENT_MARTS)
_READOUT = ("inputs.touchpoints", "inputs.conversions", "inputs.users", "inputs.experiments")
_FITTED = (models.LANDMARKS, journeys.OUTCOMES, "journeys.channels")
#: What experiments are read from, and what models are compared with them from. The ids of a person
#: are joined with the journeys.
_READ = (*_READOUT, "journeys.users")
_HELD_OUT = (
    "mart.experiments", *_READOUT, "credit.touch_credit", *_FITTED,
    "journeys.path_touches", "journeys.conversions", "journeys.users",
)  # fmt: skip
#: What Python code reads to make a table, in addition to what its SQL file names.
_MADE_BY_PYTHON: Mapping[str, tuple[str, ...]] = {
    # Journeys.
    "journeys.clusters": ("people.users",),
    "journeys.counted_touches": ("journeys.touches",),
    "journeys.bot_like_users": ("journeys.touches",),
    "journeys.outcome_channels": ("journeys.channels",),
    "journeys.interactions": ("journeys.touches",),
    "people.counted_conversions": ("inputs.conversions", "people.members"),
    journeys.OUTCOMES: (
        *INPUTS, "journeys.channels", "journeys.touches", "journeys.path_events",
        "journeys.conversions", "journeys.users",
    ),
    "quality.findings": (journeys.OUTCOMES,),
    "inputs.report": INPUTS,
    # The evaluation.
    models.LANDMARKS: (journeys.OUTCOMES, "journeys.channels"),
    "evaluation.samples": (models.LANDMARKS,),
    "evaluation.left_out": ("journeys.channels",),
    models.SCORES: (*_FITTED, "evaluation.history", "journeys.users", "people.users"),
    **{
        f"mart.{name}": (models.SCORES, journeys.OUTCOMES)
        for name in ("model_comparison", "pairs", "evidence", "calibration")
    },
    "mart.warnings": (
        models.SCORES, *_FITTED, "inputs.report", "journeys.spend", "journeys.touches",
        "journeys.conversions", "journeys.path_events",
    ),
    "evaluation.model_comparison": ("mart.model_comparison",),
    "evaluation.evidence": ("mart.evidence",),
    "evaluation.champions": (marts.CHAMPIONS,),
    # Credit.
    "credit.touch_credit": (*_FITTED, "journeys.path_touches", "journeys.milestones",
                            "journeys.conversions"),
    "credit.statistics": ("credit.touch_credit",),
    "credit.daily": ("credit.touch_credit",),
    "credit.by_segment": (
        "credit.touch_credit", "journeys.users", "people.users", "journeys.path_events",
        "journeys.conversions",
    ),
    "credit.intervals": (*_FITTED, "credit.statistics"),
    "credit.differences": (*_FITTED, "credit.statistics"),
    "credit.removal_effects": _FITTED,
    # Experiments.
    "experiments.readout": _READ,
    "experiments.checks": _READ,
    "experiments.agreement": _HELD_OUT,
    "ledger.predictions": _HELD_OUT,
    "experiments.hypotheses": (*_HELD_OUT, "mart.registered_predictions"),
    "experiments.pairs": ("mart.experiment_hypotheses",),
    "experiments.verdicts": ("mart.experiment_agreement", "mart.experiment_hypotheses"),
    # Decisions and marts.
    "decisions.log": (decisions.PROMOTION,),
    marts.CHAMPIONS: (
        "decisions.log", "evaluation.model_comparison", "mart.experiment_verdicts",
        journeys.OUTCOMES,
    ),
    "decisions.champions": ("evaluation.champions",),
    "decisions.verdicts": (
        "evaluation.evidence", "evaluation.model_comparison", "mart.experiment_verdicts",
    ),
    "evaluation.refuted": ("evaluation.model_comparison",),
    "evaluation.runs": (
        "inputs.conversions", "journeys.touches", "journeys.users", journeys.OUTCOMES,
    ),
    "credit.cost_shares": ("journeys.conversions",),
    "evaluation.calibrated_credit": tuple(f"mart.{name}" for name in calibrated_credit.READ),
    "evaluation.next_experiments": (
        *(f"mart.{name}" for name in (*next_experiments.READ, AGREEMENT, EXPERIMENT_VERDICTS)),
        next_experiments.CLUSTER_TOTALS,
    ),
    **{
        f"evaluation.{name}": tuple(f"mart.{read}" for read in experiment_predictions.READ)
        for name in (
            experiment_predictions.EXPERIMENT_PREDICTIONS, experiment_predictions.PREDICTION_SUMMARY
        )
    },
    DATABASE: (*evaluation.TABLES, *marts.TABLES, *_EXPERIMENTS, "credit.touch_credit",
               "journeys.users", "journeys.channels", "journeys.conversions"),
    REPORT: (DATABASE,),
}  # fmt: skip
_BY_ID = tuple(f"people.{name}" for name in ("touchpoints", "conversions", "users"))


class Lineage:
    """The tables of a project that are assets, and what each of them is made from.

    Parameters
    ----------
    settings
        Whether ids are joined, and outcomes have milestones, changes what tables are made from.
    """

    def __init__(self, settings: Settings) -> None:
        self._assets = {
            *INPUTS, *journeys.FILES, journeys.OUTCOMES, models.LANDMARKS, models.SCORES,
            *evaluation.TABLES, *evaluation.other_lookbacks(settings), *attribution.TABLES,
            *_EXPERIMENTS, *marts.TABLES, decisions.PROMOTION, DATABASE, REPORT,
        }  # fmt: skip
        self._made_from = dict(_MADE_BY_PYTHON)
        joins = "identities" in settings.sources.present() or settings.people.unit != "user"
        for name in _BY_ID:
            # Without pairs of ids and accounts they are views.
            own = f"inputs.{name.removeprefix('people.')}"
            all_ids = ("inputs.touchpoints", "inputs.conversions", "inputs.users")
            self._made_from[name] = (own, *all_ids, "inputs.identities") if joins else (own,)
        if not any(outcome.milestone for outcome in settings.outcomes.values()):
            self._made_from["journeys.milestones"] = ()
        for table in evaluation.other_lookbacks(settings):
            self._made_from[table] = (*INPUTS, "journeys.channels")

    def parents(self, table: str) -> list[str]:
        """Return the assets that an asset is made from, sorted.

        Parameters
        ----------
        table
            Name of the table (``schema.name``).
        """
        if table in INPUTS:
            return []
        return sorted(self._nearest_assets(table, {table}))

    def _nearest_assets(self, table: str, visited: set[str]) -> Iterator[str]:
        """Yield the assets among the tables that a table is made from, behind all others."""
        for name in self._direct(table) - visited:
            visited.add(name)
            if name in self._assets:
                yield name
            else:
                yield from self._nearest_assets(name, visited)

    def _direct(self, table: str) -> set[str]:
        """Return the tables that the statements name that make a table."""
        by_python = self._made_from.get(table, ())
        if table in _BY_ID or (table == "journeys.milestones" and not by_python):
            return set(by_python)
        file = file_of(table)
        return {*by_python, *(tables_in(file) if file else ())}


def file_of(table: str) -> str | None:
    """Return the name of the SQL file that makes a table, such as ``marts/paths``, if any."""
    schema, name = table.split(".")
    if name in inputs.TABLES and schema == "inputs":
        return None  # made from the source
    file = f"{'marts' if schema == 'mart' else schema}/{name}"
    return file if (sql_directory() / f"{file}.sql").exists() else None
