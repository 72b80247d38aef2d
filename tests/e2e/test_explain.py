"""`edgewise.explain` as code action and command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.client import LspClient, LspError, position, uri_of
from tests.e2e.conftest import PRICES, Home

RANGE = {"start": position(5, 8), "end": position(5, 8)}  # inside of with_tax


async def open_prices(client: LspClient, workspace: Path) -> Path:
    path = workspace / "shop" / "prices.py"
    await client.initialize(workspace)
    await client.open(path, PRICES)
    return path


async def code_actions(client: LspClient, path: Path, range_=RANGE, **context):
    params = {
        "textDocument": {"uri": uri_of(path)},
        "range": range_,
        "context": {"diagnostics": [], **context},
    }
    return await client.request("textDocument/codeAction", params)


async def test_from_the_code_action_to_the_facts(home: Home, workspace: Path):
    async with home.client() as client:
        path = await open_prices(client, workspace)
        await client.notified("edgewise/status", lambda status: status["index"]["ready"])
        action = (await code_actions(client, path))[0]
        assert action["kind"] == "edgewise.explain"
        command = action["command"]
        answer = await client.command(command["command"], *command["arguments"])
        assert answer["kind"] == "markdown"
        for fact in ("with_tax", "price", "ValueError", "total", "explain.model"):
            assert fact in answer["value"]
        [shown] = client.take_shown()  # a client that runs actions only would throw the answer away
        assert "with_tax" in shown


async def test_the_answer_is_streamed_under_the_clients_tokens(home: Home, workspace: Path):
    async with home.client() as client:
        path = await open_prices(client, workspace)
        argument = {"uri": uri_of(path), "range": RANGE, "partialResultToken": "part"}
        answer = await client.command("edgewise.explain", argument, workDoneToken="work")
        progress = [params for method, params in client.notifications if method == "$/progress"]
        parts = [params["value"]["value"] for params in progress if params["token"] == "part"]
        assert "".join(parts) == answer["value"]
        work = [params["value"]["kind"] for params in progress if params["token"] == "work"]
        assert work == ["begin", "end"]


@pytest.mark.parametrize("cancel", ["request", "progress"])
async def test_it_can_be_cancelled(home: Home, workspace: Path, cancel):
    """Right behind the request, before it can have come to an end."""
    async with home.client() as client:
        path = await open_prices(client, workspace)
        arguments = [{"uri": uri_of(path), "range": RANGE}]
        params = {"command": "edgewise.explain", "arguments": arguments, "workDoneToken": 7}
        call = client.start("workspace/executeCommand", params)
        if cancel == "request":
            client.cancel(call)
        else:
            await client.notified("$/progress", lambda params: params["token"] == 7)
            client.notify("window/workDoneProgress/cancel", {"token": 7})
        try:
            await call.result()
        except LspError as error:
            assert error.code == -32800
        else:
            assert cancel == "progress", "the facts may be there before the cancellation is"
        assert await client.command("edgewise.explain", *arguments)


async def test_where_there_is_nothing_to_explain(home: Home, workspace: Path):
    async with home.client() as client:
        path = await open_prices(client, workspace)
        outside = {"start": position(999, 0), "end": position(999, 0)}
        assert await code_actions(client, path, outside) == []
        assert await code_actions(client, workspace / "closed.py") == []
        assert await code_actions(client, path, only=["quickfix"]) == []
        assert len(await code_actions(client, path, only=["edgewise"], triggerKind=77)) == 2
        assert len(await code_actions(client, path, only=[""], diagnostics=[{"no": "diagnostic"}])) == 2
        for argument in (None, {}, {"uri": uri_of(path)}, {"uri": 5, "range": RANGE}):
            with pytest.raises(LspError) as caught:
                await client.command("edgewise.explain", *([argument] if argument is not None else []))
            assert caught.value.code == -32602
        for range_ in (outside, {"start": 1}, {"start": position(-1, 0), "end": position(0, 0)}):
            with pytest.raises(LspError) as caught:
                await client.command("edgewise.explain", {"uri": uri_of(path), "range": range_})
            assert caught.value.code == -32602
        answer = await client.command("edgewise.explain", {"uri": uri_of(path), "position": position(11, 6)})
        assert "total" in answer["value"]
