"""A small project: its definitions, and one run of everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl
import pytest

from lydite.dagster import LyditeComponent
from lydite.simulation import simulate
from tests.helpers.notified import webhook_server
from tests.helpers.statements import recorded_statements

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.helpers.notified import Posted
    from tests.helpers.statements import Statements

MODELS = ("last_touch", "linear", "markov_1")
SETTINGS = f"""
models = {list(MODELS)}
[sources]
touchpoints = "touchpoints.parquet"
conversions = "conversions.parquet"
users = "users.parquet"
experiments = "experiments.parquet"
[evaluation]
lookback = "7d"
other_lookbacks = ["3d"]
period = "month"
[experiments.subject]
varies = "message"
arms = ["control", "question"]
hypothesis = "A question brings more conversions."
outcome = "conversion"
window = "7d"
smallest_effect = 0.1
planned_users = 500
"""


#: A webhook that works, and an e-mail server that is not there.
NOTIFY = """
[notify]
webhook = "{}"
[notify.email]
server = "127.0.0.1"
port = 1
security = "none"
sender = "lydite@example.com"
recipients = ["board@example.com"]
"""


@pytest.fixture
def make_definitions(tmp_path: Path) -> Callable[..., dg.Definitions]:
    """Return a function that makes the definitions of a project without data."""
    (tmp_path / "lydite.toml").write_text(SETTINGS)

    def make(**attributes: Any) -> dg.Definitions:
        component = LyditeComponent(settings=tmp_path / "lydite.toml", **attributes)
        return dg.build_defs_for_component(component)

    return make


@pytest.fixture
def definitions(make_definitions: Callable[..., dg.Definitions]) -> dg.Definitions:
    """Return the definitions of a project without data."""
    return make_definitions()


@dataclass(frozen=True)
class Run:
    """A finished run of the job ``refresh`` of a component with the key prefix ``shop``."""

    folder: Path
    posted: Posted
    definitions: dg.Definitions
    statements: Statements
    result: dg.ExecuteInProcessResult

    def metadata(self, key: str) -> dict[str, Any]:
        """Return the metadata of an asset, by its key without the prefix (``schema/name``)."""
        wanted = dg.AssetKey(["shop", *key.split("/")])
        [event] = [
            event
            for event in self.result.get_asset_materialization_events()
            if event.asset_key == wanted and event.partition is None
        ]
        return {name: entry.value for name, entry in event.materialization.metadata.items()}


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run of everything on a small data set."""
    folder = tmp_path_factory.mktemp("shop")
    world = simulate("linear", users=1_500, seed=1)
    world.write(folder)
    first = world.touchpoints.group_by("user_id").agg(pl.col("touched_at").min()).sort("touched_at")
    first.head(500).select(
        "user_id",
        experiment=pl.lit("subject"),
        arm=pl.Series(["control", "question"] * 250),
        assigned_at="touched_at",
    ).write_parquet(folder / "experiments.parquet")
    with (
        dg.DagsterInstance.ephemeral() as instance,
        webhook_server() as posted,
        recorded_statements() as statements,
    ):
        (folder / "lydite.toml").write_text(SETTINGS + NOTIFY.format(posted.url))
        component = LyditeComponent(settings=folder / "lydite.toml", key_prefix="shop")
        definitions = dg.build_defs_for_component(component)
        job = definitions.resolve_job_def("shop_refresh")
        result = job.execute_in_process(instance=instance)
    return Run(folder, posted, definitions, statements, result)
