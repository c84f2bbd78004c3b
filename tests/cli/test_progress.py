"""Progress on standard error."""

from lydite.cli.progress import Progress


def test_elsewhere_than_on_a_terminal_every_step_is_a_line(capsys):
    with Progress(quiet=False) as progress:
        progress.say("reading")
        progress.say("writing")
    shown = capsys.readouterr()
    assert shown.err.splitlines() == ["reading", "writing"]
    assert shown.out == ""


def test_quiet_shows_nothing(capsys):
    with Progress(quiet=True) as progress:
        progress.say("reading")
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_the_line_is_gone_at_the_end(capsys, monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Progress(quiet=False) as progress:
        progress.say("reading")
    assert capsys.readouterr().err.endswith("\x1b[2K")  # the line is erased
