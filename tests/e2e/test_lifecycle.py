"""How a conversation begins, goes wrong and ends."""

from __future__ import annotations

import asyncio
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.client import Json, LspClient, LspError, uri_of
from tests.e2e.conftest import MAIN, Home

PLAIN = {"general": {}, "textDocument": {}}


async def error_of(client: LspClient, method: str, params=None) -> int:
    with pytest.raises(LspError) as caught:
        await client.request(method, params)
    return caught.value.code


async def test_shutdown_and_exit(home: Home, workspace: Path):
    async with home.client() as client:
        await client.initialize(workspace)
        await client.shutdown()
        assert await error_of(client, "textDocument/inlineCompletion") == -32600
        assert await error_of(client, "initialize", {}) == -32600
        assert await client.leave() == 0


async def test_exit_without_shutdown_is_a_failure(home: Home, workspace: Path):
    async with home.client() as client:
        await client.initialize(workspace)
        client.notify("exit")
        await client.process.wait()
        assert await client.leave() == 1


async def test_end_of_input_is_the_end(home: Home, workspace: Path):
    async with home.client() as client:
        await client.initialize(workspace)
        await client.ready()
        client.stdin.close()
        assert await client.leave() == 1


async def test_end_of_input_before_anything_was_said(home: Home):
    async with home.client() as client:
        client.stdin.close()
        assert await client.leave() == 1


async def test_the_death_of_the_editor_is_the_end(home: Home, workspace: Path):
    """Its pipes stay open, as when a child of it inherited them."""
    editor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "import sys; sys.stdin.read()"), stdin=asyncio.subprocess.PIPE
    )
    async with home.client() as client:
        await client.initialize(workspace, processId=editor.pid)
        await client.ready()
        editor.kill()
        await editor.wait()
        await asyncio.wait_for(client.process.wait(), 10)
        assert await client.leave() == 1


async def test_first_initialize_and_only_once(home: Home, workspace: Path):
    async with home.client() as client:
        assert await error_of(client, "textDocument/inlineCompletion", {}) == -32002
        assert await error_of(client, "shutdown") == -32002
        assert await error_of(client, "initialize", None) == -32602
        assert await error_of(client, "initialize", [1]) == -32602
        client.notify("textDocument/didOpen", {"nonsense": 1})
        await client.initialize(workspace)
        assert await error_of(client, "initialize", {}) == -32600
        assert await error_of(client, "no/such/method") == -32601
        assert await error_of(client, "workspace/executeCommand", {"command": "rm -rf"}) == -32602


async def test_a_client_without_any_capability(home: Home, workspace: Path):
    """No progress, no configuration, no registration: it is asked nothing that it cannot answer."""
    async with home.client(capabilities=PLAIN) as client:
        answer = await client.initialize(workspace, workspaceFolders=None)
        assert answer["capabilities"]["positionEncoding"] == "utf-16"
        path = workspace / "main.py"
        await client.open(path, MAIN)
        assert await client.complete(path, MAIN.count("\n"), 7)
        await client.notified("edgewise/status", lambda status: status["index"]["ready"])
        assert {method for method, _ in client.notifications} == {"edgewise/status"}


async def test_status_and_progress_are_told(home: Home, workspace: Path):
    async with home.client() as client:
        await client.initialize(workspace)
        await client.ready()
        status = await client.notified("edgewise/status", lambda status: status["index"]["ready"])
        assert status["index"]["files"] == 3
        statuses = [params for method, params in client.notifications if method == "edgewise/status"]
        assert all(one != other for one, other in pairwise(statuses))
        work = [params["value"] for method, params in client.notifications if method == "$/progress"]
        titles = [value["title"] for value in work if value["kind"] == "begin"]
        assert set(titles) <= {"Starting the model", "Reading the workspace"}
        assert sum(value["kind"] == "end" for value in work) == len(titles)
        answer = await client.command("edgewise.status")
        assert answer["state"] == "ready"
        assert answer["model"] == "builtin", "as the settings and the picker call it"
        assert answer["problems"] == []


