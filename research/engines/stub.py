"""A server on this machine that speaks the OpenAI-compatible interface and answers as it is told: for tests and for
measuring what surrounds a model.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "stub"


@dataclass(frozen=True)
class Reply:
    """What the server sends after `delay` seconds. body: sent instead of a completion. drop: bytes after which the
    connection breaks. top: alternatives of the first token, (token, log-probability).
    """

    text: str | None = "Yes"
    status: int = 200
    delay: float = 0.0
    body: bytes | None = None
    drop: int | None = None
    finish: str = "stop"
    top: tuple[tuple[str, float], ...] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """What is sent: `body`, else a chat completion."""
        if self.body is not None:
            return self.body
        choice: dict = {
            "index": 0,
            "message": {"role": "assistant", "content": self.text},
            "finish_reason": self.finish,
        }
        if self.top is not None:
            alternatives = [{"token": token, "logprob": logprob} for token, logprob in self.top]
            choice["logprobs"] = {"content": [{**alternatives[0], "top_logprobs": alternatives}]}
        return json.dumps({"object": "chat.completion", "model": MODEL, "choices": [choice]}).encode()


class Stub:
    """`with Stub(answer) as stub`: a server at `stub.url`; answer(request's body, number from 0 on) -> Reply.

    asked: the bodies so far, if they are kept. most: how many were being answered at one time.
    """

    def __init__(
        self,
        answer: Callable[[dict, int], Reply],
        model: str = MODEL,
        root: str | None = None,
        port: int = 0,
        keep: bool = True,
        version: str = "",
    ):
        self.version = version
        self.answer, self.asked, self.most, self._now, self._keep, self._count = answer, [], 0, 0, keep, 0
        self._models = {"object": "list", "data": [{"id": model, "object": "model", "root": root or model}]}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Stub:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reply(self, body: dict) -> Reply:
        """The answer to a request's body, once its delay is over."""
        with self._lock:
            number, self._count = self._count, self._count + 1
            if self._keep:
                self.asked.append(body)
            self._now += 1
            self.most = max(self.most, self._now)
        reply = self.answer(body, number)
        time.sleep(reply.delay)
        with self._lock:
            self._now -= 1
        return reply

    def read(self, content: bytes) -> dict:
        """The body of a request."""
        return json.loads(content)

    def models(self) -> Reply:
        """The answer to /v1/models."""
        return Reply(body=json.dumps(self._models).encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request, client_address) -> None:
        """A client that went away while it waited is no event."""


def _handler(stub: Stub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if self.path == "/version":
                found = {"version": stub.version} if stub.version else {"detail": "Not Found"}
                self._send(Reply(status=200 if stub.version else 404, body=json.dumps(found).encode()))
            else:
                self._send(stub.models())

        def do_POST(self) -> None:
            self._send(stub.reply(stub.read(self.rfile.read(int(self.headers["Content-Length"])))))

        def _send(self, reply: Reply) -> None:
            content = reply.content()
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(content)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content[: reply.drop])
            self.close_connection |= reply.drop is not None

        def log_message(self, *_: object) -> None:
            """Tests read what was asked, not a log."""

    return Handler
