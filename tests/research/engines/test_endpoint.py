"""The endpoint's client against a server that fails in every way that servers fail."""

import base64
import io
import json
import math
import socket
import threading
import time

import pytest
from PIL import Image

from research.engines.contract import Answer, EngineError, Question
from research.engines.endpoint import Endpoint
from research.engines.stub import MODEL, Reply, Stub

RED = Image.new("RGB", (40, 30), (200, 30, 30))
YES = Reply("Yes")


def asked(answer, questions=None, urls=(), **options):
    """Answers of a stub that replies with answer(body, number), and the stub."""
    with Stub(answer) as stub:
        engine = Endpoint([stub.url, *urls], MODEL, **{"first_wait": 0.01, "timeout": 5, **options})
        try:
            return engine.ask(questions or [Question([RED], "what?")]), stub
        finally:
            engine.close()


def first(*replies):
    """These replies, and the last one ever after."""
    return lambda body, number: replies[min(number, len(replies) - 1)]


def test_a_question_arrives_whole_and_its_answer_comes_back():
    question = Question([RED, lambda: Image.new("L", (10, 10))], "what?", seed=7, most_tokens=9, temperature=0.5)
    answers, stub = asked(first(Reply(" a red field \n")), [question])
    assert answers == [Answer("a red field")]
    body = stub.asked[0]
    assert {k: body[k] for k in ("model", "seed", "max_tokens", "temperature")} == {
        "model": MODEL,
        "seed": 7,
        "max_tokens": 9,
        "temperature": 0.5,
    }
    *pictures, text = body["messages"][0]["content"]
    assert text == {"type": "text", "text": "what?"} and "logprobs" not in body
    sent = [Image.open(io.BytesIO(base64.b64decode(p["image_url"]["url"].partition(",")[2]))) for p in pictures]
    assert [p.size for p in sent] == [(40, 30), (10, 10)]
    assert max(abs(a - b) for a, b in zip(sent[0].getpixel((20, 15)), (200, 30, 30), strict=True)) <= 3


def test_answers_keep_the_order_of_their_questions_whatever_comes_first():
    def answer(body, number):
        text = body["messages"][0]["content"][-1]["text"]
        return Reply(text, delay=0.2 if text == "0" else 0.0)

    answers, _ = asked(answer, [Question([RED], str(i)) for i in range(20)], in_flight=4)
    assert [a.text for a in answers] == [str(i) for i in range(20)]


@pytest.mark.parametrize(("in_flight", "threads"), [(1, 1), (3, 1), (3, 4)])
def test_never_more_questions_are_under_way_than_agreed(in_flight, threads):
    with Stub(first(Reply("a", delay=0.02))) as stub:
        engine = Endpoint([stub.url], MODEL, in_flight=in_flight)
        asking = [threading.Thread(target=engine.ask, args=([Question([RED], "?")] * 6,)) for _ in range(threads)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        engine.close()
    assert len(stub.asked) == 6 * threads and stub.most == in_flight


@pytest.mark.parametrize(
    "failure",
    [
        Reply(status=408),
        Reply(status=429, headers={"Retry-After": "0.01"}),
        Reply(status=429, headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}),
        Reply(status=500, body=b"<html>oh</html>"),
        Reply(status=502),
        Reply(status=503),
        Reply(status=504),
        Reply(body=b"<html>a proxy's page</html>"),
        Reply(body=b'{"choices": []}'),
        Reply(body=b"[]"),
        Reply(body=b"\xff\xfe"),
        Reply(body=b"[" * 100_000),
        Reply(drop=0),
        Reply(drop=10),
        Reply(delay=0.6),
    ],
    ids=lambda r: f"{r.status}-{str(r.body)[:20]}-{r.drop}-{r.delay}",
)
def test_what_may_pass_is_tried_again(failure):
    answers, stub = asked(first(failure, failure, YES), timeout=0.3)
    assert answers == [Answer("Yes")] and len(stub.asked) == 3


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (
            Reply(status=400, body=b'{"error": {"message": "context length 4096\\nexceeded"}}'),
            "400: context length 4096 exc",
        ),
        (Reply(status=413, body=b"<html>too large</html>"), "413: <html>too large</html>"),
        (Reply(status=422, body=b'{"detail": "no"}'), "422: {'detail': 'no'}"),
        (Reply(status=400, body=b'"x"'), '400: "x"'),
        (Reply(status=302, headers={"Location": "http://127.0.0.1:1/"}, body=b""), "302: nothing"),
        (Reply(""), "The answer was empty."),
        (Reply(None), "The answer was empty."),
    ],
)
def test_what_stays_is_said_of_the_question_and_never_tried_again(failure, why):
    def answer(body, number):
        return failure if "bad" in body["messages"][0]["content"][-1]["text"] else YES

    answers, stub = asked(answer, [Question([RED], "good"), Question([RED], "bad"), Question([RED], "good")])
    assert answers[0] == answers[2] == Answer("Yes") and len(stub.asked) == 3
    assert answers[1].text == "" and why in answers[1].error


