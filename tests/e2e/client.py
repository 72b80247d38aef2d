"""A small, strict LSP client over a real `python -m lsp_server`.

    async with LspClient(environment) as client:
        await client.initialize(root)
        await client.open(path, text)
        items = await client.complete(path, line, character)

Strict: leaving the block fails when a request was left unanswered or answered twice, when the server said
something that no test asked for (an error pop-up, an unknown request), when stderr shows a traceback, or when
the server did not end with the status that the protocol asks for.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 30.0
AUTOMATIC, INVOKED = 2, 1

Json = Any
Position = tuple[int, int]

ASK_THE_MODEL = {"precedents": "never"}  # for tests of the model's process: a line nearby answers without it
CAPABILITIES: dict[str, Json] = {
    "general": {"positionEncodings": ["utf-16"]},
    "window": {"workDoneProgress": True},
    "workspace": {
        "configuration": True,
        "workspaceFolders": True,
        "didChangeConfiguration": {"dynamicRegistration": True},
        "didChangeWatchedFiles": {"dynamicRegistration": True},
    },
    "textDocument": {"inlineCompletion": {"dynamicRegistration": False}},
}


class LspError(Exception):
    """An error answer."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Violation(AssertionError):
    """The server broke the protocol, or said what nobody expected."""


def uri_of(path: Path) -> str:
    return path.as_uri()


@dataclass(frozen=True)
class Call:
    """A request under way."""

    id: Json
    answer: asyncio.Future[Json]

    async def result(self) -> Json:
        return await asyncio.wait_for(self.answer, TIMEOUT_S)


