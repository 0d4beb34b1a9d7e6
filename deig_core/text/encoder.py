"""The T5 text encoder (docs/method.md section 6): always 128 positions, pads included, attention mask passed to T5."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..cache import MEGABYTE, TensorCache
from ..checkpoint.file_kind import read_json
from ..checkpoint.read import SAFETENSORS, check_finite, check_plain, read_tensors
from ..errors import WeightsError
from ..limits import MOST_LAYERS
from .features import TextFeatures
from .quantised import dequantised
from .tokenizer import load_tokenizer
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
    fallback_tokenizer: folder of a T5 tokenizer, for weights that have none of their own (`tokenizer_folder`).
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
    return TextEncoder(model.eval().requires_grad_(False), load_tokenizer(path, fallback_tokenizer))


def _weight_dtype(key: str, dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype == torch.float16 and key.endswith("DenseReluDense.wo.weight") else dtype


def _encoder_weights(path: Path) -> dict[str, torch.Tensor]:
    files = [path] if path.is_file() else _folder_files(path)
    weights: dict[str, torch.Tensor] = {}
    for file in files:
        weights.update(read_tensors(file)[0])
    weights = {k: v for k, v in weights.items() if isinstance(k, str) and isinstance(v, torch.Tensor)}
    # Other programs keep it under a name of their own: "text_encoders.t5.transformer.".
    prefix = next((k.removesuffix(_FIRST) for k in weights if k.endswith(_FIRST)), "")
    weights = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
    encoder = {k: v for k, v in weights.items() if k.startswith("encoder.") or k == "shared.weight"}
    if "shared.weight" not in encoder and "encoder.embed_tokens.weight" in encoder:
        encoder["shared.weight"] = encoder["encoder.embed_tokens.weight"]
    if "shared.weight" not in encoder or _FIRST not in encoder:
        shard = (
            " It is one shard of several: choose the folder that holds all of them." if SHARD.search(path.name) else ""
        )
        if any(str(k).endswith(_PACKED) for k in weights):
            raise WeightsError(f"{path.name} is quantised in a way that is not read; use it in bf16 or plain fp8.")
        raise WeightsError(
            f"{path.name} is no T5 text encoder; DEIG needs Flan-T5-XL (a Hugging Face folder or one .safetensors "
            f"file).{shard}"
        )
    encoder = dequantised(encoder, path.name)
    check_plain(path, encoder)
    return encoder


_FIRST = "encoder.block.0.layer.0.SelfAttention.q.weight"
_PACKED = (".qweight", ".qzeros", ".weight_packed")  # GPTQ, AWQ, compressed-tensors
SHARD = re.compile(r"-\d{5}-of-\d{5}\.")


def _folder_files(folder: Path) -> list[Path]:
    for pattern in ("*.safetensors", "pytorch_model*.bin"):
        index = next(folder.glob(f"{pattern}.index.json"), None)
        if index:
            places = read_json(index).get("weight_map")
            if not isinstance(places, Mapping) or not all(isinstance(n, str) for n in places.values()):
                raise WeightsError(f'{index.name} has no "weight_map" that names the files; download it again.')
            return [folder / Path(n).name for n in sorted(set(places.values()))]
        if found := sorted(folder.glob(pattern)):
            return found
    raise WeightsError(
        f"The folder {folder.name} holds no weights: {SAFETENSORS[0]} or pytorch_model.bin files of Flan-T5-XL were "
        f"expected."
    )


def _config(path: Path, weights: Mapping[str, torch.Tensor]) -> T5Config:
    """Sizes from the weights; what they do not show is config.json's, or Flan-T5's."""
    from transformers import T5Config

    values, stored = _inferred(path, weights), path / "config.json"
    if path.is_dir() and stored.is_file():
        said = read_json(stored)
        for key in ("d_model", "num_layers", "d_ff", "vocab_size"):
            if key in said and said[key] != values[key]:
                raise WeightsError(
                    f"{path.name}: config.json says {key} {str(said[key])[:20]} and the weights have {values[key]}; "
                    "download both again."
                )
        distance = said.get("relative_attention_max_distance", 128)
        epsilon = said.get("layer_norm_epsilon", 1e-6)
        if isinstance(distance, bool) or not isinstance(distance, int) or not 1 < distance < 100_000:
            raise WeightsError(f"{path.name}: config.json's relative_attention_max_distance is no whole number from 2.")
        if not isinstance(epsilon, float) or not 0 < epsilon < 0.1:
            raise WeightsError(f"{path.name}: config.json's layer_norm_epsilon is no small positive number.")
        values |= {"relative_attention_max_distance": distance, "layer_norm_epsilon": epsilon}
    return T5Config(**values, dropout_rate=0.0, is_encoder_decoder=False, use_cache=False)


def _inferred(path: Path, weights: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    block = "encoder.block.0.layer"
    gated = f"{block}.1.DenseReluDense.wi_0.weight" in weights
    try:
        buckets, heads = weights[f"{block}.0.SelfAttention.relative_attention_bias.weight"].shape
        inner, _ = weights[_FIRST].shape
        vocabulary, width = weights["shared.weight"].shape
        d_ff, _ = weights[f"{block}.1.DenseReluDense.{'wi_0' if gated else 'wi'}.weight"].shape
    except KeyError as error:
        raise WeightsError(
            f"{path.name} is no complete T5 encoder: {error.args[0]} is missing; use Flan-T5-XL."
        ) from None
    except ValueError:
        raise WeightsError(f"{path.name} is no T5 encoder: its weights have other shapes; use Flan-T5-XL.") from None
    layers = {m[1] for k in weights if (m := re.match(r"encoder\.block\.(\d{1,4})\.", k))}
    if min(buckets, heads, inner, vocabulary, width, d_ff) < 1 or inner % heads or len(layers) > MOST_LAYERS:
        raise WeightsError(f"{path.name} is no T5 encoder: its weights have impossible sizes; use Flan-T5-XL.")
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
