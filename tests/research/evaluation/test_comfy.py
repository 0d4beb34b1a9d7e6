"""The client of ComfyUI's HTTP API against a server that can be told to fail."""

import io
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from deig_core.errors import DeigError
from research.evaluation import __main__ as command
from research.evaluation import comfy
from research.evaluation.comfy import ComfyUI, Failed, Refused, Server, ServerDown
from research.evaluation.generate import Job
from research.evaluation.layout import Instance, Layout, write_layouts
from research.evaluation.workflow import read_workflow, set_values

WORKFLOW = set_values(
    read_workflow("demo"), {"steps": 2, "cfg": 3, "sampler": "euler", "scheduler": "normal", "negative": ""}
)
SAVED = {"picture": {"images": [{"filename": "a.png", "subfolder": "", "type": "temp"}]}}


class Stub(ThreadingHTTPServer):
    """Answers as ComfyUI does. faults: by the start of a path, what a handler does instead; entry: of the history."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.faults, self.requests, self.queue = {}, [], {}
        self.entry = {"status": {"status_str": "success"}, "outputs": SAVED}

    def handle_error(self, *_):
        """A client that hangs up is what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, body))
        if not self.fault() and self.path == "/prompt":
            name = f"p{len(self.server.queue)}"
            self.server.queue[name] = body["prompt"]
            self.answer({"prompt_id": name})
        elif self.path == "/queue":
            self.answer({})

    def do_GET(self):
        self.server.requests.append((self.path, None))
        if self.fault():
            return
        if self.path == "/system_stats":
            self.answer({"system": {"comfyui_version": "0.3.75"}})
        elif self.path.startswith("/history/"):
            self.answer({self.path.rsplit("/")[-1]: self.server.entry} if self.server.entry else {})
        elif self.path == "/queue":
            running = [[0, name, {}, {}, []] for name in self.server.queue]
            self.answer({"queue_running": running, "queue_pending": []})
        else:
            self.send(200, b"the picture")

    def fault(self):
        for start, fault in self.server.faults.items():
            if self.path.startswith(start):
                fault(self)
                return True
        return False

    def answer(self, data, status=200):
        self.send(status, json.dumps(data).encode())

    def send(self, status, content, length=None):
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        self.wfile.write(content)


def status(code, content=b"<html>sorry</html>"):
    return lambda handler: handler.send(code, content)


@pytest.fixture
def stub():
    yield from _stub()


@pytest.fixture
def second():
    yield from _stub()


def _stub():
    server = Stub()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(comfy, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(comfy, "ASK_AGAIN", (0.005, 0.01))


def jobs(count):
    layouts = [
        Layout(f"l{i}", "demo", "a star", (Instance((0, 0, 1, 1), "a star", "star"),), 128, 128) for i in range(count)
    ]
    return [Job(layout, 5, Path(layout.id)) for layout in layouts]


def draw(stub, **more):
    return Server(stub.url, **more).draw(WORKFLOW, threading.Event())


def test_a_picture_comes_as_the_server_keeps_it(stub):
    assert Server(stub.url).version() == "0.3.75"
    assert draw(stub) == b"the picture"
    assert stub.queue["p0"] == WORKFLOW
    assert stub.requests[-1][0] == "/view?filename=a.png&subfolder=&type=temp"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "127.0.0.1:8188", "ftp://host/x", "http://", ""])
def test_an_address_that_is_none_is_refused_before_it_is_opened(url):
    with pytest.raises(DeigError, match=r"is no address of a ComfyUI: one like http://127\.0\.0\.1:8188"):
        Server(url)


def test_nobody_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ServerDown, match=rf"^No ComfyUI answers at {url} \(.*refused.*\)\.$"):
        Server(url).version()


REFUSAL = {
    "error": {"message": "Prompt outputs failed validation", "details": ""},
    "node_errors": {
        "4": {
            "class_type": "GLIGENLoader",
            "errors": [{"message": "Value not in list", "details": "gligen_name: 'x' not in []"}],
        }
    },
}
UNKNOWN = {"error": {"message": "Node 'X' not found.", "details": "Node ID '#2'"}, "node_errors": {}}


@pytest.mark.parametrize(
    ("code", "content", "said"),
    [
        (400, json.dumps(REFUSAL).encode(), r"GLIGENLoader: Value not in list: gligen_name: 'x' not in \[\]\."),
        (400, json.dumps(UNKNOWN).encode(), r"Node 'X' not found\. Node ID '#2'\."),
        (400, b'{"node_errors": {"4": []}}', r"HTTP 400 \(Bad Request\)\."),
        (401, b"", r"HTTP 401 \(Unauthorized\)\."),
        (404, b"<html>", r"HTTP 404 \(Not Found\)\."),
        (413, b"\xff\xfe", r"HTTP 413 \(\D+\)\."),
    ],
)
def test_a_refused_workflow_is_said_in_the_servers_words_and_not_sent_again(stub, code, content, said):
    stub.faults["/prompt"] = status(code, content)
    with pytest.raises(Refused, match=rf"^ComfyUI at {stub.url} refused the workflow: {said}$"):
        list(ComfyUI([Server(stub.url)], WORKFLOW).draw(jobs(1)))
    assert [path for path, _ in stub.requests] == ["/prompt"]


