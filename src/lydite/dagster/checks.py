"""Asset checks: conditions that must hold before anything is published."""

import subprocess
import sys
from collections import Counter
from collections.abc import Mapping

import dagster as dg

from lydite import inputs, pipeline, quality
from lydite.dagster.assets import journeys, marts, publishing
from lydite.dagster.specs import Check, SpecFactory
from lydite.engine import Engine
from lydite.quality import drift
from lydite.reporting.display_names import model_word
from lydite.settings import DriftKind, DriftLimits, Settings

_CREDITED = """
select outcome, model, sum(conversions) as credited
from {table}
group by outcome, model
order by outcome, model
"""
_CONVERSIONS = "select outcome, count(*) from journeys.conversions group by outcome"
_QUARANTINED_SHARE = """
select coalesce(
    sum(rows) filter (where reason not in ('accepted', 'duplicate', 'refund', 'erased', {chosen}))
    / nullif(sum(rows), 0), 0)
from inputs.report
where table_name = $name
"""
_REFUTED_CHAMPIONS = f"""
select outcome, model, coalesce(refuted_by_experiment, refuted_by)
from {marts.CHAMPIONS}
where is_refuted
order by outcome
"""
WARNINGS = "mart.warnings"
_FOUND_WARNINGS = f"select kind, any_value(text) from {WARNINGS} group by kind, text order by all"
#: The kinds of drift, and the tables whose checks they are.
DRIFT_TABLES: Mapping[DriftKind, str] = {
    "channel_volume": "journeys.touches",
    "channels": "journeys.touches",
    "nulls": "journeys.touches",
    "conversion_rate": "journeys.conversions",
    "unattributed": "journeys.conversions",
}
_READ = (
    "import sys, duckdb;"
    "con = duckdb.connect(sys.argv[1], read_only=True);"
    "con.execute('select count(*) from mart.model_comparison')"
)


def all_checks(settings: Settings, specs: SpecFactory) -> list[dg.AssetChecksDefinition]:
    """Return the checks, in one step for all tables that are made before the next step."""
    return [
        specs.checks(f"{group}__checks", checks)
        for group, checks in checks_by_group(settings).items()
    ]


def checks_by_group(settings: Settings) -> dict[str, list[Check]]:
    """Return the checks; those that do not only warn stop the assets downstream when they fail."""
    limits = settings.quality
    return {
        "inputs": [
            check
            for table in inputs.TABLES.values()
            for check in (
                _not_null(table),
                _rows_add_up(table),
                _quarantine_share(table, limits.max_quarantined_share),
            )
        ],
        "journeys": [_findings(), *(_drift(kind, limits.drift[kind]) for kind in DRIFT_TABLES)],
        "marts": [
            *(_credit_sum(table) for table in ("mart.channel_credit", "mart.credit_daily")),
            _champions(),
            _warnings(),
        ],
        "published": [_readable(settings)],
    }


def _share_of_quarantined() -> str:
    chosen = ", ".join(f"'{reason}'" for reason in sorted(inputs.CHOSEN_REASONS))
    return _QUARANTINED_SHARE.format(chosen=chosen)


def _not_null(table: inputs.Table) -> Check:
    name = f"inputs.{table.name}"
    required = [column.name for column in table.columns if column.required]
    counts = ", ".join(f"count(*) filter (where {column} is null)" for column in required)

    def find(engine: Engine) -> dg.AssetCheckResult:
        found = engine.rows(f"select {counts} from {name}")[0]
        nulls = {column: n for column, n in zip(required, found, strict=True) if n}
        return dg.AssetCheckResult(
            passed=not nulls,
            description="; ".join(f"{name}.{column}: {n} nulls" for column, n in nulls.items()),
            metadata={"nulls": nulls},
        )

    return Check(name, "not_null", f"No nulls in {', '.join(required)}.", find)


def _rows_add_up(table: inputs.Table) -> Check:
    def find(engine: Engine) -> dg.AssetCheckResult:
        found = pipeline.count_rows(engine, table.name)
        return dg.AssetCheckResult(
            passed=found.add_up,
            description=f"{table.name}: {found.read:,} rows were read, {found.used:,} are used,"
            f" {found.set_aside:,} are set aside and {found.merged:,} are duplicates, refunds or"
            " erased",
            metadata=found._asdict(),
        )

    return Check(
        f"inputs.{table.name}",
        "rows_add_up",
        "Every row that was read is used, set aside, erased, a duplicate or a refund.",
        find,
    )


