"""Files over s3://, gs:// and https://: the same rows as local files, and errors that name them."""

import base64
import contextlib
import gzip
import http.server
import io
import json
import os
import sys
import threading

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from lydite.environment import hide
from lydite.errors import InputError
from lydite.inputs import load_table, remote
from tests.helpers.object_store import SECRET

HEADER = "user_id,touched_at,channel\n"
ROW = "u1,2026-03-01T09:30:00Z,search\n"
CSV = HEADER + ROW


def parquet():
    file = io.BytesIO()
    pl.read_csv(CSV.encode()).write_parquet(file)
    return file.getvalue()


def zstd(text):
    file = pa.BufferOutputStream()
    with pa.CompressedOutputStream(file, "zstd") as stream:
        stream.write(text.encode())
    return file.getvalue().to_pybytes()


OBJECT = json.dumps({"user_id": "u1", "touched_at": "2026-03-01T09:30:00Z", "channel": "search"})
FILES = {
    "t.parquet": parquet(),
    "t.csv": CSV.encode(),
    "t.csv.gz": gzip.compress(CSV.encode(), mtime=0),
    "t.csv.zst": zstd(CSV),
    "t.jsonl": OBJECT.encode(),
    "t.json.gz": gzip.compress(OBJECT.encode()),
}


@pytest.mark.parametrize("scheme", ["s3", "gs", "s3a"])
@pytest.mark.parametrize("name", FILES)
def test_objects_of_every_kind(store, read, touches, scheme, name):
    store.put(f"kinds/{name}", FILES[name])
    assert read("touchpoints", f"{scheme}://bucket/kinds/{name}").rows == 1
    assert touches("user_id, channel") == [("u1", "search")]


@pytest.mark.parametrize(
    ("pattern", "rows"),
    [
        ("s3://bucket/days/*.csv", 1),
        ("s3://bucket/days/**/*.csv", 3),
        ("gs://bucket/days/day=?/*.csv", 2),
        ("s3://bucket/days/day=[12]/b.csv", 1),
        ("s3://bucket/days/day=1/été & [1].csv", 1),
    ],
)
def test_patterns_of_objects(store, read, pattern, rows):
    store.put("days/a.csv", HEADER + ROW)
    store.put("days/day=1/été & [1].csv", HEADER + ROW.replace("u1", "u2"))
    store.put("days/day=2/b.csv", HEADER + ROW.replace("u1", "u3"))
    store.put("days/day=2/b.txt", "no")
    if pattern.endswith("[1].csv"):
        pattern = pattern.replace("[", "[[]")
    assert read("touchpoints", pattern).rows == rows


def test_a_select_reads_objects_of_two_stores(store, read, write, touches):
    store.put("select/1.parquet", FILES["t.parquet"])
    store.put("select/2.csv.gz", gzip.compress((HEADER + ROW.replace("u1", "u2")).encode()))
    select = """
    select * from read_parquet('s3://bucket/select/*.parquet')
    union all by name
    select * from read_csv('gs://bucket/select/2.csv.gz', all_varchar = true)
    """
    assert read("touchpoints", write("t.sql", select)).rows == 2
    assert touches("user_id") == [("u1",), ("u2",)]
    assert read("touchpoints", write("t.sql", select)).rows == 2  # registers file systems again


def test_keys_of_a_store_may_be_in_files(store, read, tmp_path, monkeypatch):
    store.put("keys/t.csv", CSV)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        (tmp_path / name).write_text(os.environ[name] + "\n")
        monkeypatch.delenv(name)
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    assert read("touchpoints", "s3://bucket/keys/t.csv").rows == 1
    assert hide(f"signed with {SECRET}") == "signed with ***"


def test_keys_in_a_file_that_is_not_there(store, refused, monkeypatch):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY_FILE", "/nowhere/key")
    refused("s3://bucket/keys/t.csv", "the file /nowhere/key of a secret cannot be read")