def cut(handler):
    handler.send(200, b'{"prompt_id": "p', length=1000)


def hang(handler):
    time.sleep(0.3)


WRONG = {
    "/prompt": [status(500), status(429), status(200), status(200, b"[]"), status(200, b"{}"), cut, hang],
    "/history": [
        *(status(500), status(404), status(429), status(200), status(200, b"[]"), cut, hang),
        *(status(200, b'{"p0": %s}' % entry) for entry in (b"1", b"[]", b"{}", b'{"status": 1}', b'{"status": {}}')),
        status(200, b'{"p0": {"status": {"status_str": "success"}, "outputs": [1]}}'),
    ],
    "/view": [status(500), status(404), cut, hang],
    "/system_stats": [status(500), status(200), status(200, b"[]"), status(200, b'{"system": 1}'), cut, hang],
}


@pytest.mark.parametrize(("path", "fault"), [(path, fault) for path, faults in WRONG.items() for fault in faults])
def test_what_does_not_answer_as_comfyui_counts_as_down(stub, monkeypatch, path, fault):
    monkeypatch.setattr(comfy, "REQUEST_SECONDS", 0.1)
    stub.faults[path] = fault
    with pytest.raises(ServerDown) as caught:
        Server(stub.url).version() if path == "/system_stats" else draw(stub)
    assert stub.url in str(caught.value) and str(caught.value)[-1] in ".?"


def test_a_workflow_that_a_restart_lost_is_down(stub):
    stub.entry = None
    stub.faults["/queue"] = lambda handler: handler.answer({"queue_running": [], "queue_pending": []})
    with pytest.raises(ServerDown, match="no longer knows a workflow that it took"):
        draw(stub)


def test_a_workflow_that_is_done_between_two_questions_is_not_lost(stub):
    done, stub.entry = stub.entry, None

    def queue(handler):
        stub.entry = done
        handler.answer({"queue_running": [], "queue_pending": []})

    stub.faults["/queue"] = queue
    assert draw(stub) == b"the picture"


def failed(*message):
    return {"status": {"status_str": "error", "messages": [["execution_start", {}], [*message]]}, "outputs": {}}


OUT_OF_MEMORY = {"node_type": "KSampler", "exception_message": "Allocation on device\n", "exception_type": "OOM"}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (failed("execution_error", OUT_OF_MEMORY), "KSampler: Allocation on device"),
        (failed("execution_error", {**OUT_OF_MEMORY, "exception_message": ""}), "KSampler: OOM"),
        (failed("execution_interrupted", {}), "it was cancelled at http"),
        (failed("execution_cached", {}), "failed and did not say why"),
    ],
)
def test_a_picture_that_fails_is_an_error_of_its_own_and_the_others_go_on(stub, entry, said):
    right, asked = stub.entry, []

    def history(handler):
        asked.append(handler.path)
        wrong = handler.path == asked[0]
        handler.answer({handler.path.rsplit("/")[-1]: entry if wrong else right})

    stub.faults["/history"] = history
    drawn = list(ComfyUI([Server(stub.url)], WORKFLOW).draw(jobs(4)))
    assert sorted(d.job.layout.id for d in drawn) == ["l0", "l1", "l2", "l3"]
    (wrong,) = [d for d in drawn if d.picture is None]
    assert said in wrong.error and all(d.picture == b"the picture" for d in drawn if d is not wrong)


def test_a_picture_that_takes_for_ever_is_given_up(stub):
    stub.entry = None
    with pytest.raises(Failed, match=r"did not finish it within 0 s"):
        draw(stub, seconds=0.05)
    assert stub.requests[-1] == ("/queue", {"delete": ["p0"]})


@pytest.mark.parametrize("count", [0, 2])
def test_a_workflow_needs_one_picture(stub, count):
    stub.entry["outputs"] = {"picture": {"images": count * SAVED["picture"]["images"]}}
    with pytest.raises(Refused, match=rf"made {count} pictures; it needs one node"):
        list(ComfyUI([Server(stub.url)], WORKFLOW).draw(jobs(1)))


def test_several_servers_share_the_pictures(stub, second):
    drawn = list(ComfyUI([Server(stub.url), Server(second.url)], WORKFLOW).draw(jobs(12)))
    assert sorted(d.job.layout.id for d in drawn) == sorted(f"l{i}" for i in range(12))
    assert len(stub.queue) + len(second.queue) == 12 and stub.queue and second.queue


def test_a_server_that_dies_leaves_its_pictures_to_the_others(stub, second):
    said = []
    stub.faults["/view"] = status(500)
    drawn = list(ComfyUI([Server(stub.url), Server(second.url)], WORKFLOW, said.append).draw(jobs(8)))
    assert sorted(d.job.layout.id for d in drawn) == sorted(f"l{i}" for i in range(8))
    assert said == [f"{stub.url} answered HTTP 500 (Internal Server Error). The other servers go on without it."]


