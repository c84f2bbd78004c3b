"""The log of decisions: a file that is only appended to, outside of the warehouse.

Each line is a decision as JSON. It holds the SHA-256 hash of its content and of the hash before it,
so that a line cannot be changed, removed or inserted unnoticed: every reading checks the chain.
Lines that are missing at the end are found by comparison with the copy in the warehouse
(`check_copy`). An addition writes a new file and renames it, under a lock.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.errors import InputError, UnavailableError, explain_system_error
from lydite.replacing import new_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from lydite.engine import DuckDBEngine

#: The copy of the log in the warehouse.
COPY = "decisions.log"
_COPIED: dict[str, Any] = {
    "number": pl.Int64,
    "decided_at": pl.Datetime("us"),
    "decided_by": pl.String,
    "outcome": pl.String,
    "from_model": pl.String,
    "to_model": pl.String,
    "reason": pl.String,
    "despite": pl.String,
    "verdicts": pl.String,
    "previous": pl.String,
    "hash": pl.String,
}
#: The hash before the first decision.
NO_HASH = "0" * 64
_SECONDS = 30  # to wait for another process that adds a decision
_RESTORE = "Restore the file from version control or a backup"


@dataclass(frozen=True)
class Decision:
    """One decision about the champion of an outcome.

    Attributes
    ----------
    number
        1 for the first decision in the log.
    decided_at
        When, UTC, as ISO 8601 without a zone.
    decided_by
        Who.
    outcome
        Name of the outcome.
    from_model, to_model
        The champion before, and the one from now on.
    reason
        Why, in the words of the person.
    despite
        What had refuted the new champion by then; empty where nothing had.
    verdicts
        The verdict on every rival of the outcome at that time, by name.
    previous, hash
        SHA-256 of the decision before, and of this one with all fields above.
    """

    number: int
    decided_at: str
    decided_by: str
    outcome: str
    from_model: str
    to_model: str
    reason: str
    despite: str
    verdicts: dict[str, str]
    previous: str = NO_HASH
    hash: str = ""

    @property
    def content_hash(self) -> str:
        """The hash of all fields but `hash`."""
        fields = dataclasses.asdict(self)
        del fields["hash"]
        return hashlib.sha256(_to_json(fields).encode()).hexdigest()

    def to_line(self) -> str:
        """Return the line of the log."""
        return _to_json(dataclasses.asdict(self)) + "\n"


_TYPES = {
    field.name: {"int": int, "str": str}.get(str(field.type), dict)
    for field in dataclasses.fields(Decision)
}


def _to_json(fields: dict[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(", ", ": "))


def read_log(path: Path) -> list[Decision]:
    """Return all decisions, the first one first; none if there is no file.

    Raises
    ------
    InputError
        When the file cannot be read, or was changed after it was written; the message names the
        line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the decisions in {path} cannot be read: {error}") from error
    found: list[Decision] = []
    for number, line in enumerate(text.split("\n")[:-1] if text else [], start=1):
        decision = _parse(line)
        before = found[-1].hash if found else NO_HASH
        if decision is None or decision.content_hash != decision.hash:
            raise InputError(f"{path}, line {number} was changed after it was written. {_RESTORE}")
        if (decision.number, decision.previous) != (number, before):
            raise InputError(
                f"{path}, line {number}: this decision does not follow the one before it, because"
                f" lines were removed, inserted or moved. {_RESTORE}"
            )
        found.append(decision)
    if text and not text.endswith("\n"):
        raise InputError(f"{path}: its last line is not complete. {_RESTORE}")
    return found


def _parse(line: str) -> Decision | None:
    """Return the decision of a line, None if it holds none."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or set(fields) != set(_TYPES):
        return None
    if any(type(fields[name]) is not kind for name, kind in _TYPES.items()):
        return None
    return Decision(**fields)


def add_decision(path: Path, make: Callable[[Sequence[Decision]], Decision]) -> Decision:
    """Add a decision to the log; others that add one at the same time wait.

    Parameters
    ----------
    path
        The log; a missing file or folder is created.
    make
        Returns the decision, given those before; its number and hashes are set here.

    Returns
    -------
    The decision as written.

    Raises
    ------
    InputError
        When the log was changed.
    UnavailableError
        When the log stays locked or cannot be written.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415  (only promotions need it)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=_SECONDS):
            before = read_log(path)
            decision = _chained(make(before), before)
            _replace(path, "".join(entry.to_line() for entry in (*before, decision)))
    except Timeout as error:
        raise UnavailableError(f"{path} is being written by another process: try again") from error
    except OSError as error:
        known = explain_system_error(f"{error}")
        raise known or InputError(f"the decision cannot be written to {path}: {error}") from error
    return decision


def _chained(decision: Decision, before: Sequence[Decision]) -> Decision:
    previous = before[-1].hash if before else NO_HASH
    numbered = dataclasses.replace(decision, number=len(before) + 1, previous=previous)
    return dataclasses.replace(numbered, hash=numbered.content_hash)


def _replace(path: Path, text: str) -> None:
    """Write the whole log to a new file, and rename it: a reader finds the old or the new one."""
    with new_version(path) as new:
        with new.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)


def check_copy(path: Path, log: Sequence[Decision], copy: Iterable[tuple[int, str]]) -> None:
    """Check that the log still holds the decisions that an earlier run has copied.

    Parameters
    ----------
    path
        The log, for the message.
    log
        Its decisions.
    copy
        Number and hash of each decision that was copied.

    Raises
    ------
    InputError
        When one of them is missing or another one.
    """
    known = {decision.number: decision.hash for decision in log}
    for number, content in sorted(copy):
        if known.get(number) != content:
            raise InputError(
                f"{path} no longer holds decision {number}, which an earlier run has read:"
                f" decisions are only added. {_RESTORE}"
            )


def read_checked(engine: DuckDBEngine, path: Path) -> list[Decision]:
    """Return all decisions of the log, which must hold those of the table `COPY`.

    Raises
    ------
    InputError
        When the log was changed, or lacks a decision that an earlier run has copied.
    """
    log = read_log(path)
    if engine.exists(COPY):
        check_copy(path, log, engine.rows(f"select number, hash from {COPY}"))
    return log


def copy_log(engine: DuckDBEngine, path: Path | None) -> list[Decision]:
    """Read the log, and copy it to the table `COPY`; without a log the table is empty.

    Raises
    ------
    InputError
        When the log was changed, or lacks a decision that an earlier run has copied.
    """
    log = [] if path is None else read_checked(engine, path)
    engine.store(COPY, log_table(log))
    return log


def log_table(log: Iterable[Decision]) -> pl.DataFrame:
    """Return decisions as a table; the verdicts are JSON."""
    rows = [
        dataclasses.asdict(decision)
        | {
            "decided_at": datetime.fromisoformat(decision.decided_at),
            "despite": decision.despite or None,
            "verdicts": json.dumps(decision.verdicts, ensure_ascii=False),
        }
        for decision in log
    ]
    return pl.DataFrame(rows, schema=_COPIED)
