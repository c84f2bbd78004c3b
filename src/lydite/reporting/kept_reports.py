"""The reports of earlier runs: one file per run, of which the latest are kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lydite.errors import InputError
from lydite.reporting.queries import run_of
from lydite.reporting.report import report_html, write_html

if TYPE_CHECKING:
    from pathlib import Path

    from lydite.results import Comparison

# Only files with the name of a run are removed: the folder may hold others.
_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.html")


def write_run_report(comparison: Comparison, latest: Path, folder: Path, keep: int) -> Path:
    """Write the report of a run: as the latest one, and to a file with the id of the run.

    Each file is replaced in one rename. Of more than `keep` runs, the oldest files are removed.

    Parameters
    ----------
    latest
        The file of the latest report.
    folder
        The folder of the reports by run.
    keep
        How many of them are kept.

    Returns
    -------
    The file of this run, or the latest one where runs are not recorded.

    Raises
    ------
    InputError
        When a file cannot be written or removed.
    """
    text, run = report_html(comparison), run_of(comparison)
    kept = latest
    if run is not None:
        kept = folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', run.id)}.html"
        write_html(text, kept)
        _remove_old(folder, kept, keep)
    write_html(text, latest)
    return kept


def _remove_old(folder: Path, newest: Path, keep: int) -> None:
    try:
        others = [path for path in folder.iterdir() if _RUN.fullmatch(path.name) and path != newest]
        others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in others[max(keep - 1, 0) :]:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"old reports in {folder} cannot be removed: {error.strerror or error}"
        ) from error