def test_a_reference_may_stand_for_a_whole_url(store, read, tmp_path):
    store.put("whole/t.csv", CSV)
    (tmp_path / "url").write_text("s3://bucket/whole/*.csv")
    assert read("touchpoints", f"file:{tmp_path}/url").rows == 1


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("s3://bucket/nope.csv", ["NoSuchKey", "Correct the name", "vanished"]),
        ("s3://nobucket/nope.csv", ["NoSuchBucket", "Correct the name"]),
        ("s3://nobucket/*.csv", ["NoSuchBucket", "Correct the name"]),
        ("s3://bucket/nope/*.csv", ["no object matches", "Correct the pattern"]),
        ("s3://bucket", ["needs a bucket and a path", "s3://bucket/*.parquet"]),
        ("s3://bucket/t.xlsx", ["ending of 't.xlsx' is unknown", "Name it .parquet"]),
    ],
)
def test_objects_that_cannot_be_found(store, refused, url, parts):
    store.put("t.xlsx", b"")
    refused(url, url, *parts)


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("half.csv", HEADER + "u1,2026", ["CSV Error on Line: 2", "Correct that line"]),
        ("half.parquet", FILES["t.parquet"][:200], ["write it again"]),
        ("half.csv.gz", FILES["t.csv.gz"][:-5], ["ends early", "rename it when it is complete"]),
        ("half.csv.zst", FILES["t.csv.zst"][:-2], ["ends early"]),
        ("half.jsonl", OBJECT[:40], ["Write it again as JSON"]),
    ],
)
def test_a_half_written_object_is_named(store, refused, name, content, parts):
    store.put(f"half/{name}", content)
    refused(f"s3://bucket/half/{name}", f"s3://bucket/half/{name}", *parts)
    refused("s3://bucket/half/*" + name[4:], f"s3://bucket/half/{name}", *parts)


def test_an_object_that_vanishes_before_it_is_read(store, refused, monkeypatch):
    store.put("vanish/t.csv", CSV)
    find = remote._find_keys

    def find_and_delete(*arguments):
        keys = find(*arguments)
        store.delete("vanish/t.csv")
        return keys

    monkeypatch.setattr(remote, "_find_keys", find_and_delete)
    refused("s3://bucket/vanish/*.csv", "s3://bucket/vanish/*.csv", "NoSuchKey", "vanished")


@pytest.mark.parametrize("pattern", ["t.csv", "*.csv"])
def test_a_store_that_cannot_be_reached(store, refused, monkeypatch, pattern):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    url = f"s3://bucket/{pattern}"
    refused(url, url, "http://127.0.0.1:1", "Check the host and the network")


@pytest.mark.parametrize("took", ["404ms", "404.17ms", "1.404s", "403.5µs"])
def test_how_long_a_request_took_is_no_status(took):
    error = OSError(
        f"GET http://127.0.0.1:1/t.csv in {took}, after 1 retries: error sending request"
    )
    said = str(remote._explain("touchpoints", "s3://bucket/t.csv", error))
    assert "Check the host and the network" in said


def test_credentials_that_the_store_refuses(server, refused, monkeypatch, store):
    monkeypatch.setenv(
        "AWS_ENDPOINT_URL", server.url
    )  # it answers 403 to all that it does not know
    for url in ("s3://bucket/t.csv", "s3://bucket/*.csv"):
        refused(url, url, "403", "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("GOOGLE_BASE_URL", server.url)
    refused("gs://bucket/t.csv", "403", "Set GOOGLE_APPLICATION_CREDENTIALS")


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("s3://nobucket/*.csv", ["NoSuchBucket", "Correct the name"]),
        ("s3://bucket/nope.csv", ["404", "Correct the name"]),
    ],
)
def test_a_select_of_objects_that_cannot_be_found(store, refused, write, url, parts):
    path = write("t.sql", f"select * from read_csv('{url}')")
    refused(path, path, url, *parts)


def test_other_schemes_are_refused(refused):
    refused("mysql://u:hunter2@h/db", "mysql://u:***@h/db", "cannot read mysql://", "dlt")