def test_a_server_that_comes_back_in_time_is_not_given_up(stub):
    left = [status(503)] * 2

    def view(handler):
        (left.pop() if left else status(200, b"the picture"))(handler)

    stub.faults["/view"] = view
    (drawn,) = ComfyUI([Server(stub.url)], WORKFLOW).draw(jobs(1))
    assert drawn.picture == b"the picture" and len(stub.queue) == 3
    deleted = [body["delete"] for path, body in stub.requests if path == "/queue" and body]
    assert deleted == [["p0"], ["p1"]], "what the failed tries queued is taken back"


def test_a_server_that_hangs_is_given_up_by_time(stub, monkeypatch):
    monkeypatch.setattr(comfy, "PAUSES", (0.0,) * 50)
    monkeypatch.setattr(comfy, "REQUEST_SECONDS", 0.1)
    monkeypatch.setattr(comfy, "SILENT", 0.15)
    stub.faults["/prompt"] = hang
    with pytest.raises(ServerDown):
        list(ComfyUI([Server(stub.url)], WORKFLOW).draw(jobs(1)))
    assert 2 <= len(stub.requests) <= 4


def test_when_no_server_is_left_the_run_stops(stub, second):
    for server in (stub, second):
        server.faults["/prompt"] = status(502)
    with pytest.raises(ServerDown, match=r"answered HTTP 502"):
        list(ComfyUI([Server(stub.url), Server(second.url)], WORKFLOW, lambda text: None).draw(jobs(4)))


def test_what_was_asked_for_is_taken_out_of_the_queue_when_the_run_stops(stub):
    done = stub.entry
    stub.faults["/history"] = lambda handler: handler.answer({"p0": done} if handler.path.endswith("p0") else {})
    comfyui = ComfyUI([Server(stub.url)], WORKFLOW).draw(jobs(3))
    next(comfyui)
    while len(stub.queue) < 2:
        time.sleep(0.01)
    comfyui.close()
    deleted = [body["delete"] for path, body in stub.requests if path == "/queue" and body]
    assert deleted and all(names[0] in stub.queue for names in deleted)


def test_settings_are_what_pictures_depend_on_and_servers_must_agree(stub, second):
    both = ComfyUI([Server(stub.url), Server(second.url)], WORKFLOW)
    assert both.settings() == {"comfyui": "0.3.75", "workflow": WORKFLOW}
    second.faults["/system_stats"] = lambda handler: handler.answer({"system": {"comfyui_version": "0.33.0"}})
    with pytest.raises(DeigError, match=r"different ComfyUIs \(0\.3\.75 at http\S+, 0\.33\.0 at http\S+\)"):
        both.settings()


def run(stub, folder, *options):
    write_layouts(folder / "layouts.jsonl", [job.layout for job in jobs(2)])
    return command.main(
        ["generate", str(folder / "layouts.jsonl"), str(folder / "out"), f"--server={stub.url}", *options]
    )


def test_the_command_draws_and_goes_on(stub, tmp_path):
    file = io.BytesIO()
    Image.new("RGB", (128, 128)).save(file, "PNG")
    stub.faults["/view"] = status(200, file.getvalue())
    assert run(stub, tmp_path, "--workflow=demo", "--seeds", "1", "2") == 0
    assert sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").glob("*/*.png")) == [
        *("1/l0.png", "1/l1.png"),
        *("2/l0.png", "2/l1.png"),
    ]
    sampled = [workflow["sample"]["inputs"] for workflow in stub.queue.values()]
    assert {(s["seed"], s["steps"], s["cfg"], s["sampler_name"], s["scheduler"]) for s in sampled} == {
        (seed, 40, 7.5, "euler", "ddim_uniform") for seed in (1, 2)
    }
    assert run(stub, tmp_path, "--workflow=demo", "--seeds", "1", "2") == 0
    assert len(stub.queue) == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--workflow=deig", "--set", "checkpoint"], "--set checkpoint is no NAME=VALUE"),
        (["--workflow=deig", "--set", "checkpoint=a"], "leaves text_encoder, weights open"),
        (["--workflow=demo", "--server=nowhere"], "'nowhere' is no address of a ComfyUI"),
        (["--workflow=demo"], " is no picture (cannot identify image file"),
    ],
)
def test_the_command_says_what_is_wrong_in_a_sentence(stub, tmp_path, capsys, options, said):
    assert run(stub, tmp_path, *options) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("generate: ")]
    assert said in line


def test_the_command_fails_where_a_picture_failed(stub, tmp_path, capsys):
    stub.entry = failed("execution_error", OUT_OF_MEMORY)
    assert run(stub, tmp_path, "--workflow=demo") == 1
    assert "generate: 2 pictures could not be drawn (see above)" in capsys.readouterr().err
