"""python -m deig_core.checkpoint convert model.pth out.safetensors [--dtype fp16|bf16|fp32] [--base
base.safetensors]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from ..errors import DeigError, WeightsError
from ..model.adapter import check_keys, expected_weights
from .read import SAFETENSORS, adapter_config, check_base, check_finite, read_published
from .write import DTYPES, save_adapter, save_base


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m deig_core.checkpoint", description="Convert the published DEIG weights to safetensors."
    )
    convert = parser.add_subparsers(dest="command", required=True).add_parser(
        "convert", help="write the DEIG part, and the base if wanted"
    )
    convert.add_argument("source", type=Path, help="the published model.pth")
    convert.add_argument("target", type=Path, help="the .safetensors file to write; put it into ComfyUI's models/deig")
    convert.add_argument(
        "--dtype", choices=DTYPES, default="fp16", help="of the weights written (default fp16: 594 MB)"
    )
    convert.add_argument("--base", type=Path, help="also write UNet and VAE as an ordinary checkpoint to this file")
    options = parser.parse_args(arguments)
    try:
        _convert(options)
    except (DeigError, OSError) as error:
        print(f"convert: {error}", file=sys.stderr)
        return 1
    return 0


def _check_paths(options: argparse.Namespace) -> None:
    """Nothing that is read may be overwritten, and what is written must be read again."""
    paths = [p for p in (options.source, options.target, options.base) if p]
    if len({p.resolve() for p in paths}) < len(paths) or any(
        p.exists() and p.samefile(options.source) for p in paths[1:] if options.source.exists()
    ):
        raise WeightsError("Source, target and base must be three different files; name another target.")
    for path in paths[1:]:
        if path.suffix.lower() not in SAFETENSORS:
            raise WeightsError(f"{path.name}: what is written ends with {' or '.join(SAFETENSORS)}; name it so.")


def _convert(options: argparse.Namespace) -> None:
    _check_paths(options)
    checkpoint = read_published(options.source)
    config = adapter_config(checkpoint)
    check_keys(checkpoint.deig, expected_weights(config))
    check_finite(checkpoint.deig)
    if options.base:
        check_base(checkpoint)
    common = {
        "dtype": DTYPES[options.dtype],
        "provenance": f"{options.source.name}, {options.source.stat().st_size} bytes",
    }
    with _bar(options.target) as progress:
        save_adapter(options.target, checkpoint.deig, config, progress=progress, **common)
    if options.base:
        with _bar(options.base) as progress:
            save_base(options.base, checkpoint.base, checkpoint.autoencoder, progress=progress, **common)


class _bar:
    def __init__(self, path: Path):
        self._bar = tqdm(desc=path.name, unit="B", unit_scale=True)

    def __enter__(self):
        return self._update

    def _update(self, done: int, total: int) -> None:
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def __exit__(self, *_: object) -> None:
        self._bar.close()


if __name__ == "__main__":
    sys.exit(main())
