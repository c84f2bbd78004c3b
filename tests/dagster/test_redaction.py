"""Errors in steps and checks that quote a secret are replaced; others stay as they are."""

from types import SimpleNamespace

import dagster as dg
import pytest

from lydite.dagster.redaction import without_secrets
from lydite.dagster.resources import Warehouse
from lydite.dagster.specs import Check, SpecFactory
from lydite.engine import factory
from lydite.environment import expand

PASSWORD = "zebra-77/unseen"


def fails(message):
    raise KeyError("outer") from ValueError(message)


@pytest.fixture(autouse=True)
def _secret(tmp_path):
    (tmp_path / "secret").write_text(PASSWORD)
    expand(f"file:{tmp_path}/secret", "sources.touchpoints")


@pytest.mark.parametrize("kind", ["step", "check"])
def test_no_stored_event_has_the_secret(tmp_path, kind):
    specs = SpecFactory()

    @specs.step("load", [specs.table("inputs.users", "All users.", group="inputs")])
    def load(context: dg.AssetExecutionContext):
        if kind == "step":
            fails(f"login with {PASSWORD} failed")
        yield dg.MaterializeResult()

    def not_null(engine):
        fails(f"login with {PASSWORD} failed")

    check = Check("inputs.users", "not_null", "No nulls.", not_null)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        result = dg.materialize(
            [load, specs.checks("checks", [check])],
            resources={"warehouse": SimpleNamespace(engine=None)},
            instance=instance,
            raise_on_error=False,
        )
        events = [str(entry) for entry in instance.all_logs(result.run_id)]
    assert not result.success
    assert any("KeyError: 'outer'" in event for event in events)
    assert not any(PASSWORD in event for event in events)
    files = [path.read_bytes() for path in tmp_path.rglob("*.db")]
    assert files
    assert not any(PASSWORD.encode() in file for file in files)


def test_an_error_of_spark_that_quotes_its_settings(tmp_path, monkeypatch):
    def refuse(settings, local):
        del local
        raise ValueError(f"cannot start with {settings}")

    monkeypatch.setattr(factory, "SparkEngine", refuse)
    monkeypatch.setenv("STORE_KEY", "giraffe-99/unseen")
    spark = {"spark.hadoop.fs.s3a.secret.key": "env:STORE_KEY"}
    warehouse = Warehouse(
        folder=str(tmp_path), path=str(tmp_path / "w.duckdb"), name="spark", spark=spark
    )
    specs = SpecFactory()

    @specs.step("load", [specs.table("inputs.users", "All users.", group="inputs")])
    def load(context: dg.AssetExecutionContext):
        yield dg.MaterializeResult()

    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        result = dg.materialize(
            [load], resources={"warehouse": warehouse}, instance=instance, raise_on_error=False
        )
        events = [str(entry) for entry in instance.all_logs(result.run_id)]
    assert not result.success
    assert any("cannot start with" in event for event in events)
    assert not any("giraffe-99" in event for event in events)


def test_other_errors_stay_with_their_causes():
    with pytest.raises(KeyError) as error:
        without_secrets(fails)("harmless")
    assert str(error.value.__cause__) == "harmless"


def test_results_pass():
    assert without_secrets(lambda x: x + 1)(1) == 2
    assert list(without_secrets(lambda: (yield 3))()) == [3]
