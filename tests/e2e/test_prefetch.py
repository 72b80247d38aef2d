"""Work that begins before the editor asks, through the real server and the model that ships; and what is told
of it afterwards."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.client import ASK_THE_MODEL, LspClient, LspError, position, uri_of
from tests.e2e.conftest import MAIN, Home

LAST_LINE = MAIN.count("\n")
SLOW = {"completion": {**ASK_THE_MODEL, "timeout_ms": 60_000}}


async def type_char(client: LspClient, path: Path, character: int, text: str) -> None:
    place = (LAST_LINE, character)
    await client.edit(path, place, place, text)


async def fields(client: LspClient) -> dict:
    return (await client.traces())[-1]["fields"]


async def test_a_keystroke_begins_what_the_request_asks_for(home: Home, workspace: Path):
    path = workspace / "main.py"
    async with home.client(settings=SLOW) as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        await client.ready()
        await type_char(client, path, 7, "u")
        [item] = await client.complete(path, LAST_LINE, 8)
        assert item["insertText"].startswith("retu")
        seen = await fields(client)
        assert seen["is_attached"] is True
        assert seen["lead_ms"] >= 0


async def test_a_suggestion_stays_while_it_is_typed_and_deleted(home: Home, workspace: Path):
    path = workspace / "main.py"
    async with home.client(settings=SLOW) as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        await client.ready()
        [item] = await client.complete(path, LAST_LINE, 7)
        text = item["insertText"]
        for column in range(7, min(len(text), 10)):
            await type_char(client, path, column, text[column - 4 : column - 3])
        for column in (9, 8):
            await client.edit(path, (LAST_LINE, column), (LAST_LINE, column + 1), "")
            [again] = await client.complete(path, LAST_LINE, column)
            assert again["insertText"] == text
            assert again["range"]["start"] == position(LAST_LINE, 4)
            assert (await fields(client))["is_cached"] is True


async def test_a_cancelled_request_leaves_its_work_to_the_next(home: Home, workspace: Path):
    path = workspace / "main.py"
    async with home.client(settings=SLOW) as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        await client.ready()
        [host] = home.hosts()
        host.send_signal(signal.SIGSTOP)
        call = client.start_completion(path, LAST_LINE, 7)
        await client.command("edgewise.status")
        client.cancel(call)
        with pytest.raises(LspError):
            await call.result()
        again = client.start_completion(path, LAST_LINE, 7)
        await client.command("edgewise.status")
        host.send_signal(signal.SIGCONT)
        assert (await again.result())["items"]
        assert (await fields(client))["is_attached"] is True


async def test_a_flood_is_answered_and_the_newest_is_served(home: Home, workspace: Path):
    """A client that asks hundreds of times at once, each time elsewhere."""
    path = workspace / "main.py"
    async with home.client(settings=SLOW) as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        await client.ready()
        calls = []
        for number in range(400):
            await type_char(client, path, 7 + number, "(" if number < 399 else " ")
            calls.append(client.start_completion(path, LAST_LINE, 8 + number))
        answers = [await call.result() for call in calls]
        assert answers[:-1].count(None) >= 300
        outcome = (await fields(client))["outcome"]
        assert outcome not in ("superseded", "cancelled", "internal-error", "timed-out")


async def test_a_cursor_that_was_put_somewhere_is_no_trouble(home: Home, workspace: Path):
    path = workspace / "main.py"
    async with home.client() as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        await client.ready()
        good = {"textDocument": {"uri": uri_of(path)}, "position": position(LAST_LINE, 7)}
        bad = (None, [], {}, {"textDocument": {"uri": 1}}, {**good, "position": position(10**6, 0)})
        for params in (good, *bad, {**good, "position": {"line": -1, "character": 0}}):
            client.notify("edgewise/cursorMoved", params)
        assert len(await client.complete(path, LAST_LINE, 7)) == 1


async def test_stats_count_what_was_prepared_at_rest(home: Home, workspace: Path):
    path = workspace / "main.py"
    async with home.client(settings=SLOW) as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        await client.ready()
        client.notify(
            "edgewise/cursorMoved",
            {"textDocument": {"uri": uri_of(path)}, "position": position(LAST_LINE, 7)},
        )
        while not (stats := await client.command("edgewise.stats"))["n_prepared"]:
            assert stats["n_requests"] == 0
        [item] = await client.complete(path, LAST_LINE, 7)
        assert item["insertText"]
        assert (await fields(client))["n_evaluated"] <= 4


async def test_why_and_stats_tell_of_it_here_and_elsewhere(own_home: Home, workspace: Path):
    path = workspace / "main.py"
    async with own_home.client(settings=SLOW) as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        await client.ready()
        [item] = await client.complete(path, LAST_LINE, 7)
        await client.command(item["command"]["command"], *item["command"]["arguments"])
        sentences = (await client.command("edgewise.why"))["sentences"]
        assert sentences[0] == "A suggestion was offered to the editor."
        stats = await client.command("edgewise.stats")
        assert (stats["n_requests"], stats["n_suggestions"], stats["n_accepted"]) == (1, 1, 1)
        assert "| \u2003accepted " in stats["markdown"]
    assert run(own_home, "why").splitlines() == sentences
    elsewhere = json.loads(run(own_home, "stats", "--json"))
    assert (elsewhere["n_requests"], elsewhere["n_accepted"]) == (1, 1)
    page = own_home.folder / "stats.html"
    run(own_home, "stats", "--html", str(page))
    assert "<svg" in page.read_text()
    [journal] = (own_home.folder / "cache" / "traces").iterdir()
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    assert "cheapest" not in journal.read_text(), "no code"


def run(home: Home, *arguments: str) -> str:
    code = "from lsp_server.cli import main; main()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, env=home.environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout
