"""The application: help, and options that cannot be used."""

from pathlib import Path

import pytest

from tests.helpers.command_line import lydite


@pytest.mark.parametrize("command", [(), ("compare",), ("credit",), ("export",), ("simulate",)])
def test_help_answers(command: tuple[str, ...]) -> None:
    result = lydite(*command, "--help")
    assert result.returncode == 0
    assert "Usage" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["no-such-command"], "no-such-command"),
        (["compare", "--no-such-option"], "--no-such-option"),
        (["compare", "--period", "year"], "'week'"),
        (["compare", "--seed", "many"], "--seed"),
        (["compare", "--engine", "sparc"], "'spark'"),
        (["compare", "--engine", "spark", "--paths", "p.csv"], "leave out --engine"),
        (["credit"], "--paths"),
        (["simulate", "--out", "w"], "--world"),
        (["simulate", "--world", "lineal", "--out", "w"], "'lineal'"),
    ],
)
def test_bad_options_say_what_is_wrong(arguments: list[str], word: str, tmp_path: Path) -> None:
    result = lydite(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert word in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not list(tmp_path.iterdir())
