"""PostgreSQL: values arrive as they are stored, and errors name the place and no password."""

import datetime as dt
import sys

import pytest

from lydite.errors import InputError
from lydite.inputs import DatabaseSource, load_table, postgres
from tests.helpers.postgres_server import PASSWORD

TOUCHES = """
create table touches (
    id int, uid text, at timestamptz, channel varchar(20), cost numeric(10, 2), ref uuid,
    extra jsonb
)
"""
ROWS = """
insert into touches values
    (1, 'u1', '2026-03-01 10:30+01', 'search', 12.50, '00000000-0000-0000-0000-000000000001', '{}'),
    (2, 'été "; --', '2026-03-02 00:00:00.000001+00', 'e-mail', null, null, null)
"""
SELECT = "select id as touchpoint_id, uid as user_id, at as touched_at, channel, cost from touches"


@pytest.fixture
def source(write, postgres):
    """Make a source of a select on the server."""

    def source(select=SELECT, database=postgres.url, **options):
        path = str(write("touches.sql", select))
        return DatabaseSource(select=path, database=database, **options)

    return source


def test_rows_of_every_usual_type(postgres, read, touches, source):
    postgres.run(TOUCHES, ROWS)
    assert read("touchpoints", source()).rows == 2
    assert touches("user_id, touched_at, channel, cost, touchpoint_id") == [
        ("u1", dt.datetime(2026, 3, 1, 9, 30), "search", 12.5, "1"),
        ('été "; --', dt.datetime(2026, 3, 2, 0, 0, 0, 1), "e-mail", None, "2"),
    ]


def test_other_types_are_segments(postgres, engine, read, source):
    select = """
    select 'u' as user_id, array['a', 'b'] as tags, '{"a": 1}'::jsonb as extra, true as vip,
        '00000000-0000-0000-0000-000000000001'::uuid as ref, date '2026-03-01' as since,
        'x'::char(3) as code, 1.5::float4 as score, null as nothing
    """
    read("users", source(select))
    [row] = engine.rows("from inputs.users")
    assert row == (
        "u", "[a, b]", '{"a":1}', "true", "00000000-0000-0000-0000-000000000001", "2026-03-01",
        "x", "1.5", None,
    )  # fmt: skip


def test_many_rows_are_read_in_batches(postgres, read, source):
    select = """
    select 'u' || i as user_id, timestamptz '2026-03-01' as touched_at, repeat('x', 50) as channel
    from generate_series(1, 300000) as i
    """
    assert read("touchpoints", source(select)).rows == 300_000


@pytest.mark.parametrize("kind", ["timestamp", "timestamptz", "date"])
@pytest.mark.parametrize("value", ["infinity", "-infinity"])
def test_infinite_times_are_set_aside(postgres, read, source, kind, value):
    times = f"values ('u', '{value}'::{kind}), ('v', '2026-03-01'::{kind})"
    select = f"select *, 'x' as channel from ({times}) as t (user_id, touched_at)"
    report = read("touchpoints", source(select))
    assert (report.rows, report.bad) == (1, {"invalid_touched_at": 1})


@pytest.mark.parametrize("end", ["", ";", " ; -- the end", "\n-- ; the end\n", ";\n;\n"])
def test_a_select_may_end_in_a_semicolon_and_a_comment(postgres, read, source, end):
    select = "-- all; of them\nselect 'a;b' as user_id, now() - interval '1 year' as touched_at"
    assert read("touchpoints", source(f"{select}, 'x' as channel{end}")).rows == 1


@pytest.mark.parametrize(
    ("select", "parts"),
    [
        ("select * from nowhere", ['relation "nowhere" does not exist; LINE 1', "its own dialect"]),
        (
            "select *\nfrom touches\nwhere nope",
            ['column "nope" does not exist; LINE 3: where nope'],
        ),
        ("selec 1", ["syntax error", "Correct the select"]),
        ("delete from touches", ["syntax error", "Correct the select"]),
        ("select 1; drop table touches", ["has several statements", "must be one select"]),
        ("-- nothing yet", ["has nothing", "must be one select"]),
        (
            "select 1 / (id - id) as user_id from touches",
            ["division by zero", "Correct the select"],
        ),
        ("select uid as user_id, 1 as user_id from touches", ["'user_id' occurs 2 times"]),
        ("select uid from touches", ["lacks the required columns 'user_id'"]),
        ("select uid as user_id from touches where false", ["is empty"]),
    ],
)
def test_selects_that_fail(postgres, refused, source, select, parts):
    postgres.run(TOUCHES, ROWS)
    refused(source(select), "touches.sql in postgresql://lydite:${TEST_PASSWORD}@127", *parts)
    assert postgres.run("select count(*) from touches") == [(2,)]


