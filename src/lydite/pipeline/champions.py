"""The step that records what was decided and tested: champions, challengers, hypotheses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.decisions import make_champions
from lydite.decisions.champions import write_champions
from lydite.decisions.evidence import EXPERIMENT_VERDICTS
from lydite.decisions.hypotheses import record_verdicts
from lydite.decisions.log import copy_log, read_checked

if TYPE_CHECKING:
    from pathlib import Path

    from lydite.engine import Engine

_OUTCOMES = "select outcome from evaluation.outcomes"


def check_decisions(engine: Engine, path: Path | None) -> None:
    """Check the log of decisions before anything is computed.

    Parameters
    ----------
    engine
        Holds the copy of an earlier run, if there was one.
    path
        The log of decisions; None for a comparison outside of a project, which has none.

    Raises
    ------
    InputError
        When the log was changed after it was written.
    """
    if path is not None:
        read_checked(engine.local, path)


def record_decisions(engine: Engine, path: Path | None) -> None:
    """Name the champion and the challenger of every outcome, and record every change.

    Parameters
    ----------
    engine
        Holds the comparison of the models.
    path
        The log of decisions; None for a comparison outside of a project, which has none.

    Raises
    ------
    InputError
        When the log was changed after it was written.
    """
    local = engine.local
    log = copy_log(local, path)
    marts = {
        "outcomes": local.frame(_OUTCOMES),
        "model_comparison": local.frame("from evaluation.model_comparison"),
    }
    experiments = f"mart.{EXPERIMENT_VERDICTS}"
    if local.exists(experiments):
        marts[EXPERIMENT_VERDICTS] = local.frame(f"from {experiments}")
    with local.transaction():
        write_champions(local, make_champions(marts, log))
        record_verdicts(local)
