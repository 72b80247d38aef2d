"""Notebooks through a real server: cells in order are one file for completion and for the index."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.client import ASK_THE_MODEL, LspClient, position, uri_of
from tests.e2e.conftest import PRICES, Home

CELLS = [
    "from shop.prices import with_tax\n\nrate = 0.07",
    "def gross(price):\n    return with_tax(price, rate)",
]
RANGE = {"start": position(5, 8), "end": position(5, 8)}  # inside of with_tax


class OpenNotebook:
    """A notebook as an editor shows it."""

    def __init__(self, client: LspClient, path: Path, cells: list[str]) -> None:
        self.client, self.path = client, path
        self.cells = [self.cell(number) for number in range(len(cells))]
        self.send("didOpen", cells=cells)

    def cell(self, number: int) -> str:
        return f"vscode-notebook-cell://{self.path.as_posix()}#C{number}"

    def document(self, number: int, text: str) -> dict[str, object]:
        return {"uri": self.cell(number), "languageId": "python", "version": 1, "text": text}

    def send(self, method: str, **params) -> None:
        identity = {"uri": uri_of(self.path)}
        if method == "didOpen":
            listed = [{"kind": 2, "document": cell} for cell in self.cells]
            notebook = {**identity, "notebookType": "jupyter-notebook", "version": 1, "cells": listed}
            texts = [self.document(number, text) for number, text in enumerate(params["cells"])]
            params = {"notebookDocument": notebook, "cellTextDocuments": texts}
        elif method == "didChange":
            params = {"notebookDocument": {**identity, "version": 2}, "change": {"cells": params}}
        else:
            closed = [{"uri": cell} for cell in self.cells] if method == "didClose" else None
            params = {"notebookDocument": identity, **({"cellTextDocuments": closed} if closed else {})}
        self.client.notify(f"notebookDocument/{method}", params)

    async def complete(self, number: int, line: int, character: int) -> None:
        place = {"textDocument": {"uri": self.cell(number)}, "position": position(line, character)}
        await self.client.request("textDocument/inlineCompletion", {**place, "context": {"triggerKind": 1}})


async def callers(client: LspClient, path: Path) -> str:
    answer = await client.command("edgewise.explain", {"uri": uri_of(path), "range": RANGE})
    return answer["value"]


async def test_cells_are_overlaid_changed_and_forgotten(home: Home, workspace: Path):
    async with home.client() as client:
        answer = await client.initialize(workspace)
        assert answer["capabilities"]["notebookDocumentSync"]["notebookSelector"]
        await client.notified("edgewise/status", lambda status: status["index"]["ready"])
        prices = workspace / "shop" / "prices.py"
        await client.open(prices, PRICES)
        notebook = OpenNotebook(client, workspace / "calc.ipynb", CELLS)
        assert "calc.ipynb" in await callers(client, prices)
        end = position(1, 33)
        edit = {"range": {"start": position(1, 11), "end": end}, "text": "price"}
        document = {"uri": notebook.cell(1), "version": 2}
        notebook.send("didChange", textContent=[{"document": document, "changes": [edit]}])
        assert "calc.ipynb" not in await callers(client, prices)
        added = {"kind": 2, "document": notebook.cell(2)}
        array = {"start": 2, "deleteCount": 0, "cells": [added]}
        opened = [notebook.document(2, "print(with_tax(2.0))")]
        notebook.send("didChange", structure={"array": array, "didOpen": opened})
        assert "calc.ipynb" in await callers(client, prices)
        notebook.send("didSave")
        notebook.send("didClose")
        assert "calc.ipynb" not in await callers(client, prices)
        assert not (workspace / "calc.ipynb").exists()


async def test_a_cell_is_completed_after_the_cells_before_it(home: Home, workspace: Path):
    """The prompt of the same empty cell is longer when there are cells before it."""
    async with home.client(settings={"completion": ASK_THE_MODEL}) as client:
        await client.initialize(workspace)
        await client.ready()
        n_tokens = []
        for name, cells in (("alone", ["x = "]), ("last", [*CELLS * 3, "x = "])):
            notebook = OpenNotebook(client, workspace / f"{name}.ipynb", cells)
            await notebook.complete(len(cells) - 1, 0, 4)
            fields = (await client.traces())[-1]["fields"]
            n_tokens.append(fields["n_prompt"])
        assert n_tokens[1] > n_tokens[0] + 50


async def test_what_no_editor_should_send_changes_nothing(home: Home, workspace: Path):
    async with home.client() as client:
        await client.initialize(workspace)
        unknown = {"notebookDocument": {"uri": "file:///nowhere.ipynb", "version": 1}, "change": {}}
        client.notify("notebookDocument/didChange", unknown)
        client.notify("notebookDocument/didClose", {"notebookDocument": 3})
        client.notify(
            "notebookDocument/didClose",
            {"notebookDocument": {"uri": "x"}, "cellTextDocuments": [{"uri": "y"}]},
        )
        assert await client.command("edgewise.status")
