"""A client that sends whatever comes to its mind: each of its many requests is answered exactly once."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.client import LspClient, position, uri_of
from tests.e2e.conftest import MAIN, Home

N_MESSAGES = 40_000
CHUNK = 400
MAX_RESIDENT_MB = 160

# Not `shutdown` and `exit`, which have tests of their own.
METHODS = (
    "initialize",
    "initialized",
    "$/setTrace",
    "$/cancelRequest",
    "$/progress",
    "$/unknown",
    "textDocument/didOpen",
    "textDocument/didChange",
    "textDocument/didSave",
    "textDocument/didClose",
    "textDocument/inlineCompletion",
    "textDocument/codeAction",
    "textDocument/hover",
    "workspace/executeCommand",
    "workspace/didChangeConfiguration",
    "workspace/didChangeWatchedFiles",
    "window/workDoneProgress/cancel",
    "no/such/method",
    "",
)
ODD_VALUES = (
    None, True, False, 0, -1, 1, 2**31, 2**53, -(2**63), 10**30, 0.5, -1e308, "", "x" * 300, "\ud800", "\0",
    "😀" * 20, [], {}, [[]], {"": {}}, [None] * 20,
)  # fmt: skip
BAD_FRAMES = (
    b"Content-Length: -1\r\n\r\n",
    b"Content-Length: 99999999999999999999\r\n\r\n",
    b"Content-Type: nonsense\r\n\r\n",
    b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
)
BAD_BODIES = (b"", b"{", b"nonsense", b"[NaN]", b'{"id": 1,}', b"\xff\xfe{}", b"[" * 5000, b"9" * 5000)


class Mischief:
    """Random messages, and how many answers each must get, worked out apart from the server."""

    def __init__(self, client: LspClient, workspace: Path, seed: int) -> None:
        self.client = client
        self.random = random.Random(seed)
        self.uris = [uri_of(workspace / name) for name in ("main.py", "shop/prices.py", "new.py")] + [
            "untitled:1"
        ]
        self.n_strays = 0
        self.acts: tuple[tuple[Callable[[], None], int], ...] = (
            (self.send_message, 80),
            (self.send_batch, 4),
            (self.send_no_object, 4),
            (self.send_bad_body, 4),
            (self.send_bad_frame, 4),
            (self.send_answer, 4),
        )

    def act(self) -> None:
        acts, weights = zip(*self.acts, strict=True)
        self.random.choices(acts, weights)[0]()

    def send_message(self) -> None:
        message = self.message()
        self.foresee(message)
        self.client.send(message)

    def send_batch(self) -> None:
        batch = [self.message() for _ in range(self.random.randrange(1, 6))]
        for message in batch:
            self.foresee(message)
        self.client.send(batch)

    def send_no_object(self) -> None:
        """Some of it is a list of things that are no objects either: a batch, each of which is refused."""
        value = self.random.choice(
            [value for value in ODD_VALUES if not isinstance(value, dict | list)] + [[]]
        )
        self.n_strays += len(value) if isinstance(value, list) and value else 1
        self.client.send(value)

    def send_bad_body(self) -> None:
        body = self.random.choice(BAD_BODIES)
        self.n_strays += 1
        self.client.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def send_bad_frame(self) -> None:
        self.client.send_bytes(self.random.choice(BAD_FRAMES))

    def send_answer(self) -> None:
        """To a request that nobody made."""
        answer = {"jsonrpc": "2.0", "id": self.random.choice(ODD_VALUES)}
        self.client.send({**answer, self.random.choice(["result", "error"]): self.random.choice(ODD_VALUES)})

    def foresee(self, message: dict[str, Any]) -> None:
        if "id" not in message:
            self.n_strays += not isinstance(message.get("method"), str)
        elif isinstance(message["id"], str | int | float) and not isinstance(message["id"], bool):
            self.client.expect(message["id"])
        else:
            self.n_strays += 1

    def message(self) -> dict[str, Any]:
        method = self.random.choice(METHODS)
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": self.params(method)}
        if self.random.random() < 0.5:
            message["id"] = self.message_id()
        for key in ("jsonrpc", "params", "method"):
            if self.random.random() < 0.03:
                del message[key]
            elif self.random.random() < 0.03:
                message[key] = self.random.choice(ODD_VALUES)
        return message

    def message_id(self) -> Any:
        """Often one that is in use; now and then none that is allowed."""
        if self.random.random() < 0.05:
            return self.random.choice([None, True, [], {}, 1.5, "", "\ud800", 10**30])
        number = self.random.randrange(1000, 1100)
        return number if self.random.random() < 0.5 else str(number)

    def params(self, method: str) -> Any:
        """What the method takes, with something in it put out of order in half of the cases."""
        params = self.good_params(method)
        return self.mutated(params) if self.random.random() < 0.5 else params

    def good_params(self, method: str) -> Any:
        place = {"textDocument": {"uri": self.random.choice(self.uris)}, "position": self.position()}
        document = {**place["textDocument"], "version": self.random.randrange(100)}
        range_ = {"start": self.position(), "end": self.position()}
        text = self.random.choice(["", "x", "\r\n", "😀", "\ud800"])
        command = self.random.choice(["explain", "accepted", "status", "no such command"])
        takes: dict[str, Any] = {
            "$/cancelRequest": {"id": self.random.randrange(1000, 1100)},
            "textDocument/didOpen": {"textDocument": {**document, "languageId": "python", "text": MAIN}},
            "textDocument/didChange": {
                "textDocument": document,
                "contentChanges": [{"range": range_, "text": text}],
            },
            "textDocument/inlineCompletion": {
                **place,
                "context": {
                    "triggerKind": self.random.randrange(3),
                    "selectedCompletionInfo": self.random.choice([None, {"range": range_, "text": "entry"}]),
                },
            },
            "textDocument/codeAction": {**place, "range": range_, "context": {"diagnostics": []}},
            "workspace/executeCommand": {
                "command": f"edgewise.{command}",
                "arguments": [{**place["textDocument"], "range": range_}],
            },
            "workspace/didChangeWatchedFiles": {"changes": [{**place["textDocument"], "type": 2}]},
            "window/workDoneProgress/cancel": {"token": self.random.choice(["work", 7])},
        }
        return takes.get(method, place)

    def position(self) -> dict[str, int]:
        return position(self.random.randrange(14), self.random.randrange(30))

    def mutated(self, value: Any) -> Any:
        """One thing somewhere inside is replaced or missing."""
        if isinstance(value, dict) and value and self.random.random() < 0.85:
            key = self.random.choice(list(value))
            if self.random.random() < 0.15:
                return {name: inner for name, inner in value.items() if name != key}
            return {**value, key: self.mutated(value[key])}
        if isinstance(value, list) and value and self.random.random() < 0.85:
            return [self.mutated(value[0]), *value[1:]]
        return self.random.choice(ODD_VALUES)


@pytest.mark.timeout(180)
async def test_every_request_of_a_hostile_client_is_answered_once(home: Home, workspace: Path):
    async with home.client() as client:
        await client.initialize(workspace)
        await client.ready()
        mischief = Mischief(client, workspace, seed=20)
        for _ in range(N_MESSAGES // CHUNK):
            for _ in range(CHUNK):
                mischief.act()
            await client.stdin.drain()
            await client.until(lambda: client.n_unanswered == 0 and len(client.stray) == mischief.n_strays)
        assert {error["code"] for error in client.stray} == {-32700, -32600}
        client.stray.clear()
        path = workspace / "normal.py"
        await client.open(path, MAIN)
        assert await client.complete(path, MAIN.count("\n"), 7)
        assert client.shown == []
        memory = psutil.Process(client.process.pid).memory_info()
        assert memory.rss < MAX_RESIDENT_MB * 1_000_000


def test_the_messages_are_json_and_differ(workspace: Path):
    """The generator itself: the same seed gives the same messages, and all kinds of them."""
    mischief = [Mischief(LspClient({}), workspace, seed=1) for _ in range(2)]
    one, other = ([json.dumps(m.message()) for _ in range(500)] for m in mischief)
    assert one == other
    assert len(set(one)) > 400
