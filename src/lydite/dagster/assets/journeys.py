"""Assets of the group ``journeys``: touches, paths and conversions, and the outcomes."""

from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from lydite import pipeline
from lydite.dagster.metadata import Metadata, Result, materialized
from lydite.dagster.specs import SpecFactory
from lydite.journeys import find_outcomes
from lydite.journeys.erasure import erase_users
from lydite.settings import Settings

FILES = {
    f"journeys.{name}": f"journeys/{name}"
    for name in ("users", "channels", "touches", "path_events", "conversions", "spend")
}
OUTCOMES = "evaluation.outcomes"
# What decides which kind of run it is.
COMPARISON, REPORT = "mart.model_comparison", "published.report"
BUILD_JOURNEYS = "build_journeys"
_ABOUT_OUTCOMES = "The outcomes to evaluate: lookback, end of the data, forecast periods."


_UNCHANGED = (
    "Nothing has changed since the run of {at:%Y-%m-%d %H:%M} UTC: neither the input rows nor the"
    " settings. Nothing is computed, and nothing is published."
)


class JourneysConfig(dg.Config):
    """Config of the step ``build_journeys``."""

    full: bool = Field(
        default=False,
        description="Run all steps even if nothing has changed, and rebuild the journeys of all"
        " users, not of changed users only.",
    )
    accept: list[str] = Field(
        default=[],
        description="Kinds of findings to accept in this run only, in addition to quality.accept.",
    )


def journey_assets(settings: Settings, specs: SpecFactory) -> list[dg.AssetsDefinition]:
    """Return the step ``build_journeys``, which rebuilds journeys of changed users only."""
    tables = [
        specs.table(table, about, group="journeys")
        for table, about in (*FILES.items(), (OUTCOMES, _ABOUT_OUTCOMES))
    ]

    @specs.step(BUILD_JOURNEYS, tables)
    def build_journeys(
        context: dg.AssetExecutionContext, config: JourneysConfig
    ) -> Iterator[Result]:
        engine = specs.engine(context)
        pipeline.check_decisions(engine, settings.storage.decisions)
        evaluates = specs.is_in_run(context, COMPARISON)
        # A person who selects tables wants them to be made.
        is_whole = specs.is_in_run(context, REPORT)
        if is_whole and not config.full and not config.accept:
            repeated = pipeline.find_repeated_run(
                engine, settings, context.run.run_id, evaluates=evaluates
            )
            # The tables stay as they are: all steps after this are skipped.
            if repeated is not None:
                context.log.info(_UNCHANGED.format(at=repeated))
                return
        erased = erase_users(engine, settings.people)
        lookbacks = settings.lookbacks(find_outcomes(engine))
        pipeline.refuse_costs_without_value(engine, settings.costs())
        build = pipeline.build_journeys(
            engine,
            lookbacks,
            settings.evaluation.period,
            settings.path_options(lookbacks),
            full=config.full,
            cluster=settings.evaluation.cluster,
            declared=settings.completeness(lookbacks),
            accepted=settings.quality.accepting(config.accept),
            keep_duplicates=settings.quality.keep_duplicates,
            direct=settings.channels.direct,
            people=settings.people,
            customer_segment=settings.evaluation.customer_segment,
        )
        more: Metadata = {
            "rebuilt": str(build), "rebuilt_users": build.rebuilt, "erased_rows": erased,
        }  # fmt: skip
        for table, file in FILES.items():
            yield materialized(specs.key(table), engine, table, file, more)
        notes = {
            row["outcome"]: row["note"]
            for row in pipeline.read_outcomes(engine, scored_only=False)
            if row["note"]
        }
        if is_whole and not evaluates:
            pipeline.refuse_uncompared(engine)
        too_early: Metadata = {"too_early": notes} if notes else {}
        yield materialized(specs.key(OUTCOMES), engine.local, OUTCOMES, more=too_early)

    return [build_journeys]
