"""The result of a check as data."""

from datetime import date

from lydite.checking import DataCheck, DataFinding, OutcomeSummary


def finding(level, text="x"):
    return DataFinding(level, "kind", text, "fix")


def test_the_representation_is_short_and_has_errors_and_warnings():
    found = DataCheck((), (), (finding("error", "no rows"), finding("note", "read as UTC")))
    assert not found.ok
    assert repr(found) == (
        "DataCheck(not ok: 0 tables, 0 outcomes, 1 error, 0 warnings)\n  error: no rows"
    )
    assert DataCheck((), (), (finding("warning"),)).ok


def test_plain_data_has_lists_and_iso_days():
    outcome = OutcomeSummary("lead", 5, 1, as_of=date(2026, 3, 1))
    record = DataCheck((), (outcome,), (), ("direct",)).to_dict()
    assert set(record) == {"ok", "tables", "outcomes", "findings", "direct"}
    assert record["direct"] == ["direct"]
    assert record["outcomes"][0]["as_of"] == "2026-03-01"
