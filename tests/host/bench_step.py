"""The bench's rows that need the real host: a whole step of an SD 1.5-size UNet with and without DEIG, and what a
second run saves.

Run by `python dev.py bench`, which names the host in the environment (see conftest.py). Weights are random: time does
not depend on them.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from deig_core.model.config import SD1_FUSERS  # noqa: E402
from research.bench.gpu.launches import launches  # noqa: E402
from research.bench.measure import Row, flops, of_pairs, peak_bytes, table, timed  # noqa: E402
from research.bench.scene import regions, text_encoder  # noqa: E402

TEXTS = 7  # five regions, a prompt and a negative prompt
SD15 = {
    "model_channels": 320,
    "num_res_blocks": [2, 2, 2, 2],
    "channel_mult": [1, 2, 4, 4],
    "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
    "transformer_depth_output": [1] * 9 + [0] * 3,
    "context_dim": 768,
}


class Step:
    """One sampler call of a model: times and counts its model calls, each at another timestep."""

    def __init__(self, host, model, positive, negative, latent: tuple[int, int]):
        self.host, self.model, self.conds = host, model, (positive, negative)
        self.x = torch.randn(1, 4, *latent)
        self.calls = 0

    def run(self, measure):
        """measure(call) of one model call with both halves of CFG, at a timestep that was not used before."""
        import comfy.sample
        import comfy.samplers

        self.calls += 1
        sampling = self.model.get_model_object("model_sampling")
        sigma = sampling.sigma(torch.tensor([951.0 - 7 * self.calls]))
        found = []

        def one_call(model, x, sigmas, extra_args=None, callback=None, disable=None):
            found.append(measure(lambda: model(x, sigmas[0] * x.new_ones([len(x)]), **extra_args)))
            return x

        with torch.no_grad():
            comfy.sample.sample_custom(
                self.model,
                self.x,
                7.5,
                comfy.samplers.KSAMPLER(one_call),
                torch.cat([sigma, sigma * 0]),
                *self.conds,
                self.x,
                disable_pbar=True,
            )
        return found[0]


class Models:
    """The UNet, the adapter and GLIGEN at their real sizes, in the host's own classes."""

    def __init__(self, host):
        import comfy.model_management as management
        from parity import pack_module

        modules = (
            "model.config",
            "model.untrained",
            "model.extractor",
            "attention.triton.policy",
            "text.grounded",
            "text.encoder",
            "regions.document",
        )
        self.core = {name.rpartition(".")[2]: pack_module(host, f"deig_core.{name}") for name in modules}
        self.host = {
            n: pack_module(host, f"nodes.host.{n}") for n in ("conditioning", "sd1", "patchers", "sampling", "folders")
        }
        self.device = management.get_torch_device()
        self.dtype = torch.float32 if self.device.type == "cpu" else torch.float16
        self.model = self.host["sd1"].sd1_model({**self.host["sd1"].SMALL_UNET, **SD15}, 0, dtype=self.dtype)
        config = self.core["config"].DeigConfig(fusers=SD1_FUSERS)
        self.adapter = self.core["untrained"].untrained_adapter(
            config, 0, operations=self.host["patchers"].OPERATIONS, dtype=self.dtype
        )
        self.patcher = self.host["patchers"].adapter_patcher(self.adapter)

    def features(self, count: int) -> list:
        return [self.core["grounded"].TextFeatures.of(torch.randn(128, 2048)) for _ in range(count)]

    def with_deig(self, latent: tuple[int, int], count: int) -> Step:
        grounded, with_deig = self.core["grounded"], self.host["conditioning"].with_deig
        prompt, negative, *texts = self.features(2 + count)
        layout = grounded.Layout(tuple(self.core["document"].Region(r.id, r.box) for r in regions(count)))
        conds = [
            with_deig(None, grounded.GroundedText(prompt, layout, tuple(texts))),
            with_deig(None, grounded.GroundedText(negative, grounded.Layout(()), ())),
        ]
        settings = self.host["sampling"].Settings(self.host["sampling"].GateSchedule())
        return Step(self.host, self.host["sampling"].apply_deig(self.model, self.patcher, settings), *conds, latent)

    def without(self, latent: tuple[int, int], tokens: int) -> Step:
        # As many cross-attention tokens as DEIG's context has: the difference is the fusers, the IDE and the position
        # net.
        return Step(self.host, self.model, *([[torch.randn(1, tokens, 768), {}]] for _ in range(2)), latent)

    def with_gligen(self, latent: tuple[int, int], count: int) -> Step:
        import comfy.gligen
        import comfy.model_management as management
        from comfy.model_patcher import ModelPatcher

        # GLIGEN's keys and shapes are those of DEIG's fusers and position net.
        gligen = comfy.gligen.load_gligen(self.adapter.published_state_dict()).to(self.dtype)
        patcher = ModelPatcher(
            gligen, load_device=management.get_torch_device(), offload_device=management.unet_offload_device()
        )
        boxes = [(torch.randn(1, 768), *_cells(r.box, latent)) for r in regions(count)]
        positive = [[torch.randn(1, 77, 768), {"gligen": ("position", patcher, boxes)}]]
        return Step(self.host, self.model, positive, [[torch.randn(1, 77, 768), {}]], latent)


