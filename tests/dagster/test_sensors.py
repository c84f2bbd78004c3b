"""The sensors of new data and of failures."""

from __future__ import annotations

import dagster as dg
import pytest

from lydite.dagster import LyditeComponent
from lydite.dagster.headless import HEADLESS, KILLED
from tests.dagster.conftest import NOTIFY, SETTINGS
from tests.helpers.notified import webhook_server


def sensor_of(definitions: dg.Definitions, name: str) -> dg.SensorDefinition:
    return definitions.get_repository_def().get_sensor_def(name)


def test_new_files_start_the_job_once_they_rest(make_definitions, tmp_path):
    sensor = sensor_of(make_definitions(), "new_data")
    assert sensor.job_name == "refresh"
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    file, cursor, found = tmp_path / "touchpoints.parquet", None, []
    with dg.DagsterInstance.ephemeral() as instance:
        for text in ("half", "whole file", "whole file", "whole file"):
            if not file.exists() or file.read_text() != text:
                file.write_text(text)
            context = dg.build_sensor_context(instance=instance, cursor=cursor)
            data = sensor.evaluate_tick(context)
            cursor = data.cursor
            found.append(len(data.run_requests))
    assert found == [0, 0, 1, 0]
    assert data.skip_message == "no new data: 1 files, 0 upstream assets"
    file.unlink()
    nothing = sensor.evaluate_tick(dg.build_sensor_context(cursor=cursor))
    assert nothing.skip_message == "no local files and no upstream assets to look at"


@pytest.mark.parametrize(
    ("tags", "notified"),
    [
        ({}, True),
        ({HEADLESS: "x"}, False),
        ({HEADLESS: "x", KILLED: "true"}, True),
        ({"dagster/will_retry": "true"}, False),
    ],
)
def test_a_failure_is_notified_once_with_its_message(tmp_path, tags, notified):
    with webhook_server() as posted, dg.DagsterInstance.ephemeral() as instance:
        (tmp_path / "lydite.toml").write_text(SETTINGS + NOTIFY.format(posted.url))
        component = LyditeComponent(settings=tmp_path / "lydite.toml")
        definitions = dg.build_defs_for_component(component)
        sensor = sensor_of(definitions, "report_failure")
        job = definitions.resolve_job_def("refresh")
        selection = [dg.AssetKey(["inputs", "conversions"])]
        result = job.execute_in_process(
            instance=instance, asset_selection=selection, raise_on_error=False, tags=tags
        )
        failed = dg.DagsterEventType.RUN_FAILURE
        [failure] = [event for event in result.all_events if event.event_type == failed]
        context = dg.build_run_status_sensor_context(
            sensor_name="report_failure",
            dagster_instance=instance,
            dagster_run=instance.get_run_by_id(result.run_id),
            dagster_event=failure,
        ).for_run_failure()
        sensor(context)
    texts = [body["text"] for body in posted.bodies]
    assert len(texts) == notified
    for text in texts:
        assert text.startswith("The job refresh failed.\n")
        assert "conversions.parquet): there is no such file" in text
        assert result.run_id in text


def test_without_anyone_to_notify_there_is_no_sensor_of_failures(definitions):
    names = {sensor.name for sensor in definitions.get_repository_def().sensor_defs}
    assert names == {"new_data"}
