"""A user's graph in a few calls: the demo nodes, real samplers, real patches of other nodes."""

from __future__ import annotations

import json

import pytest
import torch

REGIONS = [
    {"id": "a", "box": [0.05, 0.1, 0.5, 0.9], "description": "a woman in a red hoodie with white stripes"},
    {"id": "b", "box": [0.4, 0.3, 0.95, 0.8], "description": "a boy in a yellow raincoat"},
]


# The latent's side unless a test needs another: attention costs its fourth power, and at 16 the three levels of the
# demo's UNet still have cells in and outside of every box.
CELLS = 16
PIXELS = 8 * CELLS


class Graph:
    """The demo models and what a workflow does with them. `node(ID, ...)` runs any node of the host, V1 or V3."""

    def __init__(self, host_nodes):
        self.host = host_nodes
        self.model, self.vae, self.adapter, self.encoder = self.node("DEIGLoadDemo", weights_seed=1)[:4]

    def node(self, node_id: str, **inputs):
        """Outputs of a node as a tuple, run as the host runs it."""
        cls = self.host.NODE_CLASS_MAPPINGS[node_id]
        with torch.inference_mode():
            if hasattr(cls, "execute") and hasattr(cls, "define_schema"):
                return cls.EXECUTE_NORMALIZED(**inputs).args
            return tuple(getattr(cls(), cls.FUNCTION)(**inputs))

    def output(self, node_id: str, **inputs):
        """Of a node of ours, its NodeOutput: `args`, and what it says in `ui`."""
        return self.host.NODE_CLASS_MAPPINGS[node_id].EXECUTE_NORMALIZED(**inputs)

    def regions(self, regions=None, width=PIXELS, height=PIXELS):
        document = {"version": 1, "width": width, "height": height, "regions": REGIONS if regions is None else regions}
        return self.node("DEIGRegions", regions=json.dumps(document))[0]

    def encode(self, regions=None, prompt="two people", negative_prompt="blurry", **inputs):
        """(positive, negative) conditionings."""
        document = regions if regions is not None and not isinstance(regions, list) else self.regions(regions)
        return self.node(
            "DEIGEncode",
            text_encoder=self.encoder,
            regions=document,
            prompt=prompt,
            negative_prompt=negative_prompt,
            **inputs,
        )

    def apply(self, model=None, strength=1.0, start=0.0, end=1.0, decay=0.0, context="t5", adapter=None):
        inputs = {"strength": strength, "start": start, "end": end, "decay": decay, "context": context}
        return self.node("DEIGApply", model=model or self.model, adapter=adapter or self.adapter, **inputs)[0]

    def sample(
        self,
        model,
        positive,
        negative,
        *,
        latent=None,
        size=(CELLS, CELLS),
        batch=1,
        steps=2,
        cfg=7.5,
        sampler="euler",
        scheduler="ddim_uniform",
        denoise=1.0,
        seed=1,
    ):
        """Samples [batch, 4, h, w]; size in latent cells."""
        latent = latent or {"samples": torch.zeros(batch, 4, *size)}
        with torch.inference_mode():
            return self.host.common_ksampler(
                model, seed, steps, cfg, sampler, scheduler, positive, negative, latent, denoise=denoise
            )[0]["samples"]

    def interrupt(self, model, positive, negative):
        """Begin to sample and cancel after the second step, as the page's button does."""
        import comfy.model_management as management
        import comfy.sample

        noise, latent = torch.randn(1, 4, CELLS, CELLS), torch.zeros(1, 4, CELLS, CELLS)

        def cancel(step, *_):
            if step == 1:
                management.interrupt_current_processing()

        with torch.inference_mode(), pytest.raises(management.InterruptProcessingException):
            comfy.sample.sample(
                model, noise, 5, 7.5, "euler", "ddim_uniform", positive, negative, latent, callback=cancel
            )

    def clip(self, tokens=77, seed=0):
        """A CONDITIONING such as CLIP Text Encode gives, for the demo model's width."""
        width = self.model.model.model_config.unet_config["context_dim"]
        return [[torch.randn(1, tokens, width, generator=torch.Generator().manual_seed(seed)), {"pooled_output": None}]]

    def tiny_controlnet(self):
        """A ControlNet with random weights for the demo's UNet."""
        import comfy.cldm.cldm
        import comfy.controlnet
        import comfy.ops
        from parity import pack_module

        sd1 = pack_module(self.host, "nodes.host.sd1")
        config = {
            k: v
            for k, v in sd1.SMALL_UNET.items()
            if k not in ("out_channels", "transformer_depth_output", "use_temporal_attention")
        }
        size = {**config, "num_heads": 8, "hint_channels": 3, "dtype": torch.float32}
        shapes = comfy.cldm.cldm.ControlNet(**size, device="meta", operations=sd1.PLAIN).state_dict()
        net = comfy.cldm.cldm.ControlNet(**size, operations=comfy.ops.manual_cast)
        net.load_state_dict(pack_module(self.host, "deig_core.model.untrained").random_weights(shapes, 0), assign=True)
        return comfy.controlnet.ControlNet(
            net, compression_ratio=8, load_device=torch.device("cpu"), manual_cast_dtype=None
        )


def boxes_of(calls):
    """Which parts of the picture the positive rows of each call show: left, top, right, bottom in fractions."""
    return [
        [
            tuple((part.offset[a] + part.size[a] * end) / part.full[a] for end in (0, 1) for a in (1, 0))
            for group in groups
            if group.text.layout.regions
            for part in group.parts
        ]
        for groups in calls
    ]


def followed(graph, **inputs):
    """(positive, negative) of DEIG Encode through DEIG Follow Tiles."""
    return graph.node("DEIGFollowTiles", **dict(zip(("positive", "negative"), graph.encode(**inputs), strict=True)))
