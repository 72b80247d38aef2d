"""`edgewise.document`, `tests` and `fix` as commands and code actions, in each kind of client, with the real
server and the built-in model."""

from __future__ import annotations

import ast
import copy
import stat
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from tests.e2e.client import CAPABILITIES, LspClient, LspError, position, uri_of
from tests.e2e.conftest import PRICES, Home
from tests.e2e.test_explain import code_actions, open_prices
from tests.e2e.test_explain_words import instruct_model, settings_for
from tests.model.reciter import write_reciter

__all__ = ["instruct_model"]  # the fixture

TOTAL = {"start": position(11, 6), "end": position(11, 6)}  # inside of total
GO = "package a\r\n\r\nfunc (c *Cart) ReadAll(path string) error {\r\n\treturn c.read(path)\r\n}\r\n"
DIAGNOSTIC = {"message": "undefined name", "range": TOTAL, "severity": 1, "source": "pyflakes", "data": {}}


def capabilities(**parts: object) -> dict[str, object]:
    """Those of the plain client, and more."""
    merged = copy.deepcopy(CAPABILITIES)
    for name, values in parts.items():
        merged.setdefault(name, {}).update(values)
    return merged


RESOLVES = capabilities(
    textDocument={"codeAction": {"dataSupport": True, "resolveSupport": {"properties": ["edit"]}}}
)
SHOWS = capabilities(window={"showDocument": {"support": True}})
VSCODE = capabilities(
    general={"markdown": {"parser": "marked"}},
    textDocument=RESOLVES["textDocument"],
    window=SHOWS["window"],
)


def apply(text: str, edits: list[dict]) -> str:
    """Of a text without astral characters."""
    [edit] = edits
    lines = text.splitlines(keepends=True)

    def offset(place: dict) -> int:
        return sum(map(len, lines[: place["line"]])) + place["character"]

    start, end = (offset(edit["range"][name]) for name in ("start", "end"))
    return text[:start] + edit["newText"] + text[end:]


async def document(client: LspClient, path: Path, *arguments) -> dict:
    arguments = arguments or ({"uri": uri_of(path), "range": TOTAL},)
    return await client.command("edgewise.document", *arguments)


async def test_documented_python_parses_and_says_the_same(home: Home, workspace: Path):
    """Whatever the built-in model makes of it."""
    async with home.client() as client:
        path = await open_prices(client, workspace)
        await client.ready()
        answer = await document(client, path)
        after = apply(PRICES, answer["edits"])
        function = ast.parse(after).body[-1]
        assert isinstance(function, ast.FunctionDef)
        assert ast.get_docstring(function)
        del function.body[0]
        assert ast.dump(ast.parse(PRICES)) == ast.dump(
            ast.Module([*ast.parse(after).body[:-1], function], [])
        )
        assert answer["edit"]["changes"] == {uri_of(path): answer["edits"]}
        assert answer["summary"] in ("good", "empty", "too-long", "code-like", "repeated", "unrelated")
        assert "(shop/prices.py:11)" in answer["note"]
        assert path.read_text() == PRICES, "the editor applies it, not the server"


async def test_documented_go_with_windows_line_ends(home: Home, workspace: Path):
    async with home.client() as client:
        path = workspace / "cart.go"
        await client.initialize(workspace)
        await client.open(path, GO, "go")
        await client.ready()
        answer = await document(client, path, uri_of(path), {"start": position(3, 4), "end": position(3, 4)})
        after = apply(GO, answer["edits"])
        lines = after.split("\r\n")
        assert lines[2].startswith("// ReadAll ")
        assert lines[3:] == GO.split("\r\n")[2:]
        assert "\n" not in after.replace("\r\n", "")


async def test_without_a_model_the_name_speaks(own_home: Home, workspace: Path):
    async with own_home.client(settings={"model": {"name": "no-such-model"}}) as client:
        path = await open_prices(client, workspace)
        answer = await document(client, path)
        assert answer["summary"] == "model-unavailable"
        assert '"""Total.' in apply(PRICES, answer["edits"])
        assert client.take_shown(), "that the model is missing is said once"


