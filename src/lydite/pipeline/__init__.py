"""The steps of a comparison in order, from the input tables to the marts.

Each step reads and writes tables of the engine, so that an orchestrator can run the steps one by
one. `run` runs all of them in one process.
"""

from lydite.pipeline.backtests import backtest_models, build_samples, load_splits
from lydite.pipeline.champions import check_decisions, record_decisions
from lydite.pipeline.comparisons import (
    compare_models,
    general_findings,
    path_findings,
    refuse_uncompared,
)
from lydite.pipeline.costs import refuse_costs_without_value
from lydite.pipeline.experiments import (
    AGREEMENT_MARTS,
    EXPERIMENT_MARTS,
    READING_MARTS,
    compare_with_experiments,
    load_and_read_experiments,
    read_experiments,
)
from lydite.pipeline.input_tables import (
    NOT_SET_ASIDE,
    count_rows,
    load_alone,
    load_inputs,
    quarantined,
    write_report,
)
from lydite.pipeline.lookbacks import compare_lookbacks
from lydite.pipeline.marts import (
    CREDIT_MARTS,
    LOCAL_MARTS,
    LOOKBACK_MARTS,
    MARTS,
    PRINTED_MARTS,
    SCHEMA_VERSION,
    VIEWS,
    attribute_conversions,
    build_marts,
    other_rows,
)
from lydite.pipeline.models import make_baselines, usable_models
from lydite.pipeline.on_spark import refuse_on_spark
from lydite.pipeline.outcomes import (
    EVERY_USER_CONVERTS,
    build_journeys,
    calendar_of,
    read_outcomes,
)
from lydite.pipeline.runs import record_run
from lydite.pipeline.unchanged import complete_run, find_repeated_run
from lydite.pipeline.upgrade import (
    WAREHOUSE_VERSION,
    refuse_later_warehouse,
    upgrade_warehouse,
    warehouse_version,
)
from lydite.pipeline.whole import attribute, prepare, run

__all__ = [
    "AGREEMENT_MARTS",
    "CREDIT_MARTS",
    "EVERY_USER_CONVERTS",
    "EXPERIMENT_MARTS",
    "LOCAL_MARTS",
    "LOOKBACK_MARTS",
    "MARTS",
    "NOT_SET_ASIDE",
    "PRINTED_MARTS",
    "READING_MARTS",
    "SCHEMA_VERSION",
    "VIEWS",
    "WAREHOUSE_VERSION",
    "attribute",
    "attribute_conversions",
    "backtest_models",
    "build_journeys",
    "build_marts",
    "build_samples",
    "calendar_of",
    "check_decisions",
    "compare_lookbacks",
    "compare_models",
    "compare_with_experiments",
    "complete_run",
    "count_rows",
    "find_repeated_run",
    "general_findings",
    "load_alone",
    "load_and_read_experiments",
    "load_inputs",
    "load_splits",
    "make_baselines",
    "other_rows",
    "path_findings",
    "prepare",
    "quarantined",
    "read_experiments",
    "read_outcomes",
    "record_decisions",
    "record_run",
    "refuse_costs_without_value",
    "refuse_later_warehouse",
    "refuse_on_spark",
    "refuse_uncompared",
    "run",
    "upgrade_warehouse",
    "usable_models",
    "warehouse_version",
    "write_report",
]
