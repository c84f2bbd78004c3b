"""The reports of earlier runs."""

from __future__ import annotations

import os
import uuid
from dataclasses import replace
from datetime import datetime

import polars as pl
import pytest

from lydite.errors import InputError
from lydite.reporting.kept_reports import write_run_report
from tests.helpers.made_comparisons import BEST, make_comparison


def made(run_id: str):
    full = make_comparison(("purchase", BEST))
    runs = pl.DataFrame(
        {"run_id": [run_id], "finished_at": [datetime(2026, 3, 1)], "lydite_version": ["1"]}
    )
    return replace(full, marts={**full.marts, "runs": runs})


def test_each_run_has_its_file_and_the_latest_is_a_copy(tmp_path):
    latest, folder, run = tmp_path / "report.html", tmp_path / "reports", str(uuid.uuid4())
    kept = write_run_report(made(run), latest, folder, keep=3)
    assert kept == folder / f"{run}.html"
    assert kept.read_bytes() == latest.read_bytes()
    assert run in latest.read_text(encoding="utf-8")


def test_the_oldest_are_removed_and_other_files_are_not(tmp_path):
    folder, names = tmp_path / "reports", []
    folder.mkdir()
    (folder / "board.html").write_text("mine")
    for day in range(5):
        names.append(str(uuid.uuid4()))
        kept = write_run_report(made(names[-1]), tmp_path / "report.html", folder, keep=3)
        os.utime(kept, (day, day))
    left = {path.stem for path in folder.iterdir()}
    assert left == {"board", *names[-3:]}
    # The same run again removes no other.
    write_run_report(made(names[-1]), tmp_path / "report.html", folder, keep=3)
    assert {path.stem for path in folder.iterdir()} == left


def test_a_name_that_is_no_file_name_is_harmless(tmp_path):
    kept = write_run_report(made("../../x"), tmp_path / "r.html", tmp_path / "reports", keep=1)
    assert kept == tmp_path / "reports" / "______x.html"


def test_where_runs_are_not_recorded_there_is_the_latest_only(tmp_path):
    latest = tmp_path / "report.html"
    comparison = make_comparison(("purchase", BEST))
    assert write_run_report(comparison, latest, tmp_path / "reports", keep=1) == latest
    assert not (tmp_path / "reports").exists()


def test_a_folder_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "reports").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_run_report(made("a"), tmp_path / "r.html", tmp_path / "reports", keep=1)
