"""What is shown of a text of which the model that ships is not sure, through the real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsp_server.completion.confidence import LEAST
from tests.e2e.client import AUTOMATIC, INVOKED, LspClient
from tests.e2e.conftest import Home

ALONE = {"timeout_ms": 60_000, "t_max_predict_ms": 60_000, "precedents": "never", "prefetch": False}
SURE = "def main():\n    pass\n\n\nif __name__ == "
SURE_OF_A_PART = "class Shop:\n    def __init__(self, prices):\n        sel"
UNSURE = "quota = 3\nzebra = "


async def shown_at(client: LspClient, path: Path, text: str, trigger: int = AUTOMATIC) -> str:
    """From the line's start on; "" where nothing is shown."""
    lines = text.split("\n")
    await client.open(path, text)
    items = await client.complete(path, len(lines) - 1, len(lines[-1]), trigger)
    await client.close(path)
    return str(items[0]["insertText"]) if items else ""


async def test_no_more_is_shown_than_the_model_is_sure_of(home: Home, workspace: Path) -> None:
    path = workspace / "shop.py"
    async with home.client(settings={"completion": ALONE}) as client:
        await client.initialize(workspace)
        assert await shown_at(client, path, SURE) == await shown_at(client, path, SURE, INVOKED) != ""

        part = await shown_at(client, path, SURE_OF_A_PART)
        assert part.startswith("self")
        whole = await shown_at(client, path, SURE_OF_A_PART, INVOKED)
        assert whole.startswith(part)
        assert len(whole) > len(part)

        assert await shown_at(client, path, UNSURE) == ""
        last = (await client.traces())[-1]["fields"]
        assert last["outcome"] == "unsure"
        assert 0 < last["model_likelihood"] < LEAST
        assert len(await shown_at(client, path, UNSURE, INVOKED)) > len("zebra = ")


@pytest.mark.parametrize("text", [SURE_OF_A_PART, UNSURE])
async def test_who_wants_all_sees_all(home: Home, workspace: Path, text: str) -> None:
    path = workspace / "shop.py"
    async with home.client(settings={"completion": {**ALONE, "confidence": "never"}}) as client:
        await client.initialize(workspace)
        shown = await shown_at(client, path, text)
        assert shown == await shown_at(client, path, text, INVOKED) != ""
        assert "model_likelihood" not in (await client.traces())[-1]["fields"]
