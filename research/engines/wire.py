"""The OpenAI-compatible interface: a question as a request's body, and a response as an answer."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

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


def body(question: Question, model: str, pixels: int, logprobs: bool, more: dict[str, Any]) -> bytes:
    """Raises OSError where a picture cannot be read."""
    content: list[dict] = []
    for image in question.images(pixels):
        jpeg = io.BytesIO()
        image.save(jpeg, "JPEG", quality=95, subsampling=0)
        url = "data:image/jpeg;base64," + base64.b64encode(jpeg.getvalue()).decode()
        content.append({"type": "image_url", "image_url": {"url": url}})
    content.append({"type": "text", "text": question.text})
    asked = {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "max_tokens": question.most_tokens,
        "temperature": question.temperature,
        "seed": question.seed,
    }
    if question.yes_no and logprobs:
        asked |= {"logprobs": True, "top_logprobs": TOP}
    return json.dumps(asked | more).encode()


def answer(response, question: Question) -> Answer:
    """From an httpx response of status 200. Raises NoAnswer where it is no completion."""
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


def words(response) -> str:
    """The message of a server's error, or the beginning of whatever it sent instead."""
    text = response.text
    try:
        data = response.json()
        error = data.get("error", data)
        text = str(error.get("message", error) if isinstance(error, dict) else error)
    except (ValueError, AttributeError):
        pass
    return " ".join(text.split())[:WORDS] or "nothing"


def asked_wait(response) -> float:
    """Seconds of a Retry-After header; 0 where there is none, or a date."""
    try:
        return max(0.0, float(response.headers.get("Retry-After", 0)))
    except ValueError:
        return 0.0
