"""Starts an S3-compatible object store on loopback for tests; Google's protocol is the same."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

BUCKET = "bucket"
SECRET = "secret-key-of-the-store"


class Store:
    """A running object store with one bucket."""

    def __init__(self, url: str) -> None:
        import boto3  # noqa: PLC0415

        self.url = url
        self._client = boto3.client(
            "s3",
            endpoint_url=url,
            aws_access_key_id="access",
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )
        self._client.create_bucket(Bucket=BUCKET)

    def put(self, key: str, content: str | bytes) -> None:
        """Write an object, which everybody may read."""
        body = content.encode() if isinstance(content, str) else content
        self._client.put_object(Bucket=BUCKET, Key=key, Body=body, ACL="public-read")

    def delete(self, key: str) -> None:
        """Delete an object."""
        self._client.delete_object(Bucket=BUCKET, Key=key)

    def set_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Set the credentials and the address of the store, as its users do."""
        values = {
            "AWS_ACCESS_KEY_ID": "access",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ALLOW_HTTP": "true",
            "GOOGLE_BASE_URL": self.url,
            "GOOGLE_SKIP_SIGNATURE": "true",
            "GOOGLE_ALLOW_HTTP": "true",
        }
        for name, value in values.items():
            monkeypatch.setenv(name, value)


@contextlib.contextmanager
def running_store() -> Iterator[Store]:
    """Start a store with an empty bucket; stop it after the block."""
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Store(f"http://{host}:{port}")
    finally:
        server.stop()