def test_a_question_that_no_try_answers_says_why_and_leaves_the_others():
    def answer(body, number):
        return Reply(status=500, body=b'{"error": "out of memory"}') if "bad" in json.dumps(body) else YES

    answers, stub = asked(answer, [Question([RED], t) for t in ("good", "bad", "good")], tries=2)
    assert "the server answered 500, out of memory (2 tries)" in answers[1].error and len(stub.asked) == 4
    assert [a.text for a in answers] == ["Yes", "", "Yes"]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (Reply(status=401), "401, the key is wrong or missing"),
        (Reply(status=403), "403, the key may not use this"),
        (
            Reply(status=404, body=b'{"error": {"message": "no model x"}}'),
            "404, the address or model is unknown: no model x",
        ),
    ],
)
def test_what_every_question_would_meet_stops_at_once(failure, said):
    with pytest.raises(EngineError, match=said):
        asked(first(failure), [Question([RED], "?")] * 50, in_flight=2)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_server_that_refuses_everything_stops_the_run(status):
    failure = Reply(status=status, body=b'{"error": {"message": "logprobs are not supported"}}')
    with pytest.raises(EngineError, match=rf"^8 questions in a row were refused alike \(.* {status}: logprobs are not"):
        asked(first(failure), [Question([RED], "?")] * 50, in_flight=2, refusals=8)


def test_refusals_of_several_kinds_or_between_answers_stop_nothing():
    def answer(body, number):
        return [Reply(status=400), Reply(status=413), YES][number % 3] if number % 2 else Reply(status=400)

    answers, _ = asked(answer, [Question([RED], "?")] * 40, in_flight=1, refusals=4)
    assert len(answers) == 40 and any(a.text for a in answers)


def test_a_server_that_is_gone_stops_the_run():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    engine = Endpoint([url], MODEL, first_wait=0.001, tries=2, in_flight=1)
    with pytest.raises(EngineError, match=r"5 questions in a row were not answered .*the connection failed"):
        engine.ask([Question([RED], "?")] * 100)
    with pytest.raises(EngineError, match="cannot be reached"):
        engine.fingerprint()
    engine.close()


def test_a_dead_server_among_several_costs_no_answer():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    began = time.monotonic()
    answers, stub = asked(first(YES), [Question([RED], "?")] * 40, urls=[dead], first_wait=5)
    assert answers == [Answer("Yes")] * 40 and len(stub.asked) == 40 and time.monotonic() - began < 4


def test_a_wait_that_the_server_asks_for_is_kept():
    moments = []

    def answer(body, number):
        moments.append(time.monotonic())
        return YES if number else Reply(status=429, headers={"Retry-After": "0.4"})

    assert asked(answer)[0] == [Answer("Yes")]
    assert 0.39 < moments[1] - moments[0] < 1.5


