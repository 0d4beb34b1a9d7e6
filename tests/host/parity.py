"""Whole-UNet golden files through the pack in the real host: `python dev.py parity FILE...`."""

from __future__ import annotations

import copy
import importlib
import json
import sys
from pathlib import Path

import torch
from safetensors import safe_open

TOLERANCE = 5e-5
OUTPUTS = ("out_cond", "out_uncond", "out_cond_scale0")


def pack_module(host_nodes, name: str):
    """A module of the pack as the host loaded it, e.g. "nodes.host.sampling"."""
    package = host_nodes.NODE_CLASS_MAPPINGS["DEIGApply"].__module__.removesuffix(".nodes.apply")
    return importlib.import_module(f"{package}.{name}")


class GoldenUNet:
    """A golden file as the host's own UNetModel with its base weights, and the pack's patch applied as the nodes do
    it.
    """

    def __init__(self, host_nodes, path: Path):
        self.sampling = pack_module(host_nodes, "nodes.host.sampling")
        self.grounded = pack_module(host_nodes, "deig_core.text.grounded")
        self.regions = pack_module(host_nodes, "deig_core.regions.document")
        self.conditioning = pack_module(host_nodes, "nodes.host.conditioning")
        patchers, sd1, read = (
            pack_module(host_nodes, n) for n in ("nodes.host.patchers", "nodes.host.sd1", "deig_core.checkpoint.read")
        )
        with safe_open(path, "pt") as file:
            tensors, metadata = {k: file.get_tensor(k).float() for k in file.keys()}, file.metadata()  # noqa: SIM118
        self.golden = {k.removeprefix("golden."): v for k, v in tensors.items() if k.startswith("golden.")}
        config = json.loads(metadata["config"])
        deig = {k: v for k, v in tensors.items() if not k.startswith("golden.") and read.is_deig_key(k)}
        base = {k: v for k, v in tensors.items() if not k.startswith("golden.") and k not in deig}
        heads = json.dumps({"heads": config["IDE"]["params"]["heads"], "fuser_heads": config["num_heads"]})
        checkpoint = read.PublishedCheckpoint(deig, base, {}, {"config": heads})
        self.adapter = patchers.adapter_patcher(read.load_adapter(checkpoint, operations=patchers.OPERATIONS))
        blocks, levels = config["num_res_blocks"], range(len(config["channel_mult"]))
        attends = [int(2**level in config["attention_resolutions"]) for level in levels]
        self.model = sd1.sd1_model(
            {
                **sd1.SMALL_UNET,
                "model_channels": config["model_channels"],
                "num_res_blocks": [blocks for _ in levels],
                "channel_mult": config["channel_mult"],
                "transformer_depth": [a for a in attends for _ in range(blocks)],
                "transformer_depth_output": [a for a in attends for _ in range(blocks + 1)],
                "context_dim": config["context_dim"],
            },
            base,
            heads=config["num_heads"],
        )

    def conditionings(self, row: int):
        """(positive, negative) CONDITIONINGs of a row of the file."""
        g, features = self.golden, self.grounded.TextFeatures.of
        valid = [i for i, v in enumerate(g["masks"][row, :, 0]) if v]
        boxes = g["object_boxes"][row].double().tolist()
        layout = self.grounded.Layout(tuple(self.regions.Region(f"r{i}", tuple(boxes[i])) for i in valid))
        texts = tuple(features(g["object_text_embeddings"][row, i].clone()) for i in valid)
        positive = self.grounded.GroundedText(features(g["context"][row].clone()), layout, texts)
        negative = self.grounded.GroundedText(features(g["uncond_context"][row].clone()), self.grounded.Layout(()), ())
        return self.conditioning.with_deig(None, positive), self.conditioning.with_deig(None, negative)

    def run(self, row: int, *, batch: int = 1, cfg: float = 7.5, swap: bool = False, strength: float = 1.0):
        """Noise predictions (conditional, unconditional) [batch, 4, 64, 64] of one sampler call; with cfg 1 the first
        alone.

        swap: give the unconditional side as the positive one.
        """
        import comfy.sample
        import comfy.samplers

        settings = self.sampling.Settings(self.sampling.GateSchedule(strength=strength))
        model = self.sampling.apply_deig(self.model, self.adapter, settings)
        found = {}

        def keep(arguments):
            found.update({k: arguments[k] for k in ("cond_denoised", "uncond_denoised")})
            return arguments["denoised"]

        model.set_model_sampler_post_cfg_function(keep)
        timestep = self.golden["timesteps"][row : row + 1]
        # The host rounds a sigma to a whole timestep; some of the golden ones lie between two.
        exact = copy.copy(model.get_model_object("model_sampling"))
        exact.timestep = lambda sigma: timestep.expand(sigma.shape)
        model.add_object_patch("model_sampling", exact)
        sigma = exact.sigma(timestep)
        x = (self.golden["x"][row : row + 1] * (sigma**2 + 1).sqrt()).repeat(batch, 1, 1, 1)

        def one_call(model, _x, sigmas, extra_args=None, callback=None, disable=None):
            return model(x, sigmas[0] * x.new_ones([len(x)]), **extra_args)

        positive, negative = self.conditionings(row)
        if swap:
            positive, negative = negative, positive
        with torch.inference_mode():
            comfy.sample.sample_custom(
                model,
                torch.zeros_like(x),
                cfg,
                comfy.samplers.KSAMPLER(one_call),
                torch.cat([sigma, sigma * 0]),
                positive,
                negative,
                torch.zeros_like(x),
                disable_pbar=True,
            )
        sides = ("cond_denoised",) if cfg == 1 else ("cond_denoised", "uncond_denoised")
        return [(x - found[side]) / sigma for side in sides]

    def difference(self, output: str, prediction: torch.Tensor, row: int) -> float:
        return (prediction - self.golden[output][row]).abs().max().item()


def main(files: list[str]) -> int:
    """The host is the one that conftest.py finds: $DEIG_COMFYUI with the base directory $DEIG_BASE."""
    sys.path.insert(0, str(Path(__file__).parent))
    import conftest

    host_nodes = conftest.import_host()
    worst = 0.0
    for name in files:
        unet = GoldenUNet(host_nodes, Path(name))
        rows = range(len(unet.golden["x"]))
        batched = [unet.run(r) for r in rows]
        shut = [unet.run(r, strength=0.0)[0] for r in rows]
        for output, predictions in zip(OUTPUTS, ([p[0] for p in batched], [p[1] for p in batched], shut), strict=True):
            largest = max(unet.difference(output, p, r) for r, p in zip(rows, predictions, strict=True))
            worst = max(worst, largest)
            print(f"{Path(name).name}: {output:<16} largest difference {largest:.2e}")
    return int(not worst <= TOLERANCE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
