"""The asset of the group ``decisions``: a person promotes a model; it only runs by hand."""

from collections.abc import Mapping

import dagster as dg
from pydantic import Field

from lydite import decisions
from lydite.dagster.metadata import Result
from lydite.dagster.specs import SpecFactory
from lydite.errors import InputError
from lydite.results import read_comparison
from lydite.settings import Settings

PROMOTION = "decisions.promotion"
PROMOTE = "promote"
# Tags of runs that no person has started.
_AUTOMATIC = ("dagster/schedule_name", "dagster/sensor_name", "dagster/auto_materialize")
_ABOUT = (
    "The model in use, decided by a person. It only runs by hand, with its config: who decides for"
    " which model and outcome, and why. The decision is added to the log of decisions."
)


class PromotionConfig(dg.Config):
    """Config of the step ``promote``."""

    model: str = Field(description="The model to use from now on.")
    outcome: str = Field(description="The outcome that it is used for.")
    reason: str = Field(description="Why; it is kept and shown in the report.")
    by: str = Field(description="Who decides.")
    despite_refuted: bool = Field(
        default=False, description="Promote a refuted model; the report says so."
    )


def decision_asset(settings: Settings, specs: SpecFactory) -> dg.AssetsDefinition:
    """Return the step ``promote``, which is in no schedule and not in the job ``refresh``."""
    spec = specs.table(PROMOTION, _ABOUT, group="decisions", kinds=("python",))

    @specs.step(PROMOTE, [spec])
    def promote(context: dg.AssetExecutionContext, config: PromotionConfig) -> Result:
        _refuse_automatic(context.run.tags)
        engine = specs.engine(context).local
        if not engine.exists("mart.model_comparison"):
            raise InputError("nothing was compared yet: run the job refresh first")
        decision = decisions.promote(
            settings.storage.decisions,
            read_comparison(engine, touches=False).marts,
            config.model,
            config.outcome,
            reason=config.reason,
            by=config.by,
            despite_refuted=config.despite_refuted,
        )
        return dg.MaterializeResult(
            metadata={
                "number": decision.number,
                "outcome": decision.outcome,
                "from": decision.from_model,
                "to": decision.to_model,
                "by": decision.decided_by,
                "reason": decision.reason,
                "despite": decision.despite,
                "verdicts": decision.verdicts,
            }
        )

    return promote


def _refuse_automatic(tags: Mapping[str, str]) -> None:
    """Raise where a schedule or a sensor started the run."""
    started = [tag for tag in _AUTOMATIC if tag in tags]
    if started:
        raise InputError(
            f"only a person promotes a model: this run was started by {started[0]}"
            f" = {tags[started[0]]!r}. Start it by hand"
        )
