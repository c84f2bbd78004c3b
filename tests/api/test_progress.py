"""Progress: a function, a terminal, a notebook, or nothing."""

from __future__ import annotations

import sys
import types

import polars as pl
import pytest

import lydite
from lydite.api.progress import show_progress

PATHS = pl.DataFrame({"path": ["a > b", "b"], "conversions": [2, 1]})


def test_a_function_is_called_with_each_step():
    steps: list[str] = []
    lydite.credit(PATHS, models="linear", intervals=False, progress=steps.append)
    assert steps == ["attributing conversions"]
    world = lydite.simulate("linear", users=300, seed=1)
    steps.clear()
    lydite.compare(world.touchpoints, world.conversions, models="linear", progress=steps.append)
    assert steps[0] == "reading the input tables"
    assert steps[-1] == "writing the marts"


@pytest.mark.parametrize(
    ("progress", "expected"), [(None, ""), (False, ""), (True, "reading\nwriting\n")]
)
def test_outside_of_a_terminal_nothing_is_shown_by_default(capsys, progress, expected):
    with show_progress(progress) as say:
        say("reading")
        say("writing")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == expected


def test_a_terminal_has_a_status_line(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with show_progress() as say:
        say("reading")
    assert capsys.readouterr().out == ""


def test_a_jupyter_notebook_shows_the_step_and_removes_it(monkeypatch):
    shown: list[object] = []

    class Line:
        def update(self, what: object, **_: object) -> None:
            shown.append(what)

    def display(what: object, **_: object) -> Line:
        shown.append(what)
        return Line()

    shell = type("ZMQInteractiveShell", (), {})()
    module = types.ModuleType("IPython")
    module.get_ipython = lambda: shell  # type: ignore[attr-defined]
    shows = types.ModuleType("IPython.display")
    shows.display, shows.HTML = display, str  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", shows)
    with show_progress() as say:
        say("reading")
    assert shown == [{"text/plain": "starting"}, {"text/plain": "reading"}, ""]
    shown.clear()
    with show_progress(progress=False) as say:
        say("reading")
    assert shown == []