async def test_an_index_that_cannot_be_written_is_not_being_read(own_home: Home, workspace: Path):
    """Its progress ends with the reason, and the status counts no files that would still come."""
    (own_home.folder / "cache").mkdir()
    (own_home.folder / "cache" / "index").write_text("a file where a folder should be")
    async with own_home.client() as client:
        await client.initialize(workspace)
        await client.ready()
        value = await client.notified("$/progress", is_end_of_failed_reading)
        assert "cannot" in value["value"]["message"]
        answer = await client.command("edgewise.status")
        assert answer["index"]["ready"] is False
        assert (answer["index"]["done"], answer["index"]["total"]) == (0, 0)
        assert answer["problems"]


def is_end_of_failed_reading(params: Json) -> bool:
    return params["value"]["kind"] == "end" and "index" in params["value"].get("message", "")


async def test_settings_from_every_place(home: Home, workspace: Path):
    """Options at the start, then the editor's section, then its changes; what is wrong is said once."""
    path = workspace / "main.py"
    last = MAIN.count("\n")
    async with home.client(settings={"completion": {"maxTokens": "lots"}}) as client:
        await client.initialize(workspace, options={"completion": {"enabled": False}})
        await client.until(lambda: client.shown)
        [shown] = client.take_shown()
        assert "edgewise.completion.max_tokens" in shown
        await client.open(path, MAIN)
        assert await client.complete(path, last, 7) == []
        client.settings = {"completion": {"enabled": True}}
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        await client.ready()
        while not await client.complete(path, last, 7):
            pass
        client.settings = {"completion": {"disabled_languages": ["python"]}}
        client.notify("workspace/didChangeConfiguration", {"settings": {}})
        while await client.complete(path, last, 7):
            pass


async def test_settings_pushed_by_a_client_that_cannot_be_asked(home: Home, workspace: Path):
    path = workspace / "main.py"
    async with home.client(capabilities=PLAIN) as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        assert await client.complete(path, MAIN.count("\n"), 7)
        off = {"edgewise": {"completion": {"enabled": False}}, "other": {}}
        client.notify("workspace/didChangeConfiguration", {"settings": off})
        assert await client.complete(path, MAIN.count("\n"), 7) == []


async def test_a_client_that_refuses_what_it_is_asked(home: Home, workspace: Path):
    """Requests from the server get errors or nonsense for answers; the server goes on."""
    path = workspace / "main.py"
    async with RefusingClient(home.environment) as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        assert await client.complete(path, MAIN.count("\n"), 7)
        assert client.n_refused >= 4


class RefusingClient(LspClient):
    n_refused = 0

    def _receive_request(self, message) -> None:
        self.n_refused += 1
        answers = [{"error": {"code": -32601, "message": "no"}}, {"result": 5}, {"result": None}]
        answer = {"jsonrpc": "2.0", "id": message["id"], **answers[self.n_refused % 3]}
        self.send(answer)
        self.send(answer)


async def test_the_wire_is_safe_from_what_libraries_print(home: Home, workspace: Path):
    """`print` in the server process goes to stderr, as does what native code writes to file descriptor 1."""
    code = (
        "import os, runpy; from lsp_server import wire; take = wire.take_stdio\n"
        "def noisy():\n"
        "    pipes = take(); print('printed', flush=True); os.write(1, b'native'); return pipes\n"
        "wire.take_stdio = noisy; runpy.run_module('lsp_server', run_name='__main__')"
    )
    async with home.client(command=(sys.executable, "-c", code)) as client:
        await client.initialize(workspace)
        await client.leave()
    assert b"printed\nnative" in client.stderr


async def test_odd_folders_and_files(home: Home, tmp_path: Path):
    """A folder that does not exist, URIs that are no paths, a document without a file."""
    folders = [
        {"uri": uri_of(tmp_path / "missing"), "name": "missing"},
        {"uri": "untitled:thing", "name": ""},
        {"uri": "file:///%00", "name": ""},
        {"uri": "\ud800", "name": "\udfff"},
    ]
    async with home.client() as client:
        await client.initialize(workspaceFolders=folders, rootUri=None)
        for uri in (
            "untitled:Untitled-1",
            "file:///%00.py",
            "vscode-notebook-cell:/a#b",
            "",
            "\ud800",
            "file://\udfff/x",
        ):
            document = {"uri": uri, "languageId": "python", "version": 1, "text": "def f():\n    ret"}
            client.notify("textDocument/didOpen", {"textDocument": document})
            params = {"textDocument": {"uri": uri}, "position": {"line": 1, "character": 7}}
            answer = await client.request("textDocument/inlineCompletion", params)
            assert answer is None or answer["items"]
            client.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
            client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