def _quarantine_share(table: inputs.Table, allowed: float) -> Check:
    def find(engine: Engine) -> dg.AssetCheckResult:
        share = engine.local.scalar(_share_of_quarantined(), {"name": table.name})
        return dg.AssetCheckResult(
            passed=share <= allowed,
            description=f"{table.name}: {share:.2%} of the rows were set aside, {allowed:.2%} are"
            f" allowed. See quarantine.{table.name} for the rows and their reasons; fix the"
            " source, or raise quality.max_quarantined_share.",
            metadata={"share": share, "allowed": allowed},
        )

    return Check(
        f"inputs.{table.name}",
        "quarantine_share",
        f"At most {allowed:.2%} of the rows set aside.",
        find,
    )


def _findings() -> Check:
    def find(engine: Engine) -> dg.AssetCheckResult:
        findings = quality.read_findings(engine.local)
        blocking = [finding.text for finding in findings if finding.blocking]
        return dg.AssetCheckResult(
            passed=not blocking,
            description="\n".join(blocking),
            metadata={
                "findings": [finding.text for finding in findings],
                "blocking": sorted({finding.kind for finding in findings if finding.blocking}),
            },
        )

    return Check(
        journeys.OUTCOMES,
        "data_is_complete",
        "No missing or stray rows, shifted times, lost columns or lost rows that are not accepted.",
        find,
    )


def _credit_sum(table: str) -> Check:
    def find(engine: Engine) -> dg.AssetCheckResult:
        conversions = dict(engine.rows(_CONVERSIONS))
        wrong = [
            (outcome, model, credited, conversions.get(outcome, 0))
            for outcome, model, credited in engine.local.rows(_CREDITED.format(table=table))
            if abs(credited - conversions.get(outcome, 0)) > 1e-6
        ]
        return dg.AssetCheckResult(
            passed=not wrong,
            description="; ".join(
                f"{outcome}: {model} credits {credited} of {n} conversions"
                for outcome, model, credited, n in wrong
            ),
        )

    return Check(
        table,
        "credit_sums_to_conversions",
        "Credit, including unattributed conversions, sums to the conversions of every outcome.",
        find,
    )


def _champions() -> Check:
    def find(engine: Engine) -> dg.AssetCheckResult:
        refuted = engine.local.rows(_REFUTED_CHAMPIONS)
        return dg.AssetCheckResult(
            passed=not refuted,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(
                f"{outcome}: {model_word(model)} is in use and is refuted by"
                f" {model_word(by or 'another model')}"
                for outcome, model, by in refuted
            ),
            metadata={"refuted": {outcome: model for outcome, model, _ in refuted}},
        )

    return Check(
        marts.CHAMPIONS,
        "champions_stand",
        "No model in use is refuted. It warns and stops nothing: a person decides.",
        find,
        blocking=False,
    )


def _warnings() -> Check:
    def find(engine: Engine) -> dg.AssetCheckResult:
        found = engine.local.rows(_FOUND_WARNINGS)
        return dg.AssetCheckResult(
            passed=not found,
            severity=dg.AssetCheckSeverity.WARN,
            description="\n".join(text for _, text in found),
            metadata={"kinds": dict(Counter(kind for kind, _ in found))},
        )

    return Check(
        WARNINGS,
        "no_warnings",
        "No warnings about the verdicts. It stops nothing: the report has the same warnings.",
        find,
        blocking=False,
    )


def _drift(kind: DriftKind, limits: DriftLimits) -> Check:
    def find(engine: Engine) -> dg.AssetCheckResult:
        found = drift.find_drift(engine, kind)
        above, is_error = drift.exceeded(found, limits)
        severity = dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN
        return dg.AssetCheckResult(
            passed=not above,
            severity=severity,
            description="\n".join(one.text for one in above),
            metadata={"largest_change": found[0].change if found else 0.0, "compared": len(found)},
        )

    return Check(
        DRIFT_TABLES[kind],
        f"drift_{kind}",
        f"The last week is like the four before. It warns from a change of {limits.warn:g} on,"
        " and stops nothing without an error limit in quality.drift.",
        find,
        blocking=limits.error is not None,
    )


def _readable(settings: Settings) -> Check:
    path = settings.storage.published

    def find(engine: Engine) -> dg.AssetCheckResult:
        del engine  # the open warehouse sets the working directory, to which the path is relative
        command = [sys.executable, "-c", _READ, str(path)]
        reader = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        return dg.AssetCheckResult(passed=reader.returncode == 0, description=reader.stderr[-500:])

    return Check(
        publishing.DATABASE,
        "readable",
        "Another process can open the published file and read it.",
        find,
    )
