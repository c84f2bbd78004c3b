"""`lydite.check`: what it loads, and arguments that do not fit together."""

from __future__ import annotations

import pytest

import lydite
from lydite.errors import InputError


def test_frames_are_checked_as_they_are_compared(world) -> None:
    found = lydite.check(world.touchpoints, world.conversions, lookback="7d")
    assert found.ok
    assert repr(found).startswith("DataCheck(ok: 2 tables")


def test_the_sources_of_a_project_count_from_its_folder(world, tmp_path, monkeypatch) -> None:
    project = tmp_path / "project"
    project.mkdir()
    world.touchpoints.write_parquet(project / "t.parquet")
    world.conversions.write_parquet(project / "c.parquet")
    settings = project / "lydite.toml"
    settings.write_text('[sources]\ntouchpoints = "t.parquet"\nconversions = "c.parquet"\n')
    monkeypatch.chdir(tmp_path)
    assert lydite.check(settings=settings).ok
    with pytest.raises(InputError, match="there is no settings file"):
        lydite.check()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"touchpoints": "t.csv"}, "give touchpoints and conversions, or paths"),
        ({"touchpoints": "t.csv", "settings": "x.toml"}, "settings and sources cannot be combined"),
        ({"touchpoints": "t.csv", "paths": "p.csv"}, "paths and touchpoints cannot be combined"),
        (
            {"touchpoints": "t.csv", "conversions": "c.csv", "separator": ">"},
            "separator is for paths: leave it out",
        ),
    ],
)
def test_arguments_that_do_not_fit_together(arguments, message) -> None:
    with pytest.raises(InputError, match=message):
        lydite.check(**arguments)
