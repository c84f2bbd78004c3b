"""The peers that the package index has: their versions, what they compute, and environments."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

RUNNERS = Path(__file__).parent / "peer_runners"
RUNNER = RUNNERS / "runner.py"
HEURISTICS, FIRST_ORDER, THIRD_ORDER, SHAPLEY = "heuristics", "markov_1", "markov_3", "shapley"
CALLS = (HEURISTICS, FIRST_ORDER, THIRD_ORDER, SHAPLEY)
"""What peers are asked for; heuristics are first touch, last touch and linear."""


class UnavailableError(Exception):
    """A peer's environment cannot be had, for the reason in words."""


@dataclass(frozen=True)
class Peer:
    """A tool from the package index.

    Attributes
    ----------
    name, version
        As the index has them.
    additional
        Other requirements, each with its version: also what the tool needs, but does not declare.
    module
        The file with its calls, for `RUNNER`.
    calls
        Which of `CALLS` it offers.
    takes
        The form of the data that it takes.
    computes
        What its definitions are.
    """

    name: str
    version: str
    additional: tuple[str, ...]
    module: Path
    calls: tuple[str, ...]
    takes: str
    computes: str

    @property
    def requirements(self) -> list[str]:
        """What pip installs."""
        return [f"{self.name}=={self.version}", *self.additional]


_ARRAYS = ("numpy==2.4.6", "pandas==3.1.1")

PEERS = (
    Peer(
        "ChannelAttribution",
        "2.2.5",
        (*_ARRAYS, "matplotlib==3.11.2"),
        RUNNERS / "calls_of_channel_attribution.py",
        (HEURISTICS, FIRST_ORDER, THIRD_ORDER),
        "the path table",
        "C++. Markov chains are simulated, with 100,000 journeys or more, until repeated runs agree"
        " to 5 %. It may use all cores.",
    ),
    Peer(
        "marketing-attribution-models",
        "2.1.1",
        (*_ARRAYS, "polars==2.1.0"),
        RUNNERS / "calls_of_marketing_attribution_models.py",
        (HEURISTICS, FIRST_ORDER, SHAPLEY),
        "two rows for each path, with and without conversion, and how many journeys took it",
        "Order 1 alone: exact removal effects, but each conversion is divided among the touches of"
        " its own path in proportion to them, and twice in one call. Shapley values of rates, of at"
        " most the four alphabetically last channels of a path.",
    ),
    Peer(
        "do-attribution",
        "0.0.2",
        _ARRAYS,
        RUNNERS / "calls_of_do_attribution.py",
        (FIRST_ORDER, THIRD_ORDER, SHAPLEY),
        "rows with a weight for Markov chains, a row for each journey for Shapley values",
        "Markov chains are solved exactly, here with what enters a removed channel led to no"
        " conversion; no heuristics. A coalition is worth the conversions of paths on exactly its"
        " channels, so that Shapley values may be negative: then it gives no shares.",
    ),
    Peer(
        "mta",
        "0.0.9",
        (*_ARRAYS, "scikit-learn==1.9.1"),
        RUNNERS / "calls_of_mta.py",
        (HEURISTICS, FIRST_ORDER, SHAPLEY),
        "the path table",
        "Order 1 alone: the chance of a conversion is summed over the converting paths of the table"
        " instead of all that the chain can take. Shapley values as of the reference.",
    ),
    Peer(
        "pychattr",
        "0.2.1",
        ("numpy==1.26.4", "pandas==1.5.3"),
        RUNNERS / "calls_of_pychattr.py",
        (HEURISTICS, FIRST_ORDER, THIRD_ORDER),
        "the path table",
        "Markov chains are simulated with 10,000 journeys. Heuristics make a data frame for each"
        " path.",
    ),
)


def environment(peer: Peer, folder: Path) -> Path:
    """Return the Python of a peer's own environment, which is made at the first call.

    Parameters
    ----------
    peer
        What is installed.
    folder
        Where environments are kept, each under the name of the peer.

    Raises
    ------
    UnavailableError
        When it cannot be made.
    """
    if not is_there(peer, folder):
        home = folder / peer.name
        home.parent.mkdir(parents=True, exist_ok=True)
        _do([sys.executable, "-m", "venv", "--clear", str(home)])
        pip = [str(_python(peer, folder)), "-m", "pip", "install", "--quiet"]
        _do([*pip, "--disable-pip-version-check", *peer.requirements])
        _marker(peer, folder).write_text("\n".join(peer.requirements))
    return _python(peer, folder)


def is_there(peer: Peer, folder: Path) -> bool:
    """Return whether a peer's environment is there, with what is required now."""
    marker = _marker(peer, folder)
    return marker.exists() and marker.read_text() == "\n".join(peer.requirements)


def _python(peer: Peer, folder: Path) -> Path:
    return folder / peer.name / "bin" / "python"


def _marker(peer: Peer, folder: Path) -> Path:
    """Return the file that is written last, and says what was installed."""
    return folder / peer.name / "installed"


def _do(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(f"cannot be installed: {_why(done.stderr + done.stdout)}")


def _why(said: str) -> str:
    """Return the last error that pip names, without addresses."""
    errors = re.findall(r"^ *(?:error|ERROR): *(.+)$", said, re.MULTILINE)
    lines = errors or said.strip().splitlines() or ["no reason given"]
    return re.sub(r"\w+://\S+", "...", lines[-1].strip())
