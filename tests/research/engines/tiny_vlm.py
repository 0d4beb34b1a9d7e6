"""The real Qwen2.5-VL and InternVL classes as tiny random models, written as folders that `from_pretrained` reads."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% for c in m.content %}{% if c.type == 'image' %}IMAGE"
    "{% else %}{{ c.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
QWEN = ["<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
INTERN = ["<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>", "<video>"]
ANSWERS = ["Yes", "No"]


def tokenizer(special: list[str], **names: str) -> PreTrainedTokenizerFast:
    """Bytes as tokens without merges, and the two answers."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    found = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    found = PreTrainedTokenizerFast(
        tokenizer_object=found, eos_token="<|im_end|>", pad_token="<|im_end|>", extra_special_tokens=names
    )
    found.add_special_tokens({"additional_special_tokens": special})
    found.add_tokens(ANSWERS)
    return found


def save(folder: Path, model, processor) -> Path:
    head = model.get_output_embeddings().weight
    with torch.no_grad():
        head.normal_(std=0.5)
        yes, no = processor.tokenizer.convert_tokens_to_ids(ANSWERS)
        head[yes] *= 3  # likely or unlikely together
        head[no] = head[yes] * 0.95
        head[[i for i in range(len(head)) if i in processor.tokenizer.all_special_ids]] = 0  # hardly ever said
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    model.generation_config.do_sample = True  # as published checkpoints have it; a question decides otherwise
    model.generation_config.temperature = 1.0
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def qwen(folder: Path) -> Path:
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
    )

    torch.manual_seed(0)
    words = tokenizer(QWEN)
    ids = dict(zip(QWEN, words.convert_tokens_to_ids(QWEN), strict=True))
    config = Qwen2_5_VLConfig(
        text_config=dict(
            vocab_size=len(words),
            eos_token_id=words.eos_token_id,
            bos_token_id=None,
            hidden_size=128,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            rope_parameters=dict(rope_type="default", mrope_section=[4, 6, 6], rope_theta=1e6),
        ),
        vision_config=dict(
            depth=2,
            hidden_size=128,
            intermediate_size=128,
            num_heads=4,
            out_hidden_size=128,
            patch_size=14,
            spatial_merge_size=2,
            temporal_patch_size=2,
            window_size=56,
            fullatt_block_indexes=[1],
        ),
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    template = TEMPLATE.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    images = Qwen2VLImageProcessor(patch_size=14, merge_size=2, min_pixels=56 * 56, max_pixels=112 * 112)
    processor = Qwen2_5_VLProcessor(images, words, Qwen2VLVideoProcessor(), chat_template=template)
    return save(folder, Qwen2_5_VLForConditionalGeneration(config), processor)


def intern(folder: Path) -> Path:
    from transformers import (
        GotOcr2ImageProcessor,
        InternVLConfig,
        InternVLForConditionalGeneration,
        InternVLProcessor,
        InternVLVideoProcessor,
    )

    torch.manual_seed(0)
    words = tokenizer(
        INTERN,
        start_image_token="<img>",
        end_image_token="</img>",
        context_image_token="<IMG_CONTEXT>",
        video_token="<video>",
    )
    config = InternVLConfig(
        text_config=dict(
            model_type="qwen2",
            vocab_size=len(words),
            eos_token_id=words.eos_token_id,
            bos_token_id=None,
            hidden_size=64,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
        ),
        vision_config=dict(
            hidden_size=64,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            image_size=[56, 56],
            patch_size=[14, 14],
        ),
        image_token_id=words.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
        tie_word_embeddings=False,
    )
    images = GotOcr2ImageProcessor(size={"height": 56, "width": 56}, crop_to_patches=False)
    template = TEMPLATE.replace("IMAGE", "<IMG_CONTEXT>\n")
    processor = InternVLProcessor(images, words, InternVLVideoProcessor(), image_seq_length=4, chat_template=template)
    return save(folder, InternVLForConditionalGeneration(config), processor)