class LspClient:
    """One editor window. `settings` is what it answers to `workspace/configuration`."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        settings: Mapping[str, Json] | None = None,
        command: Sequence[str] = (sys.executable, "-m", "lsp_server"),
        capabilities: Mapping[str, Json] = CAPABILITIES,
    ) -> None:
        self.settings = dict(settings or {})
        self.notifications: list[tuple[str, Json]] = []
        self.shown: list[str] = []  # window/showMessage; a test takes what it expects
        self.opened: list[str] = []  # window/showDocument; only a client that says so is asked
        self.stray: list[Json] = []  # error answers without an id
        self.stderr = b""
        self.exit_code: int | None = None
        self._environment, self._command = dict(environment), command
        self._capabilities = capabilities
        self._numbers = itertools.count(1)
        self._pending: dict[Json, deque[asyncio.Future[Json]]] = {}
        self._asked: Counter[Json] = Counter()
        self._answered: Counter[Json] = Counter()
        self._violations: list[str] = []
        self._versions: Counter[str] = Counter()
        self._arrived = asyncio.Condition()
        self._was_shut_down = False

    # --- life -----------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self.process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            cwd=ROOT,
            limit=1 << 28,
        )
        self._readers = [asyncio.create_task(self._read_messages()), asyncio.create_task(self._read_stderr())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.leave()
        finally:
            if self.process.returncode is None:
                self.process.kill()
                await self.process.wait()
        if error is None:
            self.check()

    async def leave(self) -> int:
        """shutdown and exit, as far as the server still lives; then its exit status."""
        if self.exit_code is None:
            if self.process.returncode is None and not self.stdin.is_closing():
                if not self._was_shut_down:
                    await self.shutdown()
                self.notify("exit")
                await self.stdin.drain()
            self.exit_code = await asyncio.wait_for(self.process.wait(), TIMEOUT_S)
            await asyncio.wait_for(asyncio.gather(*self._readers), TIMEOUT_S)
        return self.exit_code

    async def shutdown(self) -> None:
        self._was_shut_down = True
        await self.request("shutdown")

    def check(self) -> None:
        unanswered = self._asked - self._answered
        twice = self._answered - self._asked
        text = self.stderr.decode("utf-8", "replace")
        problems = [*self._violations]
        problems += [f"unanswered: {dict(unanswered)}"] if unanswered else []
        problems += [f"answered too often: {dict(twice)}"] if twice else []
        problems += [f"nobody expected the message: {message}" for message in self.shown]
        problems += [f"nobody expected the error: {error}" for error in self.stray]
        first = min((at for word in ("Traceback", "ERROR") if (at := text.find(word)) >= 0), default=None)
        problems += [f"stderr:\n{text[first : first + 4000]}"] if first is not None else []
        problems += [f"exit status {self.exit_code}"] if self._was_shut_down and self.exit_code else []
        if problems:
            raise Violation("\n".join(problems))

    # --- speaking -------------------------------------------------------------------------------------------

    @property
    def stdin(self) -> asyncio.StreamWriter:
        assert self.process.stdin is not None
        return self.process.stdin

    def send_bytes(self, data: bytes) -> None:
        self.stdin.write(data)

    def send(self, message: Json) -> None:
        body = json.dumps(message).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def notify(self, method: str, params: Json = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def start(self, method: str, params: Json = None, message_id: Json = None) -> Call:
        """Sends a request and does not wait."""
        message_id = next(self._numbers) if message_id is None else message_id
        call = self.expect(message_id)
        self.send({"jsonrpc": "2.0", "id": message_id, "method": method, "params": params})
        return call

    def expect(self, message_id: Json) -> Call:
        """One more answer is due under this id."""
        self._asked[message_id] += 1
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._pending.setdefault(message_id, deque()).append(answer)
        return Call(message_id, answer)

    def cancel(self, call: Call) -> None:
        self.notify("$/cancelRequest", {"id": call.id})

    async def request(self, method: str, params: Json = None) -> Json:
        """The result; raises LspError for an error answer."""
        return await self.start(method, params).result()

    @property
    def n_unanswered(self) -> int:
        return (self._asked - self._answered).total()

    async def initialize(self, *roots: Path, options: Json = None, **params: Json) -> Json:
        folders = [{"uri": uri_of(root), "name": root.name} for root in roots]
        answer = await self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": folders[0]["uri"] if folders else None,
                "workspaceFolders": folders,
                "capabilities": self._capabilities,
                "initializationOptions": options,
                **params,
            },
        )
        self.notify("initialized", {})
        return answer

    async def open(self, path: Path, text: str, language_id: str = "python") -> None:
        document = {"uri": uri_of(path), "languageId": language_id, "version": 1, "text": text}
        self._versions[uri_of(path)] = 1
        self.notify("textDocument/didOpen", {"textDocument": document})

    async def edit(self, path: Path, start: Position, end: Position, text: str) -> None:
        """Replaces a range, as typing does."""
        self.change(path, {"range": {"start": position(*start), "end": position(*end)}, "text": text})

    def change(self, path: Path, *changes: Json) -> None:
        uri = uri_of(path)
        self._versions[uri] += 1
        document = {"uri": uri, "version": self._versions[uri]}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)})

    async def close(self, path: Path) -> None:
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri_of(path)}})

    def start_completion(
        self, path: Path, line: int, character: int, trigger: int = AUTOMATIC, selected: Json = None
    ) -> Call:
        context = {"triggerKind": trigger, **({"selectedCompletionInfo": selected} if selected else {})}
        place = {"textDocument": {"uri": uri_of(path)}, "position": position(line, character)}
        return self.start("textDocument/inlineCompletion", {**place, "context": context})

    async def complete(
        self, path: Path, line: int, character: int, trigger: int = AUTOMATIC, selected: Json = None
    ) -> list[Json]:
        """The items; none where the server answers null."""
        answer = await self.start_completion(path, line, character, trigger, selected).result()
        return list(answer["items"]) if answer else []

    async def command(self, name: str, *arguments: Json, **params: Json) -> Json:
        return await self.request(
            "workspace/executeCommand", {"command": name, "arguments": list(arguments), **params}
        )

    async def until(self, is_there: Callable[[], Any]) -> Any:
        """Waits, message by message, for what `is_there` returns to be true; gives it back."""
        async with asyncio.timeout(TIMEOUT_S), self._arrived:
            while not (found := is_there()):
                await self._arrived.wait()
            return found

    async def notified(self, method: str, is_it: Callable[[Json], Any] = bool, since: int = 0) -> Json:
        """The first notification of this kind that fits, of those after number `since`; waits for it."""

        def find() -> Json:
            news = self.notifications[since:]
            return next((params for name, params in news if name == method and is_it(params)), None)

        return await self.until(find)

    async def traces(self) -> list[Json]:
        """The last requests as the server recorded them, oldest first."""
        return (await self.command("edgewise.status"))["traces"]

    async def was_served(self) -> bool:
        """Whether the model was asked for the last completion, whatever the filters left of its answer."""
        return "ending" in (await self.traces())[-1]["fields"]

    async def ready(self) -> Json:
        """Waits for a model that is ready; gives the status."""
        return await self.notified("edgewise/status", lambda status: status["state"] == "ready")

    def take_shown(self) -> list[str]:
        """The messages shown so far, which were expected."""
        shown, self.shown = self.shown, []
        return shown

    # --- listening ------------------------------------------------------------------------------------------

    async def _read_messages(self) -> None:
        assert self.process.stdout is not None
        while message := await read_message(self.process.stdout):
            async with self._arrived:
                self._receive(message)
                self._arrived.notify_all()
        for answer in (answer for waiting in self._pending.values() for answer in waiting):
            answer.set_exception(Violation(f"the server ended:\n{self.stderr.decode('utf-8', 'replace')}"))

    async def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.stderr += line

    def _receive(self, message: Json) -> None:
        if "method" not in message:
            self._receive_answer(message)
        elif "id" in message:
            self._receive_request(message)
        elif message["method"] == "window/showMessage":
            self.shown.append(message["params"]["message"])
        else:
            self.notifications.append((message["method"], message["params"]))

    def _receive_answer(self, message: Json) -> None:
        message_id, error = message["id"], message.get("error")
        if message_id is None:
            self.stray.append(error)
            return
        self._answered[message_id] += 1
        waiting = self._pending.get(message_id)
        if not waiting:
            self._violations.append(f"an answer to no request: {message}")
        elif error is not None:
            waiting.popleft().set_exception(LspError(error["code"], error["message"]))
        else:
            waiting.popleft().set_result(message["result"])

    def _open_document(self, params: Json) -> Json:
        """A client that has said that it can."""
        if not self._capabilities.get("window", {}).get("showDocument"):
            self._violations.append(f"asked to show a document: {params}")
        self.opened.append(params["uri"])
        return {"success": True}

    def _receive_request(self, message: Json) -> None:
        answers: dict[str, Callable[[Json], Json]] = {
            "workspace/configuration": lambda params: [self.settings for _ in params["items"]],
            "client/registerCapability": lambda params: None,
            "window/workDoneProgress/create": lambda params: None,
            "window/showDocument": self._open_document,
        }
        answer = answers.get(message["method"])
        if answer is None:
            self._violations.append(f"an unknown request: {message}")
            return
        self.send({"jsonrpc": "2.0", "id": message["id"], "result": answer(message["params"])})


async def read_message(stream: asyncio.StreamReader) -> Json:
    """The next message, or None at the end."""
    try:
        header = await stream.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in header.split(b"\r\n") if line.startswith(b"Content-Length:"))
        return json.loads(await stream.readexactly(length))
    except asyncio.IncompleteReadError:
        return None


def position(line: int, character: int) -> Json:
    return {"line": line, "character": character}
