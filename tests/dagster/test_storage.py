"""The storage of events in SQLite: Dagster's own reads the same files."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import pytest

from lydite.dagster.storage import _EventLog

ROOT = Path(__file__).parents[2]


@dg.asset
def numbers():
    return dg.MaterializeResult(metadata={"n": 1})


@dg.asset_check(asset=numbers)
def positive():
    return dg.AssetCheckResult(passed=True)


@pytest.fixture
def instance(tmp_path, monkeypatch):
    """Yield an instance with the settings of this repository."""
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get() as instance:
        yield instance


def events_of(instance, run_id):
    return [entry.to_json() for entry in instance.all_logs(run_id)]


def test_dagster_reads_all_events(instance, tmp_path):
    runs = [dg.materialize([numbers, positive], instance=instance).run_id for _ in range(2)]
    instance.report_runless_asset_event(dg.AssetObservation("numbers"))
    (tmp_path / "dagster.yaml").unlink()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as own:
        assert not isinstance(own.event_log_storage, _EventLog)
        for run_id in runs:
            assert events_of(own, run_id) == events_of(instance, run_id)
        assert events_of(own, "") == events_of(instance, "") != []
        [event] = own.fetch_materializations(numbers.key, limit=1).records
        assert event.run_id == runs[-1]
        [check] = own.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(numbers.key, "positive"), limit=1
        )
        assert check.run_id == runs[-1]


def test_each_file_has_one_engine(instance):
    dg.materialize([numbers, positive], instance=instance)
    assert instance.event_log_storage._engine.cache_info().misses == 2
