"""A vision-language model in this process, by its own transformers class: slow and exact, for small sets and tests."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import torch

from ..errors import first_line
from .contract import PIXELS, Answer, EngineError, Question
from .local import check_folder, device_of, identity, load_model, load_processor
from .yes_no import TOP, p_yes

MODEL = "model that answers questions about pictures"


class Transformers:
    """path: a folder with a model's weights, configuration, processor and chat template (Qwen2.5-VL, InternVL's `-hf`).

    Questions are answered one by one, so that an answer depends on its question alone.
    """

    shards_at_once = 1

    def __init__(self, path: Path, *, device: str | None = None, dtype: str | None = None, pixels: int = PIXELS):
        check_folder(path)
        self.path, self.pixels = path, pixels
        self.device = device_of(device)
        self.dtype = dtype or ("bfloat16" if self.device.startswith("cuda") else "float32")
        self._processor = _processor(path)
        self._model = load_model("AutoModelForImageTextToText", path, MODEL, dtype=self.dtype, device=self.device)
        self._one = threading.Lock()

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        return [self._answer(question) for question in questions]

    def fingerprint(self) -> dict[str, str | int | float]:
        return {**identity(self.path, self.device, self.dtype), "pixels": self.pixels}

    def close(self) -> None:
        del self._model

    def _answer(self, question: Question) -> Answer:
        try:
            images = question.images(self.pixels)
        except OSError as error:
            return Answer(error=f"The picture cannot be read: {error}.")
        content = [{"type": "image", "image": image} for image in images] + [{"type": "text", "text": question.text}]
        try:
            inputs = self._processor.apply_chat_template(
                [{"role": "user", "content": content}],
                tokenize=True,
                add_generation_prompt=True,
                return_dict=True,
                return_tensors="pt",
            ).to(self.device, getattr(torch, self.dtype))
        except ValueError as error:  # a picture's shape, for one
            return Answer(error=f"The model's processor refuses the question: {first_line(error)}.")
        try:
            with self._one:  # the seed is the process's
                return self._generate(question, inputs)
        except torch.OutOfMemoryError:
            raise EngineError(
                f"{self.device} has no memory left for one question: fewer than {self.pixels} pixels a picture "
                f"(--pixels), or a smaller model, may fit."
            ) from None

    @torch.no_grad()
    def _generate(self, question: Question, inputs) -> Answer:
        torch.manual_seed(question.seed)
        warm = question.temperature > 0
        # The checkpoint's own sampling would decide what is left open here.
        how = {
            "do_sample": warm,
            "top_k": 0 if warm else None,
            "top_p": 1.0 if warm else None,
            "repetition_penalty": 1.0,
        }
        how["temperature"] = question.temperature if warm else None
        found = self._model.generate(
            **inputs,
            **how,
            max_new_tokens=question.most_tokens,
            return_dict_in_generate=True,
            output_logits=question.yes_no,
        )
        new = found.sequences[0, inputs["input_ids"].shape[1] :]
        text = self._processor.decode(new, skip_special_tokens=True).strip()
        probability = None
        if question.yes_no:
            logits = found.logits[0][0].float()
            if not torch.isfinite(logits).any():
                return Answer(error="The model's logits are not finite.")
            top = logits.log_softmax(-1).topk(min(TOP, logits.numel()))
            tokens = [self._processor.tokenizer.decode([i]) for i in top.indices.tolist()]
            probability = p_yes(zip(tokens, top.values.tolist(), strict=True))
        if not text:
            return Answer(p_yes=probability, error="The answer was empty.")
        ends = self._model.generation_config.eos_token_id
        ended = new[-1].item() in (ends if isinstance(ends, list) else [ends])
        return Answer(text, probability, cut=len(new) >= question.most_tokens and not ended)


def _processor(path: Path):
    found = load_processor(path, "pictures and text")
    if not getattr(found, "chat_template", None):
        raise EngineError(
            f"{path} holds no image processor with a chat template: copy preprocessor_config.json and chat_template "
            f"from where the model came."
        )
    return found
