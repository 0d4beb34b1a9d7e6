"""The T5 text encoder (docs/method.md section 6): always 128 positions, pads included, attention mask passed to T5."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..cache import MEGABYTE, TensorCache
from ..checkpoint.read import SAFETENSORS, check_finite, read_tensors
from ..errors import WeightsError
from .features import TextFeatures
from .tokens import MAX_TOKENS, Tokenised, Tokens, look

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, T5Config, T5EncoderModel


class TextEncoder:
    """A T5 encoder with its tokenizer. Texts are encoded and remembered one by one: changing one description encodes
    one.

    `model` is an ordinary module that the caller may move between devices. Remembers at most `cache_bytes` of features.
    """

    def __init__(self, model: T5EncoderModel, tokenizer: PreTrainedTokenizerBase, *, cache_bytes: int = 256 * MEGABYTE):
        self.model = model
        self.tokenizer = tokenizer
        self.width = int(model.config.d_model)
        self._features = TensorCache(cache_bytes)

    def missing(self, texts: Sequence[str]) -> list[str]:
        """The texts that `encode` would have to run the model for."""
        return [t for t in dict.fromkeys(texts) if self._features.get(t) is None]

    @torch.no_grad()
    def encode(
        self,
        texts: Sequence[str],
        *,
        at_once: int = 8,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[TextFeatures]:
        """Features [128, width] of each text, on the CPU, of which only the first 128 tokens are read (see `look`).
        at_once: texts in one call of the model.
        """
        # Taken first: the new texts may push remembered ones of this very call out of the cache.
        known = {t: found for t in dict.fromkeys(texts) if (found := self._features.get(t)) is not None}
        todo = [t for t in dict.fromkeys(texts) if t not in known]
        for start in range(0, len(todo), at_once):
            batch = todo[start : start + at_once]
            ids, mask = self._tokens(batch)
            device = self.model.shared.weight.device
            out = self.model(input_ids=ids.to(device), attention_mask=mask.to(device)).last_hidden_state.cpu()
            for text, features in zip(batch, out, strict=True):
                known[text] = features.clone()
                self._features.put(text, known[text])
            if progress:
                progress(start + len(batch), len(todo))
        return [TextFeatures.of(known[t]) for t in texts]

    def _tokens(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        tokens = self.tokenizer(
            list(texts), padding="max_length", max_length=MAX_TOKENS, truncation=True, return_tensors="pt"
        )
        return tokens.input_ids, tokens.attention_mask

    def look(self, text: str) -> Tokens:
        """How many tokens a text has, and which of it the vocabulary does not know."""

        def tokenise(text: str) -> Tokenised:
            whole = self.tokenizer(text, truncation=False, return_offsets_mapping=True, verbose=False)
            return whole.input_ids, whole.offset_mapping

        return look(text, tokenise, self.tokenizer.unk_token_id)


def load_text_encoder(
    path: str | Path, *, dtype: torch.dtype = torch.float32, fallback_tokenizer: str | Path | None = None
) -> TextEncoder:
    """Load a T5 encoder from a Hugging Face folder (sharded or not) or from one file (encoder only, or a whole T5).

    dtype: of the weights; under float16 the feed-forward outputs stay float32 (they overflow half precision).
    fallback_tokenizer: folder of a T5 tokenizer, for a single file and for a folder that has none of its own.
    Raises WeightsError for a file that is no T5 encoder, holds NaN or infinity, or comes without a tokenizer.
    """
    path = Path(path)
    weights = _encoder_weights(path)
    config = _config(path, weights)
    from transformers import T5EncoderModel

    with torch.device("meta"):
        model = T5EncoderModel(config)
    expected = model.state_dict()
    weights = {k: v.to(_weight_dtype(k, dtype)) for k, v in weights.items() if k in expected}
    weights["encoder.embed_tokens.weight"] = weights["shared.weight"]
    wrong = [k for k in expected if k not in weights or weights[k].shape != expected[k].shape]
    if wrong:
        raise WeightsError(
            f"{path.name} is no complete T5 encoder: {wrong[0]} is missing or has another shape; use Flan-T5-XL."
        )
    check_finite(weights, f"text encoder's weights in {path.name}")
    model.load_state_dict(weights, assign=True)
    model.tie_weights()
    return TextEncoder(model.eval().requires_grad_(False), _tokenizer(path, fallback_tokenizer))


def _weight_dtype(key: str, dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype == torch.float16 and key.endswith("DenseReluDense.wo.weight") else dtype


def _encoder_weights(path: Path) -> dict[str, torch.Tensor]:
    files = [path] if path.is_file() else _folder_files(path)
    weights: dict[str, torch.Tensor] = {}
    for file in files:
        weights.update(read_tensors(file)[0])
    encoder = {k: v for k, v in weights.items() if k.startswith("encoder.") or k == "shared.weight"}
    if "shared.weight" not in encoder and "encoder.embed_tokens.weight" in encoder:
        encoder["shared.weight"] = encoder["encoder.embed_tokens.weight"]
    if "shared.weight" not in encoder or "encoder.block.0.layer.0.SelfAttention.q.weight" not in encoder:
        raise WeightsError(
            f"{path.name} is no T5 text encoder; DEIG needs Flan-T5-XL (a Hugging Face folder or one .safetensors "
            f"file)."
        )
    return encoder


def _folder_files(folder: Path) -> list[Path]:
    for pattern in ("*.safetensors", "pytorch_model*.bin"):
        index = next(folder.glob(f"{pattern}.index.json"), None)
        if index:
            names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
            return [folder / Path(n).name for n in sorted(names)]
        if found := sorted(folder.glob(pattern)):
            return found
    raise WeightsError(
        f"The folder {folder.name} holds no weights: {SAFETENSORS[0]} or pytorch_model.bin files of Flan-T5-XL were "
        f"expected."
    )


def _config(path: Path, weights: Mapping[str, torch.Tensor]) -> T5Config:
    from transformers import T5Config

    stored = path / "config.json"
    if path.is_dir() and stored.is_file():
        values: dict[str, Any] = json.loads(stored.read_text(encoding="utf-8"))
        wanted = (
            "vocab_size",
            "d_model",
            "d_kv",
            "d_ff",
            "num_layers",
            "num_heads",
            "relative_attention_num_buckets",
            "relative_attention_max_distance",
            "layer_norm_epsilon",
            "feed_forward_proj",
        )
        values = {k: values[k] for k in wanted if k in values}
    else:
        values = _inferred(weights)
    return T5Config(**values, dropout_rate=0.0, is_encoder_decoder=False, use_cache=False)


def _inferred(weights: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """Sizes from shapes; what they do not show is Flan-T5's."""
    block = "encoder.block.0.layer"
    try:
        buckets, heads = weights[f"{block}.0.SelfAttention.relative_attention_bias.weight"].shape
        gated = f"{block}.1.DenseReluDense.wi_0.weight" in weights
        inner = weights[f"{block}.0.SelfAttention.q.weight"].shape[0]
        vocabulary, width = weights["shared.weight"].shape
        d_ff = weights[f"{block}.1.DenseReluDense.{'wi_0' if gated else 'wi'}.weight"].shape[0]
    except KeyError as error:
        raise WeightsError(f"This is no complete T5 encoder: {error.args[0]} is missing; use Flan-T5-XL.") from None
    layers = {m[1] for k in weights if (m := re.match(r"encoder\.block\.(\d+)\.", k))}
    return {
        "vocab_size": vocabulary,
        "d_model": width,
        "d_kv": inner // heads,
        "d_ff": d_ff,
        "num_layers": len(layers),
        "num_heads": heads,
        "relative_attention_num_buckets": buckets,
        "feed_forward_proj": "gated-gelu" if gated else "relu",
    }


def _tokenizer(path: Path, fallback: str | Path | None) -> PreTrainedTokenizerBase:
    from transformers import T5TokenizerFast

    folder = path if path.is_dir() else path.parent
    found = any((folder / name).is_file() for name in ("tokenizer.json", "spiece.model"))
    # Beside a file may lie another model's tokenizer.
    if not found or (path.is_file() and fallback is not None):
        if fallback is None:
            raise WeightsError(f"{path.name} comes without a tokenizer: put tokenizer.json of Flan-T5-XL beside it.")
        folder = Path(fallback)
    return T5TokenizerFast.from_pretrained(str(folder), local_files_only=True)
