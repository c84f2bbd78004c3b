"""Steps of paths: lists in text, separators, too many channels."""

from __future__ import annotations

from functools import partial

import polars as pl
import pytest

from lydite.errors import InputError
from lydite.inputs.path_steps import MAX_CHANNELS, note_on_separator, split_paths

split = partial(split_paths, "paths")


def steps(texts, separator=None):
    """Return the paths as tuples of names."""
    found = split(pl.Series(texts), separator)
    names = iter([found.channels[i] for i in found.channel])
    return [tuple(next(names) for _ in range(size)) for size in found.length]


def refusal(texts, separator=None):
    with pytest.raises(InputError) as caught:
        split(pl.Series(texts), separator)
    return str(caught.value)


@pytest.mark.parametrize(
    "texts",
    [
        ['["Search","Email"]', '["Email"]'],
        [' [ "Search" , "Email" ]', '["Email"] '],
        ["['Search', 'Email']", "['Email']"],
        ["('Search', 'Email')", "('Email',)"],
        ['["Search", "Email"]', "['Email']"],
    ],
)
def test_arrays_in_text_are_paths(texts):
    assert steps(texts) == [("Search", "Email"), ("Email",)]
    assert split(pl.Series(texts)).separator is None


def test_names_in_arrays_are_read_unchanged():
    assert steps(['["a > b", "c, d", "é", 7]', '["\\u00e9"]']) == [
        ("a > b", "c, d", "é", "7"),
        ("é",),
    ]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (['["a"]', "b > c"], "is not a list"),
        (['["a"]', '[{"channel": "a"}]'], "is not a list of names"),
        (['["a"]', '["b"'], "is not a list"),
        (['["a"]', "[]"], "has no step"),
        (['["a", null]'], "an empty step"),
        (['["a", " "]'], "an empty step"),
        (["[Search, Email]", "[Email]"], "quoted names"),
        (["{Search,Email}", "{Email}"], "quoted names"),
        (["['Search' 'Email']", "['Email']"], "is not a list of names"),
        (["['Search' 'Email']"], "quoted names"),
        (['[{"channel":"a"}]'], "quoted names"),
        (["{'a': 'b'}"], "quoted names"),
        (["['a', ['b']]"], "quoted names"),
    ],
)
def test_arrays_that_are_refused(texts, words):
    assert words in refusal(texts)


def test_names_in_brackets_are_no_arrays():
    assert steps(["[brand] > (none)", "[brand]"]) == [("[brand]", "(none)"), ("[brand]",)]
    assert steps(["(direct)", "(none)"]) == [("(direct)",), ("(none)",)]


@pytest.mark.parametrize(
    "sign",
    [
        " > ", ">", " -> ", "->", "-->", " => ", "=>", "|>", ">>>", " → ", "→", " » ", ">>", " >> ",
        " | ", "|", "; ", ";", ", ", ",",
    ],
)  # fmt: skip
def test_separators_are_detected(sign):
    texts = [sign.join("abca"), "c", sign.join("ba")]
    assert steps(texts) == [("a", "b", "c", "a"), ("c",), ("b", "a")]
    # The user is told of it: other text than ">" may be part of a name.
    assert split(pl.Series(texts)).separator.strip() == sign.strip()


@pytest.mark.parametrize(
    "texts",
    [
        ["a | b", "a|b"],
        ["a, b", "c,a"],
        ["a|b", "a;c"],
        ["a | b", "a -> b"],
        ["a->b", "a=>b"],
        ["a->b", "c>a"],
        ["Search, brand | Email", "Email"],
        ["a > b", "a | b"],
        ["a > b", "b->a"],
        ["a > b", "c", "a, b, c"],
        ["a>b", "a|b"],
        ["a - b", "a", "b"],
        ["a / b", "b", "a"],
        ["a - b - a", "c"],
        ["a - b", "b - c"],
        ["a~b", "b"],
        ["a/b", "b/a"],
        ["a\\b", "b\\a"],
        ["a / b / c", "d"],
        ["a / b", "b"],
        ["a / b", "b / c"],
        ["a:b", "b", "a"],
    ],
    ids=str,
)
def test_ambiguous_separators_are_refused_with_the_option(texts):
    message = refusal(texts)
    assert "separator" in message
    assert "--separator" in message
    assert "such as '" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "texts",
    [
        ["google / organic", "(direct) / (none)"],
        ["google / organic > bing / cpc", "(direct) / (none)"],
        ["typed/bookmarked", "e-mail", "paid_search", "paid social"],
    ],
)
def test_signs_in_names_are_no_separators(texts):
    names = [name for path in steps(texts) for name in path]
    assert names == [name for text in texts for name in text.split(" > ")]


@pytest.mark.parametrize(
    ("texts", "separator", "expected"),
    [
        (["a / b", "b"], " / ", [("a", "b"), ("b",)]),
        (["a | b", "a|b"], "|", [("a", "b"), ("a", "b")]),
        (["a | b", "a|b"], " | ", [("a", "b"), ("a|b",)]),
        (["a > b", "a | b"], " > ", [("a", "b"), ("a | b",)]),
        (["a_b", "b"], "_", [("a", "b"), ("b",)]),
        (["a\tb", "b"], "\t", [("a", "b"), ("b",)]),
        (["Search, brand", "Email"], " > ", [("Search, brand",), ("Email",)]),
        (['["a","b"]'], " > ", [('["a","b"]',)]),
    ],
)
def test_a_separator_that_is_given(texts, separator, expected):
    assert steps(texts, separator) == expected


def test_a_separator_without_use():
    assert "blank" in refusal(["a"], "")
    assert "leave it out" in refusal([["a"]], ",")


@pytest.mark.parametrize(
    ("texts", "note"),
    [
        (["a > b"], None),
        (["a>b"], None),
        (["a > b", "c | d > a"], None),
        (["a > b", "c | d"], "'c | d' was read as one step"),
        (["a"], None),
        (["a; b"], "paths were split at '; '"),
        (["a -> b"], "paths were split at '->'"),
        (["google / organic", "email / none"], None),
        (["google / organic", "email"], "' / ' is part of names"),
        (['["a / b"]', '["a / b", "c"]'], None),
    ],
)
def test_the_note_on_a_separator(texts, note):
    found = note_on_separator(split(pl.Series(texts)))
    assert found is None if note is None else note in found


@pytest.mark.parametrize("ending", ["", " > b"])
def test_too_many_channels(ending):
    texts = [f"https://shop.example/{i}{ending}" for i in range(MAX_CHANNELS + 1)]
    message = refusal(texts)
    assert f"{MAX_CHANNELS + 1 + bool(ending)} distinct channels" in message
    assert "https://shop.example/" in message
    assert "URLs" in message
    assert "separator" in message
    assert len(split(pl.Series(texts[: MAX_CHANNELS - 1])).channels) >= MAX_CHANNELS - 1