@pytest.mark.parametrize("command", ["tests", "fix"])
async def test_what_needs_an_instruct_model_says_so(home: Home, workspace: Path, command: str):
    async with home.client() as client:
        path = await open_prices(client, workspace)
        argument = {"uri": uri_of(path), "range": TOTAL, "diagnostics": [DIAGNOSTIC, 5, {"message": 1}]}
        answer = await client.command(f"edgewise.{command}", argument)
        assert "edgewise.explain.model" in answer["sentence"]
        assert answer["message"] == answer["sentence"]


async def test_an_instruct_model_writes_and_is_heard(own_home: Home, workspace: Path, instruct_model: Path):
    """Noise, since its weights are random; it comes piece by piece, and can be cancelled."""
    async with own_home.client(settings=settings_for(instruct_model)) as client:
        path = await open_prices(client, workspace)
        (workspace / "conftest.py").write_text("")
        for command, diagnostics in (("tests", []), ("fix", [DIAGNOSTIC])):
            token = f"part of {command}"
            argument = {"uri": uri_of(path), "range": TOTAL, "diagnostics": diagnostics}
            answer = await client.command(f"edgewise.{command}", {**argument, "partialResultToken": token})
            progress = [params for method, params in client.notifications if method == "$/progress"]
            parts = [params["value"]["value"] for params in progress if params["token"] == token]
            assert "".join(parts) == answer["value"]
            assert len(parts) > 3
            assert "(shop/prices.py#L1" in answer["value"]
            params = {"command": f"edgewise.{command}", "arguments": [argument]}
            call = client.start("workspace/executeCommand", params)
            client.cancel(call)
            with pytest.raises(LspError) as caught:
                await call.result()
            assert caught.value.code == -32800


async def test_a_good_answer_is_a_fix(own_home: Home, workspace: Path, tmp_path: Path):
    """Of a model that says the corrected function: what replaces the old one, with the place's line ends."""
    after = "def total(prices: list[float]) -> float:\n    return sum(map(with_tax, prices))\n"
    model = write_reciter(
        tmp_path / "reciter-instruct.gguf", f"The name was wrong.\n\n```python\n{after}```\n"
    )
    async with own_home.client(settings=settings_for(model)) as client:
        path = await open_prices(client, workspace)
        argument = {"uri": uri_of(path), "range": TOTAL, "diagnostics": [DIAGNOSTIC]}
        answer = await client.command("edgewise.fix", argument)
        before = PRICES[PRICES.index("def total") :]
        assert apply(PRICES, answer["edits"]) == PRICES.replace(before, after)
        assert path.read_text() == PRICES


async def test_a_text_that_has_changed_meanwhile(home: Home, workspace: Path):
    """The edit comes right behind the request; a proposal for the older text would land elsewhere."""
    async with home.client() as client:
        path = await open_prices(client, workspace)
        await client.ready()
        argument = {"uri": uri_of(path), "range": TOTAL}
        call = client.start(
            "workspace/executeCommand", {"command": "edgewise.document", "arguments": [argument]}
        )
        await client.edit(path, (0, 0), (0, 0), "# first\n")
        assert "ask again" in (await call.result())["sentence"]


@pytest.mark.parametrize("command", ["edgewise.document", "edgewise.tests", "edgewise.fix"])
async def test_what_is_no_place(home: Home, workspace: Path, command: str):
    async with home.client() as client:
        path = await open_prices(client, workspace)
        outside = {"start": position(99, 0), "end": position(99, 0)}
        for arguments in (
            [],
            [5],
            [uri_of(path)],
            [{"uri": uri_of(path), "range": outside}],
            ["file:///no", TOTAL],
        ):
            with pytest.raises(LspError) as caught:
                await client.command(command, *arguments)
            assert caught.value.code == -32602


# --- code actions -------------------------------------------------------------------------------------------


def titles(actions: list[dict]) -> list[str]:
    return [action["title"] for action in actions]


async def test_a_client_that_resolves_edits_gets_edits(own_home: Home, workspace: Path):
    async with own_home.client(capabilities=RESOLVES) as client:
        path = await open_prices(client, workspace)
        await client.ready()
        explain, offered = await code_actions(client, path, TOTAL)
        assert "command" not in offered
        resolved = await client.request("codeAction/resolve", offered)
        after = apply(PRICES, resolved["edit"]["changes"][uri_of(path)])
        assert ast.get_docstring(ast.parse(after).body[-1])
        assert await client.request("codeAction/resolve", explain) == explain
        [_, offered] = await code_actions(client, path)  # with_tax, which is documented
        assert "edit" not in await client.request("codeAction/resolve", offered)
        [sentence] = client.take_shown()
        assert sentence == "edgewise: `with_tax` (shop/prices.py:4) is documented already."


