"""The pack's routes on the host's own server, for its page: reading boxes, and looking at texts.

Both take JSON of a bounded size, write nothing, and take no path. Requests of other sites are refused: by the host, by
what the browser says of them, and because JSON of another site needs the server's consent, which is never given.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from aiohttp import web

from ...deig_core.demo import files as demo_files
from ...deig_core.errors import DeigError
from ...deig_core.limits import MAX_REGIONS
from ...deig_core.regions.document import MAX_SIDE, MIN_SIDE
from ...deig_core.regions.reader import ByHand, read
from ...deig_core.text.tokenizer import FILE, tokenizer_folder
from ...deig_core.text.tokens import look, marks
from .folders import t5_tokenizer, text_encoder_path, text_encoders
from .message import prompt_server

MOST_BYTES = 4 * 1024 * 1024
MOST_CHARACTERS = 20_000


def register() -> None:
    """Add the routes to the host's server, once. Without a server (a script that imports the host) there is none."""
    server = prompt_server()
    if server is None or getattr(server, "_deig_routes", False):
        return
    server._deig_routes = True
    server.routes.post("/deig/read")(_answering(_read))
    server.routes.post("/deig/texts")(_answering(_texts))


def _answering(work: Callable[[dict], dict]) -> Callable:
    async def handle(request: web.Request) -> web.Response:
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return web.json_response({"error": "Only the page of this server may ask."}, status=403)
        if request.content_type != "application/json":
            return web.json_response({"error": "JSON is expected."}, status=415)
        body = await request.content.read(MOST_BYTES + 1)
        while len(body) <= MOST_BYTES and (more := await request.content.read(MOST_BYTES + 1 - len(body))):
            body += more
        if len(body) > MOST_BYTES:
            return web.json_response({"error": f"At most {MOST_BYTES // 2**20} MB are read."}, status=413)
        try:
            asked = json.loads(body)
            if not isinstance(asked, dict):
                raise ValueError
        except (ValueError, RecursionError):
            return web.json_response({"error": "The request is no JSON object."}, status=400)
        try:
            return web.json_response(await asyncio.to_thread(work, asked))
        except DeigError as error:
            return web.json_response({"error": str(error)})  # an answer, for whoever typed it

    return handle


def _read(asked: dict) -> dict:
    """{text, width, height, layout, units, size} -> a document (box null: a text without a place), how it was read."""
    text, width, height, size = (asked.get(k) for k in ("text", "width", "height", "size"))
    if not isinstance(text, str) or not all(_is_side(s, MIN_SIDE, MAX_SIDE) for s in (width, height)):
        raise DeigError(f"A text, and width and height from {MIN_SIDE} to {MAX_SIDE} pixels are expected.")
    if size is not None and not (isinstance(size, list) and len(size) == 2 and all(map(_is_side, size))):
        raise DeigError("The size of the boxes' own picture is no pair of width and height in pixels.")
    order, units = str(asked.get("layout", "auto")), str(asked.get("units", "auto"))
    reading = read(text, width, height, ByHand(order=order, units=units, size=tuple(size) if size else None))
    document = reading.document.to_dict()
    for region in document["regions"]:
        if region["id"] in reading.unplaced:
            region["box"] = None
    return {
        "doc": document,
        "whole": reading.whole,
        "summary": reading.summary,
        "notes": reading.notes,
        "said": reading.said,
        "layout": reading.order,
        "units": reading.units,
        "size": reading.size,
    }


def _is_side(value: Any, least: int = 1, most: int = 4 * MAX_SIDE) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _texts(asked: dict) -> dict:
    """{texts, encoder} -> for each text its tokens, how many are unknown, what is lost, and marks that do nothing.

    encoder: {"demo": true}, {"name": a choice of Load DEIG Text Encoder}, or nothing, where the vocabulary that ComfyUI
    carries is asked.
    """
    texts = asked.get("texts")
    if not isinstance(texts, list) or len(texts) > 4 * MAX_REGIONS or not all(isinstance(t, str) for t in texts):
        raise DeigError("A list of texts is expected.")
    tokeniser = _tokeniser(_vocabulary(asked.get("encoder")))
    found = []
    for text in texts:
        if len(text) > MOST_CHARACTERS:
            raise DeigError(f"A text of {len(text)} characters is longer than anything that is read.")
        text = text.encode("utf-8", "replace").decode()
        tokens = look(text, lambda t: ((e := tokeniser.encode(t)).ids, e.offsets), tokeniser.token_to_id("<unk>"))
        found.append(
            {
                "tokens": tokens.count if text.strip() else 0,
                "unknown": tokens.unknown,
                "lost": tokens.lost[:4],
                "nothing": tokens.nothing,
                "marks": [mark for mark, _ in marks(text)],
            }
        )
    return {"texts": found}


def _vocabulary(encoder: Any) -> Path:
    """The file of a text encoder's vocabulary. Raises DeigError for a name that is no choice of the loader's."""
    encoder = encoder if isinstance(encoder, dict) else {}
    name, own = encoder.get("name"), Path(t5_tokenizer())
    if encoder.get("demo"):
        folder = demo_files.WEIGHTS / demo_files.TEXT
    elif not name:
        folder = own
    elif name in text_encoders():
        folder = tokenizer_folder(Path(text_encoder_path(name)), own)
    else:
        raise DeigError("The text encoder of that name is not in models/text_encoders.")
    return folder / FILE


def _tokeniser(file: Path) -> Any:
    try:
        return _loaded(str(file), file.stat().st_mtime_ns)
    except Exception as error:  # the library raises whatever its parser does
        raise DeigError(f"The text encoder's vocabulary cannot be read ({type(error).__name__}).") from None


@lru_cache(maxsize=4)
def _loaded(file: str, changed: int) -> Any:
    """The vocabulary alone, without transformers and without weights; anew where the file has changed."""
    from tokenizers import Tokenizer

    tokeniser = Tokenizer.from_file(file)
    tokeniser.no_truncation()
    tokeniser.no_padding()
    return tokeniser
