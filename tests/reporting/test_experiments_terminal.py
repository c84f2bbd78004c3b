"""Experiments on a terminal."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

import lydite
from lydite.reporting.experiments_terminal import print_experiments
from tests.helpers.holdout import PLAN, simulate_holdout

pytest.importorskip("tea_tasting")


def printed(plan, **options):
    _, conversions, assignments = simulate_holdout()
    found = lydite.read_experiment(plan, conversions, assignments, name="email", **options)
    console = Console(file=StringIO(), width=110)
    print_experiments([found], console)
    return console.file.getvalue()


def test_arms_are_rows_with_the_interval_that_may_be_read():
    text = printed(PLAN)
    assert "Hypothesis: E-mail brings purchases." in text
    assert "purchase*" in text
    assert "higher" in text
    assert "The experiment is over" in text
    always = printed(PLAN | {"planned_users": 10_000})
    assert "· 2,000 of 10,000 planned users are assigned" in always
    assert "The experiment goes on" in always


def test_a_failed_check_is_shown_first_and_nothing_is_read():
    text = printed(PLAN | {"arms": {"control": 1, "treated": 2}})
    assert "✗ The arms have other sizes than planned" in text
    assert "cannot be read" in text
    assert "Nothing may be read now" in text
