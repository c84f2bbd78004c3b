"""`lydite.read_experiment`: assignments and conversions in, the reading of an experiment out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from lydite.api.arguments import given_sources
from lydite.dataframes import kind_of
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.experiments.result import readings
from lydite.pipeline import load_and_read_experiments
from lydite.settings import make_settings, parse_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import pandas as pd

    from lydite.api.arguments import Outside
    from lydite.dataframes import FrameT
    from lydite.experiments.result import ExperimentReading
    from lydite.inputs import Source
    from lydite.settings import Join, Settings


@overload
def read_experiment(
    plan: Mapping[str, Any],
    conversions: Outside,
    assignments: Source | None = ...,
    *,
    name: str = ...,
    touchpoints: Source | None = ...,
    users: Source | None = ...,
    identities: Source | None = ...,
    erasures: Source | None = ...,
    join: Join | None = ...,
    cluster: str | None = ...,
    as_of: str | date | None = ...,
    timezone: str | None = ...,
) -> ExperimentReading[pd.DataFrame]: ...


@overload
def read_experiment(
    plan: Mapping[str, Any],
    conversions: FrameT,
    assignments: Source | None = ...,
    *,
    name: str = ...,
    touchpoints: Source | None = ...,
    users: Source | None = ...,
    identities: Source | None = ...,
    erasures: Source | None = ...,
    join: Join | None = ...,
    cluster: str | None = ...,
    as_of: str | date | None = ...,
    timezone: str | None = ...,
) -> ExperimentReading[FrameT]: ...


def read_experiment(
    plan: Mapping[str, Any],
    conversions: Source,
    assignments: Source | None = None,
    *,
    name: str = "experiment",
    touchpoints: Source | None = None,
    users: Source | None = None,
    identities: Source | None = None,
    erasures: Source | None = None,
    join: Join | None = None,
    cluster: str | None = None,
    as_of: str | date | None = None,
    timezone: str | None = None,
) -> ExperimentReading:
    """Read a randomised experiment: checks, and every arm compared with the control arm.

    Parameters
    ----------
    plan
        The declaration, with the keys of ``[experiments.NAME]`` in ``lydite.toml``
        (`lydite.settings.ExperimentSettings`).
    conversions
        A frame or file with the columns of the input schema.
    assignments
        A frame or file with ``experiment, user_id, arm, assigned_at``; None where the plan assigns
        regions.
    name
        The name of the experiment in `assignments`.
    touchpoints
        Needed to check exposure, and for the cost of regions.
    users
        Needed for regions, and for clusters such as ``account_id``.
    identities, erasures, join, cluster, timezone
        As in `lydite.compare`.
    as_of
        The data is complete up to this instant (UTC); by default up to the earlier of the last
        touchpoint and the last conversion.

    Returns
    -------
    ExperimentReading
        With tables of the same kind as the conversions; pandas frames for files.

    Raises
    ------
    InputError
        When the input cannot be used, or no window is over yet: the message names the date on which
        the experiment can be read.

    Examples
    --------
    See docs/experiments.md.
    """
    sources = given_sources(
        conversions=conversions,
        experiments=assignments,
        touchpoints=touchpoints,
        users=users,
        identities=identities,
        erasures=erasures,
    )
    settings = make_settings(
        base=_declare(name, plan), join=join, cluster=cluster, as_of=as_of, timezone=timezone
    )
    if settings.experiments[name].assigns_users and assignments is None:
        raise InputError("give assignments: experiment, user_id, arm, assigned_at")
    with DuckDBEngine() as engine:
        load_and_read_experiments(engine, sources, settings)
        [found] = readings(engine, kind_of(conversions), [name])
    _refuse_partial(found)
    return found


def _declare(name: str, plan: Mapping[str, Any]) -> Settings:
    sources = {"touchpoints": "given", "conversions": "given"}
    return parse_settings({"sources": sources, "experiments": {name: dict(plan)}}, "plan")


def _after_first_sentence(text: str) -> str:
    _, _, rest = text.partition(". ")
    return f" {rest}" if rest else ""


def _refuse_partial(found: ExperimentReading) -> None:
    """Raise where no user's window is over, or the experiment has no users."""
    waiting = found.check_rows.filter(status="waiting")
    texts = dict(waiting.select("check_name", "text").iter_rows())
    if "assignments" in texts:
        hint = "" if "set aside" in texts["assignments"] else " Give its name in name"
        raise InputError(
            f"assignments: there is no user of the experiment {found.name!r}."
            f"{_after_first_sentence(texts['assignments'])}{hint}"
        )
    if found.may_read == "none" and "windows" in texts:
        raise InputError(f"{found.name}: it cannot be read yet. {texts['windows']}")