@pytest.mark.parametrize("client_capabilities", [CAPABILITIES, SHOWS], ids=["message", "document"])
async def test_a_client_that_throws_answers_away_shows_them(
    own_home: Home, workspace: Path, client_capabilities: dict
):
    async with own_home.client(capabilities=client_capabilities) as client:
        path = await open_prices(client, workspace)
        await client.ready()
        for action in await code_actions(client, path, TOTAL):
            command = action["command"]
            await client.command(command["command"], *command["arguments"])
        if client_capabilities is CAPABILITIES:
            explanation, documentation = client.take_shown()
            assert explanation.startswith("edgewise: `total`")
            assert len(explanation) < 400
            assert "`total` (shop/prices.py:11)" in documentation
            return
        await client.until(lambda: len(client.opened) == 2)
        explanation, documentation = (Path(unquote(urlparse(uri).path)) for uri in client.opened)
        assert explanation.is_relative_to(own_home.folder / "cache" / "answers")
        assert stat.S_IMODE(explanation.stat().st_mode) == 0o600
        assert "# `total`" in explanation.read_text()
        assert '"""' in documentation.read_text()
        assert client.shown == []


async def test_our_own_editors_are_left_alone(own_home: Home, workspace: Path):
    """VS Code runs the command itself, with or without a token; Neovim's plugin gives one."""
    async with own_home.client(capabilities=VSCODE) as client:
        path = await open_prices(client, workspace)
        for action in await code_actions(client, path, TOTAL):
            command = action["command"]
            assert await client.command(command["command"], *command["arguments"])
    async with own_home.client(capabilities=SHOWS) as client:
        path = await open_prices(client, workspace)
        for action in await code_actions(client, path, TOTAL):
            [argument] = action["command"]["arguments"]
            argument = {**argument, "partialResultToken": "ours"}
            assert await client.command(action["command"]["command"], argument)
        assert client.opened == []


async def test_what_needs_a_model_is_offered_with_one(own_home: Home, workspace: Path, instruct_model: Path):
    disabled = capabilities(textDocument={"codeAction": {"disabledSupport": True}})
    wrong = {"diagnostics": [DIAGNOSTIC, {"no": "diagnostic"}]}
    async with own_home.client(capabilities=disabled) as client:
        path = await open_prices(client, workspace)
        actions = await code_actions(client, path, TOTAL, **wrong)
        reasons = [action["disabled"]["reason"] for action in actions if "disabled" in action]
        assert reasons == ["Needs an instruct model: set edgewise.explain.model."] * 2
    async with own_home.client(settings=settings_for(instruct_model)) as client:
        path = await open_prices(client, workspace)
        await client.notified("edgewise/status")
        assert len(await code_actions(client, path, TOTAL)) == 3
        [fix] = await code_actions(client, path, TOTAL, only=["quickfix"], **wrong)
        assert fix["command"]["arguments"][0]["diagnostics"][0]["message"] == "undefined name"


async def test_verdicts_are_counted(home: Home, workspace: Path):
    async with home.client() as client:
        await client.initialize(workspace)
        for name, completion_id in (
            ("accepted", "a"),
            ("rejected", "b"),
            ("rejected", "b"),
            ("rejected", "a"),
        ):
            assert await client.command(f"edgewise.{name}", completion_id) is None
        status, stats = await client.command("edgewise.status"), await client.command("edgewise.stats")
        assert (status["accepted"], status["rejected"]) == (1, 1)
        assert (stats["n_accepted"], stats["n_rejected"]) == (1, 1)


async def test_no_suggestion_is_an_empty_list(home: Home, workspace: Path):
    """`null` would have a client keep what it shows."""
    async with home.client() as client:
        path = await open_prices(client, workspace)
        call = client.start_completion(path, 5, 6)  # inside of a word
        assert await call.result() == {"items": []}
