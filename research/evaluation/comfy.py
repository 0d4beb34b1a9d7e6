"""Pictures through the HTTP API of running ComfyUIs."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import Any

from deig_core.errors import DeigError

from .generate import Drawn, Job
from .workflow import Workflow, fill

AHEAD = 2  # workflows in a server's queue: while it draws one, the other's picture is fetched
LARGEST = 256 * 2**20  # bytes of an answer
REQUEST_SECONDS = 30.0  # without a byte, before a request counts as not answered
TAKE_BACK_SECONDS = 5.0
MOMENTARY = (408, 429)  # statuses below 500 that pass: a time-out, too many requests
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before a silent server is asked again: a restart takes a while
SILENT = 31.0  # seconds of failures after which it is not asked again, however few they were
ASK_AGAIN = (0.1, 1.0)  # seconds between two looks for a result, first and longest


class ServerDown(DeigError):
    """A server cannot be reached, or what answers is no ComfyUI."""


class Refused(DeigError):
    """A server does not take the workflow: it would not take the next one either."""


class Failed(DeigError):
    """One picture could not be drawn."""


@dataclass(frozen=True)
class Server:
    """One running ComfyUI. Raises ServerDown, Refused or Failed, in one sentence that names the address."""

    url: str
    seconds: float = 3600.0  # for one picture, the waiting in the queue included

    def __post_init__(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise DeigError(f"{self.url!r} is no address of a ComfyUI: one like http://127.0.0.1:8188 was expected.")

    def version(self) -> str:
        """Of ComfyUI."""
        with self._as_comfyui():
            return str(self._object("/system_stats")["system"]["comfyui_version"])

    def draw(self, workflow: Workflow, stop: Event) -> bytes:
        """The file of the one picture that `workflow` makes. Set `stop` to give it up."""
        prompt = None
        try:
            with self._as_comfyui():
                prompt = self._queue(workflow)
                return self._fetch(self._wait(prompt, stop))
        except ServerDown:
            if prompt is not None:
                self._take_back(prompt)
            raise

    @contextlib.contextmanager
    def _as_comfyui(self) -> Iterator[None]:
        try:
            yield
        except (AttributeError, KeyError, TypeError):
            raise ServerDown(f"{self.url} does not answer as ComfyUI 0.3.75 or newer does: is it one?") from None

    def _queue(self, workflow: Workflow) -> str:
        try:
            # Of a client without a name ComfyUI does not note what it has cached: a picture drawn before is lost then.
            answer = self._json("/prompt", {"prompt": workflow, "client_id": "deig-evaluation"})
        except urllib.error.HTTPError as error:
            raise Refused(f"ComfyUI at {self.url} refused the workflow: {_refusal(error)}") from None
        return answer["prompt_id"]

    def _wait(self, prompt: str, stop: Event) -> Mapping[str, Any]:
        """The outputs of a prompt that is done."""
        deadline, pause, seen_lost = time.monotonic() + self.seconds, ASK_AGAIN[0], False
        while time.monotonic() < deadline:
            history = self._object(f"/history/{prompt}")
            if prompt in history:
                return self._outputs(history[prompt])
            if not self._queued(prompt):
                if seen_lost:
                    raise ServerDown(
                        f"{self.url} no longer knows a workflow that it took: it was restarted or cleared."
                    )
                seen_lost = True  # it may have been done between the two questions
                continue
            if stop.wait(pause):
                break
            pause = min(1.5 * pause, ASK_AGAIN[1])
        self._take_back(prompt)
        raise Failed(f"ComfyUI at {self.url} did not finish it within {self.seconds:.0f} s")

    def _take_back(self, prompt: str) -> None:
        """Out of the queue, as far as the server answers; what it draws already it draws to its end."""
        with contextlib.suppress(ServerDown, urllib.error.HTTPError):
            self._request("/queue", {"delete": [prompt]}, TAKE_BACK_SECONDS)

    def _queued(self, prompt: str) -> bool:
        queue = self._object("/queue")
        return any(prompt in entry for name in ("queue_running", "queue_pending") for entry in queue.get(name, ()))

    def _outputs(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        if entry["status"]["status_str"] == "success":
            return entry["outputs"]
        for kind, data in entry["status"]["messages"]:
            if kind == "execution_error":
                reason = " ".join(str(data.get("exception_message", "")).split())
                raise Failed(f"{data.get('node_type', 'a node')}: {reason or data.get('exception_type')}")
            if kind == "execution_interrupted":
                raise Failed(f"it was cancelled at {self.url}")
        raise Failed(f"ComfyUI at {self.url} failed and did not say why")

    def _fetch(self, outputs: Mapping[str, Any]) -> bytes:
        pictures = [picture for output in outputs.values() for picture in output.get("images", ())]
        if len(pictures) != 1:
            raise Refused(f"The workflow made {len(pictures)} pictures; it needs one node that saves or previews one.")
        where = {key: pictures[0].get(key, "") for key in ("filename", "subfolder", "type")}
        try:
            return self._request(f"/view?{urllib.parse.urlencode(where)}")
        except urllib.error.HTTPError as error:
            raise ServerDown(f"{self.url} does not hand out the picture that it made (HTTP {error.code}).") from None

    def _object(self, path: str) -> Mapping[str, Any]:
        try:
            answer = self._json(path)
        except urllib.error.HTTPError as error:
            raise ServerDown(f"{self.url}{path} answered HTTP {error.code}.") from None
        if not isinstance(answer, Mapping):
            raise ServerDown(f"{self.url}{path} answered with no JSON object.")
        return answer

    def _json(self, path: str, body: object = None) -> Any:
        answer = self._request(path, body)
        try:
            return json.loads(answer)
        except ValueError:
            raise ServerDown(f"{self.url}{path} answered with no JSON: is it a ComfyUI?") from None

    def _request(self, path: str, body: object = None, seconds: float | None = None) -> bytes:
        """Raises ServerDown, and HTTPError for a status below 500 that asking again would not change."""
        request = urllib.request.Request(
            self.url.rstrip("/") + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=seconds or REQUEST_SECONDS) as answer:
                read, left = answer.read(LARGEST + 1), answer.length  # a read of so many bytes takes less for an end
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code not in MOMENTARY:
                raise
            raise ServerDown(f"{self.url} answered HTTP {error.code} ({error.reason}).") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise ServerDown(f"No ComfyUI answers at {self.url} ({reason or type(error).__name__}).") from None
        if len(read) > LARGEST:
            raise ServerDown(f"{self.url}{path} answered with more than {LARGEST // 2**20} MB.")
        if left:
            raise ServerDown(f"{self.url} broke off in the middle of an answer.")
        return read


def _refusal(error: urllib.error.HTTPError) -> str:
    """The reason in the body of a refusal, in ComfyUI's words."""
    try:
        told = json.loads(error.read(2**20))
        for node in told["node_errors"].values():
            for found in node["errors"]:
                return f"{node['class_type']}: {found['message']}: {found['details']}."
        return f"{told['error']['message']} {told['error']['details']}".strip() + "."
    except (ValueError, KeyError, TypeError, AttributeError, OSError, http.client.HTTPException):
        return f"HTTP {error.code} ({error.reason})."


