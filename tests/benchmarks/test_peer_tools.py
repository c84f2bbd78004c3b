"""Tests of the environments of other packages."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from benchmarks import peer_tools
from benchmarks.peer_tools import CALLS, PEERS, UnavailableError, environment, is_there

PEER = dataclasses.replace(PEERS[0], name="stand-in", version="1.0", additional=("other==2",))


@pytest.fixture
def commands(monkeypatch, tmp_path):
    """Keep the commands that would be run; of them, only the folder is made."""
    kept = []

    def run(command, **_options):
        kept.append(command)
        (tmp_path / PEER.name / "bin").mkdir(parents=True, exist_ok=True)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(peer_tools.subprocess, "run", run)
    return kept


def test_an_environment_is_built_once(commands, tmp_path):
    python = environment(PEER, tmp_path)
    assert python == tmp_path / "stand-in" / "bin" / "python"
    venv, pip = commands
    assert venv[:3] == [sys.executable, "-m", "venv"]
    assert pip[0] == str(python)
    assert pip[-2:] == ["stand-in==1.0", "other==2"]
    assert is_there(PEER, tmp_path)
    assert environment(PEER, tmp_path) == python
    assert len(commands) == 2


def test_an_environment_is_rebuilt_when_requirements_change(commands, tmp_path):
    environment(PEER, tmp_path)
    newer = dataclasses.replace(PEER, version="1.1")
    assert not is_there(newer, tmp_path)
    environment(newer, tmp_path)
    assert "--clear" in commands[2]
    assert is_there(newer, tmp_path)
    assert not is_there(PEER, tmp_path)


def test_a_failed_installation_gives_the_reason_without_addresses(monkeypatch, tmp_path):
    said = (
        "WARNING: slow\n"
        "ERROR: Could not open https://some.where/simple\n"
        "ERROR: No matching distribution found for stand-in at file:///a/b\n"
        "hint: none\n"
    )
    failed = subprocess.CompletedProcess([], 1, "", said)
    monkeypatch.setattr(peer_tools.subprocess, "run", lambda *_args, **_options: failed)
    why = "^cannot be installed: No matching distribution found for stand-in at ...$"
    with pytest.raises(UnavailableError, match=why):
        environment(PEER, tmp_path)
    assert not is_there(PEER, tmp_path)


def test_every_peer_has_a_runner_versions_and_a_description():
    for peer in PEERS:
        assert peer.module.exists()
        assert set(peer.calls) <= set(CALLS)
        assert all("==" in requirement for requirement in peer.requirements)
        assert peer.computes.endswith(".")
        text = peer.module.read_text()
        assert all(f'"{call}"' in text for call in peer.calls)
