"""The report: one HTML file that needs no other file and no network."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from lydite.errors import InputError
from lydite.replacing import new_version
from lydite.reporting import experiment_predictions, formats
from lydite.reporting.calibrated_credit import ABOUT, HEADS
from lydite.reporting.experiment_tables import HEADS as EXPERIMENT_HEADS
from lydite.reporting.experiment_tables import experiments_of, experiments_summary
from lydite.reporting.lookbacks import NOTE
from lydite.reporting.narrative import NOT_CAUSE
from lydite.reporting.queries import conversion_dates, main_first, run_of
from lydite.reporting.report_quality import report_quality
from lydite.reporting.report_section import about_costs, make_section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Template

    from lydite.reporting.report_section import Section
    from lydite.results import Comparison


def write_report(comparison: Comparison, path: str | Path) -> None:
    """Write the report: one HTML file without references to anything outside.

    A temporary file is written in the same folder and moved into place, so that readers never see
    half a report.

    Parameters
    ----------
    comparison
        The result of a comparison.
    path
        Where to write it; a missing folder is created.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    write_html(report_html(comparison), Path(path))


def write_html(text: str, path: Path) -> None:
    """Write a report that is already made, as `write_report` does."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with new_version(path) as new:
            new.write_text(text, encoding="utf-8")
            new.replace(path)
    except OSError as error:
        raise InputError(
            f"the report {path} cannot be written: {error.strerror or error}"
        ) from error


def report_html(comparison: Comparison) -> str:
    """Return the report as text."""
    sections = [
        make_section(comparison, outcome, f"outcome-{number}", 3 if number else 2)
        for number, outcome in enumerate(main_first(comparison))
    ]
    data = {section.id: section.data for section in sections if section.data}
    text: str = _template().render(
        sections=sections,
        data=_script_json(data) if data else "",
        script=_asset("report.js"),
        style=_asset("report.css"),
        period=_period(comparison),
        run=run_of(comparison),
        quality=report_quality(comparison),
        warnings=_warnings(sections),
        about_costs=about_costs(comparison),
        experiments=experiments_of(comparison),
        experiments_summary=experiments_summary(comparison),
        experiment_heads=EXPERIMENT_HEADS,
        caution=NOT_CAUSE,
        lookbacks_note=NOTE,
        calibrated_heads=HEADS,
        calibrated_about=ABOUT,
        predictions_title=experiment_predictions.TITLE,
        predictions_about=experiment_predictions.ABOUT,
        prediction_heads=experiment_predictions.METHOD_HEADS,
        prediction_channel_heads=experiment_predictions.CHANNEL_HEADS,
        formats=formats,
    )
    return text


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("lydite.reporting", "."),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plain"] = formats.plain
    return environment.get_template("report.html.j2")


@cache
def _asset(name: str) -> Markup:
    """Return the text of the style sheet or of the script, which hold no text from the data."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704


def _warnings(sections: Sequence[Section]) -> list[tuple[str, list[str]]]:
    """Return the warnings under their titles: first those of all outcomes, if there are several."""
    if not sections[1:]:
        return [(section.title, list(section.warnings)) for section in sections if section.warnings]
    first = sections[0].warnings
    shared = [text for text in first if all(text in other.warnings for other in sections)]
    own = [
        (section.title, [text for text in section.warnings if text not in shared])
        for section in sections
    ]
    return [(title, texts) for title, texts in [("All outcomes", shared), *own] if texts]


def _period(comparison: Comparison) -> str:
    dates = conversion_dates(comparison)
    return (
        ""
        if dates is None
        else f"{formats.day_in_words(dates[0])} to {formats.day_in_words(dates[1])}"
    )


def _script_json(value: object) -> Markup:
    """Return JSON that cannot close the script element around it."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for sign, code in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(sign, code)
    return Markup(text)  # noqa: S704  (all characters with a meaning in HTML are escaped above)
