"""The tables that a select reads."""

from lydite.engine.table_names import tables_in


def test_tables_are_read_from_sql_without_those_of_a_with_clause():
    sql = "with a as (from journeys.users) select * from a where x in (select y from mart.runs)"
    assert tables_in(sql) == {"journeys.users", "mart.runs"}


def test_tables_are_read_from_a_file():
    assert tables_in("marts/time_lags") == {"journeys.path_events"}