def test_a_missing_package_is_named(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    refused("s3://bucket/t.csv", "pip install 'lydite[remote]'")


# --- web servers --------------------------------------------------------------------------------


class Handler(http.server.BaseHTTPRequestHandler):
    """Sends a CSV file to those who know the token or the password, byte ranges included."""

    login = base64.b64encode(b"reader:p@ss/word").decode()

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/broken.csv":
            return self._send(CSV.encode(), length=len(CSV) + 10)
        if path == "/gone.csv":
            return self._send(b"", 404)
        allowed = query == "token=s3cret%2Fvalue" or path in {"/t.csv", "/t.parquet"}
        if not allowed and self.headers.get("Authorization") != f"Basic {self.login}":
            return self._send(b"", 403)
        return self._send(FILES.get(path[1:], CSV.encode()))

    def _send(self, body, status=200, length=None):
        wanted = self.headers.get("Range")
        if wanted and status == 200:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            total, status = len(body), 206
            body = body[int(first) : int(last) + 1 if last else None]
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{int(first) + len(body) - 1}/{total}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        self.server.requests.append(self.headers.get("User-Agent", ""))


@pytest.fixture(scope="module")
def server():
    """A web server on loopback."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.requests = []
        running.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_web_addresses(server, read, touches, name):
    assert read("touchpoints", f"{server.url}/{name}").rows == 1
    assert touches("user_id, channel") == [("u1", "search")]


def test_a_token_and_a_password_come_from_the_environment(server, read, monkeypatch):
    monkeypatch.setenv("TOKEN", "s3cret/value")
    monkeypatch.setenv("READER_PASSWORD", "p@ss/word")
    assert read("touchpoints", f"{server.url}/x.csv?token=${{TOKEN}}").rows == 1
    address = server.url.replace("//", "//reader:${READER_PASSWORD}@")
    assert read("touchpoints", f"{address}/x.csv").rows == 1


def test_a_select_reads_web_addresses(server, read, write):
    pytest.importorskip("obstore", reason="the extra 'remote' is not installed")
    pytest.importorskip("fsspec", reason="the extra 'remote' is not installed")
    select = f"from '{server.url}/t.parquet' union all by name from read_csv('{server.url}/t.csv')"
    assert read("touchpoints", write("t.sql", select)).duplicates == 0


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("gone.csv", ["404", "Correct the name"]),
        ("x.csv?token=${TOKEN}", ["403", "Check the password or token"]),
        ("broken.csv", ["transfer ended after 58 of 68 bytes", "load it again"]),
        ("t.html", ["403"]),
        ("", ["403"]),
    ],
)
def test_web_addresses_that_cannot_be_read(server, refused, monkeypatch, path, parts):
    monkeypatch.setenv("TOKEN", "wrong-token")
    refused(f"{server.url}/{path}", f"{server.url}/{path}", *parts)


def test_a_web_server_that_cannot_be_reached(refused):
    refused("http://127.0.0.1:1/t.csv", "http://127.0.0.1:1/t.csv", "refused", "Check the host")
    refused("https://nohost.invalid/t.csv", "https://nohost.invalid", "Check the host")


def test_no_error_about_a_web_address_shows_its_token(server, engine, write, monkeypatch):
    monkeypatch.setenv("CODE", "wrong/code")
    with pytest.raises(InputError) as caught:
        load_table(engine, "touchpoints", f"{server.url}/x.csv?code=${{CODE}}")
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    assert "wrong" not in str(error)


def test_files_are_deleted_after_use(store, read, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    store.put("temporary/t.parquet", FILES["t.parquet"])
    read("touchpoints", "s3://bucket/temporary/t.parquet")
    assert list(tmp_path.iterdir()) == []


def test_the_extension_httpfs_is_used_where_it_is_installed(server, engine, read, write):
    with contextlib.suppress(duckdb.Error):
        engine.run("load httpfs")
    loaded = "select loaded from duckdb_extensions() where extension_name = 'httpfs'"
    if not engine.scalar(loaded):
        pytest.skip("the extension httpfs of DuckDB is not installed")
    requests = len(server.requests)
    assert read("touchpoints", write("t.sql", f"from '{server.url}/t.parquet'")).rows == 1
    assert any(agent.startswith("duckdb") for agent in server.requests[requests:])
