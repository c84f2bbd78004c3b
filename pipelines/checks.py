"""Asset checks: what must hold before results are published."""

import dagster as dg
import duckdb

from lydite import contract
from lydite.config import Settings
from pipelines.metadata import POOL
from pipelines.resources import Warehouse

# Credit is a sum of many shares: it may differ from a count by rounding, not by more.
_ROUNDING = 1e-6
_REQUIRED = {"touchpoints": ("user_id", "touched_at", "channel"),
             "conversions": ("user_id", "converted_at", "outcome")}  # fmt: skip


def checks(settings: Settings) -> list[dg.AssetChecksDefinition]:
    """Return all checks."""
    return [
        *(_contract_check(table, columns) for table, columns in _REQUIRED.items()),
        *(_quarantine_check(name, settings) for name in contract.TABLES),
        _credit_check(),
        _published_check(settings),
    ]


def _contract_check(table: str, columns: tuple[str, ...]) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=["raw", table],
        name=f"{table}_keep_the_contract",
        blocking=True,
        pool=POOL,
        description=f"Rows there are, and none lacks {', '.join(columns)}.",
    )
    def kept(warehouse: Warehouse) -> dg.AssetCheckResult:
        missing = " or ".join(f"{column} is null" for column in columns)
        with warehouse.open() as engine:
            rows = engine.scalar(f"select count(*) from contract.{table}")
            bad = engine.scalar(f"select count(*) from contract.{table} where {missing}")
        return dg.AssetCheckResult(
            passed=rows > 0 and bad == 0, metadata={"rows": rows, "rows_lacking": bad}
        )

    return kept


def _quarantine_check(table: str, settings: Settings) -> dg.AssetChecksDefinition:
    most = settings.quality.max_quarantined_share

    @dg.asset_check(
        asset=["raw", table],
        name=f"few_{table}_set_aside",
        blocking=True,
        pool=POOL,
        description=f"At most {most:.2%} of the rows are set aside; more stop the run.",
    )
    def few(warehouse: Warehouse) -> dg.AssetCheckResult:
        with warehouse.open() as engine:
            bad = engine.scalar(f"select count(*) from quarantine.{table}")
            good = engine.scalar(f"select count(*) from contract.{table}")
            reasons = engine.rows(
                f"select reason, count(*) from quarantine.{table} group by reason order by 2 desc"
            )
        share = bad / max(good + bad, 1)
        return dg.AssetCheckResult(
            passed=share <= most,
            metadata={"share": share, "reasons": dg.MetadataValue.json(dict(reasons))},
            description=f"{bad} of {good + bad} rows of {table} were set aside ({share:.2%});"
            f" the settings allow {most:.2%}. See quarantine.{table}.",
        )

    return few


def _credit_check() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset="marts",
        name="credit_sums_to_conversions",
        blocking=True,
        pool=POOL,
        description="Each model's credit, with what is unattributed, sums to the conversions.",
    )
    def sums(warehouse: Warehouse) -> dg.AssetCheckResult:
        with warehouse.open() as engine:
            worst = engine.scalar(
                "select max(abs(credited.conversions - counted.conversions)) from"
                " (select outcome, model, sum(conversions) as conversions"
                "  from mart.channel_credit group by outcome, model) as credited"
                " inner join (select outcome, count(*) as conversions"
                "  from journeys.conversions group by outcome) as counted"
                " on credited.outcome = counted.outcome"
            )
        return dg.AssetCheckResult(
            passed=worst is not None and worst <= _ROUNDING, metadata={"largest_difference": worst}
        )

    return sums


def _published_check(settings: Settings) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset="published_database",
        name="published_file_is_readable",
        description="A reader can open the published file and finds verdicts and credit.",
    )
    def readable() -> dg.AssetCheckResult:
        with duckdb.connect(str(settings.storage.published), read_only=True) as reader:
            counts = {
                table: reader.execute(f"select count(*) from mart.{table}").fetchall()[0][0]
                for table in ("model_comparison", "channel_credit")
            }
        return dg.AssetCheckResult(passed=all(counts.values()), metadata=counts)

    return readable
