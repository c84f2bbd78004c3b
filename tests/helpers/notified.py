"""Servers on this machine that take e-mails and webhooks."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Mailbox:
    """An SMTP server: what it was sent, and whom it refuses."""

    port: int = 0
    refused: tuple[str, ...] = ()
    login: str = ""
    messages: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)


class _MailHandler(socketserver.StreamRequestHandler):
    """Speaks as much SMTP as a client needs."""

    @property
    def box(self) -> Mailbox:
        box: Mailbox = self.server.box  # type: ignore[attr-defined]
        return box

    def say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def handle(self) -> None:
        self.say("220 here")
        while line := self.rfile.readline().decode().strip():
            command = line.upper().split()[0]
            self.say(*self.answers(command, line))
            if command == "DATA":
                self.box.messages.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                self.say("250 ok")

    def answers(self, command: str, line: str) -> list[str]:
        if command == "EHLO" and self.box.login:
            return ["250-here", "250 AUTH PLAIN"]
        if command == "RCPT":
            return [self.receive(line)]
        return [
            {"AUTH": self.box.login, "DATA": "354 go", "QUIT": "221 bye"}.get(command, "250 ok")
        ]

    def receive(self, line: str) -> str:
        address = line.split("<")[1].split(">", maxsplit=1)[0]
        if address in self.box.refused:
            return "550 unknown"
        self.box.recipients.append(address)
        return "250 ok"


@contextlib.contextmanager
def mail_server(refused: tuple[str, ...] = (), login: str = "") -> Iterator[Mailbox]:
    """Run an SMTP server without encryption.

    Parameters
    ----------
    refused
        Recipients that it refuses.
    login
        What it answers to a login; it knows of none when empty.
    """
    box = Mailbox(refused=refused, login=login)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _MailHandler)
    server.box = box  # type: ignore[attr-defined]
    with _served(server) as box.port:
        yield box


@dataclass
class Posted:
    """A webhook: its URL, and what was posted."""

    url: str = ""
    bodies: list[Any] = field(default_factory=list)


@contextlib.contextmanager
def webhook_server(status: int = 200) -> Iterator[Posted]:
    """Run a webhook that answers with a status; 302 sends elsewhere on the same server."""
    posted = Posted()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.bodies.append(json.loads(body))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            posted.bodies.append("redirected")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Be silent."""

    with _served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        posted.url = f"http://127.0.0.1:{port}/services/hunter2"
        yield posted


@contextlib.contextmanager
def _served(server: socketserver.TCPServer) -> Iterator[int]:
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
