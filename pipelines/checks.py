"""Asset checks: what must hold before anything is published."""

import subprocess
import sys

import dagster as dg

from lydite import inputs
from lydite.settings import Settings
from pipelines.assets import publication
from pipelines.resources import Warehouse
from pipelines.specs import POOL, key_of

_CREDITED = """
select outcome, model, sum(conversions) as credited
from {table}
group by outcome, model
order by outcome, model
"""
_COUNTED = "select outcome, count(*) as conversions from journeys.conversions group by outcome"
_SHARE = """
select coalesce(
    sum(rows) filter (where reason not in ('accepted', 'duplicate')) / nullif(sum(rows), 0), 0)
from inputs.report
where table_name = $name
"""
_READ = (
    "import sys, duckdb;"
    "con = duckdb.connect(sys.argv[1], read_only=True);"
    "con.execute('select count(*) from mart.model_comparison')"
)


def all_checks(settings: Settings) -> list[dg.AssetChecksDefinition]:
    """Return the checks; every one of them stops what depends on the asset when it fails."""
    tables = inputs.TABLES.values()
    return [
        *(_contract(table) for table in tables),
        *(_quarantine(table, settings.quality.max_quarantined_share) for table in tables),
        *(_balance(table) for table in ("mart.channel_credit", "mart.credit_daily")),
        _readable(settings),
    ]


def _contract(table: inputs.Table) -> dg.AssetChecksDefinition:
    name = f"inputs.{table.name}"
    required = [column.name for column in table.columns if column.required]
    counts = ", ".join(f"count(*) filter (where {column} is null)" for column in required)

    @dg.asset_check(
        asset=key_of(name),
        name="contract",
        description=f"No null in {', '.join(required)}.",
        blocking=True,
        pool=POOL,
    )
    def check(warehouse: Warehouse) -> dg.AssetCheckResult:
        found = warehouse.engine.rows(f"select {counts} from {name}")[0]
        nulls = {column: n for column, n in zip(required, found, strict=True) if n}
        return dg.AssetCheckResult(
            passed=not nulls,
            description="; ".join(f"{name}.{column}: {n} nulls" for column, n in nulls.items()),
            metadata={"nulls": nulls},
        )

    return check


def _quarantine(table: inputs.Table, most: float) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=key_of(f"inputs.{table.name}"),
        name="quarantine_share",
        description=f"At most {most:.2%} of the rows are set aside.",
        blocking=True,
        pool=POOL,
    )
    def check(warehouse: Warehouse) -> dg.AssetCheckResult:
        share = warehouse.engine.local.scalar(_SHARE, {"name": table.name})
        return dg.AssetCheckResult(
            passed=share <= most,
            description=f"{table.name}: {share:.2%} of the rows were set aside, {most:.2%} are"
            f" allowed. See quarantine.{table.name} for the rows and their reasons; mend the"
            " source, or raise quality.max_quarantined_share.",
            metadata={"share": share, "allowed": most},
        )

    return check


def _balance(table: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=key_of(table),
        name="credit_sums_to_conversions",
        description="Credit, with the unattributed, sums to the conversions of every outcome.",
        blocking=True,
        pool=POOL,
    )
    def check(warehouse: Warehouse) -> dg.AssetCheckResult:
        counted = dict(warehouse.engine.rows(_COUNTED))
        wrong = [
            (outcome, model, credited, counted.get(outcome, 0))
            for outcome, model, credited in warehouse.engine.local.rows(
                _CREDITED.format(table=table)
            )
            if abs(credited - counted.get(outcome, 0)) > 1e-6
        ]
        return dg.AssetCheckResult(
            passed=not wrong,
            description="; ".join(
                f"{outcome}: {model} credits {credited} of {conversions} conversions"
                for outcome, model, credited, conversions in wrong
            ),
        )

    return check


def _readable(settings: Settings) -> dg.AssetChecksDefinition:
    path = settings.storage.published

    @dg.asset_check(
        asset=key_of(publication.DATABASE),
        name="readable",
        description="Another process can open the published file and read it.",
        blocking=True,
        pool=POOL,
    )
    def check(warehouse: Warehouse) -> dg.AssetCheckResult:
        del warehouse  # it stands in the project's folder
        command = [sys.executable, "-c", _READ, str(path)]
        reader = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        return dg.AssetCheckResult(passed=reader.returncode == 0, description=reader.stderr[-500:])

    return check
