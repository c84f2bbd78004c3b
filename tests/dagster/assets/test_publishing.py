"""The assets of the published file and the report."""

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
    marts = {*pipeline.LOCAL_MARTS, *pipeline.MARTS, *pipeline.VIEWS, *comparison.TABLES}
    assert tables == marts | {"touch_credit"}
    assert metadata["tables"] == len(tables)


def test_the_report_states_the_verdict(run):
    metadata = run.metadata("published/report")
    report = run.folder / "var/report.html"
    assert metadata["path"] == str(report)
    [verdict] = metadata["verdicts"].values()
    assert verdict
    assert report.read_text(encoding="utf-8").startswith("<!")
