"""The demo's text encoder: a T5 of the usual kind with a vocabulary of its own, so that the real text path runs."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import torch

from .world import COLOURS, PATTERNS, SHAPES

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, T5EncoderModel

    from deig_core.text.encoder import TextEncoder

WIDTH = 96
WORDS = ("a", "with", "and", "outline", *COLOURS, *SHAPES, *PATTERNS)


def write_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """A T5 tokenizer whose pieces are the world's words; other words fall into letters. Saved to `folder`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import T5TokenizerFast

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    # Capitals are pieces too: loaders differ in whether they keep a normaliser.
    pieces += [(f"▁{form}", -1.0) for word in WORDS for form in (word, word.capitalize())] + [(",", -2.0), ("▁", -3.0)]
    pieces += [(letter, -9.0) for letter in string.ascii_letters + string.digits + ".-'"]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    return T5TokenizerFast.from_pretrained(str(folder), local_files_only=True)


def new_t5(vocabulary: int) -> T5EncoderModel:
    """An untrained encoder of width WIDTH. vocabulary: its number of words."""

    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(
        T5Config(
            vocab_size=vocabulary,
            d_model=WIDTH,
            d_kv=24,
            d_ff=256,
            num_layers=2,
            num_heads=4,
            feed_forward_proj="gated-gelu",
            dropout_rate=0.0,
            is_encoder_decoder=False,
            use_cache=False,
        )
    )


def remembered_features(encoder: TextEncoder) -> Callable[[Sequence[str]], torch.Tensor]:
    """Texts -> float32 [n, L, D] on the encoder's device, each text encoded once: they come back in every epoch (49
    kB a text). Threads may share it.
    """
    known: dict[str, torch.Tensor] = {}
    one_at_a_time = Lock()  # a tokenizer refuses a second thread

    def features(texts: Sequence[str]) -> torch.Tensor:
        with one_at_a_time:
            new = [t for t in dict.fromkeys(texts) if t not in known]
            where = encoder.model.shared.weight.device
            encoded = encoder.encode(new, at_once=64)
            known.update((t, found.tensor.to(where)) for t, found in zip(new, encoded, strict=True))
        return torch.stack([known[t] for t in texts])

    return features
