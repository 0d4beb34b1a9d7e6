"""The engine that a command's options name."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from deig_core.errors import DeigError

from .contract import PIXELS, Engine


def add_arguments(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """The options that `name` and `from_arguments` read. required: whether an engine must be named."""
    group = parser.add_argument_group("engine, one of")
    one = group.add_mutually_exclusive_group(required=required)
    one.add_argument(
        "--endpoint",
        nargs="+",
        metavar="URL",
        help="OpenAI-compatible servers of one model, up to /v1: http://host:8000/v1",
    )
    one.add_argument("--transformers", type=Path, metavar="FOLDER", help="a model in this process, one by one")
    one.add_argument("--vllm", type=Path, metavar="FOLDER", help="a model in this process by vLLM")
    one.add_argument("--oracle", action="store_true", help="the demo world's own")
    more = parser.add_argument_group("how it is asked")
    more.add_argument("--model", help="the name under which the endpoint serves it")
    more.add_argument("--in-flight", type=int, default=32, help="questions at a time for each address (default: 32)")
    more.add_argument(
        "--timeout", type=float, default=120.0, help="seconds for one answer of an endpoint (default: 120)"
    )
    more.add_argument(
        "--tries", type=int, default=6, help="of a question that an endpoint does not answer (default: 6)"
    )
    more.add_argument(
        "--api-key-variable",
        default="OPENAI_API_KEY",
        metavar="NAME",
        help="environment variable that holds the endpoint's key (default: OPENAI_API_KEY)",
    )
    more.add_argument(
        "--no-logprobs", action="store_true", help="for endpoints that refuse logprobs: P(yes) stays unknown"
    )
    more.add_argument(
        "--more",
        type=json.loads,
        default={},
        metavar="JSON",
        help="added to an endpoint's requests, or to the arguments of vLLM's LLM",
    )
    more.add_argument("--device", help="of --transformers (default: a GPU where there is one)")
    more.add_argument(
        "--pixels", type=int, default=PIXELS, help=f"a picture is scaled down to this many (default: {PIXELS})"
    )


def name(options: argparse.Namespace) -> str | None:
    """A short name of the model that the options choose, empty for an endpoint without --model; None where they choose
    none.
    """
    if options.endpoint:
        return options.model or ""
    folder = options.transformers or options.vllm
    return folder.resolve().name if folder else "oracle" if options.oracle else None


def from_arguments(options: argparse.Namespace) -> Engine:
    """Loads it. Raises EngineError where it cannot be used, DeigError where the options do not fit."""
    for name, least in (("in_flight", 1), ("tries", 1), ("pixels", 28 * 28)):
        if getattr(options, name) < least:
            raise DeigError(f"--{name.replace('_', '-')} {getattr(options, name)} is too few: {least} or more.")
    if not isinstance(options.more, dict):
        raise DeigError("--more must be a JSON object.")
    if options.endpoint:
        if not options.model:
            raise DeigError("--endpoint needs --model: the name under which the server serves it.")
        from .endpoint import Endpoint

        return Endpoint(
            options.endpoint,
            options.model,
            in_flight=options.in_flight,
            timeout=options.timeout,
            tries=options.tries,
            pixels=options.pixels,
            logprobs=not options.no_logprobs,
            key_variable=options.api_key_variable,
            more=options.more,
        )
    if options.transformers:
        from .transformers import Transformers

        return Transformers(options.transformers, device=options.device, pixels=options.pixels)
    if options.vllm:
        from .vllm import Vllm

        return Vllm(options.vllm, pixels=options.pixels, more=options.more)
    from .oracle import Oracle

    return Oracle()