@dataclass(frozen=True)
class ComfyUI:
    """A `generate.Sampler` over several servers at once.

    workflow: of whose blanks only those of a picture are left. say: is told when a server is given up.
    """

    servers: Sequence[Server]
    workflow: Workflow
    say: Callable[[str], None] = print

    def settings(self) -> Mapping[str, Any]:
        """What pictures depend on, as far as a server tells. Raises DeigError where the servers differ."""
        versions = {server.version(): server.url for server in self.servers}
        if len(versions) > 1:
            told = ", ".join(f"{version} at {url}" for version, url in versions.items())
            raise DeigError(f"The servers are different ComfyUIs ({told}): their pictures are not to be mixed.")
        return {"comfyui": next(iter(versions)), "workflow": self.workflow}

    def draw(self, jobs: Sequence[Job]) -> Iterator[Drawn]:
        """In the order in which they are done. Raises ServerDown when no server is left, and Refused."""
        # What cannot be filled in is said before anything is drawn.
        waiting = deque((job, fill(self.workflow, job.layout, job.noise)) for job in jobs)
        running: dict[Future[bytes], tuple[Server, tuple[Job, Workflow]]] = {}
        room = dict.fromkeys(self.servers, AHEAD)
        stop = Event()
        pool = ThreadPoolExecutor(AHEAD * len(self.servers))
        try:
            while waiting or running:
                for server in room:
                    while room[server] and waiting:
                        work = waiting.popleft()
                        running[pool.submit(_patiently, server, work[1], stop)] = server, work
                        room[server] -= 1
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    server, work = running.pop(future)
                    if server in room:
                        room[server] += 1
                    try:
                        yield Drawn(work[0], future.result())
                    except Failed as error:
                        yield Drawn(work[0], None, str(error))
                    except ServerDown as error:
                        waiting.appendleft(work)
                        if room.pop(server, None) is not None and room:
                            self.say(f"{error} The other servers go on without it.")
                        if not room:
                            raise
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def _patiently(server: Server, workflow: Workflow, stop: Event) -> bytes:
    silent_since = None
    for pause in PAUSES:
        try:
            return server.draw(workflow, stop)
        except ServerDown:
            now = time.monotonic()
            silent_since = now if silent_since is None else silent_since
            if now - silent_since > SILENT or stop.wait(pause):
                raise
    return server.draw(workflow, stop)
