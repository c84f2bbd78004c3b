"""Load orders with dlt into the DuckDB file that Lydite works in, and attribute them.

Needs `pip install lydite "dlt[duckdb]"`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt

import lydite
from lydite.engine import DuckDBEngine
from lydite.inputs import load

WAREHOUSE = "warehouse.duckdb"
SELECT = """
select customer as user_id, ordered_at as converted_at, total as value, id as conversion_id
from crm.orders
"""

world = lydite.simulate("linear", users=2_000, seed=1)


@dlt.resource(primary_key="id", write_disposition="merge")
def orders() -> Iterator[dict[str, Any]]:
    """Yield the orders, as an API returns them."""
    for number, row in enumerate(world.conversions.iter_rows(named=True)):
        yield {
            "id": number,
            "customer": row["user_id"],
            "ordered_at": row["converted_at"],
            "total": row["value"],
        }


# dlt may run as often as wanted: an order with a known id replaces the one before.
pipeline = dlt.pipeline(
    pipeline_name="crm",
    destination=dlt.destinations.duckdb(WAREHOUSE),
    dataset_name="crm",
    pipelines_dir="dlt",
)
pipeline.run(orders())

Path("orders.sql").write_text(SELECT)
with DuckDBEngine(WAREHOUSE) as engine:
    counts = load(engine, {"touchpoints": world.touchpoints, "conversions": "orders.sql"})
    print(counts.tables["conversions"].rows, "orders of", len(world.conversions), "were loaded")