def _cells(box, latent: tuple[int, int]) -> tuple[int, int, int, int]:
    """(height, width, y, x) in latent cells, as GLIGENTextBoxApply writes them."""
    (x0, y0, x1, y1), (height, width) = box, latent
    return math.ceil((y1 - y0) * height), math.ceil((x1 - x0) * width), int(y0 * height), int(x0 * width)


def step_rows(models: Models, latent: tuple[int, int], rounds: int):
    """Time and memory of a whole UNet step, without DEIG, with it, and with GLIGEN."""
    group = f"a whole UNet step in ComfyUI, {latent[1] * 8} x {latent[0] * 8}, CFG, 5 regions"
    deig, plain = models.with_deig(latent, 5), models.without(latent, 16)
    gligen, bare = models.with_gligen(latent, 5), models.without(latent, 77)

    def counted(call):
        with models.core["policy"].put_aside():  # the host has the pack loaded under another name than this bench
            return flops(call)

    counts = [step.run(counted) for step in (deig, plain, gligen, bare)]  # also the warm-up
    if models.device.type == "cuda":
        deig.run(lambda call: call())  # and the kernel's own
    times = [[step.run(timed) for step in (deig, plain, gligen, bare)] for _ in range(rounds)]
    for name, a, b in (("DEIG / without", 0, 1), ("ComfyUI's GLIGEN / without", 2, 3)):
        measured, counted = of_pairs([(t[a], t[b]) for t in times]), counts[a] / counts[b]
        yield Row(group, f"{name}: arithmetic", counted, note=f"{counts[a] / 1e12:.3f} / {counts[b] / 1e12:.3f} TFLOP")
        yield measured.row(group, f"{name}: time")
        yield Row(
            group,
            f"{name}: time / arithmetic",
            measured.value / counted,
            measured.low / counted,
            measured.high / counted,
            at_most=1.05 if a == 0 else None,
        )
    peaks = [step.run(lambda call: peak_bytes(call, models.device)) for step in (deig, plain, gligen, bare)]
    for name, a, b in (("DEIG / without", 0, 1), ("ComfyUI's GLIGEN / without", 2, 3)):
        yield Row(
            group,
            f"{name}: peak of activations",
            peaks[a] / peaks[b],
            note=f"{peaks[a] / 2**20:.0f} / {peaks[b] / 2**20:.0f} MB",
        )
    if models.device.type == "cuda":  # last: where a profiler has looked, launching may stay slower
        for name, step in (("with DEIG", deig), ("without", plain)):
            seen = step.run(launches)
            yield Row(group, f"kernels {name}", seen.kernels, unit="")
            yield Row(group, f"waits for the device {name}", seen.waits, unit="", note=seen.note())


def text_rows(models: Models, rounds: int):
    """Row 6: what the caches of T5 and IDE leave to do."""
    import comfy.model_management as management

    group = f"{TEXTS} texts again, and with one of them changed"
    texts = models.features(TEXTS + rounds)
    management.load_models_gpu([models.patcher])

    def of_the_ide(i: int):
        extract = models.core["extractor"].Extractor(models.adapter)
        return lambda kind: extract([(t, 901.0) for t in kind], models.device)

    kinds = [(texts[:TEXTS], texts[:TEXTS], [*texts[: TEXTS - 1], texts[TEXTS + i]]) for i in range(rounds)]
    yield from _again(group, "IDE of one step", of_the_ide, kinds)
    model, tokenizer = _flan_t5_xl(models)
    descriptions = [f"a person in a coat of colour {i} with a hat of another" for i in range(TEXTS)]
    kinds = [(descriptions, descriptions, [*descriptions[:-1], "a dog"])] * rounds
    yield from _again(
        group,
        "Flan-T5-XL on the CPU",
        lambda _: models.core["encoder"].TextEncoder(model, tokenizer).encode,
        kinds,
    )


def _again(group: str, name: str, fresh, kinds):
    """fresh(round): a call with nothing remembered. Each of `kinds` has texts for its first run, its second, and one
    with a text changed.
    """
    spent = []
    for i, kind in enumerate(kinds):
        call = fresh(i)
        spent.append([timed(lambda: call(texts)) for texts in kind])  # noqa: B023
    for what, place in (("same texts", 1), ("one text changed", 2)):
        yield of_pairs([(s[place], s[0]) for s in spent]).row(group, f"{name}: {what} / first run")


def _flan_t5_xl(models: Models):
    from transformers import T5TokenizerFast

    tokenizer = T5TokenizerFast.from_pretrained(str(models.host["folders"].t5_tokenizer()), local_files_only=True)
    return text_encoder(torch.device("cpu"), torch.float32), tokenizer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", action="store_true", help="measure on the GPU, in fp16 (default: the CPU, in fp32)")
    parser.add_argument("--latent", type=int, default=64, help="side of the latent (default 64: 512 px)")
    options = parser.parse_args()

    import conftest

    models = Models(conftest.import_host("--normalvram") if options.gpu else conftest.import_host())
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    rows, group = [], None
    latent = (options.latent, options.latent)
    with torch.no_grad():
        for rows_of in (step_rows(models, latent, options.rounds), text_rows(models, options.rounds)):
            for row in rows_of:
                text = table([row])
                print(text if row.group != group else text.partition("\n")[2], flush=True)
                group = row.group
                rows.append(row.to_dict())
                if options.json:  # at once: whoever runs this may stop it
                    Path(options.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
