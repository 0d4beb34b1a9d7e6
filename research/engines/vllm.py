"""A vision-language model in this process by vLLM: one GPU, many questions at a time."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .contract import PIXELS, Answer, EngineError, Question
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
        self.path, self.pixels = path, pixels
        self._vllm = vllm
        self._one = threading.Lock()
        options = {"seed": seed, "limit_mm_per_prompt": {"image": 2}, "max_logprobs": TOP} | (more or {})
        self._model = vllm.LLM(str(path), **options)
        self._options = {name: str(value) for name, value in sorted((more or {}).items())}

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        answers: dict[int, Answer] = {}
        chats, how = {}, {}
        for i, question in enumerate(questions):
            try:
                chats[i] = [{"role": "user", "content": _content(question, self.pixels)}]
            except OSError as error:
                answers[i] = Answer(error=f"The picture cannot be read: {error}.")
                continue
            how[i] = self._vllm.SamplingParams(
                temperature=question.temperature,
                max_tokens=question.most_tokens,
                seed=question.seed,
                logprobs=TOP if question.yes_no else None,
            )
        if chats:
            with self._one:
                found = self._model.chat(list(chats.values()), list(how.values()), use_tqdm=False)
            answers |= {i: _read(request, questions[i]) for i, request in zip(chats, found, strict=True)}
        return [answers[i] for i in range(len(questions))]

    def fingerprint(self) -> dict[str, str | int | float]:
        from ..training.store import fingerprint

        return {
            "engine": "vllm",
            "version": f"vllm {self._vllm.__version__}",
            "model": fingerprint(self.path),
            "pixels": self.pixels,
            **self._options,
        }

    def close(self) -> None:
        del self._model


def _content(question: Question, pixels: int) -> list[dict]:
    content: list[dict] = []
    for image in question.images(pixels):
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
