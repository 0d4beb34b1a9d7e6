"""The OpenAI-compatible interface: a question as a request's body, and a response as an answer."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from .contract import Answer, Question
from .yes_no import TOP, p_yes

AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 529}  # a later try may be answered
REFUSED = {401: "the key is wrong or missing", 403: "the key may not use this", 404: "the address or model is unknown"}
ENCODING = "jpeg 95"
WORDS = 300  # of a server's own, in an error


class NoAnswer(Exception):
    """One try failed and another may not; wait: seconds that the server asked for."""

    def __init__(self, why: str, wait: float = 0.0):
        super().__init__(why)
        self.wait = wait


@dataclass(frozen=True)
class Response:
    """What a server sent, read to its end."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """Raises ValueError."""
        try:
            return json.loads(self.content)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None

    @property
    def text(self) -> str:
        """As UTF-8; bytes that are none are replaced."""
        return self.content.decode("utf-8", "replace")


def body(question: Question, model: str, pixels: int, logprobs: bool, more: dict[str, Any]) -> bytes:
    """Raises OSError where a picture cannot be read."""
    content = [_picture(image) for image in question.images(pixels)]
    content.append(json.dumps({"type": "text", "text": question.text}).encode())
    asked = {
        "model": model,
        "max_tokens": question.most_tokens,
        "temperature": question.temperature,
        "seed": question.seed,
    }
    if question.yes_no and logprobs:
        asked |= {"logprobs": True, "top_logprobs": TOP}
    messages = b'"messages": [{"role": "user", "content": [%s]}]' % b", ".join(content)
    return b"{%s, %s" % (messages, json.dumps(asked | more)[1:].encode())


def _picture(image: Image.Image) -> bytes:
    """Its part of the body, put together by hand: `json.dumps` would look at each of some 300,000 characters."""
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=95, subsampling=0)
    url = b"data:image/jpeg;base64," + base64.b64encode(jpeg.getvalue())
    return b'{"type": "image_url", "image_url": {"url": "%s"}}' % url


def answer(response: Response, question: Question) -> Answer:
    """From a response of status 200. Raises NoAnswer where it is no completion."""
    try:
        choice = response.json()["choices"][0]
        text, cut = choice["message"]["content"], choice.get("finish_reason") == "length"
        first = ((choice.get("logprobs") or {}).get("content") or [{}])[0].get("top_logprobs", ())
        alternatives = [(str(a["token"]), float(a["logprob"])) for a in first]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise NoAnswer(f"the server's answer is no chat completion: {words(response)}") from None
    if not isinstance(text, str) or not text.strip():
        return Answer(error="The answer was empty.")
    return Answer(text.strip(), p_yes(alternatives) if question.yes_no else None, cut=cut)


def words(response: Response) -> str:
    """The message of a server's error, or the beginning of whatever it sent instead."""
    text = response.text
    try:
        data = response.json()
        error = data.get("error", data)
        text = str(error.get("message", error) if isinstance(error, dict) else error)
    except (ValueError, AttributeError):
        pass
    return " ".join(text.split())[:WORDS] or "nothing"


def asked_wait(response: Response) -> float:
    """Seconds of a Retry-After header; 0 where there is none, or a date."""
    try:
        return max(0.0, float(response.headers.get("Retry-After", 0)))
    except ValueError:
        return 0.0