def test_p_yes_is_the_share_of_the_first_tokens_probabilities():
    top = (("No", math.log(0.5)), (" yes", math.log(0.2)), ("YES", math.log(0.1)), ("Maybe", math.log(0.2)))
    answers, stub = asked(first(Reply("No, it is", top=top)), [Question([RED], "?", yes_no=True)])
    assert answers[0].text == "No, it is" and answers[0].p_yes == pytest.approx(0.3 / 0.8)
    assert stub.asked[0]["logprobs"] is True and stub.asked[0]["top_logprobs"] == 20
    answers, stub = asked(first(Reply("No", top=top)), [Question([RED], "?", yes_no=True)], logprobs=False)
    assert "logprobs" not in stub.asked[0]
    not_finite = first(Reply("Yes", top=(("Yes", math.nan), ("No", -math.inf))))
    assert asked(not_finite, [Question([RED], "?", yes_no=True)])[0] == [Answer("Yes")]


def test_an_answer_that_was_cut_says_so():
    assert asked(first(Reply("a red", finish="length")))[0] == [Answer("a red", cut=True)]


def test_a_picture_that_cannot_be_read_is_its_own_questions_error():
    def broken():
        raise OSError("image file is truncated")

    answers, stub = asked(first(YES), [Question([broken], "?"), Question([RED], "?")])
    assert answers == [Answer(error="The picture cannot be read: image file is truncated."), Answer("Yes")]
    assert len(stub.asked) == 1


def test_the_key_travels_in_its_header_alone(monkeypatch):
    monkeypatch.setenv("SOME_KEY", "secret-1")
    with Stub(first(YES)) as stub:
        engine = Endpoint([stub.url], MODEL, key_variable="SOME_KEY")
        assert engine._headers["Authorization"] == "Bearer secret-1"
        assert "secret" not in json.dumps(engine.fingerprint())
        engine.close()
    monkeypatch.setenv("SOME_KEY", "sécret\n")
    with pytest.raises(EngineError, match="The key in SOME_KEY cannot be used"):
        Endpoint(["http://127.0.0.1:1/v1"], MODEL, key_variable="SOME_KEY")


@pytest.mark.parametrize("urls", [[], ["localhost:8000/v1"], ["ftp://host/v1"], ["http://"], ["http://h:x/v1"]])
def test_what_is_no_address_is_refused(urls):
    with pytest.raises(EngineError, match=r"is no address: http://host:8000/v1 was expected"):
        Endpoint(urls, MODEL)


def test_the_fingerprint_is_what_the_servers_say_that_they_serve():
    with Stub(first(YES), root="/models/a") as a, Stub(first(YES), root="/models/b") as b:
        engine = Endpoint([a.url], MODEL, more={"top_p": 0.9})
        assert engine.fingerprint() == {
            "engine": "endpoint",
            "model": MODEL,
            "serves": "/models/a",
            "pixels": 768 * 768,
            "encoding": "jpeg 95",
            "more": '{"top_p": 0.9}',
        }
        both, other = Endpoint([a.url, b.url], MODEL), Endpoint([a.url], "another")
        with pytest.raises(
            EngineError, match=r"serve different models under the name 'stub': .*/models/a, .*/models/b"
        ):
            both.fingerprint()
        with pytest.raises(EngineError, match=r"serves stub, not 'another'"):
            other.fingerprint()
        for each in (engine, both, other):
            each.close()


def test_a_servers_version_is_part_of_the_fingerprint_where_it_tells():
    with Stub(first(YES), version="0.32.0") as old, Stub(first(YES), version="0.33.0") as new:
        engine, both = Endpoint([old.url], MODEL), Endpoint([old.url, new.url], MODEL)
        assert engine.fingerprint()["version"] == "0.32.0"
        with pytest.raises(EngineError, match=r"serve different models .*stub 0\.32\.0, .*stub 0\.33\.0"):
            both.fingerprint()
        engine.close()
        both.close()


def test_an_address_without_models_is_said(tmp_path):
    class NoModels(Stub):
        def models(self):
            return Reply(status=404, body=b"<html>")

    with NoModels(first(YES)) as stub:
        engine = Endpoint([stub.url], MODEL)
        with pytest.raises(EngineError, match=r"/models lists no models \(status 404\)"):
            engine.fingerprint()
        engine.close()
