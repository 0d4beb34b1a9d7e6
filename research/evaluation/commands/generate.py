"""draw the layouts through running ComfyUIs; run it again to go on"""

from __future__ import annotations

import argparse
from pathlib import Path

from deig_core.errors import DeigError
from deig_core.text.grounded import OFFICIAL_NEGATIVE

from ..comfy import ComfyUI, Server
from ..generate import NOISES, generate
from ..layout import read_layouts
from ..workflow import read_workflow, set_values, shipped

NAME = "generate"
# The paper's: DDIM's timesteps, and the negative prompt of the published code.
DEFAULTS = {
    "steps": 40,
    "cfg": 7.5,
    "sampler": "euler",
    "scheduler": "ddim_uniform",
    "negative": OFFICIAL_NEGATIVE,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("layouts", type=Path, help="the .jsonl file of layouts")
    parser.add_argument("folder", type=Path, help="for the pictures, a folder a seed; one method a folder")
    parser.add_argument(
        "--workflow", required=True, help=f"{', '.join(shipped())}, or a file in API format with blanks like $prompt"
    )
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="files as ComfyUI lists them: checkpoint, weights, text_encoder, gligen",
    )
    parser.add_argument(
        "--server", nargs="+", default=["http://127.0.0.1:8188"], metavar="URL", help="running ComfyUIs, all used"
    )
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[42], help="of the noise (default: 42, as DEIG-Bench was drawn)"
    )
    parser.add_argument(
        "--noise", choices=NOISES, default="shared", help="one noise for all pictures of a seed, or each its own"
    )
    for name, value in DEFAULTS.items():
        what = "negative prompt (default: the paper's)" if name == "negative" else f"default: {value}"
        parser.add_argument(f"--{name}", type=type(value), help=what)
    parser.add_argument("--seconds", type=float, default=3600.0, help="most for one picture, waiting included")


def run(options: argparse.Namespace) -> None:
    layouts = read_layouts(options.layouts)
    given = {name: value for name in DEFAULTS if (value := getattr(options, name)) is not None}
    workflow = set_values(read_workflow(options.workflow), given | _files(options.set), DEFAULTS)
    servers = [Server(url.rstrip("/"), options.seconds) for url in dict.fromkeys(options.server)]
    failures = generate(layouts, options.folder, ComfyUI(servers, workflow), options.seeds, options.noise)
    if failures:
        raise DeigError(f"{len(failures)} pictures could not be drawn (see above); the same command tries them again.")


def _files(pairs: list[str]) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair:
            raise DeigError(
                f"--set {pair} is no NAME=VALUE: checkpoint=sd-v1-4.safetensors, for instance, was expected."
            )
    return dict(pair.split("=", 1) for pair in pairs)
