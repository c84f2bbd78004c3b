"""The assets of the published file and the report."""

import base64

import duckdb

from lydite import pipeline
from lydite.evaluation import comparison


def test_the_published_file_has_all_marts(run):
    metadata = run.metadata("published/attribution")
    path = run.folder / "var/attribution.duckdb"
    assert metadata["path"] == str(path)
    assert metadata["bytes"] == path.stat().st_size
    with duckdb.connect(str(path), read_only=True) as reader:
        tables = {
            name
            for (name,) in reader.sql(
                "select table_name from information_schema.tables where table_schema = 'mart'"
            ).fetchall()
        }
    marts = {
        *pipeline.LOCAL_MARTS,
        *pipeline.MARTS,
        *pipeline.EXPERIMENT_MARTS,
        *pipeline.VIEWS,
        *comparison.TABLES,
    }
    assert tables == marts | {"touch_credit"}
    assert metadata["tables"] == len(tables)


def test_the_report_states_the_verdict(run):
    metadata = run.metadata("published/report")
    report = run.folder / "var/report.html"
    assert metadata["path"] == str(report)
    [verdict] = metadata["verdicts"].values()
    assert verdict
    assert report.read_text(encoding="utf-8").startswith("<!")


def test_the_report_of_the_run_is_kept_and_its_sentence_and_chart_are_shown(run):
    metadata = run.metadata("published/report")
    kept = run.folder / "var/reports" / f"{run.result.run_id}.html"
    assert metadata["report"] == str(kept)
    text = kept.read_text(encoding="utf-8")
    assert text == (run.folder / "var/report.html").read_text(encoding="utf-8")
    assert metadata["decision"].split(". ")[0] in text
    start, _, data = metadata["money_chart"].partition(";base64,")
    assert start == "![Spend and credit by channel](data:image/png"
    assert base64.b64decode(data.removesuffix(")"))[:4] == b"\x89PNG"


def test_who_is_notified_gets_the_sentence(run):
    [body] = run.posted.bodies
    assert body["text"].startswith(run.metadata("published/report")["decision"].split(". ")[0])


def test_a_notification_that_fails_fails_no_run(run):
    assert run.result.success
