"""Any OpenAI-compatible server (`vllm serve`, SGLang, llama.cpp, LM Studio, a cloud), or several of one model."""

from __future__ import annotations

import asyncio
import io
import json
import os
import threading
import urllib.parse
from collections.abc import Sequence
from typing import Any

from . import wire
from .addresses import Addresses
from .contract import PIXELS, Answer, EngineError, Question
from .wire import NoAnswer


class Endpoint:
    """Asks `in_flight` questions at a time of each address, from any number of threads.

    urls: up to and with /v1. A question is tried `tries` times, `timeout` seconds each, at once at another address
    where one is at work, else after a wait that grows from `first_wait` seconds (a minute in all). `give_up` questions
    in a row without an answer stop the run, and `refusals` in a row that are refused with one status. key_variable:
    name of the environment variable that holds the key. more: added to the body of each request.
    """

    shards_at_once = 3  # one shard's last answers would leave the server idle

    def __init__(
        self,
        urls: Sequence[str],
        model: str,
        *,
        in_flight: int = 32,
        timeout: float = 120.0,
        tries: int = 6,
        first_wait: float = 2.0,
        give_up: int = 5,
        refusals: int = 50,
        pixels: int = PIXELS,
        logprobs: bool = True,
        key_variable: str = "OPENAI_API_KEY",
        more: dict[str, Any] | None = None,
    ):
        try:
            import aiohttp
        except ImportError:
            raise EngineError(
                "aiohttp is missing, which asks the endpoint: ComfyUI's environment has it, or pip install aiohttp."
            ) from None
        urls = [url.rstrip("/") for url in urls]
        if not urls or not all(map(_is_address, urls)):
            raise EngineError(f"{', '.join(urls) or 'Nothing'} is no address: http://host:8000/v1 was expected.")
        self._headers = _headers(key_variable)
        self.model, self.timeout, self.tries, self.give_up = model, timeout, tries, give_up
        self.pixels, self.logprobs, self.more = pixels, logprobs, dict(more or {})
        self._aiohttp = aiohttp
        self.refusals = refusals
        self._failures = 0
        self._refused, self._refusal = 0, 0  # how many in a row, and with which status
        self._addresses = Addresses(urls, first_wait)
        many = in_flight * len(urls)
        # As many again are made ready: a server that answers a whole batch at once gets the next one at once.
        self._turn, self._prepared = asyncio.Semaphore(many), asyncio.Semaphore(2 * many)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="endpoint", daemon=True)
        self._thread.start()
        self._session = self._wait(self._opened(many))

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        return self._wait(self._ask(questions))

    def fingerprint(self) -> dict[str, str | int | float]:
        """Asks each address which model it serves, and vLLM's which version it is; other servers have no common way."""
        root, version = self._wait(self._served())
        return {
            "engine": "endpoint",
            "model": self.model,
            "serves": root,
            **({"version": version} if version else {}),
            "pixels": self.pixels,
            "encoding": wire.ENCODING,
            **({"more": json.dumps(self.more, sort_keys=True)} if self.more else {}),
        }

    def close(self) -> None:
        if self._thread.is_alive():
            self._wait(self._session.close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _opened(self, many: int):
        """The connections, made in the loop that uses them."""
        return self._aiohttp.ClientSession(
            headers=self._headers,
            timeout=self._aiohttp.ClientTimeout(total=self.timeout),
            connector=self._aiohttp.TCPConnector(limit=many),
            trust_env=True,
        )

    def _wait(self, work):
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _ask(self, questions: Sequence[Question]) -> list[Answer]:
        asked = [asyncio.ensure_future(self._answer(q)) for q in questions]
        try:
            return await asyncio.gather(*asked)
        except BaseException:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            raise

    async def _answer(self, question: Question) -> Answer:
        """What cannot be asked, or fails for this question alone, becomes its error."""
        async with self._prepared:
            try:
                body = await asyncio.to_thread(wire.body, question, self.model, self.pixels, self.logprobs, self.more)
            except OSError as error:
                return Answer(error=f"The picture cannot be read: {error}.")
            async with self._turn:
                return await self._tried(body, question)

    async def _tried(self, body: bytes, question: Question) -> Answer:
        why = ""
        for turn in range(self.tries):
            address = self._addresses.next(self._loop.time())
            address.busy += 1
            try:
                answer, refusal = await self._try(address.url, body, question)
                self._failures = 0
                self._addresses.answered(address)
                self._count(refusal, answer)
                return answer
            except NoAnswer as error:
                why = f"{address.url}: {error}"
                wait = self._addresses.failed(address, self._loop.time(), error.wait, turn)
            finally:
                address.busy -= 1
            if turn + 1 < self.tries:
                await asyncio.sleep(wait)
        self._failures += 1
        if self._failures >= self.give_up:
            raise EngineError(
                f"{self._failures} questions in a row were not answered ({why}): see whether the server runs, then "
                f"start this again."
            )
        return Answer(error=f"{why} ({self.tries} tries)")

    def _count(self, refusal: int, answer: Answer) -> None:
        """A question may be refused for what it is; many in a row with one status mean that all are.

        refusal: the status, 0 where it was answered. Raises EngineError.
        """
        self._refused = self._refused + 1 if refusal and refusal == self._refusal else min(refusal, 1)
        self._refusal = refusal
        if self._refused >= self.refusals:
            raise EngineError(
                f"{self._refused} questions in a row were refused alike ({answer.error}): the server does not take "
                f"what it is asked; change what that names, then start this again."
            )

    async def _try(self, url: str, body: bytes, question: Question) -> tuple[Answer, int]:
        """The answer, and the status with which the question was refused, 0 where it was not."""
        try:
            response = await self._request("POST", f"{url}/chat/completions", body)
        except asyncio.TimeoutError:
            raise NoAnswer(f"no answer within {self.timeout:g} s") from None
        except (self._aiohttp.ClientError, OSError) as error:
            raise NoAnswer(f"the connection failed, {error or type(error).__name__}") from None
        status = response.status
        if status in wire.AGAIN:
            raise NoAnswer(f"the server answered {status}, {wire.words(response)}", wire.asked_wait(response))
        if status in wire.REFUSED:
            raise EngineError(f"{url} answered {status}, {wire.REFUSED[status]}: {wire.words(response)}")
        if status != 200:
            return Answer(error=f"The server answered {status}: {wire.words(response)}"), status
        return wire.answer(response, question), 0

    async def _request(self, method: str, url: str, body: bytes | None = None) -> wire.Response:
        async with self._session.request(
            method,
            url,
            # aiohttp warns of larger bytes, which it would write in one go.
            data=body if body is None or len(body) <= 1 << 20 else io.BytesIO(body),
            headers={"Content-Type": "application/json"},
            allow_redirects=False,
        ) as response:
            return wire.Response(response.status, response.headers, await response.read())

    async def _served(self) -> tuple[str, str]:
        """What the addresses say that the model and the server's version are.

        Raises EngineError where one lacks the model, or where they differ.
        """
        found = {}
        for address in self._addresses.all:
            url = address.url
            try:
                response = await self._request("GET", f"{url}/models")
            except (self._aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
                why = str(error) or type(error).__name__
                raise EngineError(f"{url} cannot be reached ({why}): is the server running there?") from None
            if response.status in (401, 403):
                raise EngineError(f"{url} answered {response.status}, {wire.REFUSED[response.status]}.")
            try:
                models = {m["id"]: str(m.get("root") or m["id"]) for m in response.json()["data"]}
            except (ValueError, KeyError, TypeError, AttributeError):
                raise EngineError(
                    f"{url}/models lists no models (status {response.status}): the address of an "
                    f"OpenAI-compatible server up to /v1 was expected."
                ) from None
            if self.model not in models:
                raise EngineError(f"{url} serves {', '.join(sorted(models)) or 'nothing'}, not {self.model!r}.")
            found[url] = models[self.model], await self._version(url)
        if len(set(found.values())) > 1:
            listed = ", ".join(f"{url} {root} {version}".strip() for url, (root, version) in found.items())
            raise EngineError(f"The addresses serve different models under the name {self.model!r}: {listed}.")
        return next(iter(found.values()))

    async def _version(self, url: str) -> str:
        try:
            response = await self._request("GET", f"{url.removesuffix('/v1')}/version")
            return str(response.json()["version"])
        except (self._aiohttp.ClientError, OSError, asyncio.TimeoutError, ValueError, KeyError, TypeError):
            return ""


def _is_address(url: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # a port that is no number
        return False


def _headers(key_variable: str) -> dict[str, str]:
    key = os.environ.get(key_variable)
    if key and not (key.isascii() and key.isprintable()):
        raise EngineError(f"The key in {key_variable} cannot be used: plain letters were expected.")
    return {"Authorization": f"Bearer {key}"} if key else {}
