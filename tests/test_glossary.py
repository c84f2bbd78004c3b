"""One word for one concept: words that were replaced stand nowhere, in texts or in names.

`python -m tests.test_glossary [FILE OR FOLDER ...]` lists where they still stand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PLACES = ("src", "pipelines", "sql", "docs", "examples", "benchmarks", "studies", "README.md",
          "CONTRIBUTING.md", "Makefile", "lydite.toml", "data_samples/README.md",
          "pyproject.toml")  # fmt: skip
KINDS = {".py", ".sql", ".md", ".toml", ".j2", ".yaml", ".yml", ""}

# A pattern over whole words (a blank stands for whatever separates two words), and what to write.
INSTEAD = {
    r"mend(s|ed|ing)?": "fix, correct",
    r"anew": "again, from scratch; rebuild, refit",
    r"lay|lays|laid|laying": "build, group, write, arrange",
    r"tell(?!\()|tells|told|telling": "distinguish, factorize, group, show, say",
    r"dear|dearer|dearest": "slow, expensive",
    r"whoever": "users who, anyone who",
    r"whichever": "any",
    r"reckon(s|ed|ing)?": "compute, count, expect",
    r"stretch(es|ed|ing)?": "slice, span",
    r"(give|gives|gave|given|giving) back": "return",
    r"(put|puts|putting) down": "write",
    r"(go|goes|went|going|gone) on from": "continue from, start at",
    r"out of reach": "dominated",
    r"sights?|sees": "feature row; depends on",
    r"met": "on the path",
    r"moments?": "path events",
    r"profiles?": "unique features",
    r"Ahead(?! of)": "TestBatch",
    r"LaidOut": "JourneyBuild",
    r"trial": "comparison, run, backtest, split",
    r"trials": "comparisons, runs (the counts `trials` of models and scores may stay)",
    r"walk(s|ed|ing)?(?!\()": "backtest",
    r"crediting": "attribution",
    r"division of conversions|(divides?|divided|dividing) (all |the |every )?conversions?":
        "attribution, attribute conversions",
    r"besides?": "in addition, next to, also",
    r"of old|in its stead|set right|hitherto|thereof|wherein|therein|whereof": "plain words",
    r"somebody|everybody|nobody": "a user, all users, no user; nothing",
    r"settl(e|es|ed|ing)": "decide, data needed to decide",
    r"caveats?": "warnings",
    r"contracts?": "inputs, input tables",
    r"absorption": "removal effects",
    r"weighing": "rule weights",
    r"crowd": "users",
    r"of (its|one s|their|your|our|his|her|my) own": "own as an adjective; custom; separate",
    r"halves?(?= (with|as|by))": "exponential decay",
    r"known has grown|what is known": "training data",
    r"pages?": "report (the HTML report); documentation",
}  # fmt: skip
PATTERN = {
    re.compile(r"(?<![A-Za-z])(?:" + pattern.replace(" ", r"[\s#*>-]+") + r")(?![A-Za-z])",
               0 if pattern[0].isupper() else re.IGNORECASE): hint
    for pattern, hint in INSTEAD.items()
}  # fmt: skip

# What may stay: texts in which one of the words has its common meaning, or a published name.
ALLOWED = (
    r"binomial[\s#]+trials?",
    r"(beta|Bernoulli)[\s#-]+trials?",
    r"random[\s#_]+walks?",
    r"(memory|documentation|web|thank-you|landing)[\s#]+pages?",
    r"SC_PAGE_SIZE|SC_PHYS_PAGES|page-break",
    r"in use until somebody decides",  # the name of that state
    r"in clinical trials|Controlled Clinical Trials",  # the title of a paper, and its journal
    r"importlinter\.contracts",
    r"--hypothesis-profile",  # an option of Hypothesis
    r"\"contract\", \"credit\"",  # a schema of earlier versions, which upgrades drop
    r"which channels were met",  # a claim, which is part of the fingerprint of evidence
    r"random\.uniform\(\"moment\"",  # the name of a random stream: another would draw other numbers
)
# Binomial counts: trials and conversions.
COUNTS = ("src/lydite/models/", "src/lydite/evaluation/", "src/lydite/paths/")
# Visits to the pages of web sites, and the tables and columns of vendors that are named after them.
VISITS = ("sql/sources/", "sql/channels/", "docs/vendors.md", "src/lydite/scaffold/samples.py")


class Found(NamedTuple):
    """One place where a replaced word stands."""

    file: str
    line: int
    word: str
    instead: str


def split_names(text: str) -> str:
    """Split identifiers into words without moving a line: `LaidOut` and `laid_out` have two."""
    text = re.sub(r"'(?=s\b)", " ", text.replace("_", " "))
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)


def replaced_words(text: str, file: str = "") -> Iterator[Found]:
    """Yield the replaced words of a text."""
    for allowed in ALLOWED:
        text = re.sub(allowed, lambda found: "\n" * found[0].count("\n"), text, flags=re.IGNORECASE)
    words = split_names(text)
    if file.startswith(COUNTS):
        words = re.sub(r"\b[Tt]rials\b", "", words)
    if file.startswith(VISITS):
        words = re.sub(r"\b[Pp]ages?\b", "", words)
    for pattern, hint in PATTERN.items():
        for found in pattern.finditer(words):
            yield Found(file, words.count("\n", 0, found.start()) + 1, found[0], hint)


def files(places: tuple[str, ...] = PLACES) -> list[Path]:
    """Return the files with text of these files and folders."""
    found: list[Path] = []
    for place in (ROOT / p for p in places):
        inside = sorted(place.rglob("*")) if place.is_dir() else [place]
        found += [f for f in inside if f.is_file() and f.suffix in KINDS]
    return [f for f in found if "__pycache__" not in f.parts and f.name != "hooks.py"]


def test_no_replaced_word_is_left():
    found = [
        word
        for file in files()
        for word in replaced_words(
            file.read_text(encoding="utf-8"), file.relative_to(ROOT).as_posix()
        )
    ]
    assert not found, "\n".join(f"{w.file}:{w.line}: {w.word!r}: {w.instead}" for w in found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def lay_out(): ...", ["lay"]),
        ("class LaidOut: ...", ["Laid"]),
        ("# what is given\n# back", ["given\n# back"]),
        ("layers of a metal overlay", []),
        ("counts of binomial trials", []),
        ("put all rivals on trial", ["trial"]),
    ],
)
def test_words_are_found_in_names_and_across_lines(text, words):
    assert [found.word for found in replaced_words(text)] == words


def test_every_word_of_the_glossary_is_defined_once_and_used():
    glossary = ROOT / "docs" / "glossary.md"
    rows = re.findall(
        r"^\| ([^|]+) \| [^|]+ \|$", glossary.read_text(encoding="utf-8"), re.MULTILINE
    )
    defined = [word for row in rows if row != "Word" for word in row.split(", ")]
    assert len(defined) == len(set(defined)) > 30
    used = " ".join(
        split_names(file.read_text(encoding="utf-8")).lower()
        for file in files()
        if file != glossary
    )
    assert [word for word in defined if word not in used] == []


if __name__ == "__main__":
    everywhere = [
        found
        for file in files(tuple(sys.argv[1:]) or PLACES)
        for found in replaced_words(
            file.read_text(encoding="utf-8"), file.relative_to(ROOT).as_posix()
        )
    ]
    for file, line, word, hint in sorted(everywhere):
        print(f"{file}:{line}: {' '.join(word.split())!r}: {hint}")
    sys.exit(bool(everywhere))
