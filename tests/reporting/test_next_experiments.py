"""Proposed experiments in words, on the terminal and in the report."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from lydite.reporting.moves import how_to_test, next_tests
from lydite.reporting.next_experiments import (
    describe_design,
    describe_results,
    next_experiments_of,
    print_next_experiments,
)
from lydite.reporting.report import report_html
from tests.helpers.made_comparisons import make_comparison
from tests.helpers.made_next_experiments import (
    ACCOUNTS,
    FEW_ACCOUNTS,
    SEARCH,
    SOCIAL,
    VIDEO,
    compare_with_proposals,
)


def test_designs_are_sentences():
    assert describe_design(SEARCH) == (
        "Hold out 10% of the users for 4 weeks (52,000 users in all)."
    )
    assert describe_design(SOCIAL) == "Hold out 50% of the regions for 1 week."
    assert describe_design(VIDEO).endswith(
        "90 weeks (52,000 users in all). Ten or more regions may decide sooner."
    )
    assert describe_design(SOCIAL | {"is_feasible": False}).endswith("for 1 week.")


def test_whole_accounts_are_said_to_be_for_users_who_influence_each_other():
    held = (
        "Hold out 50% of the accounts for 8 weeks (412 accounts, 4,800 users in all), with all"
        " users of an account in the same arm: they influence each other, and a test by user would"
        " be biased. It takes 2.4 times as many users as a test by user."
    )
    assert describe_design(ACCOUNTS) == held
    long = ACCOUNTS | {"is_feasible": False, "clusters_needed": 700}
    assert describe_design(long) == (
        f"{held} In 12 weeks 700 accounts would be enough. Ten or more regions may decide sooner."
    )
    households = describe_design(ACCOUNTS | {"cluster_column": "household"})
    assert households.startswith("Hold out 50% of the groups by household for 8 weeks (412 groups")
    assert "all users of a group" in households


def test_too_few_accounts_are_said_to_be_too_few_however_long_the_test_is():
    assert describe_design(FEW_ACCOUNTS) == (
        "412 accounts are too few, however long the test is. In 12 weeks 9,800 accounts would be"
        " enough. A test by user would take 4 weeks, but measures too little where users of an"
        " account influence each other. Ten or more regions may decide sooner."
    )
    idle = FEW_ACCOUNTS | {"clusters_needed": None, "weeks_by_user": 12_000}
    assert describe_design(idle) == (
        "412 accounts are too few, however long the test is. Ten or more regions may decide sooner."
    )
    made = compare_with_proposals(FEW_ACCOUNTS | {"channel": "video"})
    tests = next_tests(made, "purchase", "linear")
    assert any("412 accounts are too few" in test.why for test in tests)
    stream = StringIO()
    print_next_experiments(made, ["purchase"], Console(file=stream, width=200))
    assert "1,000,000" not in stream.getvalue()


def test_results_say_what_they_would_change():
    nothing, everything = describe_results(SEARCH)
    assert nothing == (
        "No effect: cut the channel, 9,000 a month move to email, the best return of the others;"
        " contradicts linear and last touch."
    )
    assert everything == "All that is credited: keep the channel."
    assert "move to Newsletter," in describe_results(SEARCH, {"email": "Newsletter"})[0]
    nowhere = SEARCH | {"moved_to_if_no_effect": None}
    assert "9,000 a month move; contradicts" in describe_results(nowhere)[0]
    kept = SEARCH | {"keep_if_no_effect": True, "moved_to_if_no_effect": "paid_search"}
    assert "keep the channel, 9,000 a month stay; " in describe_results(kept)[0]
    many = SEARCH | {"refuted_if_no_effect": "a, b, c, d"}
    assert describe_results(many)[0].endswith("contradicts 4 models.")


def test_the_report_proposes_tests_that_are_worth_it_and_possible():
    made = compare_with_proposals(VIDEO, SOCIAL, SEARCH)
    [test] = next_tests(made, "purchase", "linear")
    assert test.channel == "Paid search"
    assert test.why == f"The result is worth 2,300 in a year. {describe_design(SEARCH)}"
    assert test.results == describe_results(SEARCH)
    assert " ".join(describe_results(SEARCH)) in report_html(made)
    assert how_to_test([test]) == ""
    other = next_tests(compare_with_proposals(VIDEO), "purchase", "linear")
    assert "credited with" in other[0].why


def test_they_are_printed_in_order_with_what_the_first_would_change():
    made = compare_with_proposals(SOCIAL, SEARCH)
    assert [row["rank"] for row in next_experiments_of(made, "purchase")] == [1, 2]
    stream = StringIO()
    print_next_experiments(made, ["purchase"], Console(file=stream, width=120, color_system=None))
    text = stream.getvalue()
    assert text.index("Paid search") < text.index("Social")
    assert "What a test of paid search would change" in text
    assert "What a test of social would change" in text
    assert text.count("No effect: cut the channel") == 2


def test_without_any_it_says_why():
    stream = StringIO()
    print_next_experiments(make_comparison(), ["purchase"], Console(file=stream, width=100))
    assert "No experiment is proposed" in stream.getvalue()
