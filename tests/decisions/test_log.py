"""The log of decisions: what it keeps, and that no change stays unnoticed."""

from __future__ import annotations

import json
import multiprocessing
import re
from dataclasses import replace

import pytest

from lydite.decisions.log import COPY, Decision, add_decision, check_copy, copy_log, read_log
from lydite.engine import DuckDBEngine
from lydite.errors import InputError

DRAFT = Decision(
    0, "2026-03-02T10:00:00.000000", "ann", "purchase", "last_touch", "linear",
    "it has led since May\n– and „finance“ agrees", "", {"linear": "best", "last_touch": "refuted"},
)  # fmt: skip


@pytest.fixture
def log(tmp_path):
    """Return a log with three decisions."""
    path = tmp_path / "deep" / "decisions.jsonl"
    for model in ("linear", "shapley", "markov_2"):
        add_decision(path, lambda before, model=model: replace(DRAFT, to_model=model))
    return path


def test_decisions_are_read_as_they_were_written(log):
    found = read_log(log)
    assert [decision.to_model for decision in found] == ["linear", "shapley", "markov_2"]
    assert [decision.number for decision in found] == [1, 2, 3]
    assert found[0].reason == DRAFT.reason
    assert found[0].verdicts == DRAFT.verdicts
    assert [entry.name for entry in log.parent.iterdir() if "new" in entry.name] == []


def test_without_a_file_there_are_no_decisions(tmp_path):
    assert read_log(tmp_path / "none.jsonl") == []


def edit_reason(lines):
    lines[1] = lines[1].replace("finance", "nobody")


def edit_and_hash_again(lines):
    changed = replace(Decision(**json.loads(lines[1])), to_model="first_touch")
    lines[1] = replace(changed, hash=changed.content_hash).to_line().rstrip("\n")


def remove_first(lines):
    del lines[0]


def remove_middle(lines):
    del lines[1]


def swap(lines):
    lines[0], lines[1] = lines[1], lines[0]


def repeat(lines):
    lines.append(lines[-1])


def add_a_field(lines):
    lines[2] = json.dumps(json.loads(lines[2]) | {"more": 1})


def write_text(lines):
    lines[2] = "markov_2 is better"


def write_a_number(lines):
    lines[2] = json.dumps(json.loads(lines[2]) | {"reason": 5})


@pytest.mark.parametrize(
    ("change", "line"),
    [(edit_reason, 2), (edit_and_hash_again, 3), (remove_first, 1), (remove_middle, 2), (swap, 1),
     (repeat, 4), (add_a_field, 3), (write_text, 3), (write_a_number, 3)],
)  # fmt: skip
def test_every_change_is_found_with_its_line(log, change, line):
    lines = log.read_text(encoding="utf-8").splitlines()
    change(lines)
    log.write_text("".join(f"{text}\n" for text in lines), encoding="utf-8")
    with pytest.raises(InputError, match=rf"line {line}\b.*Restore the file"):
        read_log(log)
    with pytest.raises(InputError, match=rf"line {line}\b"):
        add_decision(log, lambda before: DRAFT)


def test_half_a_line_is_found(log):
    text = log.read_text(encoding="utf-8")
    log.write_text(text[:-20], encoding="utf-8")
    with pytest.raises(InputError, match="its last line is not complete"):
        read_log(log)


def test_line_ends_of_another_system_change_nothing(log):
    text = log.read_bytes()
    log.write_bytes(text.replace(b"\n", b"\r\n"))
    assert len(read_log(log)) == 3


def test_lines_missing_at_the_end_are_found_by_the_copy(log):
    with DuckDBEngine() as engine:
        assert len(copy_log(engine, log)) == 3
        lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
        log.write_text("".join(lines[:-1]), encoding="utf-8")
        assert len(read_log(log)) == 2
        with pytest.raises(InputError, match="no longer holds decision 3"):
            copy_log(engine, log)
        log.unlink()
        with pytest.raises(InputError, match="no longer holds decision 1"):
            copy_log(engine, log)
        assert engine.scalar(f"select count(*) from {COPY}") == 3


def test_a_log_that_was_written_again_differs_from_the_copy(log):
    copy = [(decision.number, decision.hash) for decision in read_log(log)]
    log.unlink()
    for _ in range(3):
        add_decision(log, lambda before: replace(DRAFT, decided_by="eve"))
    with pytest.raises(InputError, match="no longer holds decision 1"):
        check_copy(log, read_log(log), copy)


def test_the_decision_before_is_known_when_the_next_one_is_made(log):
    seen = []

    def make(before):
        seen.extend(before)
        return DRAFT

    add_decision(log, make)
    assert len(seen) == 3


def test_an_error_while_the_file_is_written_leaves_the_old_one(log, monkeypatch):
    def fail(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(InputError, match=r"cannot be written to .*decisions\.jsonl.*disk full"):
        add_decision(log, lambda before: DRAFT)
    assert len(read_log(log)) == 3
    names = {entry.name for entry in log.parent.iterdir()}
    assert names <= {log.name, f".{log.name}.lock"}


def test_a_folder_in_its_place_is_an_error(tmp_path):
    with pytest.raises(InputError, match=re.escape(str(tmp_path))):
        read_log(tmp_path)


def promote_often(path, model, times):
    for _ in range(times):
        add_decision(path, lambda before: replace(DRAFT, to_model=model))


def test_two_processes_at_once_lose_nothing_and_write_nothing_twice(tmp_path):
    path = tmp_path / "decisions.jsonl"
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=promote_often, args=(path, name, 20)) for name in ("linear", "mine")
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    found = read_log(path)
    assert [decision.number for decision in found] == list(range(1, 41))
    assert [decision.to_model for decision in found].count("linear") == 20


def test_a_process_that_is_killed_leaves_a_whole_log(tmp_path):
    path = tmp_path / "decisions.jsonl"
    process = multiprocessing.get_context("spawn").Process(
        target=promote_often, args=(path, "linear", 10_000)
    )
    process.start()
    while not path.exists():
        process.join(0.01)
    process.join(0.05)
    process.kill()
    process.join()
    before = len(read_log(path))
    assert before > 0
    add_decision(path, lambda log: DRAFT)  # the lock of the killed process is free again
    assert len(read_log(path)) == before + 1
