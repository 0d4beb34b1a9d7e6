"""A node pack for tests: the demo's MODEL and VAE as a checkpoint loader gives them, with a tiny stand-in for CLIP; and
what the server's process has imported.
"""

import gc
import sys

import torch
from aiohttp import web
from server import PromptServer

import nodes

WIDTH = 96  # of the demo's context, and of GLIGEN's pooled text


class TinyClip:
    """Features that depend on the text alone."""

    def tokenize(self, text):
        return text

    def encode_from_tokens(self, tokens, return_pooled=False):
        lot = torch.Generator().manual_seed(sum((i + 1) * byte for i, byte in enumerate(tokens.encode())))
        return torch.randn(1, 8, WIDTH, generator=lot), torch.randn(1, WIDTH, generator=lot)

    def encode_from_tokens_scheduled(self, tokens):
        features, pooled = self.encode_from_tokens(tokens)
        return [[features, {"pooled_output": pooled}]]


class TinyCheckpoint:
    RETURN_TYPES, FUNCTION, CATEGORY = ("MODEL", "CLIP", "VAE"), "load", "tests"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    def load(self):
        demo = nodes.NODE_CLASS_MAPPINGS["DEIGLoadDemo"]
        model, vae, *_ = demo.EXECUTE_NORMALIZED(weights_seed=0).args
        return model, TinyClip(), vae


NODE_CLASS_MAPPINGS = {"TinyCheckpoint": TinyCheckpoint}


@PromptServer.instance.routes.get("/tests/modules")
async def modules(_):
    """Names of all modules; from here on they are no garbage that each run of a model looks through."""
    gc.collect()
    gc.freeze()
    return web.json_response(sorted(sys.modules))
