"""Inline completion through the real server and the model that ships."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from lsp_server.status import NO_FIM_NOTE
from tests.e2e.client import AUTOMATIC, CAPABILITIES, INVOKED, LspClient, LspError, position, uri_of
from tests.e2e.conftest import MAIN, Home

LAST_LINE = MAIN.count("\n")
# Not how soon is asked here: a host that still starts on a busy machine takes seconds.
SLOW = {"completion": {"timeout_ms": 60_000, "t_max_predict_ms": 60_000}}
PATIENT = {"completion": {**SLOW["completion"], "search_deadline_ms": 5000}}


def with_encodings(*encodings: str) -> dict:
    return {**CAPABILITIES, "general": {"positionEncodings": list(encodings)}}


def applied(text: str, item: dict, encoding: str = "utf-16") -> str:
    """The document after an editor took the item; counts in code units of the wire, as an editor does."""
    lines = text.replace("\r\n", "\n").split("\n")
    start, end = item["range"]["start"], item["range"]["end"]
    assert start["line"] == end["line"], "the range of an item stays on its line"
    width = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    codec = encoding if encoding == "utf-8" else f"{encoding}-le"
    line = lines[start["line"]].encode(codec)
    before, after = line[: start["character"] * width], line[end["character"] * width :]
    lines[start["line"]] = before.decode(codec) + item["insertText"] + after.decode(codec)
    return "\n".join(lines)


async def test_a_real_model_answers(home: Home, workspace: Path):
    path = workspace / "main.py"
    async with home.client(settings=SLOW) as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        [item] = await client.complete(path, LAST_LINE, 7)
        assert item["range"] == {"start": position(LAST_LINE, 4), "end": position(LAST_LINE, 7)}
        assert item["insertText"].startswith("ret")
        assert len(item["insertText"]) > len("ret")
        assert item["command"]["command"] == "edgewise.accepted"
        status = await client.ready()
        assert (status["engine"], status["note"]) == ("llama_cpp", NO_FIM_NOTE)
        assert "workspace/executeCommand" not in [method for method, _ in client.notifications]


async def test_what_was_accepted_is_counted_once(home: Home, workspace: Path):
    path = workspace / "main.py"
    async with home.client(settings=SLOW) as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        [item] = await client.complete(path, LAST_LINE, 7)
        for _ in range(2):
            assert await client.command(item["command"]["command"], *item["command"]["arguments"]) is None
        status = await client.command("edgewise.status")
        assert status["accepted"] == 1
        assert 256 <= status["prompt_tokens"] <= 4096
        assert {"prompt_per_s", "resident_mb", "is_contended"} <= status["pace"].keys()


async def test_any_trigger_kind_is_answered(home: Home, workspace: Path):
    path = workspace / "main.py"
    async with home.client(settings=SLOW) as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        for trigger in (0, AUTOMATIC, INVOKED, 99, None, "2"):
            items = await client.complete(path, LAST_LINE, 7, trigger)
            assert items if trigger == INVOKED else len(items) == 1
            trace = (await client.traces())[-1]
            assert trace["fields"]["trigger"] == ("invoked" if trigger == INVOKED else "automatic")


async def test_who_asks_by_hand_gets_alternatives_that_count_as_one(home: Home, workspace: Path):
    """Of the real model and of another file; the same ones when asked again."""
    path = workspace / "main.py"
    (workspace / "other.py").write_text("total = compute(first, second)\ntotal = compute(third)\n")
    text = MAIN + "\ntotal = compute("
    line = text.count("\n")
    async with home.client(settings=SLOW) as client:
        await client.initialize(workspace)
        await client.open(path, text)
        await client.notified("edgewise/status", lambda status: status["index"]["ready"])
        texts: list[str] = []
        while (
            "total = compute(first, second)" not in texts
        ):  # the other file is read behind the first request
            items = await client.complete(path, line, 16, INVOKED)
            texts = [item["insertText"] for item in items]
        assert "total = compute(third)" in texts
        assert 2 < len(texts) == len(set(texts))
        again = await client.complete(path, line, 16, INVOKED)
        assert [item["insertText"] for item in again] == texts
        for item in (items[2], again[0]):
            await client.command(item["command"]["command"], *item["command"]["arguments"])
        assert (await client.command("edgewise.status"))["accepted"] == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_positions_of_every_encoding(home: Home, workspace: Path, encoding):
    async with home.client(settings=SLOW, capabilities=with_encodings(encoding, "utf-16")) as client:
        answer = await client.initialize(workspace)
        assert answer["capabilities"]["positionEncoding"] == encoding
        for line_end in ("\n", "\r\n"):
            await type_after_astral_characters(client, workspace / f"{line_end!r}.py", encoding, line_end)


async def type_after_astral_characters(client: LspClient, path: Path, encoding: str, line_end: str) -> None:
    """One change for each character."""
    text = f'NAME = "\U0001f600 €"{line_end}{line_end}\x0cdef add(a, b):{line_end}    """\U0001f600""";'
    typed = " ret"
    width = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    codec = encoding if encoding == "utf-8" else f"{encoding}-le"
    column = len(text.split(line_end)[-1].encode(codec)) // width
    await client.open(path, text)
    for index, char in enumerate(typed):
        place = (3, column + index)
        await client.edit(path, place, place, char)
    item, *_ = await client.complete(path, 3, column + len(typed), INVOKED)  # and alternatives
    result = applied(text + typed, item, encoding)
    assert result.startswith((text + typed).replace("\r\n", "\n"))
    assert ("\r\n" in item["insertText"]) == (line_end == "\r\n" and "\n" in item["insertText"])


async def test_a_selected_entry_of_the_menu_is_kept(home: Home, workspace: Path):
    path = workspace / "main.py"
    text = "import os\n\n\ndef here():\n    return os.pat"
    entry = {"range": {"start": position(4, 14), "end": position(4, 17)}, "text": "path"}
    async with home.client(settings=SLOW) as client:
        await client.initialize(workspace)
        await client.open(path, text)
        items = await client.complete(path, 4, 17, AUTOMATIC, entry)
        assert all(item["insertText"].startswith("path") for item in items)
        assert all(item["range"] == entry["range"] for item in items)
        trace = (await client.traces())[-1]
        assert trace["fields"]["outcome"] != "internal-error"


async def test_places_where_there_is_nothing_to_say(home: Home, workspace: Path):
    path = workspace / "main.py"
    async with home.client(settings=SLOW) as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        assert await client.complete(path, LAST_LINE + 1, 0) == []
        assert await client.complete(path, 2**31 - 1, 2**31 - 1) == []
        assert await client.complete(workspace / "never opened.py", 0, 0) == []
        await client.close(path)
        assert await client.complete(path, LAST_LINE, 7) == []
        outcomes = [
            trace["fields"]["outcome"] for trace in (await client.command("edgewise.status"))["traces"]
        ]
        assert outcomes == ["bad-position", "bad-position", "not-open", "not-open"]


async def test_the_newest_request_of_a_document_wins(home: Home, workspace: Path):
    """With the host stopped nothing can be answered but what is superseded, and that at once."""
    path, other = workspace / "main.py", workspace / "shop" / "prices.py"
    async with home.client(settings=SLOW) as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        await client.open(other, "def f():\n    ret")
        await client.ready()
        [host] = home.hosts()
        host.send_signal(signal.SIGSTOP)
        elsewhere = client.start_completion(other, 1, 7)
        older = [client.start_completion(path, LAST_LINE, column, INVOKED) for column in (4, 5, 6)]
        newest = client.start_completion(path, LAST_LINE, 7)
        assert [await call.result() for call in older] == [None, None, None]
        assert not newest.answer.done()
        assert not elsewhere.answer.done()
        host.send_signal(signal.SIGCONT)
        assert (await newest.result())["items"]
        await elsewhere.result()
        outcomes = [
            trace["fields"]["outcome"] for trace in (await client.command("edgewise.status"))["traces"]
        ]
        assert outcomes[:3] == ["superseded"] * 3


async def test_a_cancelled_request_is_answered_at_once(home: Home, workspace: Path):
    path = workspace / "main.py"
    async with home.client(settings=SLOW) as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        await client.ready()
        [host] = home.hosts()
        host.send_signal(signal.SIGSTOP)
        call = client.start_completion(path, LAST_LINE, 7)
        client.cancel(call)
        with pytest.raises(LspError) as caught:
            await call.result()
        assert caught.value.code == -32800
        host.send_signal(signal.SIGCONT)
        assert len(await client.complete(path, LAST_LINE, 7)) == 1


async def test_a_request_sees_the_document_as_it_was_when_it_came(home: Home, workspace: Path):
    """The next change is in the pipe right behind the request."""
    path = workspace / "main.py"
    async with home.client(settings=SLOW) as client:
        await client.initialize(workspace)
        await client.open(path, MAIN)
        await client.ready()
        call = client.start_completion(path, LAST_LINE, 7)
        client.change(path, {"text": "nothing of this is left"})
        item = (await call.result())["items"][0]
        assert applied(MAIN, item).startswith(MAIN)


async def test_lines_from_imported_files_are_found(home: Home, workspace: Path):
    """Also those that were typed into another open document and not saved."""
    path, prices = workspace / "main.py", workspace / "shop" / "prices.py"
    async with home.client(settings=PATIENT) as client:
        await client.initialize(workspace)
        await client.notified("edgewise/status", lambda status: status["index"]["ready"])
        await client.open(prices, prices.read_text() + "\n\ndef discount(price: float) -> float: ...\n")
        await client.open(path, MAIN.replace("total, with_tax", "discount, total"))
        await client.complete(path, LAST_LINE, 7)
        trace = (await client.traces())[-1]
        assert trace["fields"]["n_snippets"] >= 1


async def test_folders_come_and_go(home: Home, workspace: Path, tmp_path: Path):
    second = tmp_path / "second"
    second.mkdir()
    (second / "lib.py").write_text("def shared(): ...\n")
    text = "from lib import shared\n\n\ndef use():\n    ret"
    folder = {"uri": uri_of(second), "name": "second"}
    async with home.client(settings=PATIENT) as client:
        await client.initialize(workspace)
        await client.open(second / "use.py", text)
        event = {"added": [folder], "removed": []}
        client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        await client.notified(
            "edgewise/status", lambda status: status["index"]["ready"] and status["index"]["files"] == 4
        )
        await client.complete(second / "use.py", 4, 7)
        trace = (await client.traces())[-1]
        assert trace["fields"]["n_snippets"] == 1
        event = {"added": [], "removed": [folder]}
        n_before = len(client.notifications)
        client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        await client.notified(
            "edgewise/status",
            lambda status: status["index"]["ready"] and status["index"]["files"] == 3,
            since=n_before,
        )
