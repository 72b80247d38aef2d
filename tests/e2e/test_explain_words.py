"""`edgewise.explain` with an instruct model: words after the facts, streamed through its own chat template.

The model has random weights, so what it says is noise; the road that the words take is the real one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.client import LspError, uri_of
from tests.e2e.conftest import BUILTIN, Home
from tests.e2e.test_explain import RANGE, open_prices
from tests.model.factory import write_gguf

TEMPLATE = "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}</s>{% endfor %}<s>assistant:"
N_CTX = 4096


@pytest.fixture(scope="module")
def instruct_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "talker-instruct.gguf"
    return write_gguf(path, n_ctx=N_CTX, metadata={"tokenizer.chat_template": TEMPLATE})


@pytest.fixture(scope="module")
def long_talker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Large enough that 3,000 words take seconds, and never at an end before them."""
    path = tmp_path_factory.mktemp("models") / "long-talker-instruct.gguf"
    metadata = {"tokenizer.chat_template": TEMPLATE}
    return write_gguf(path, n_layer=16, n_embd=256, n_ctx=N_CTX, metadata=metadata, never_ends=True)


def settings_for(model: Path | str, max_tokens: int = 40) -> dict[str, object]:
    return {"explain": {"model": str(model), "max_tokens": max_tokens}}


async def test_words_follow_the_facts_as_they_come(own_home: Home, workspace: Path, instruct_model: Path):
    async with own_home.client(settings=settings_for(instruct_model)) as client:
        path = await open_prices(client, workspace)
        argument = {"uri": uri_of(path), "range": RANGE, "partialResultToken": "part"}
        answer = await client.command("edgewise.explain", argument)
        facts, _, words = answer["value"].partition("\n---\n\n")
        assert "with_tax" in facts
        assert "no instruct model" not in facts
        assert words.strip()
        assert "There are no more words" not in words
        progress = [params for method, params in client.notifications if method == "$/progress"]
        parts = [params["value"]["value"] for params in progress if params["token"] == "part"]
        assert "".join(parts) == answer["value"]
        assert len(parts) > 3, "the words come one by one, not at the end"


async def test_a_long_answer_is_cancelled(own_home: Home, workspace: Path, long_talker: Path):
    async with own_home.client(settings=settings_for(long_talker, max_tokens=3000)) as client:
        path = await open_prices(client, workspace)
        argument = {"uri": uri_of(path), "range": RANGE, "partialResultToken": "part"}
        call = client.start(
            "workspace/executeCommand", {"command": "edgewise.explain", "arguments": [argument]}
        )

        def is_in_the_words() -> bool:
            parts = [params for method, params in client.notifications if method == "$/progress"]
            return sum(params["token"] == "part" for params in parts) > 4

        await client.notified("$/progress", lambda params: is_in_the_words())
        client.cancel(call)
        with pytest.raises(LspError) as caught:
            await call.result()
        assert caught.value.code == -32800
        assert await client.command("edgewise.status")


async def test_a_model_that_cannot_talk_is_named(own_home: Home, workspace: Path):
    async with own_home.client(settings=settings_for(BUILTIN)) as client:
        path = await open_prices(client, workspace)
        answer = await client.command("edgewise.explain", {"uri": uri_of(path), "range": RANGE})
        assert "with_tax" in answer["value"]
        assert "has no chat template" in answer["value"]
        assert "explain.model" in answer["value"]
