"""A vision-language model in this process by vLLM: one GPU, many questions at a time."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from deig_core.errors import DeigError

from ..errors import first_line
from ..training.store import fingerprint
from .contract import MOST_ASPECT, PIXELS, Answer, EngineError, Question
from .local import check_folder
from .yes_no import TOP, p_yes


class Vllm:
    """path: the folder of a Hugging Face model. more: further arguments of `vllm.LLM`.

    vLLM brings its own torch and transformers: run this in an environment of its own.
    """

    shards_at_once = 1

    def __init__(self, path: Path, *, pixels: int = PIXELS, seed: int = 0, more: dict[str, Any] | None = None):
        try:
            import vllm
        except ImportError as error:
            raise EngineError(
                f"vLLM cannot be loaded ({error}): install it in an environment of its own and run this there, or run "
                f"`vllm serve` there and name its address."
            ) from None
        check_folder(path)
        self.path, self.pixels = path, pixels
        self._vllm = vllm
        self._one = threading.Lock()
        self.options = {"seed": seed, "limit_mm_per_prompt": {"image": 2}, "max_logprobs": TOP} | (more or {})
        with _in_a_sentence(f"vLLM cannot load {path}"):
            self._model = vllm.LLM(str(path), **self.options)
        self.dtype = str(self._model.llm_engine.model_config.dtype).removeprefix("torch.")

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        answers: dict[int, Answer] = {}
        chats, how = {}, {}
        for i, question in enumerate(questions):
            try:
                chats[i] = [{"role": "user", "content": _content(question, self.pixels)}]
            except OSError as error:
                answers[i] = Answer(error=f"The picture cannot be read: {error}.")
                continue
            except ValueError as error:
                answers[i] = Answer(error=str(error))
                continue
            how[i] = self._vllm.SamplingParams(
                temperature=question.temperature,
                max_tokens=question.most_tokens,
                seed=question.seed,
                logprobs=TOP if question.yes_no else None,
            )
        if chats:
            with self._one, _in_a_sentence("vLLM does not answer"):
                found = self._model.chat(list(chats.values()), list(how.values()), use_tqdm=False)
            answers |= {i: _read(request, questions[i]) for i, request in zip(chats, found, strict=True)}
        return [answers[i] for i in range(len(questions))]

    def fingerprint(self) -> dict[str, str | int | float]:
        return {
            "engine": "vllm",
            "version": f"vllm {self._vllm.__version__}, torch {torch.__version__}",
            "model": fingerprint(self.path),
            "dtype": self.dtype,
            "pixels": self.pixels,
            "options": json.dumps(self.options, sort_keys=True, default=str),
        }

    def close(self) -> None:
        del self._model


@contextmanager
def _in_a_sentence(what: str) -> Iterator[None]:
    """Whatever vLLM raises as an EngineError: its errors are of many classes, its own engine's among them."""
    try:
        yield
    except DeigError:
        raise
    except Exception as error:
        raise EngineError(
            f"{what}: {first_line(error)} (its own lines above say more; --more takes arguments of its LLM)."
        ) from None


def _content(question: Question, pixels: int) -> list[dict]:
    """Raises OSError for a picture that cannot be read, ValueError for one that models refuse."""
    content: list[dict] = []
    for image in question.images(pixels):
        if max(image.size) > MOST_ASPECT * min(image.size):  # one such picture would end the whole batch
            raise ValueError(f"The picture's sides are more than {MOST_ASPECT} to 1: {image.width} x {image.height}.")
        png = io.BytesIO()
        image.save(png, "PNG", compress_level=1)
        url = "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()
        content.append({"type": "image_url", "image_url": {"url": url}})
    return [*content, {"type": "text", "text": question.text}]


def _read(request, question: Question) -> Answer:
    output = request.outputs[0]
    probability = None
    if question.yes_no and output.logprobs:
        first = output.logprobs[0].values()
        probability = p_yes((alternative.decoded_token or "", alternative.logprob) for alternative in first)
    text = output.text.strip()
    if not text:
        return Answer(p_yes=probability, error="The answer was empty.")
    return Answer(text, probability, cut=output.finish_reason == "length")
