"""The smallest editor there is: an LSP client that starts the real server and types into it.

Runs in the process of the demo or of a benchmark. Must not know the server's code, only messages.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lsp_server.text import PositionEncoding, TextBuffer, language_of
from lsp_server.types import Span

SERVER_COMMAND = (sys.executable, "-m", "lsp_server")
_EXIT_SECONDS = 10.0
_AUTOMATIC = 2

Json = Any
OnNotification = Callable[[str, Json], None]


class ServerGone(Exception):
    """The server ended, or closed its output, while an answer was awaited."""


class ServerError(Exception):
    """The server answered a request with an error."""


class EditorClient:
    """One connection to one server process."""

    def __init__(self, process: asyncio.subprocess.Process, on_notification: OnNotification) -> None:
        self._process = process
        self._on_notification = on_notification
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._last_id = 0
        self._reader = asyncio.create_task(self._read_messages())

    @property
    def pid(self) -> int:
        return self._process.pid

    async def request(self, method: str, params: Json) -> Json:
        """Cancelling this cancels the request."""
        if self._reader.done():
            raise ServerGone(f"the server was gone before {method}")
        number = self._last_id = self._last_id + 1
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._send({"id": number, "method": method, "params": params})
        try:
            return await answer
        except asyncio.CancelledError:
            self.notify("$/cancelRequest", {"id": number})
            raise

    def notify(self, method: str, params: Json) -> None:
        self._send({"method": method, "params": params})

    async def aclose(self) -> None:
        """Ends the server as the protocol asks, and by force when it does not end."""
        try:
            async with asyncio.timeout(_EXIT_SECONDS):
                await self.request("shutdown", None)
                self.notify("exit", None)
                await self._process.wait()
        except (TimeoutError, ServerGone, ServerError, ConnectionError):
            pass
        finally:
            self._end_process()
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
            await self._process.wait()

    def _end_process(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    def _send(self, message: dict[str, Json]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async def _read_messages(self) -> None:
        assert self._process.stdout is not None
        try:
            while True:
                self._on_message(await _read_message(self._process.stdout))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(ServerGone("the server ended before it answered"))
            self._waiting.clear()

    def _on_message(self, message: Mapping[str, Json]) -> None:
        if "method" not in message:
            self._on_answer(message)
        elif "id" in message:
            self._send(
                {"id": message["id"], "result": _answer_server(message["method"], message.get("params"))}
            )
        else:
            self._on_notification(message["method"], message.get("params"))

    def _on_answer(self, message: Mapping[str, Json]) -> None:
        waiting = self._waiting.pop(message["id"], None)
        if waiting is None or waiting.done():
            return
        if "error" in message:
            waiting.set_exception(ServerError(message["error"].get("message", "no reason given")))
        else:
            waiting.set_result(message.get("result"))


async def _read_message(stream: asyncio.StreamReader) -> Mapping[str, Json]:
    size = 0
    while (line := await stream.readuntil(b"\r\n")) != b"\r\n":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            size = int(value)
    message: Mapping[str, Json] = json.loads(await stream.readexactly(size))
    return message


def _answer_server(method: str, params: Json) -> Json:
    """No settings of its own, and yes to every registration and progress bar."""
    return [None] * len(params["items"]) if method == "workspace/configuration" else None


@asynccontextmanager
async def start_server(
    workspace: Path,
    options: Mapping[str, Json] | None = None,
    on_notification: OnNotification = lambda method, params: None,
    command: Sequence[str] = SERVER_COMMAND,
) -> AsyncIterator[EditorClient]:
    """Starts the server, says hello, and leaves no process behind whatever happens inside the `with`."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=pipe,
        stdout=pipe,
        stderr=asyncio.subprocess.DEVNULL,
        limit=1 << 24,
        start_new_session=True,
    )
    client = EditorClient(process, on_notification)
    try:
        await client.request("initialize", _hello(workspace, options or {}))
        client.notify("initialized", {})
        yield client
    finally:
        await client.aclose()


def _hello(workspace: Path, options: Mapping[str, Json]) -> dict[str, Json]:
    uri = workspace.absolute().as_uri()
    return {
        "processId": os.getpid(),
        "clientInfo": {"name": "edgewise-demo"},
        "rootUri": uri,
        "workspaceFolders": [{"uri": uri, "name": workspace.name}],
        "initializationOptions": dict(options),
        "capabilities": {
            "general": {"positionEncodings": ["utf-16"]},
            "window": {"workDoneProgress": True},
            "workspace": {"workspaceFolders": True},
            "textDocument": {"inlineCompletion": {}, "synchronization": {}},
        },
    }


class OpenDocument:
    """A file's text in memory, edited as an editor would. The file itself is never written."""

    def __init__(self, client: EditorClient, path: Path, text: str) -> None:
        self._client = client
        self._version = 1
        self._buffer = TextBuffer.of(text)
        self.uri = path.absolute().as_uri()
        document = {"uri": self.uri, "languageId": language_of(path.name), "version": 1, "text": text}
        client.notify("textDocument/didOpen", {"textDocument": document})

    @property
    def text(self) -> str:
        return self._buffer.text

    def replace(self, span: Span, text: str) -> None:
        self._version += 1
        change = {"range": self._range_of(span), "text": text}
        self._buffer = self._buffer.replaced(span, text)
        document = {"uri": self.uri, "version": self._version}
        self._client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})

    def put_cursor(self, offset: int) -> None:
        """As our extension for VS Code tells where a person put the cursor."""
        params = {"textDocument": {"uri": self.uri}, "position": self._position_of(offset)}
        self._client.notify("edgewise/cursorMoved", params)

    async def complete(self, offset: int) -> tuple[list[Json], float]:
        """The items that the server offers at an offset, and how many milliseconds it took."""
        params = {
            "textDocument": {"uri": self.uri},
            "position": self._position_of(offset),
            "context": {"triggerKind": _AUTOMATIC},
        }
        start = time.perf_counter()
        answer = await self._client.request("textDocument/inlineCompletion", params)
        elapsed_ms = (time.perf_counter() - start) * 1000
        items = answer.get("items", []) if isinstance(answer, dict) else answer or []
        return items, elapsed_ms

    def ghost_of(self, item: Mapping[str, Json], offset: int) -> str:
        """What an editor would draw at the cursor: the item's text without what stands there already."""
        text: str = item["insertText"]
        start = self.offset_of(item["range"]["start"]) if "range" in item else offset
        return text.removeprefix(self.text[start:offset])

    async def explain(self, offset: int) -> str:
        """Markdown about the function at an offset."""
        argument = {"uri": self.uri, "position": self._position_of(offset)}
        params = {"command": "edgewise.explain", "arguments": [argument]}
        answer = await self._client.request("workspace/executeCommand", params)
        return str(answer["value"])

    def close(self) -> None:
        self._client.notify("textDocument/didClose", {"textDocument": {"uri": self.uri}})

    def offset_of(self, position: Mapping[str, int]) -> int:
        return self._buffer.clamped_offset_at(position["line"], position["character"], PositionEncoding.UTF16)

    def _range_of(self, span: Span) -> dict[str, Json]:
        return {"start": self._position_of(span.start), "end": self._position_of(span.end)}

    def _position_of(self, offset: int) -> dict[str, int]:
        line, character = self._buffer.position_at(offset, PositionEncoding.UTF16)
        return {"line": line, "character": character}
