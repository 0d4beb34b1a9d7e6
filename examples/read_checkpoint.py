"""What a file of DEIG weights holds: its parts, its sizes and its gates. Nothing in the file is executed.

From the repository's root: python -m examples.read_checkpoint [FILE]

FILE is the published model.pth or a file converted from it; without it, the demo's adapter is read. Names and shapes:
docs/method.md section 8.
"""

import sys
from dataclasses import fields
from pathlib import Path

from deig_core.checkpoint.read import load_adapter, read_published
from deig_core.demo.files import ADAPTER, WEIGHTS
from deig_core.errors import DeigError


def report(path: str | Path) -> str:
    """Lines to read: each part with its tensors and numbers, then the sizes, then both gates of each fuser.

    Raises WeightsError for a file without DEIG weights, with some missing, or with anything but tensors and plain
    values.
    """
    checkpoint = read_published(path)
    adapter = load_adapter(checkpoint)
    modules = {"IDE": adapter.ide, "position net": adapter.position_net, "fusers": adapter.fusers}
    parts = {name: module.state_dict() for name, module in modules.items()}
    parts |= {"base UNet": checkpoint.base, "autoencoder": checkpoint.autoencoder}

    lines = [f"{'part':<14}{'tensors':>9}{'numbers':>15}  dtype"]
    for name, tensors in parts.items():
        dtypes = ", ".join(sorted({str(t.dtype).removeprefix("torch.") for t in tensors.values()}))
        numbers = sum(t.numel() for t in tensors.values())
        lines.append(f"{name:<14}{len(tensors):>9}{numbers:>15,}  {dtypes or 'not in this file'}")
    sizes = [f.name for f in fields(adapter.config) if f.name != "fusers"]
    lines += ["", *(f"{name:<16}{getattr(adapter.config, name):>7}" for name in sizes)]
    lines += ["", f"{'fuser of block':<16}{'channels':>9}{'tanh(alpha_attn)':>18}{'tanh(alpha_dense)':>19}"]
    for address, channels in adapter.config.fusers:
        fuser = adapter.fuser(address)
        gates = fuser.alpha_attn.tanh().item(), fuser.alpha_dense.tanh().item()
        lines.append(f"{' '.join(map(str, address)):<16}{channels:>9}{gates[0]:>18.4f}{gates[1]:>19.4f}")
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        print(report(*sys.argv[1:2] or [WEIGHTS / ADAPTER]))
    except (DeigError, OSError) as error:
        sys.exit(str(error))