def test_types_that_the_driver_changes_are_refused(postgres, refused, source):
    for value, kind, cast in (
        ("'12.30'::money", "the type money", "x::numeric"),
        ("'127.0.0.1'::inet", "the type inet", "x::text"),
        ("point '(1, 2)'", "the type point", "x::text"),
    ):
        refused(
            source(f"select {value} as x"), "column 'x'", kind, f"Cast it in the select: {cast}"
        )


def test_enumerations_and_domains_are_text(postgres, engine, read, source):
    postgres.run("create type mood as enum ('good', 'bad')", "create domain mail as text")
    read("users", source("select 'u'::mail as user_id, 'good'::mood as mood"))
    assert engine.rows("from inputs.users") == [("u", "good")]


def change(url, **parts):
    port = url.split(":")[3].split("/")[0]
    found = {"host": "127.0.0.1", "port": port, "name": "postgres", "user": "lydite", **parts}
    login = f"{found['user']}:${{TEST_PASSWORD}}"
    return f"postgresql://{login}@{found['host']}:{found['port']}/{found['name']}"


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        (
            {"port": 1},
            ['"127.0.0.1", port 1 failed: Connection refused', "Check the host, the port"],
        ),
        ({"host": "nohost.invalid"}, ["nohost.invalid", "Check the host"]),
        (
            {"name": "nowhere"},
            ['database "nowhere" does not exist', "Correct the name of the data"],
        ),
        ({"user": "nobody"}, ['failed for user "nobody"', "Correct the user or the password"]),
    ],
)
def test_servers_that_cannot_be_used(postgres, refused, source, parts, found):
    url = change(postgres.url, **parts)
    refused(source(database=url), url, *found)


def test_a_user_without_the_right_to_select(postgres, refused, source, monkeypatch):
    role = "create role poor login password 'poor word'"
    postgres.run(TOUCHES, "drop role if exists poor", role, "grant usage on schema public to poor")
    monkeypatch.setenv("TEST_PASSWORD", "poor word")
    database = change(postgres.url, user="poor")
    refused(source(database=database), "permission denied for table touches", "Grant the user")


@pytest.mark.parametrize(
    ("database", "parts"),
    [
        ("mysql://u:${TEST_PASSWORD}@h/db", ["is no PostgreSQL URL and no DuckDB file"]),
        ("${WHOLE}", ["the URL is not valid", "Encode special characters"]),
        ("${NOT_SET}", ["the environment variable NOT_SET is not set"]),
    ],
)
def test_databases_that_are_not_valid(postgres, refused, source, monkeypatch, database, parts):
    monkeypatch.setenv("WHOLE", f"postgresql://lydite:{PASSWORD}@127.0.0.1:1/postgres")
    monkeypatch.delenv("NOT_SET", raising=False)
    refused(source(database=database), database, *parts)


@pytest.mark.parametrize(
    "password", ["xq7-hunter2", "p@ss:w/o?rd#2%", "a%zz", "o'hara\"", "with blank", "é"]
)
@pytest.mark.parametrize("whole", [False, True])
def test_a_failed_login_shows_no_password(
    postgres, engine, source, monkeypatch, capfd, password, whole
):
    monkeypatch.setenv("TEST_PASSWORD", password)
    monkeypatch.setenv("WHOLE", postgres.url.replace("${TEST_PASSWORD}", password))
    database = "${WHOLE}" if whole else postgres.url
    with pytest.raises(InputError) as caught:
        load_table(engine, "touchpoints", source(database=database))
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = str(error) + "".join(capfd.readouterr())
    assert not any(part in shown for part in (password, password[-4:], password[:4]))


def test_the_password_may_come_from_the_variable_of_postgresql(postgres, read, source, monkeypatch):
    postgres.run(TOUCHES, ROWS)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert read("touchpoints", source(database=postgres.url.replace(":${TEST_PASSWORD}", ""))).rows


def test_a_missing_driver_is_named(refused, write, monkeypatch):
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql.dbapi", None)
    database = "postgresql://u@127.0.0.1/x"
    source = DatabaseSource(select=str(write("t.sql", "select 1")), database=database)
    refused(source, "pip install 'lydite[postgres]'")


def test_a_host_that_does_not_answer_is_given_up(monkeypatch):
    monkeypatch.delenv("PGCONNECT_TIMEOUT", raising=False)
    assert postgres._with_timeout("postgresql://h/db").endswith("/db?connect_timeout=10")
    assert postgres._with_timeout("postgresql://h/db?a=b").endswith("a=b&connect_timeout=10")
    given = "postgresql://h/db?connect_timeout=2"
    assert postgres._with_timeout(given) == given
